//! The leaking sites as text: one stack of callers with all the native code below it that leaks.
//!
//! An object that nobody closed leaks at as many sites as its native part makes allocations. All
//! of these have the same Java stack, and it is that stack which tells what to close, so it is
//! printed once.

use std::collections::HashMap;
use std::fmt::Write;

use super::caption;
use super::stack::{self, Called};
use crate::known::{self, Entry};
use crate::model::{Frame, Judgement, Kind, Process, Site, Thread};
use crate::numbers::{BLOCK, counted, thousands};
use crate::sum::{self, Sum};

/// The most stacks of callers that are shown per process; the JSON has all.
const MAX_CALLERS: usize = 20;
/// The most native stacks that are shown below each.
const MAX_NATIVE: usize = 3;
/// The most threads that are named per site.
const MAX_THREADS: usize = 3;

/// What goes before lines for a list of known leaks.
const OFFER: &str = "if a leak is the library's own, its line in a file for `known-leaks=`:";

/// The sites of `process`, each stack after an empty line.
pub(super) fn lines(process: &Process) -> Vec<String> {
    let groups = groups(&process.leaks.sites);
    let mut lines = Vec::new();
    let mut offered = Vec::new();
    for (number, group) in (1..).zip(groups.iter().take(MAX_CALLERS)) {
        lines.extend(group.lines(number, process));
        offered.extend(known::offer(&group.sites).map(|entry| (number, entry)));
    }
    let rest: Vec<&Site> = groups
        .iter()
        .skip(MAX_CALLERS)
        .flat_map(|group| group.sites.iter().copied())
        .collect();
    if !rest.is_empty() {
        lines.push(String::new());
        lines.push(left_out(&rest, "more site"));
    }
    lines.extend(offers(offered));
    lines
}

/// Lines for a list of known leaks, by the numbers of their groups, after an empty line.
pub(super) fn offers(offered: Vec<(usize, Entry)>) -> Vec<String> {
    if offered.is_empty() {
        return Vec::new();
    }
    let entries = offered
        .into_iter()
        .map(|(number, entry)| format!("{number}) {entry}"));
    [String::new(), OFFER.to_owned()]
        .into_iter()
        .chain(entries)
        .collect()
}

/// Sites whose innermost native frames have the same callers.
pub(super) struct Group<'report> {
    callers: &'report [Frame],
    pub(super) sites: Vec<&'report Site>,
}

/// The groups, most bytes first.
pub(super) fn groups(sites: &[Site]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: HashMap<&[Frame], usize> = HashMap::new();
    for site in sites {
        let (_, callers) = stack::split(&site.frames);
        match known.get(callers) {
            Some(group) => groups[*group].sites.push(site),
            None => {
                // Native stacks have nothing in common by having no Java callers.
                if !callers.is_empty() {
                    known.insert(callers, groups.len());
                }
                groups.push(Group {
                    callers,
                    sites: vec![site],
                });
            }
        }
    }
    groups.sort_by_key(|group| {
        let sum = Sum::of_all(group.sites.iter().copied());
        std::cmp::Reverse((sum.bytes, sum.count))
    });
    groups
}

impl Group<'_> {
    /// After an empty line: what leaks, whose it is, and where.
    pub(super) fn lines(&self, number: usize, process: &Process) -> Vec<String> {
        let mut lines = vec![String::new(), format!("{number}) {}", self.head(process))];
        if let Some(owner) = self.sites.first().and_then(|site| site.owner.as_ref()) {
            lines.push(format!("    likely owner: {}", owner.sentence()));
        }
        let stack = self.stack(process);
        lines.extend(stack.into_iter().map(|line| format!("    {line}")));
        lines
    }

    fn head(&self, process: &Process) -> String {
        match self.sites[..] {
            [site] => description(site, process),
            _ => format!(
                "{} at {}",
                amount(&self.sites),
                counted(self.sites.len() as u64, "site")
            ),
        }
    }

    fn stack(&self, process: &Process) -> Vec<String> {
        let alone = self.sites.len() == 1;
        let shown = self.sites.iter().take(MAX_NATIVE);
        let called: Vec<Called<'_>> = shown
            .map(|site| Called {
                label: if alone {
                    String::new()
                } else {
                    description(site, process)
                },
                frames: stack::split(&site.frames).0,
            })
            .collect();
        let rest = self.sites.get(MAX_NATIVE..).unwrap_or_default();
        let more = (!rest.is_empty()).then(|| left_out(rest, "more native stack"));
        stack::lines(&called, self.callers, more)
    }
}

