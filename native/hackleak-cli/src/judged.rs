//! What a report comes to.

use std::path::Path;

use hackleak_report::{Names, Report, Verdict, render};

use crate::{exit, output};

/// The exit code of a report; what else must be known of it goes to stderr.
pub(crate) fn judged(report: &Report) -> u8 {
    let verdict = report.verdict();
    if verdict == Verdict::Incomplete {
        output::complain("no leaks were seen, but the record is incomplete: see the notes");
    }
    let blind = report.strict_failures();
    blind.iter().for_each(|sentence| output::complain(sentence));
    if !blind.is_empty() {
        return exit::NOT_SEEN;
    }
    exit::of(verdict)
}

/// A report as text: what leaked, where its files are, and the totals; without `names`, if it is
/// redacted.
pub(crate) fn text(
    report: &Report,
    json: Option<&Path>,
    page: Option<&Path>,
    names: Option<&Names>,
) -> String {
    let mut text = render::text(report, json);
    if let Some(page) = page {
        text += &format!("page: {}\n", page.display());
    }
    text += &render::totals(report);
    match names {
        Some(names) => names.clean(&text),
        None => text,
    }
}
