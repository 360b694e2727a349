//! The report for terminals and IDE consoles; also the message of Java's `LeakError`.

use std::fmt::Write;
use std::path::Path;

use super::numbers::{bytes, counted, thousands};
use super::stack;
use crate::model::{Finding, Process, Report, Site, Thread, Verdict};

/// The most sites that are shown per process; the JSON has all.
const MAX_SITES: usize = 20;
/// The most threads that are named per site.
const MAX_THREADS: usize = 3;
/// The longest command line that is shown, in characters.
const MAX_COMMAND: usize = 100;

/// The report as text, every line ended. `json` is where the whole report was written, if it was.
pub fn text(report: &Report, json: Option<&Path>) -> String {
    let mut page = Page::default();
    for (position, process) in report.processes.iter().enumerate() {
        if position > 0 {
            page.line("");
        }
        page.process(process);
    }
    if let Some(json) = json {
        page.line(&format!("report: {}", json.display()));
    }
    page.0
}

/// Text that holds no control character but the ends of its lines, whatever a file or a thread
/// is called.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        for character in line.chars() {
            if character.is_control() {
                let _ = write!(self.0, "{}", character.escape_unicode());
            } else {
                self.0.push(character);
            }
        }
        self.0.push('\n');
    }

    fn process(&mut self, process: &Process) {
        self.line(&headline(process));
        for (number, site) in process.leaks.sites.iter().take(MAX_SITES).enumerate() {
            self.line("");
            self.site(number + 1, site, process);
        }
        if !process.leaks.sites.is_empty() {
            self.line("");
        }
        self.rest(process.leaks.sites.get(MAX_SITES..).unwrap_or_default());
        for finding in process.findings.iter().take(MAX_SITES) {
            self.finding(finding);
        }
        if process.verdict >= Verdict::Findings {
            self.line(&format!(
                "tracked: {}; {}",
                tracked(process),
                untracked(process)
            ));
        }
        for note in &process.notes {
            self.line(&format!("note: {note}"));
        }
    }

    fn site(&mut self, number: usize, site: &Site, process: &Process) {
        let mut head = format!(
            "{number}) {} in {}, {}",
            bytes(site.bytes),
            counted(site.count, "block"),
            site.kind.name()
        );
        if let Some(threads) = threads(&site.threads, process) {
            let _ = write!(head, ", {threads}");
        }
        if let Some(scope) = &site.scope {
            let _ = write!(head, ", scope `{scope}`");
        }
        self.line(&head);
        for line in stack::lines(&site.frames) {
            self.line(&format!("    {line}"));
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let often = if finding.count > 1 {
            format!(" ({} times)", thousands(finding.count))
        } else {
            String::new()
        };
        self.line(&format!("wrong free: {}{often}", finding.sentence()));
        for (what, frames) in [("freed", &finding.freed), ("allocated", &finding.allocated)] {
            self.line(&format!("  {what}:"));
            for line in stack::lines(frames) {
                self.line(&format!("    {line}"));
            }
        }
        self.line("");
    }

    fn rest(&mut self, rest: &[Site]) {
        if !rest.is_empty() {
            let left = rest
                .iter()
                .fold(0, |sum: u64, site| sum.saturating_add(site.bytes));
            self.line(&format!(
                "and {} with {}: see the JSON",
                counted(rest.len() as u64, "more site"),
                bytes(left)
            ));
        }
    }
}

fn headline(process: &Process) -> String {
    let leaks = &process.leaks;
    let place = place(process);
    match process.verdict {
        Verdict::Leaks => format!(
            "{} leaked in {} at {}: {place}",
            bytes(leaks.bytes),
            counted(leaks.count, "block"),
            counted(leaks.sites.len() as u64, "site")
        ),
        Verdict::Findings => format!(
            "{} in {place}, and no leaks",
            counted(process.findings.len() as u64, "wrong free")
        ),
        Verdict::Clean => {
            format!(
                "no leaks among {} in {place}; {}",
                tracked(process),
                untracked(process)
            )
        }
        Verdict::Incomplete => format!(
            "incomplete: no leaks were seen among {} in {place}, but not everything was recorded; {}",
            tracked(process),
            untracked(process)
        ),
    }
}

/// The process, and since when.
fn place(process: &Process) -> String {
    let mut command = process.command.join(" ");
    if command.is_empty() {
        command.clone_from(&process.exe);
    }
    if let Some((end, _)) = command.char_indices().nth(MAX_COMMAND) {
        command.truncate(end);
        command.push('…');
    }
    let mut place = format!("process {} ({command})", process.pid);
    if let Some(since) = process.leaks.since {
        let mut known = process
            .checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.epoch == since);
        match known.next() {
            Some(checkpoint) if !checkpoint.label.is_empty() => {
                let _ = write!(place, " since checkpoint `{}`", checkpoint.label);
            }
            _ => {
                let _ = write!(place, " since checkpoint {since}");
            }
        }
    }
    place
}

/// What was tracked, and how much of it there was.
fn tracked(process: &Process) -> String {
    let kinds: Vec<&str> = process.track.iter().map(|kind| phrase(kind)).collect();
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
fn untracked(process: &Process) -> String {
    let missing: Vec<&str> = ["new", "malloc", "jni", "unsafe"]
        .into_iter()
        .filter(|kind| !process.track.iter().any(|tracked| tracked == kind))
        .map(phrase)
        .collect();
    match missing.split_last() {
        None => "every kind was tracked".to_owned(),
        Some((last, [])) => format!("{last} was not tracked"),
        Some((last, others)) => format!("{} and {last} were not tracked", others.join(", ")),
    }
}

fn phrase(kind: &str) -> &str {
    match kind {
        "new" => "C++ new/delete",
        "jni" => "JNI references",
        "unsafe" => "Unsafe memory",
        other => other,
    }
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