/// What is known of a site but its stack.
fn description(site: &Site, process: &Process) -> String {
    let mut text = amount(&[site]);
    if site.kind.noun() == BLOCK {
        let _ = write!(text, ", {}", site.kind.name());
    }
    text += &caption::after_amount(site);
    // Attached threads are named already.
    if site.kind != Kind::Attach
        && let Some(threads) = threads(&site.threads, process)
    {
        let _ = write!(text, ", {threads}");
    }
    if site.stacks > 1 {
        let _ = write!(
            text,
            ", {} that differ in their roots",
            counted(site.stacks, "stack")
        );
    }
    if !site.also_at.is_empty() {
        let (shown, more) = site.also_at.split_at(site.also_at.len().min(MOST_LINES));
        let _ = write!(text, ", also at {}", shown.join(", "));
        if !more.is_empty() {
            let _ = write!(text, " and {} more", more.len());
        }
    }
    text += &site.grown();
    if let Some(holder) = &site.holder {
        let more = match (site.verdict, site.growth) {
            (Judgement::Growing, Some(growth)) => format!(", {}", growth.sentence()),
            (Judgement::Growing, None) => ", more with each round".to_owned(),
            _ => String::new(),
        };
        let _ = write!(text, "{more}, held by {}", holder.sentence());
    }
    if site.freed_older > 0 {
        let net = i128::from(site.blocks) - i128::from(site.freed_older);
        let net = if net > 0 {
            format!("+{net}")
        } else {
            net.to_string()
        };
        let were = if site.freed_older == 1 { "was" } else { "were" };
        let _ = write!(
            text,
            ", {} of this site {were} freed meanwhile (net {net})",
            counted(site.freed_older, "older block")
        );
    }
    if let Some(known) = &site.known {
        let _ = write!(text, ", {}", known.sentence());
    }
    // When a scope was asked for, it is in the headline; and a test has both, under one name.
    if let Some(scope) = &site.scope
        && process.leaks.scope.is_none()
        && !process.is_since(scope)
    {
        let _ = write!(text, ", scope `{scope}`");
    }
    text
}

/// So many other lines of a site are named.
const MOST_LINES: usize = 4;

pub(super) fn left_out(sites: &[&Site], what: &str) -> String {
    format!(
        "... {} with {}: see the JSON",
        counted(sites.len() as u64, what),
        amount(sites)
    )
}

pub(super) fn amount(sites: &[&Site]) -> String {
    sum::amount(Sum::of_all(sites.iter().copied()))
}

/// The threads of a site, unless that is just the main thread.
fn threads(threads: &[Thread], process: &Process) -> Option<String> {
    let program = stack::base_name(&process.exe);
    // The JVM runs `main` on a thread of its own, which keeps the program's name.
    let is_main = |thread: &Thread| {
        thread.tid == process.pid || thread.name == "main" || thread.name == "java"
    };
    match threads {
        [] => None,
        [thread] if is_main(thread) => None,
        [thread] => Some(format!("thread {}", name(thread, program))),
        _ => {
            let shown = threads
                .iter()
                .take(MAX_THREADS)
                .map(|thread| name(thread, program));
            let shown: Vec<String> = shown.collect();
            let more = match threads.len() - shown.len() {
                0 => String::new(),
                more => format!(" and {} more", thousands(more as u64)),
            };
            Some(format!("threads {}{more}", shown.join(", ")))
        }
    }
}

/// The name of a thread, or its number when it has only the name that every thread starts with.
fn name(thread: &Thread, program: &str) -> String {
    if thread.name.is_empty() || thread.name == program {
        thread.tid.to_string()
    } else {
        format!("`{}`", thread.name)
    }
}
