//! Why a record is incomplete: a closed list of codes, with a sentence each.
//!
//! Programs read the codes, in the JSON and in the rows of [`crate::render::lines`]; people read
//! the sentences, among the notes. A record with any of these is never called clean.

use hackleak_image::Shortage;
use hackleak_image::layout::Counter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident $code:literal $sentence:literal,)*) => {
        /// Why a record is incomplete.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        pub enum Incomplete { $($(#[doc = $doc])+ #[serde(rename = $code)] $name,)* }
        impl Incomplete {
            /// Every cause.
            pub const ALL: &[Incomplete] = &[$(Incomplete::$name,)*];
            /// The code, as in the JSON.
            pub const fn code(self) -> &'static str {
                match self { $(Incomplete::$name => $code,)* }
            }
            /// What it means, without a full stop.
            pub const fn sentence(self) -> &'static str {
                match self { $(Incomplete::$name => $sentence,)* }
            }
        }
    };
}

causes! {
    /// The image is damaged or was cut off.
    Damaged "damaged" "the image is damaged or was cut off, so blocks may be missing from it",
    /// The file system was full.
    FullDisk "full-disk"
        "the file system was full, so not everything that was recorded is in the image",
    /// The process may not write files that long.
    FileLimit "file-limit"
        "the file-size limit of the process (`ulimit -f`) was reached, so not everything that was recorded is in the image",
    /// The image could not grow for another reason.
    NotInFile "not-in-file"
        "the image's file was closed or could not grow, so not everything that was recorded is in it",
    /// Allocations could not be recorded.
    Dropped "dropped" "allocations could not be recorded",
    /// The recorder stopped.
    Stopped "stopped" "the recording stopped at an error of the recorder's own",
    /// Forked children went on without a record.
    Forks "forks" "forked children could not be recorded",
    /// A library under test is not seen.
    Blind "blind" "a library under test allocates where the recorder does not see it",
    /// Blocks lost the scope that they belong to, and one scope was looked at.
    Unattributed "unattributed"
        "blocks whose scope was lost may belong to the scope that was looked at",
    /// An image cannot be read at all. Only in reports, not in processes.
    Unreadable "unreadable" "an image cannot be read, so nothing is known of its process",
}

/// The counters that say that something is missing from the record, with what that makes of it.
/// The others only say that something is less well described.
const LOSSES: &[(Counter, Incomplete)] = &[
    (Counter::DroppedNoSegment, Incomplete::Dropped),
    (Counter::DroppedAddress, Incomplete::Dropped),
    (Counter::InternalErrors, Incomplete::Stopped),
    (Counter::ForksUnrecorded, Incomplete::Forks),
];

impl Incomplete {
    /// The causes that the counters of an image tell of; `count` gives the value of one.
    pub(crate) fn of_counters(count: impl Fn(Counter) -> u64) -> impl Iterator<Item = Incomplete> {
        let met = LOSSES
            .iter()
            .filter(move |(counter, _)| count(*counter) > 0);
        met.map(|(_, cause)| *cause)
    }

    /// The cause that an image tells of that could not grow.
    pub(crate) fn of_shortage(shortage: Shortage) -> Incomplete {
        match shortage {
            Shortage::Full => Incomplete::FullDisk,
            Shortage::Limit => Incomplete::FileLimit,
            Shortage::Gone | Shortage::Forbidden | Shortage::InsertError => Incomplete::NotInFile,
        }
    }

    /// The note that says so.
    pub(crate) fn note(self) -> String {
        format!("incomplete ({}): {}", self.code(), self.sentence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_recorder_counts_as_dropped_makes_a_record_incomplete() {
        for counter in Counter::DROPPED {
            let mut found = Incomplete::of_counters(|other| u64::from(other == counter));
            assert!(found.next().is_some(), "{counter:?}");
        }
        assert_eq!(Incomplete::of_counters(|_| 0).count(), 0);
    }

    #[test]
    fn codes_are_words_that_fit_a_row() {
        for cause in Incomplete::ALL {
            let code = cause.code();
            assert!(
                code.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{code}"
            );
            assert_eq!(serde_json::to_value(cause).expect("JSON"), code);
        }
    }
}
