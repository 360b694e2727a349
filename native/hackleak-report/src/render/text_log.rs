//! The leaks of text logs in words.

use super::stack;
use crate::model::Verdict;
use crate::numbers::{blocks, bytes, counted, thousands};
use crate::text_log::model::LogSite;
use crate::text_log::{LogReport, TextLog};

/// The most sites that are shown per log; the JSON has all.
const MAX_SITES: usize = 50;

/// The report for a terminal, every line ended.
pub fn find_leak(report: &LogReport) -> String {
    let mut lines = Vec::new();
    for (position, log) in report.logs.iter().enumerate() {
        if position > 0 {
            lines.push(String::new());
        }
        of_log(log, report.logs.len() > 1, &mut lines);
    }
    let mut page = String::new();
    for line in lines {
        page.extend(line.chars().map(|c| if c.is_control() { '?' } else { c }));
        page.push('\n');
    }
    page
}

fn of_log(log: &TextLog, several: bool, lines: &mut Vec<String>) {
    let name = if several {
        format!(" in `{}`", log.log)
    } else {
        String::new()
    };
    let leaks = &log.leaks;
    lines.push(match log.verdict {
        Verdict::Clean => format!(
            "no leaks{name}: {} and all freed",
            counted(log.allocations, "allocation")
        ),
        Verdict::Incomplete | Verdict::InvalidFrees => {
            format!("incomplete: no leaks were seen{name}, but the log does not tell all")
        }
        Verdict::Leaks => format!(
            "{} leaked in {} at {}{name}",
            bytes(leaks.bytes),
            counted(leaks.blocks, "block"),
            counted(leaks.sites.len() as u64, "site")
        ),
    });
    for (number, site) in leaks.sites.iter().take(MAX_SITES).enumerate() {
        lines.push(String::new());
        of_site(number + 1, site, lines);
    }
    if let Some(rest) = leaks.sites.get(MAX_SITES..).filter(|rest| !rest.is_empty()) {
        let sum = rest.iter().fold((0, 0_u64), |(count, size), site| {
            (count + site.blocks, size.saturating_add(site.bytes))
        });
        lines.push(String::new());
        lines.push(format!(
            "... {} with {}: see the JSON",
            counted(rest.len() as u64, "more site"),
            blocks(sum.0, sum.1)
        ));
    }
    if log.verdict != Verdict::Clean || !log.notes.is_empty() {
        lines.push(String::new());
    }
    lines.extend(log.notes.iter().map(|note| format!("note: {note}")));
    if leaks.sites.iter().any(|site| site.frames.is_empty()) {
        lines.push(
            "note: set HACK_TRACE=1 in the recorded process to log the stacks of allocations"
                .to_owned(),
        );
    }
}

fn of_site(number: usize, site: &LogSite, lines: &mut Vec<String>) {
    lines.push(format!(
        "{number}) {} in {}{}",
        bytes(site.bytes),
        counted(site.blocks, "block"),
        if site.frames.is_empty() {
            ", allocated without a stack in the log"
        } else {
            ""
        }
    ));
    let stack = stack::whole(&site.frames);
    lines.extend(stack.into_iter().map(|line| format!("    {line}")));
    for block in &site.first_blocks {
        lines.push(format!(
            "    {}  {}  thread {}  line {}",
            block.address,
            bytes(block.size),
            block.thread,
            thousands(block.line)
        ));
    }
    let hidden = site.blocks.saturating_sub(site.first_blocks.len() as u64);
    if hidden > 0 && !site.first_blocks.is_empty() {
        lines.push(format!("    ... {}", counted(hidden, "more block")));
    }
}
