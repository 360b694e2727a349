//! The verdict on a process, and the notes that qualify it: nothing is called clean that was not
//! seen, or of which anything may be missing.

pub(crate) mod held;
pub(crate) mod losses;

use hackleak_image::layout::flags;
use hackleak_image::reader::Damage;
use hackleak_image::{Image, Shortage};

use crate::coverage::kinds;
use crate::incomplete::Incomplete;
use crate::model::{Frame, Leaks, Process, Site, State, Verdict};
use crate::numbers::{blocks, counted};
use crate::read::Selected;
use crate::render::label as label_of;
use crate::sum::{Sum, amount};
use crate::symbolise::Symbolised;

/// Why the record of a process is incomplete; `blind` says that a library under test is not seen.
/// To be asked when everything was read: some damage is met only then.
pub(crate) fn incomplete(image: &Image, selected: &Selected, blind: bool) -> Vec<Incomplete> {
    image.check_records();
    let damaged = damage(image).next().is_some();
    let shortage = Shortage::of_flags(image.header().flags);
    let unattributed = selected.left_out != Sum::default();
    let met = [
        (damaged, Incomplete::Damaged),
        (blind, Incomplete::Blind),
        (unattributed, Incomplete::Unattributed),
    ];
    let mut causes: Vec<Incomplete> = met
        .into_iter()
        .filter_map(|(met, cause)| met.then_some(cause))
        .chain(shortage.map(Incomplete::of_shortage))
        .chain(Incomplete::of_counters(|counter| image.counter(counter)))
        .collect();
    causes.sort_unstable();
    causes.dedup();
    causes
}

/// The damage of an image, but for what a full file system explains.
fn damage(image: &Image) -> impl Iterator<Item = (Damage, u64)> {
    let memory_only = image.has_flag(flags::MEMORY_ONLY);
    let met = image.damage().into_iter();
    met.filter(move |(damage, _)| !(memory_only && damage.is_of_memory_only()))
}

/// The verdict on a process with these leaks. A leak that was seen is there, whatever is missing.
pub(crate) fn verdict(leaks: &Leaks, incomplete: &[Incomplete]) -> Verdict {
    if leaks.blocks > 0 {
        Verdict::Leaks
    } else if incomplete.is_empty() {
        Verdict::Clean
    } else {
        Verdict::Incomplete
    }
}

/// What must be known to read the numbers right, the weightiest first.
pub(crate) fn notes(
    image: &Image,
    process: &Process,
    selected: &Selected,
    symbolised: &Symbolised,
) -> Vec<String> {
    let mut notes: Vec<String> = process
        .incomplete
        .iter()
        .map(|cause| cause.note())
        .collect();
    notes.extend(losses::of_counters(image));
    for (damage, count) in damage(image) {
        notes.push(format!("the image is damaged: {damage} ({count})"));
    }
    match process.state {
        State::Finished if image.has_flag(flags::EXEC) => notes.push(
            "the process became another program (exec): what it would have freed on its way out is \
             reported too"
                .to_owned(),
        ),
        State::Finished | State::Running => {}
        State::Killed => notes.push(
            "the process did not reach its normal exit (killed, crashed, or ended by _exit): what \
             it would have freed on its way out is reported too"
                .to_owned(),
        ),
    }
    if symbolised.incomplete > 0 {
        notes.push(format!(
            "frames are missing from {}",
            counted(symbolised.incomplete, "stack")
        ));
    }
    if selected.unknown != Sum::default() {
        notes.push(format!(
            "{} of unknown checkpoint and scope are included",
            blocks(selected.unknown.count, selected.unknown.bytes)
        ));
    }
    if selected.ignored != Sum::default() {
        notes.push(format!(
            "{} ignored on purpose",
            blocks(selected.ignored.count, selected.ignored.bytes)
        ));
    }
    if process.totals.allocations == 0 && process.leaks.blocks == 0 {
        notes.push(
            "no allocation was recorded at all: either nothing tracked was allocated, or by \
             libraries that bring their own `operator new`"
                .to_owned(),
        );
    }
    if image.has_flag(flags::BEGUN_LATE) {
        notes.push(
            "recorded since the program made its JVM: what native code allocated before came too \
             late; `follow=all` records a program from its start"
                .to_owned(),
        );
    }
    if image.has_flag(flags::SANDBOX) {
        notes.push(
            "the program forbade itself system calls by a filter that ends it (seccomp): who holds \
             what was not looked for, and threads that began later were not recorded"
                .to_owned(),
        );
    }
    let is_jvm = kinds::is_jvm(process.modules.iter().map(|module| &*module.path));
    notes.extend(kinds::missed(image, &process.track, is_jvm));
    notes.extend(kinds::untold(image));
    if lacks_java(image, process, is_jvm) {
        notes.push(
            "Java stacks were not recorded: the JNI boundary was not watched; run with the agent, \
             or use `HackLeak` in the process"
                .to_owned(),
        );
    }
    notes.extend(held::notes(process, selected));
    notes.extend(symbolised.notes.iter().cloned());
    notes
}

/// Whether Java frames are missing from leaks of what looks like a JVM.
fn lacks_java(image: &Image, process: &Process, is_jvm: bool) -> bool {
    let sites = &process.leaks.sites;
    (process.exe.ends_with("/java") || is_jvm)
        && !image.has_flag(flags::JAVA)
        && !sites.is_empty()
        && !sites.iter().any(|site| {
            site.frames
                .iter()
                .any(|frame| matches!(frame, Frame::Java(_)))
        })
}

/// What of an assertion's leaks was freed after it.
pub(crate) fn freed_later(label: &str, sites: &[Site]) -> String {
    /// The most sites that are named; the JSON has the sum.
    const MAX_NAMED: usize = 3;
    let named = sites
        .iter()
        .take(MAX_NAMED)
        .map(|site| format!("{} of {}", amount(Sum::of(site)), label_of(&site.frames)));
    let more = match sites.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!("; and {}", counted(more as u64, "more site")),
    };
    let label = match label {
        "" => "an assertion".to_owned(),
        label => format!("`{label}`"),
    };
    format!(
        "reported by {label}, freed later: {}{more}",
        named.collect::<Vec<_>>().join("; ")
    )
}
