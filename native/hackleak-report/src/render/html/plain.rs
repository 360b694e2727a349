//! The part of the page that needs neither script nor style.

mod verdict;

use std::fmt::Write;

use super::data;
use super::escape::text;
use crate::model::{Outcome, Process, Report, Site};
use crate::numbers::{self, bytes, counted};
use crate::render::caption;
use crate::render::stack;
use crate::render::text::{headline, of_process};
use verdict::verdict;

/// The most sites of a process that are written here; the data has all.
const MAX_SITES: usize = 25;
/// The most tests of a process that are written here, failed ones first.
const MAX_TESTS: usize = 50;

/// Verdict, processes, tests and the largest sites.
pub(super) fn body(report: &Report) -> String {
    let mut out = String::new();
    verdict(report, &mut out);
    let _ = writeln!(out, "<div id=\"plain\">");
    for process in &report.processes {
        of(process, &mut out);
    }
    let _ = writeln!(out, "</div>");
    held(report, &mut out);
    out
}

/// What is held, each with the way to it; the script leaves it where it is.
fn held(report: &Report, out: &mut String) {
    if report
        .processes
        .iter()
        .all(|process| process.held.is_empty())
    {
        return;
    }
    let _ = writeln!(
        out,
        "<section id=\"held\" class=\"card\" aria-labelledby=\"held-title\">\
         <h2 id=\"held-title\">Held, not lost</h2>\
         <p class=\"soft\">Somebody has the address of these blocks and can still free them.</p>"
    );
    for process in &report.processes {
        for site in process.held.sites.iter().take(MAX_SITES) {
            let size = numbers::amount(site.bytes, site.blocks, site.kind.noun());
            let Some(holder) = &site.holder else {
                continue;
            };
            let _ = write!(
                out,
                "<details><summary>{size}, {}{}: {}</summary><ol class=\"chain\">",
                text(site.kind.name()),
                text(&named(site)),
                text(&holder.root_text())
            );
            let root = holder.root_text();
            let steps = [&root].into_iter().chain(&holder.path);
            for step in steps.chain(&holder.chain).chain([&size]) {
                let _ = write!(out, "<li>{}</li>", text(step));
            }
            let _ = write!(out, "</ol>");
            if holder.others > 0 {
                let others = counted(holder.others, "other holder");
                let _ = write!(out, "<p>and {others} of blocks from there</p>");
            }
            let stack = stack::innermost_first(&site.frames).join("\n");
            let _ = writeln!(out, "<pre>{}</pre></details>", text(&stack));
        }
        let more = process.held.sites.len().saturating_sub(MAX_SITES);
        if more > 0 {
            let more = counted(more as u64, "more site");
            let _ = writeln!(
                out,
                "<p>{more} of process {}: see the JSON.</p>",
                process.pid
            );
        }
    }
    let _ = writeln!(out, "</section>");
}

fn of(process: &Process, out: &mut String) {
    let _ = writeln!(
        out,
        "<article><h2>{}</h2>",
        text(&headline(process, &of_process(process)))
    );
    tests(process, out);
    for site in process.leaks.sites.iter().take(MAX_SITES) {
        let _ = writeln!(
            out,
            "<details><summary>{}, {}{}{}{}</summary><pre>{}</pre></details>",
            numbers::amount(site.bytes, site.blocks, site.kind.noun()),
            text(site.kind.name()),
            text(&named(site)),
            match &site.owner {
                Some(owner) => format!(": {}", text(&owner.sentence())),
                None => String::new(),
            },
            match &site.holder {
                Some(holder) => format!(", held by {}", text(&holder.sentence())),
                None => String::new(),
            },
            text(&stack::innermost_first(&site.frames).join("\n"))
        );
    }
    let more = process.leaks.sites.len().saturating_sub(MAX_SITES);
    if more > 0 {
        let _ = writeln!(
            out,
            "<p>{}: this list needs a viewer that runs scripts.</p>",
            counted(more as u64, "more site")
        );
    }
    for invalid_free in &process.invalid_frees {
        let _ = writeln!(
            out,
            "<p>invalid free: {}</p>",
            text(&invalid_free.sentence())
        );
    }
    let _ = writeln!(out, "<ul>");
    for note in data::notes(process) {
        let _ = writeln!(out, "<li>{}</li>", text(&note));
    }
    let _ = writeln!(out, "</ul></article>");
}

fn tests(process: &Process, out: &mut String) {
    if process.assertions.is_empty() {
        return;
    }
    let passed = |outcome: Outcome| outcome == Outcome::Passed;
    let mut tests: Vec<_> = process.assertions.iter().collect();
    tests.sort_by_key(|assertion| passed(assertion.outcome));
    let _ = writeln!(out, "<ul>");
    for assertion in tests.iter().take(MAX_TESTS) {
        let leaked = match assertion.blocks {
            0 => String::new(),
            count => format!(
                ", {} in {}",
                bytes(assertion.bytes),
                counted(count, "block")
            ),
        };
        let _ = writeln!(
            out,
            "<li>{}: {}{leaked}</li>",
            assertion.outcome.name(),
            text(&assertion.title()),
        );
    }
    let more = tests.len().saturating_sub(MAX_TESTS);
    if more > 0 {
        let _ = writeln!(out, "<li>{}</li>", counted(more as u64, "more assertion"));
    }
    let _ = writeln!(out, "</ul>");
}

/// What a site's handles stand for, in brackets; empty where they have no names.
fn named(site: &Site) -> String {
    caption::names(site).map_or_else(String::new, |names| format!(" ({names})"))
}
