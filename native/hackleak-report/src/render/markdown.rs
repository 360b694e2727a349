//! A summary in GitHub-flavoured Markdown, for `$GITHUB_STEP_SUMMARY` and merge request comments:
//! the verdict, the processes, the largest leaks with their stacks folded away.
//!
//! GitHub cuts a summary at a megabyte, so only the largest leaks are shown. Names come from the
//! program under test: what Markdown or HTML would take for markup is quoted.

use std::fmt::Write;

use super::{caption, stack};
use crate::merge::{self, Merged};
use crate::model::{Process, Report, Verdict};
use crate::numbers::{self, bytes, counted, thousands};
use crate::origin::{Origin, Sources};

/// The most leaks in the table.
const MAX_ROWS: usize = 50;
/// The most leaks whose stacks are shown.
const MAX_STACKS: usize = 20;
/// The most processes that are named.
const MAX_PROCESSES: usize = 50;

/// The summary, ended by a newline.
pub fn markdown(report: &Report, sources: &Sources) -> String {
    let sites = merge::sites(report);
    let mut page = format!("## {}\n", headline(report, &sites));
    incomplete(&mut page, report);
    processes(&mut page, report);
    table(&mut page, &sites, sources);
    stacks(&mut page, &sites, sources);
    invalid_frees(&mut page, report);
    baselines(&mut page, report);
    notes(&mut page, report);
    page
}

