//! The report in words, for terminals.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::{sites, stack};
use crate::coverage::kinds;
use crate::model::{InvalidFree, InvalidFreeKind, Module, Process, Report, State, Verdict};
use crate::numbers::{self, blocks, counted, thousands};

/// The most invalid frees that are shown per process; the JSON has all.
const MAX_INVALID_FREES: usize = 20;

/// What an invalid free with its two stacks needs at least to say anything.
pub(super) const FEWEST_OF_INVALID_FREE: usize = 12;

/// The most libraries that are named as seen.
const MAX_SEEN: usize = 8;

/// The most fixed sites that are shown per baseline.
const MAX_FIXED: usize = 20;

/// The longest command line that is shown, in characters.
const MAX_COMMAND: usize = 100;

/// The report for a terminal, every line ended. `json` is where the whole report was written, if
/// it was.
pub fn text(report: &Report, json: Option<&Path>) -> String {
    let mut page = Page::default();
    page.unreadable(report);
    for (position, process) in report.processes.iter().enumerate() {
        if position > 0 {
            page.line("");
        }
        page.process(process, &of_process(process));
        if process.verdict == Verdict::Leaks {
            page.line(&format!("tracked: {}", tracked(process)));
        }
        not_tracked(process).iter().for_each(|line| page.line(line));
        page.notes(process);
        page.seen(process);
        page.memory(process);
        if process.state == State::Running {
            page.line("note: the process is still running: this is what it holds now");
        }
    }
    page.fixed(report);
    page.unused(report);
    page.json(json);
    page.0
}

