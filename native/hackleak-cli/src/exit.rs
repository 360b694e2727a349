//! Exit codes, as [`hackleak_options::exit_code`] has them.

/// What shells say of a command that cannot be run.
pub(crate) const NOT_RUN: u8 = 126;
/// What they say where there is none.
pub(crate) const NO_COMMAND: u8 = 127;

pub(crate) use hackleak_options::exit_code::{CLEAN, FAILED, INCOMPLETE, LEAKS};
use hackleak_report::Verdict;

/// A library that is not seen; a strict report says so with the code of leaks.
pub(crate) const NOT_SEEN: u8 = LEAKS;

/// The exit code of a verdict.
pub(crate) fn of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Clean => CLEAN,
        Verdict::Incomplete => INCOMPLETE,
        Verdict::Leaks | Verdict::InvalidFrees => LEAKS,
    }
}

/// What a verdict is worth.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Zero {
    /// Exit with 0 whatever is found; with 1 still where something goes wrong
    #[arg(long)]
    exit_zero: bool,
}

impl Zero {
    /// The code to exit with, where that of the verdict is `code`.
    pub(crate) fn of(self, code: u8) -> u8 {
        match code {
            LEAKS | INCOMPLETE if self.exit_zero => CLEAN,
            code => code,
        }
    }
}

/// The code to give where both are due.
pub(crate) fn weightier(one: u8, other: u8) -> u8 {
    let weight = |code: u8| match code {
        CLEAN => 0,
        FAILED => 1,
        INCOMPLETE => 2,
        _ => 3,
    };
    if weight(other) > weight(one) {
        other
    } else {
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_weighs_most_and_an_incomplete_record_more_than_a_mistake() {
        let order = [CLEAN, FAILED, INCOMPLETE, LEAKS];
        for (weight, code) in order.into_iter().enumerate() {
            for other in &order[..weight] {
                assert_eq!(weightier(code, *other), code);
                assert_eq!(weightier(*other, code), code);
            }
        }
    }
}
