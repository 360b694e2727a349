//! What a report comes to.

use hackleak_report::{Report, Verdict};

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
