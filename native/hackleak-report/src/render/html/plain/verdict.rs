//! The head of the page: the verdict on the whole report, and what was and was not looked at.

use std::borrow::Cow;
use std::fmt::Write;

use crate::merge;
use crate::model::{Outcome, Report, State, Verdict, Visibility};
use crate::numbers::{self, BLOCK, bytes, counted, human, thousands};
use crate::render::html::escape::text;
use crate::render::text::{headline, not_tracked, tracked};
use crate::stable::library_name;

/// The verdict on the whole report: what was found, in what, and what was not looked at.
pub(super) fn verdict(report: &Report, out: &mut String) {
    let (class, word) = match report.verdict() {
        Verdict::Leaks if failed(report) == 0 && is_live(report) => ("live", "Live"),
        Verdict::Leaks => ("leaks", "Leaks"),
        // What leaked in a test may have been freed later: that makes the test no better.
        _ if failed(report) > 0 => ("leaks", "Failed"),
        Verdict::InvalidFrees => ("invalidFrees", "Invalid frees"),
        Verdict::Incomplete => ("incomplete", "Incomplete"),
        Verdict::Clean if report.processes.is_empty() => ("incomplete", "Nothing recorded"),
        Verdict::Clean => ("clean", "No leaks seen"),
    };
    let _ = writeln!(
        out,
        "<section id=\"verdict\" class=\"verdict {class}\" aria-labelledby=\"verdict-title\">\
         <h1 id=\"verdict-title\" title=\"{}\"><span class=\"word\">{word}</span> {}</h1><dl>",
        bytes(report.leaked().0),
        text(&sentence(report))
    );
    let mut said: Vec<String> = Vec::new();
    for process in &report.processes {
        let line = tracked(process);
        if !said.contains(&line) {
            said.push(line);
        }
    }
    row(out, "Assertions", &assertions(report));
    row(out, "Recorded", &recorded(report));
    row(out, "Tracked", &said);
    row(out, "Not seen", &not_seen(report));
    let _ = writeln!(out, "</dl></section>");
}

/// Whether all that leaks still runs, so that nobody knows yet what it will free.
fn is_live(report: &Report) -> bool {
    let mut leaking = report
        .processes
        .iter()
        .filter(|process| process.verdict == Verdict::Leaks);
    leaking.all(|process| process.state == State::Running)
}

/// Bytes as people read them, and in blocks and sites; without markup.
fn amount(report: &Report) -> String {
    let (size, count) = report.leaked();
    let live = if is_live(report) { " live" } else { "" };
    let noun = crate::model::noun(report.processes.iter().flat_map(|p| &p.leaks.sites));
    let amount = match noun {
        BLOCK => format!("{}{live} in {}", human(size), counted(count, noun)),
        noun => format!("{}{live}", numbers::amount(size, count, noun)),
    };
    format!(
        "{amount} at {}",
        counted(merge::count(report) as u64, "site")
    )
}

/// Assertions that failed.
fn failed(report: &Report) -> u64 {
    with_outcome(report, Outcome::Failed)
}

fn with_outcome(report: &Report, outcome: Outcome) -> u64 {
    let assertions = report.processes.iter().flat_map(|p| &p.assertions);
    assertions.filter(|ended| ended.outcome == outcome).count() as u64
}

/// What was run where, at which commit; for many processes what they have in common.
fn recorded(report: &Report) -> Vec<String> {
    let Some(first) = report.processes.iter().min_by_key(|p| p.start_unix_ns) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if first.start_unix_ns > 0 {
        lines.push(date(first.start_unix_ns / 1_000_000_000));
    }
    if let [only] = &*report.processes {
        lines.push(match only.command.is_empty() {
            true => only.exe.clone(),
            false => only.command.join(" "),
        });
    }
    let mut folders: Vec<&str> = report.processes.iter().map(|p| &*p.folder).collect();
    folders.sort_unstable();
    folders.dedup();
    match &*folders {
        [] | [""] => {}
        [one] => lines.push(format!("in {one}")),
        many => lines.push(format!(
            "in {}",
            counted(
                many.iter().filter(|it| !it.is_empty()).count() as u64,
                "folder"
            )
        )),
    }
    let revisions = report.processes.iter().filter_map(|p| p.revision.clone());
    let mut revisions: Vec<String> = revisions.collect();
    revisions.sort_unstable();
    revisions.dedup();
    lines.extend(revisions.iter().take(3).map(|it| format!("at commit {it}")));
    lines
}