/// Text that holds no control character but the ends of its lines, whatever a file or a thread
/// is called.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn line(&mut self, line: &str) {
        for character in line.chars() {
            if character.is_control() {
                let _ = write!(self.0, "{}", character.escape_unicode());
            } else {
                self.0.push(character);
            }
        }
        self.0.push('\n');
    }

    fn process(&mut self, process: &Process, place: &str) {
        self.line(&headline(process, place));
        let sites = sites::lines(process);
        sites.iter().for_each(|line| self.line(line));
        if !sites.is_empty() {
            self.line("");
        }
        for invalid_free in process.invalid_frees.iter().take(MAX_INVALID_FREES) {
            self.invalid_free(invalid_free);
        }
    }

    /// Invalid frees, in at most `room` lines; the JSON has all.
    pub(super) fn invalid_frees_up_to(&mut self, process: &Process, room: usize) {
        let mut left = room;
        for (position, invalid_free) in process.invalid_frees.iter().enumerate() {
            let mut one = Page::default();
            one.invalid_free(invalid_free);
            let most = left.saturating_sub(2);
            if most < FEWEST_OF_INVALID_FREE && position > 0 {
                let more = (process.invalid_frees.len() - position) as u64;
                let more = counted(more, "more invalid free");
                return self.line(&format!("... {more}: see the JSON"));
            }
            let lines: Vec<&str> = one.0.trim_end().lines().collect();
            let shown = lines.len().min(most.max(FEWEST_OF_INVALID_FREE));
            self.0.push('\n');
            for line in &lines[..shown] {
                self.0 += line;
                self.0.push('\n');
            }
            if shown < lines.len() {
                let more = counted((lines.len() - shown) as u64, "more line");
                self.line(&format!("    ... {more}: see the JSON"));
            }
            left = left.saturating_sub(shown + 2);
        }
    }

    /// The first notes, and how many there are more.
    pub(super) fn notes_up_to(&mut self, process: &Process, most: usize) {
        for note in process.notes.iter().take(most) {
            self.line(&format!("note: {note}"));
        }
        if process.notes.len() > most {
            let more = (process.notes.len() - most) as u64;
            self.line(&format!("note: {} in the JSON", counted(more, "more note")));
        }
    }

    pub(super) fn lines(&self) -> usize {
        self.0.lines().count()
    }

    pub(super) fn append(&mut self, other: &Page) {
        self.0 += &other.0;
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn invalid_free(&mut self, invalid_free: &InvalidFree) {
        let often = if invalid_free.count > 1 {
            format!(" ({} times)", thousands(invalid_free.count))
        } else {
            String::new()
        };
        self.line(&format!("invalid free: {}{often}", invalid_free.sentence()));
        let made = match invalid_free.problem {
            InvalidFreeKind::UnderBuffer => "buffer made",
            _ => "allocated",
        };
        let stacks = [
            ("freed", &invalid_free.freed),
            (made, &invalid_free.allocated),
        ];
        for (what, frames) in stacks.iter().filter(|(_, frames)| !frames.is_empty()) {
            self.line(&format!("  {what}:"));
            for line in stack::whole(frames) {
                self.line(&format!("    {line}"));
            }
        }
        self.line("");
    }

    /// What cannot be read comes first: the rest may be clean, and the report is not.
    fn unreadable(&mut self, report: &Report) {
        let images = report.unreadable.len() as u64;
        if images == 0 {
            return;
        }
        self.line(&format!(
            "incomplete: {} cannot be read, so leaks in it are not seen",
            counted(images, "image")
        ));
        report
            .unreadable_notes()
            .for_each(|note| self.line(&format!("note: {note}")));
        self.line("");
    }

    fn notes(&mut self, process: &Process) {
        for note in &process.notes {
            self.line(&format!("note: {note}"));
        }
    }

    /// The libraries under test that are seen; notes name those that are not.
    pub(super) fn seen(&mut self, process: &Process) {
        let seen = process.modules.iter().filter(|m| m.is_seen_under_test());
        let names: Vec<_> = seen.map(Module::file_name).collect();
        if names.is_empty() || process.verdict == Verdict::Clean {
            return;
        }
        let shown = names.len().min(MAX_SEEN);
        let more = match names.len() - shown {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.line(&format!("seen: `{}`{more}", names[..shown].join("`, `")));
    }

    fn memory(&mut self, process: &Process) {
        if let Some(memory) = &process.memory {
            self.line(&format!("memory: {}", memory.sentence()));
        }
    }

    /// What the baselines know and is no more.
    fn fixed(&mut self, report: &Report) {
        for baseline in &report.baselines {
            if baseline.fixed.is_empty() {
                continue;
            }
            self.line(&format!(
                "note: {} of the baseline `{}` fixed:",
                counted(baseline.fixed.len() as u64, "site"),
                baseline.file
            ));
            for site in baseline.fixed.iter().take(MAX_FIXED) {
                let leaked = blocks(site.blocks, site.bytes);
                let frames = site.frames.iter().take(3).cloned().collect::<Vec<_>>();
                self.line(&format!(
                    "  {leaked}, {}: {}",
                    site.kind,
                    frames.join(" < ")
                ));
            }
            if baseline.fixed.len() > MAX_FIXED {
                let more = baseline.fixed.len() - MAX_FIXED;
                self.line(&format!("  ... {}", counted(more as u64, "more site")));
            }
        }
    }

    /// Rules that left nothing out in any process. Of a part of the leaks that says nothing.
    fn unused(&mut self, report: &Report) {
        let whole =
            |process: &Process| process.leaks.since.is_none() && process.leaks.scope.is_none();
        if !report.processes.iter().all(whole) {
            return;
        }
        let mut used: BTreeMap<(&str, Option<u32>, &str), bool> = BTreeMap::new();
        for rule in report
            .processes
            .iter()
            .flat_map(|process| &process.suppressions)
        {
            let known = used
                .entry((&rule.source, rule.line, &rule.rule))
                .or_default();
            *known |= rule.sites > 0;
        }
        for ((source, line, rule), used) in used {
            if !used {
                let line = line.map_or(String::new(), |line| format!(":{line}"));
                self.line(&format!(
                    "note: rule `{rule}` matched nothing ({source}{line})"
                ));
            }
        }
    }

    pub(super) fn json(&mut self, json: Option<&Path>) {
        if let Some(json) = json {
            self.line(&format!("report: {}", json.display()));
        }
    }
}

pub(super) fn headline(process: &Process, place: &str) -> String {
    let leaks = &process.leaks;
    let place = format!("{place}{}", since(process));
    match process.verdict {
        Verdict::Leaks => format!(
            "{} at {}{place}",
            numbers::leaked(leaks.bytes, leaks.blocks, crate::model::noun(&leaks.sites)),
            counted(leaks.sites.len() as u64, "site")
        ),
        Verdict::InvalidFrees => format!(
            "{}{place}, and no leaks",
            counted(process.invalid_frees.len() as u64, "invalid free")
        ),
        Verdict::Clean => format!("no leaks among {}{place}", tracked(process)),
        Verdict::Incomplete => format!(
            "incomplete: no leaks were seen among {}{place}, but not everything was recorded",
            tracked(process)
        ),
    }
}

pub(super) fn of_process(process: &Process) -> String {
    let mut command = process.command.join(" ");
    if command.is_empty() {
        command.clone_from(&process.exe);
    }
    if let Some((end, _)) = command.char_indices().nth(MAX_COMMAND) {
        command.truncate(end);
        command.push_str("...");
    }
    format!(" in process {} ({command})", process.pid)
}

/// Since when, and in which scope.
fn since(process: &Process) -> String {
    let mut text = String::new();
    if let Some(since) = process.leaks.since {
        let mut known = process
            .checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.epoch == since);
        text = match known.next() {
            Some(checkpoint) if !checkpoint.label.is_empty() => {
                format!(" since checkpoint `{}`", checkpoint.label)
            }
            // The time before the first checkpoint is epoch 1.
            None if since <= 1 => " since the start of the process".to_owned(),
            _ => format!(" since checkpoint {since}"),
        };
    }
    let scopes = process.leaks.sites.iter().map(|site| site.scope.as_deref());
    match (process.leaks.scope, scopes.flatten().next()) {
        (None, _) => {}
        (Some(_), Some(name)) if process.is_since(name) => {}
        (Some(_), Some(name)) => {
            let _ = write!(text, " in scope `{name}`");
        }
        (Some(scope), None) => {
            let _ = write!(text, " in scope {scope}");
        }
    }
    text
}

/// What was tracked, and how much of it there was.
pub(super) fn tracked(process: &Process) -> String {
    let chosen = &process.leaks.kinds;
    let kinds: Vec<&str> = process
        .track
        .iter()
        .filter(|kind| chosen.is_empty() || chosen.contains(kind))
        .map(|kind| kinds::phrase(kind))
        .collect();
    format!(
        "{} ({} recorded on {})",
        if kinds.is_empty() {
            "nothing".to_owned()
        } else {
            kinds.join(", ")
        },
        counted(process.totals.allocations, "allocation"),
        counted(process.threads, "thread")
    )
}

/// What was not tracked, so that nobody takes silence for an answer.
pub(super) fn not_tracked(process: &Process) -> Option<String> {
    let paths = process.modules.iter().map(|module| &*module.path);
    kinds::not_tracked(&process.track, kinds::is_jvm(paths))
}
