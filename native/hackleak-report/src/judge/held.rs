//! What is said of blocks that somebody holds, and of those of which nobody knows.

use std::collections::BTreeMap;

use crate::model::{Frame, JavaFrame, Judgement, Process, Site};
use crate::read::Selected;
use crate::render::label;
use crate::stable::library_name;
use crate::sum::{Sum, amount};

/// The most sites that are named in a sentence; the JSON has all.
const MAX_NAMED: usize = 3;

/// A sentence on what is held, and one where that could not be known.
pub(super) fn notes(process: &Process, selected: &Selected) -> Vec<String> {
    let judging = selected.judging.as_ref();
    let mut notes = Vec::new();
    let mut threads: BTreeMap<String, Sum> = BTreeMap::new();
    let mut since: BTreeMap<(Judgement, String), Sum> = BTreeMap::new();
    let mut others: Vec<&Site> = Vec::new();
    let mut sum = Sum::default();
    for site in &process.held.sites {
        let thread = site.holder.as_ref().and_then(|held| held.thread.as_ref());
        if let Some(thread) = thread.filter(|thread| selected.started.contains(&thread.tid)) {
            threads
                .entry(thread.name.clone())
                .or_default()
                .add(Sum::of(site));
            continue;
        }
        match beginning(&site.frames) {
            Some(beginning) => since
                .entry((site.verdict, beginning))
                .or_default()
                .add(Sum::of(site)),
            None => {
                others.push(site);
                sum.add(Sum::of(site));
            }
        }
    }
    for (thread, sum) in threads {
        notes.push(format!(
            "{} held by thread `{thread}`, which this test started and which still runs",
            amount(sum)
        ));
    }
    for ((verdict, beginning), sum) in since {
        let amount = amount(sum);
        notes.push(match verdict {
            Judgement::Lost => format!("{amount} lost when {beginning}, once"),
            Judgement::Unknown => format!("{amount} made when {beginning}, and not freed"),
            Judgement::Held | Judgement::Growing => format!("{amount} held since {beginning}"),
        });
    }
    if !others.is_empty() {
        let sites = others.iter().take(MAX_NAMED).map(|site| named(site));
        let more = match others.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!("; and {more} more, which the JSON has"),
        };
        notes.push(format!(
            "{} held, not lost: {}{more}",
            amount(sum),
            sites.collect::<Vec<_>>().join("; ")
        ));
    }
    match judging {
        Some(judging) if !judging.saw_java() && process.exe.ends_with("/java") => notes.push(
            "what Java objects hold was not looked at: what is lost here may be held by one"
                .to_owned(),
        ),
        _ => {}
    }
    if let Some(site) = process
        .leaks
        .sites
        .iter()
        .find(|site| site.growth.is_some())
    {
        notes.push(format!(
            "what grows with each test is held, but by something that is only ever added to. Where that \
             is meant, allow it with `leak:{}` in a suppression file, the check's `suppress`, or \
             -Dhackleak.growing=note",
            pattern(&site.frames)
        ));
    }
    if selected.in_use.count > 0 {
        notes.push(format!(
            "{} not counted: threads that still ran at the end had just allocated it",
            amount(selected.in_use)
        ));
    }
    let unknown = |site: &Site| site.verdict == Judgement::Unknown;
    let sites = &process.leaks.sites;
    if judging.is_some() && sites.iter().any(unknown) {
        notes.push(
            "of some of it nobody knows who holds it: it came after the last look".to_owned(),
        );
    }
    notes
}

/// What a suppression may name: the first function or method that has a name.
fn pattern(frames: &[Frame]) -> String {
    let named = frames.iter().find_map(|frame| match frame {
        Frame::Native(native) => native.function.clone(),
        Frame::Java(java) => Some(format!("{}.{}", java.class, java.method)),
        Frame::Mark { .. } => None,
    });
    named.unwrap_or_else(|| label(frames))
}

/// What began when the blocks of this stack were allocated: a library was loaded, or a class
/// initialised. That happens once, and is nobody's doing in particular.
///
/// The initialiser of a class is none if its own `main` has called it: the body of a Scala `App` is
/// one.
pub(crate) fn beginning(frames: &[Frame]) -> Option<String> {
    const LOADER: &str = "ld-linux";
    // The loader calls destructors, too.
    const AT_AN_END: [&str; 2] = ["fini", "close"];
    let mut module = None;
    for (index, frame) in frames.iter().enumerate() {
        match frame {
            Frame::Native(native) => {
                let name = library_name(&native.module);
                if name.starts_with(LOADER) {
                    let function = native.function.as_deref().unwrap_or_default();
                    if AT_AN_END.iter().any(|part| function.contains(part)) {
                        return None;
                    }
                    return module.map(|module| format!("`{module}` was loaded"));
                }
                if native
                    .function
                    .as_deref()
                    .is_some_and(|function| function.starts_with("JNI_OnLoad"))
                {
                    return Some(format!("`{name}` was loaded"));
                }
                module = Some(name);
            }
            Frame::Java(java) if java.method == "<clinit>" => {
                let callers = frames.get(index + 1..).unwrap_or_default();
                if is_body_of_main(java, callers) {
                    return None;
                }
                return Some(format!("`{}` was initialised", java.class));
            }
            Frame::Java(_) | Frame::Mark { .. } => {}
        }
    }
    None
}

/// Whether the initialiser is that of the class with the program's `main`, or of its Scala object.
fn is_body_of_main(initialiser: &JavaFrame, callers: &[Frame]) -> bool {
    let class = initialiser.class.trim_end_matches('$');
    let mut callers = callers.iter().filter_map(|frame| match frame {
        Frame::Java(java) => Some(java),
        _ => None,
    });
    callers.next().is_some_and(|caller| {
        caller.method == "main" && caller.class.trim_end_matches('$') == class
    })
}

/// `7,560 bytes in 1 block by thread_local cache of thread main, from Cache.use`.
fn named(site: &Site) -> String {
    let size = amount(Sum::of(site));
    let holder = site
        .holder
        .as_ref()
        .map_or_else(String::new, |holder| format!(" by {}", holder.sentence()));
    format!("{size}{holder}, allocated in {}", label(&site.frames))
}
