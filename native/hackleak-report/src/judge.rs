//! The verdict on a process, and the notes that qualify it: nothing is called clean that was not
//! seen.

mod held;
mod losses;

use hackleak_image::Image;
use hackleak_image::layout::{Counter, flags};
use hackleak_image::reader::{Damage, ProcessState};

use crate::model::{Frame, Leaks, Process, State, Verdict};
use crate::read::{Selected, Sum};
use crate::render::numbers::{blocks, bytes, counted};
use crate::symbolise::Symbolised;

/// The verdict on a process with these leaks; `blind` says that a library under test is not seen.
pub(crate) fn verdict(image: &Image, state: ProcessState, leaks: &Leaks, blind: bool) -> Verdict {
    let damaged = |(damage, _): (Damage, u64)| {
        // The header counts a segment before the file has it. A process that was killed in
        // between, or is at it now, had nothing in it yet.
        damage != Damage::MissingSegments || state == ProcessState::Finished
    };
    if leaks.count > 0 {
        Verdict::Leaks
    } else if blind
        || image.has_flag(flags::MEMORY_ONLY)
        || Counter::DROPPED
            .into_iter()
            .any(|counter| image.counter(counter) > 0)
        || image.damage().into_iter().any(damaged)
    {
        Verdict::Incomplete
    } else {
        Verdict::Clean
    }
}

/// What must be known to read the numbers right, the weightiest first.
pub(crate) fn notes(
    image: &Image,
    process: &Process,
    selected: &Selected,
    symbolised: &Symbolised,
) -> Vec<String> {
    let mut notes = Vec::new();
    if image.has_flag(flags::MEMORY_ONLY) {
        notes.push(
            "the image is incomplete: the file system was full, so not everything recorded is in \
             the file"
                .to_owned(),
        );
    }
    notes.extend(losses::of_counters(image));
    for (damage, count) in image.damage() {
        notes.push(format!("the image is damaged: {damage} ({count})"));
    }
    match process.state {
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
    let newest = image.header().epoch;
    if let Some(since) = process.leaks.since.filter(|since| *since > newest) {
        notes.push(format!(
            "epoch {since} has not begun: the newest checkpoint's is {newest}"
        ));
    }
    if process.totals.allocations == 0 && process.leaks.count == 0 {
        notes.push(
            "no allocation was recorded at all: either nothing tracked was allocated, or by \
             libraries that bring their own `operator new`"
                .to_owned(),
        );
    }
    if lacks_java(image, process) {
        notes.push(
            "Java stacks were not recorded: the JNI boundary was not watched; run with the agent, \
             or use `HackLeak` in the process"
                .to_owned(),
        );
    }
    notes.extend(held::notes(process, selected.judging.as_ref()));
    notes.extend(symbolised.notes.iter().cloned());
    notes
}

/// Whether Java frames are missing from leaks of what looks like a JVM.
fn lacks_java(image: &Image, process: &Process) -> bool {
    let sites = &process.leaks.sites;
    process.exe.ends_with("/java")
        && !image.has_flag(flags::JAVA)
        && !sites.is_empty()
        && !sites.iter().any(|site| {
            site.frames
                .iter()
                .any(|frame| matches!(frame, Frame::Java(_)))
        })
}

/// The bytes of `sum` for a sentence.
pub(crate) fn amount(sum: Sum) -> String {
    format!("{} in {}", bytes(sum.bytes), counted(sum.count, "block"))
}
