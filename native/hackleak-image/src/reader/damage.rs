//! What the reader had to leave out, counted by kind.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// One kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// The header counts more segments than the file holds.
    MissingSegments,
    /// The file ends in the middle of a segment.
    CutSegment,
    /// A segment without its magic, of an unknown kind, or outside of the address space.
    BadSegment,
    /// Two segments for the same piece.
    DoubleSegment,
    /// A segment that the system could not read.
    UnreadableSegment,
    /// An index or offset that points at nothing.
    BadReference,
    /// A stack frame that cannot be decoded.
    BadFrame,
    /// A stack that does not end.
    EndlessStack,
    /// A live block of an unknown kind.
    BadBlock,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Damage::MissingSegments => "segments are missing at the end of the file",
            Damage::CutSegment => "segments are cut off",
            Damage::BadSegment => "segments are unreadable and were left out",
            Damage::DoubleSegment => "segments are there twice",
            Damage::UnreadableSegment => "segments could not be read from the file system",
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
                MissingSegments | CutSegment | BadSegment | DoubleSegment
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
