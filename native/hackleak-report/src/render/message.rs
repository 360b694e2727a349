//! The message of Java's `LeakError`: what a person reads where a test has failed, next to other
//! failures. So it is short. The first line says it all; at most 40 follow, and the JSON
//! has the rest.

use std::path::Path;

use super::sites::{self, Group};
use super::text::{FEWEST_OF_INVALID_FREE, Page, headline, not_tracked};
use crate::judge::held::beginning;
use crate::known;
use crate::model::{Process, Report, Site, Verdict};
use crate::numbers::{counted, human};
use crate::suspicion::{self, Look};

/// The most lines after the first: of 40, Java has some for what to do next.
pub(super) const MAX_LINES: usize = 35;
/// The most notes.
const MAX_NOTES: usize = 8;
/// The most things that were loaded, and the most lines for a list of known leaks.
const MAX_NAMED: usize = 3;
/// What a stack needs at least to say anything.
const FEWEST: usize = 8;
/// Room for what says that more was left out.
const RESERVED: usize = 3;

/// The report for the process itself, which asked what it has leaked: it knows who it is.
pub fn message(report: &Report, json: Option<&Path>) -> String {
    let mut page = Page::default();
    for process in &report.processes {
        page.line(&first_line(process));
        let mut end = Page::default();
        for failure in process.strict_failures() {
            end.line(&failure.sentence());
        }
        end.notes_up_to(process, MAX_NOTES);
        if let Some(kinds) = not_tracked(process) {
            end.line(&format!("note: {kinds}"));
        }
        end.seen(process);
        end.json(json);
        let room = MAX_LINES.saturating_sub(end.lines() + 1);
        // The first invalid free has its place, too, whatever leaks.
        let for_invalid_frees = match process.invalid_frees.is_empty() {
            true => 0,
            false => FEWEST_OF_INVALID_FREE + 2,
        };
        let found = found(process, room.saturating_sub(for_invalid_frees));
        found.iter().for_each(|line| page.line(line));
        let room = room.saturating_sub(found.len());
        page.invalid_frees_up_to(process, room);
        page.line("");
        page.append(&end);
    }
    page.into_text()
}

/// Count, size, kind and owner.
fn first_line(process: &Process) -> String {
    let mut line = headline(process, "");
    if process.verdict != Verdict::Leaks {
        return line;
    }
    let leaks = &process.leaks;
    let sites = suspicion::sorted(&leaks.sites);
    let mut kinds: Vec<&str> = Vec::new();
    for site in &sites {
        if !kinds.contains(&site.kind.name()) {
            kinds.push(site.kind.name());
        }
    }
    line += ": ";
    // Fewer bytes are read well as they are.
    if leaks.bytes >= 1024 {
        line += &format!("{} of ", human(leaks.bytes));
    }
    line += &match kinds[..] {
        [] => "memory".to_owned(),
        [one] => one.to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, ..] => format!("{one} and {} more kinds", kinds.len() - 1),
    };
    let owner = sites.first().and_then(|site| site.owner.as_ref());
    if let Some(owner) = owner.and_then(|owner| owner.java.as_ref().or(owner.native.as_ref())) {
        line += &format!(", by {owner}");
    }
    line
}

/// The sites in at most `room` lines.
fn found(process: &Process, room: usize) -> Vec<String> {
    let mut groups = sites::groups(&process.leaks.sites);
    groups.sort_by_cached_key(|group| suspicion::key(&group.sites));
    let is_loading = |group: &Group<'_>| suspicion::key(&group.sites).0 == Look::Loading;
    let last = match groups.iter().position(is_loading) {
        // With nothing else they are what there is to show.
        Some(0) | None => groups.len(),
        Some(first) => first,
    };
    let (looked_at, loading) = groups.split_at(last);
    let loading = loaded(loading);
    let mut lines = Vec::new();
    let mut offered = Vec::new();
    let mut shown = 0;
    for (number, group) in (1..).zip(looked_at) {
        let block = group.lines(number, process);
        let left = room.saturating_sub(lines.len() + loading.len() + RESERVED);
        if block.len() > left && left < FEWEST {
            break;
        }
        lines.extend(cut(block, left));
        offered.extend(known::offer(&group.sites).map(|entry| (number, entry)));
        shown += 1;
    }
    let rest: Vec<&Site> = looked_at[shown..]
        .iter()
        .flat_map(|group| group.sites.iter().copied())
        .collect();
    if !rest.is_empty() {
        lines.push(String::new());
        lines.push(sites::left_out(&rest, "more site"));
    }
    if !loading.is_empty() {
        lines.push(String::new());
        lines.extend(loading);
    }
    let offers = sites::offers(offered.into_iter().take(MAX_NAMED).collect());
    if lines.len() + offers.len() <= room {
        lines.extend(offers);
    }
    lines
}

fn cut(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        let more = lines.len() + 1 - most;
        lines.truncate(most.saturating_sub(1));
        lines.push(format!(
            "    ... {}: see the JSON",
            counted(more as u64, "more line")
        ));
    }
    lines
}

/// One line for each thing that was loaded or initialised.
fn loaded(groups: &[Group<'_>]) -> Vec<String> {
    let mut by_event: Vec<(String, Vec<&Site>)> = Vec::new();
    for site in groups.iter().flat_map(|group| &group.sites) {
        let event = beginning(&site.frames).unwrap_or_default();
        match by_event.iter_mut().find(|(known, _)| *known == event) {
            Some((_, sites)) => sites.push(site),
            None => by_event.push((event, vec![site])),
        }
    }
    let mut lines: Vec<String> = by_event
        .iter()
        .take(MAX_NAMED)
        .map(|(event, sites)| format!("while {event}: {}", sites::amount(sites)))
        .collect();
    let rest: Vec<&Site> = by_event
        .iter()
        .skip(MAX_NAMED)
        .flat_map(|(_, sites)| sites.iter().copied())
        .collect();
    if !rest.is_empty() {
        lines.push(sites::left_out(&rest, "more site of other libraries"));
    }
    lines
}