/// `2026-11-26 10:43:17 UTC`, of seconds since 1970.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have their leap day last (Hinnant, "chrono-compatible low-level
    // date algorithms").
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// How many assertions came to what.
fn assertions(report: &Report) -> Vec<String> {
    let said = [
        (Outcome::Failed, "failed"),
        (Outcome::Error, "could not be made"),
        (
            Outcome::Incomplete,
            "saw no leak, but not everything was recorded",
        ),
        (Outcome::Passed, "passed"),
    ]
    .map(|(outcome, words)| (with_outcome(report, outcome), words));
    let said: Vec<String> = said
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{} {words}", thousands(*count)))
        .collect();
    if said.is_empty() {
        Vec::new()
    } else {
        vec![said.join(", ")]
    }
}

fn sentence(report: &Report) -> String {
    let processes = report.processes.len() as u64;
    let with = |verdict| {
        report
            .processes
            .iter()
            .filter(|p| p.verdict == verdict)
            .count() as u64
    };
    match (report.verdict(), processes) {
        (_, 0) => "there is no process in this report".to_owned(),
        (Verdict::Clean | Verdict::Incomplete | Verdict::InvalidFrees, _) if failed(report) > 0 => {
            format!(
                "{} failed, and nothing that leaked in them was left at the end",
                counted(failed(report), "assertion")
            )
        }
        (Verdict::Leaks, 1) => amount(report),
        (Verdict::Leaks, _) => format!(
            "{}, in {} of {processes} processes",
            amount(report),
            with(Verdict::Leaks)
        ),
        (Verdict::Incomplete, _) if !report.unreadable.is_empty() => format!(
            "no leaks were seen, but {} cannot be read",
            counted(report.unreadable.len() as u64, "image")
        ),
        (_, 1) => {
            let line = headline(&report.processes[0], "");
            line.trim_start_matches("incomplete: ").to_owned()
        }
        (Verdict::InvalidFrees, _) => {
            format!(
                "no leaks, but there are invalid frees in {} of {processes} processes",
                with(Verdict::InvalidFrees)
            )
        }
        (Verdict::Incomplete, _) => format!(
            "no leaks were seen in {processes} processes, but not everything was recorded in {} of them",
            with(Verdict::Incomplete)
        ),
        (Verdict::Clean, _) => {
            format!("no leaks among what was tracked in {processes} processes")
        }
    }
}

/// What no verdict speaks of: kinds that were not tracked, libraries that were not seen.
fn not_seen(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut add = |line: String| {
        if !lines.contains(&line) {
            lines.push(line);
        }
    };
    for process in &report.processes {
        not_tracked(process).into_iter().for_each(&mut add);
    }
    for cause in report.incomplete() {
        add(format!(
            "incomplete ({}): {}",
            cause.code(),
            cause.sentence()
        ));
    }
    report
        .unreadable
        .iter()
        .for_each(|image| add(image.reason.clone()));
    let mut unseen: Vec<(Visibility, Cow<'_, str>)> = report
        .processes
        .iter()
        .flat_map(|process| &process.modules)
        .filter_map(|module| {
            let coverage = module.coverage.as_ref()?;
            let told = coverage.untracked && !module.fails_strict();
            (coverage.visibility != Visibility::Seen && !told)
                .then(|| (coverage.visibility, library_name(&module.path)))
        })
        .collect();
    unseen.sort_by(|a, b| b.cmp(a));
    unseen.dedup();
    for (sight, word) in [
        (Visibility::Blind, "blind"),
        (Visibility::Partly, "seen in part"),
        (Visibility::Unknown, "not known"),
    ] {
        let names: Vec<&str> = unseen
            .iter()
            .filter(|(found, _)| *found == sight)
            .map(|(_, name)| &**name)
            .collect();
        if !names.is_empty() {
            let shown = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
            let more = match names.len().saturating_sub(8) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            add(format!("{word}: {shown}{more}"));
        }
    }
    let lossy = report
        .processes
        .iter()
        .filter(|p| !p.counters.is_empty())
        .count();
    if lossy > 0 {
        add(format!(
            "events that could not be recorded in full in {}: see the notes",
            match lossy {
                1 => "1 process".to_owned(),
                lossy => format!("{lossy} processes"),
            }
        ));
    }
    lines
}

fn row(out: &mut String, term: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(out, "<dt>{term}</dt><dd>");
    for line in lines {
        let _ = write!(out, "<span>{}</span> ", text(line));
    }
    let _ = writeln!(out, "</dd>");
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }
}