fn headline(report: &Report, sites: &[Merged<'_>]) -> String {
    let (leaked, blocks) = report.leaked();
    let processes = match report.processes.len() {
        1 => String::new(),
        more => format!(
            " in {}",
            counted(more as u64, "process").replace("processs", "processes")
        ),
    };
    match report.verdict() {
        Verdict::Leaks => format!(
            "❌ HackLeak: {} at {}{processes}",
            numbers::leaked(
                leaked,
                blocks,
                crate::model::noun(sites.iter().map(|merged| merged.site))
            ),
            counted(sites.len() as u64, "site")
        ),
        Verdict::InvalidFrees => format!(
            "❌ HackLeak: {}{processes}",
            counted(merge::invalid_frees(report).count() as u64, "invalid free")
        ),
        Verdict::Incomplete => {
            format!("⚠️ HackLeak: no leaks seen, but not everything was recorded{processes}")
        }
        Verdict::Clean => format!("✅ HackLeak: no leaks{processes}"),
    }
}

/// Why not everything is in this report, which a leak in the headline does not say.
fn incomplete(page: &mut String, report: &Report) {
    let causes = report.incomplete();
    if causes.is_empty() {
        return;
    }
    page.push('\n');
    for cause in causes {
        let (code, sentence) = (cause.code(), cause.sentence());
        let _ = writeln!(page, "- ⚠️ incomplete ({code}): {sentence}");
    }
    for image in report.unreadable.iter().take(MAX_PROCESSES) {
        let _ = writeln!(page, "- {}", code(&image.reason));
    }
    let more = report.unreadable.len().saturating_sub(MAX_PROCESSES);
    if more > 0 {
        let _ = writeln!(page, "- … and {more} more: see the JSON");
    }
}

fn processes(page: &mut String, report: &Report) {
    if report.processes.len() < 2 {
        if let Some(process) = report.processes.first() {
            let _ = writeln!(page, "\n{}", tracked(process));
        }
        return;
    }
    let _ = write!(
        page,
        "\n| Process | Result | Leaked | Blocks |\n|---|---|---:|---:|\n"
    );
    for process in report.processes.iter().take(MAX_PROCESSES) {
        let result = match process.verdict {
            Verdict::Leaks => "❌ leaks",
            Verdict::InvalidFrees => "❌ invalid frees",
            Verdict::Incomplete => "⚠️ incomplete",
            Verdict::Clean => "✅ clean",
        };
        let _ = writeln!(
            page,
            "| {} | {result} | {} | {} |",
            code(&caption::process(process)),
            thousands(process.leaks.bytes),
            thousands(process.leaks.blocks)
        );
    }
    if report.processes.len() > MAX_PROCESSES {
        let more = report.processes.len() - MAX_PROCESSES;
        let _ = writeln!(page, "\n… and {more} more: see the JSON");
    }
}

fn tracked(process: &Process) -> String {
    format!(
        "Process {}: tracked {}, {} recorded on {}.",
        code(&caption::process(process)),
        process.track.join(", "),
        counted(process.totals.allocations, "allocation"),
        counted(process.threads, "thread")
    )
}

fn table(page: &mut String, sites: &[Merged<'_>], sources: &Sources) {
    if sites.is_empty() {
        return;
    }
    page.push_str("\n| # | Likely owner | Source | Kind | Bytes | Blocks | Processes |\n");
    page.push_str("|---:|---|---|---|---:|---:|---:|\n");
    for (number, merged) in (1..).zip(sites.iter().take(MAX_ROWS)) {
        let origin = Origin::of(&merged.site.frames, merged.site.owner.as_ref(), sources);
        let _ = writeln!(
            page,
            "| {number} | {} | {} | {}{} | {} | {} | {} |",
            code(&caption::owner(&origin, &merged.site.frames)),
            place(&origin).map_or(String::new(), |place| code(&place)),
            merged.site.kind.name().replace('[', "\\["),
            if merged.site.baseline.is_some() {
                ", grown"
            } else {
                ""
            },
            thousands(merged.amount.bytes),
            thousands(merged.amount.blocks),
            merged.processes.len()
        );
    }
    if sites.len() > MAX_ROWS {
        let more = sites.len() - MAX_ROWS;
        let _ = writeln!(
            page,
            "\n… and {}: see the JSON",
            counted(more as u64, "more site")
        );
    }
}

/// `file:line` of the owner, from its source or from what the frame says.
fn place(origin: &Origin<'_>) -> Option<String> {
    let (file, line) = match (origin.place(), origin.java, origin.native) {
        (Some(place), ..) => (Some(place.file.clone()), place.line),
        (None, Some(java), _) => (java.file.clone(), java.line),
        (None, None, Some(native)) => (native.file.clone(), native.line),
        (None, None, None) => (None, None),
    };
    let file = file?;
    Some(match line {
        Some(line) => format!("{file}:{line}"),
        None => file,
    })
}

fn stacks(page: &mut String, sites: &[Merged<'_>], sources: &Sources) {
    for (number, merged) in (1..).zip(sites.iter().take(MAX_STACKS)) {
        let origin = Origin::of(&merged.site.frames, merged.site.owner.as_ref(), sources);
        let summary = format!(
            "{number}. {}: {}",
            caption::owner(&origin, &merged.site.frames),
            caption::amount(merged)
        );
        let lines = stack::whole(&merged.site.frames).join("\n");
        details(page, &summary, &lines);
    }
}

fn invalid_frees(page: &mut String, report: &Report) {
    for (process, invalid_free) in merge::invalid_frees(report).take(MAX_STACKS) {
        let summary = format!(
            "Invalid free in {}: {}",
            caption::process(process),
            invalid_free.sentence()
        );
        let lines = format!(
            "freed:\n{}\nallocated:\n{}",
            stack::whole(&invalid_free.freed).join("\n"),
            stack::whole(&invalid_free.allocated).join("\n")
        );
        details(page, &summary, &lines);
    }
}

fn baselines(page: &mut String, report: &Report) {
    for baseline in &report.baselines {
        let _ = writeln!(
            page,
            "\nBaseline {}: {} known ({} in {}), {} fixed.",
            code(&baseline.file),
            counted(baseline.sites, "site"),
            bytes(baseline.bytes),
            counted(baseline.blocks, "block"),
            baseline.fixed.len()
        );
    }
}

fn notes(page: &mut String, report: &Report) {
    let mut said: Vec<&str> = report
        .processes
        .iter()
        .flat_map(|process| process.notes.iter().map(String::as_str))
        .collect();
    said.sort_unstable();
    said.dedup();
    if said.is_empty() {
        return;
    }
    details(page, "Notes", &said.join("\n"));
}

/// Lines that are folded away below `summary`.
fn details(page: &mut String, summary: &str, lines: &str) {
    // A fence longer than any run of backticks in the text.
    let fence = "`".repeat(3.max(longest_run(lines) + 1));
    let _ = write!(
        page,
        "\n<details><summary>{}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
        escaped(&one_line(summary)),
        lines.replace('\r', " ")
    );
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

/// `text` as code in one cell of a table.
fn code(text: &str) -> String {
    let text = one_line(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let space = if text.contains('`') { " " } else { "" };
    format!("{ticks}{space}{}{space}{ticks}", text.replace('|', "\\|"))
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
