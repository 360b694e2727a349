//! Why an image's file could not hold everything that was recorded.

use crate::layout::flags;

/// Why the file cannot grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The file system is full, or its quota used up.
    Full,
    /// The process may not write files that long (`RLIMIT_FSIZE`).
    Limit,
    /// The program closed the file, and its path names another one by now, or none.
    Gone,
    /// The program has forbidden itself the system calls for it, on pain of death.
    Forbidden,
    /// The file system refuses for another reason.
    InsertError,
}

impl Shortage {
    /// Bits for [`crate::layout::Header::flags`].
    pub const fn flags(self) -> u32 {
        flags::MEMORY_ONLY
            | match self {
                Shortage::Full => 0,
                Shortage::Limit => flags::FILE_LIMIT,
                Shortage::Gone => flags::FILE_GONE,
                Shortage::Forbidden => flags::FILE_FORBIDDEN,
                Shortage::InsertError => flags::FILE_REFUSED,
            }
    }

    /// The reason in a header's flags; `None` when everything is in the file.
    pub const fn of_flags(bits: u32) -> Option<Shortage> {
        if bits & flags::MEMORY_ONLY == 0 {
            None
        } else if bits & flags::FILE_LIMIT != 0 {
            Some(Shortage::Limit)
        } else if bits & flags::FILE_GONE != 0 {
            Some(Shortage::Gone)
        } else if bits & flags::FILE_FORBIDDEN != 0 {
            Some(Shortage::Forbidden)
        } else if bits & flags::FILE_REFUSED != 0 {
            Some(Shortage::InsertError)
        } else {
            Some(Shortage::Full)
        }
    }

    /// The reason in words, as the end of a sentence.
    pub const fn reason(self) -> &'static str {
        match self {
            Shortage::Full => "the file system was full",
            Shortage::Limit => "the file-size limit of the process (`ulimit -f`) was reached",
            Shortage::Gone => "the program closed the file, and its path names another one or none",
            Shortage::Forbidden => "the program had forbidden itself system calls (seccomp)",
            Shortage::InsertError => "the file system refused to let the file grow",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_survives_the_header() {
        use Shortage::{Forbidden, Full, Gone, InsertError, Limit};
        for reason in [Full, Limit, Gone, Forbidden, InsertError] {
            assert_eq!(Shortage::of_flags(reason.flags()), Some(reason));
        }
        assert_eq!(Shortage::of_flags(flags::JAVA), None);
    }
}
