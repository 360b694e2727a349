//! What the reader had to leave out, counted by kind.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// One kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// The header counts more segments than the file holds.
    MissingSegments,
    /// The file holds more segments than the header counts.
    ExtraSegments,
    /// The file ends in the middle of a segment.
    CutSegment,
    /// A segment without any header: wiped out, or its process died while it made it.
    BlankSegment,
    /// A segment without its magic, of an unknown kind, or outside of the address space.
    BadSegment,
    /// Two segments for the same piece.
    DoubleSegment,
    /// A segment that the system could not read.
    UnreadableSegment,
    /// A segment that the header's lengths ask for is not there.
    MissingPiece,
    /// The header's lengths say less than the segments that are there.
    ShortTable,
    /// An index or offset that points at nothing.
    BadReference,
    /// A record of zeros where one must be: wiped out, or its process died while it wrote it.
    BlankRecord,
    /// A page of live records of which the summary says that it was used, and which is all zeros.
    BlankPage,
    /// A page of live records of which the summary says that it was never used, and which has
    /// blocks.
    UncountedPage,
    /// A text that begins or ends with zeros.
    LostText,
    /// A stack frame that cannot be decoded.
    BadFrame,
    /// A stack that does not end.
    EndlessStack,
    /// A live block of an unknown kind.
    BadBlock,
}

impl Damage {
    /// Whether a recorder that ran out of room for its file leaves this behind: part of what it
    /// recorded was in its memory only, as [`crate::layout::flags::MEMORY_ONLY`] says.
    pub fn is_of_memory_only(self) -> bool {
        use Damage::*;
        matches!(
            self,
            MissingSegments | MissingPiece | BadReference | EndlessStack
        )
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Damage::MissingSegments => "segments are missing at the end of the file",
            Damage::CutSegment => "segments are cut off",
            Damage::ExtraSegments => "segments are there that the header does not count",
            Damage::BlankSegment => "segments were wiped out, or never finished",
            Damage::BadSegment => "segments are unreadable and were left out",
            Damage::DoubleSegment => "segments are there twice",
            Damage::UnreadableSegment => "segments could not be read from the file system",
            Damage::MissingPiece => "parts of tables are missing",
            Damage::ShortTable => "tables are longer than the header says",
            Damage::BlankRecord => "records were wiped out, or never finished",
            Damage::BlankPage => "pages of live blocks were wiped out",
            Damage::UncountedPage => "pages of live blocks are not counted by their segment",
            Damage::LostText => "texts were wiped out",
            Damage::BadReference => "references point at nothing",
            Damage::BadFrame => "stack frames cannot be decoded",
            Damage::EndlessStack => "stacks do not end and were cut",
            Damage::BadBlock => "live blocks are of an unknown kind and were left out",
        })
    }
}

/// Counts damage from behind shared references.
#[derive(Debug, Default)]
pub(super) struct DamageCounts(RefCell<BTreeMap<Damage, u64>>);

impl DamageCounts {
    pub(super) fn add(&self, damage: Damage, count: u64) {
        if count > 0 {
            let mut counts = self.0.borrow_mut();
            let total = counts.entry(damage).or_default();
            *total = total.saturating_add(count);
        }
    }

    /// Drops what opening the image counts, before it counts again.
    pub(super) fn forget_index(&self) {
        use Damage::*;
        self.0.borrow_mut().retain(|damage, _| {
            !matches!(
                damage,
                MissingSegments
                    | ExtraSegments
                    | CutSegment
                    | BlankSegment
                    | BadSegment
                    | DoubleSegment
                    | MissingPiece
                    | ShortTable
            )
        });
    }

    pub(super) fn list(&self) -> Vec<(Damage, u64)> {
        self.0
            .borrow()
            .iter()
            .map(|(damage, count)| (*damage, *count))
            .collect()
    }
}
