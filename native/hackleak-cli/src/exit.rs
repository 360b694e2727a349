//! Exit codes.

use hackleak_report::Verdict;

/// No leaks.
pub(crate) const CLEAN: u8 = 0;
/// Wrong usage, unreadable input, or a record too incomplete to call clean.
pub(crate) const FAILED: u8 = 1;
/// Leaks.
pub(crate) const LEAKS: u8 = 23;
/// A library that is not seen; a strict report says so with the code of leaks.
pub(crate) const NOT_SEEN: u8 = LEAKS;

/// The exit code of a verdict.
pub(crate) fn of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Clean => CLEAN,
        Verdict::Incomplete => FAILED,
        Verdict::Leaks | Verdict::Findings => LEAKS,
    }
}
