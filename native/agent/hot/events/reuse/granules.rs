//! What is known of words of the process, by their addresses.

use super::LARGEST;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

pub const WORD: usize = 8;
/// What one entry tells of: a bit for each word.
pub const GRANULE: usize = 64 * WORD;
/// Granules next to each other have entries next to each other, in groups.
const GROUP: usize = 64;
/// A power of two.
const GROUPS: usize = 1 << 11;
/// An entry is looked for in so many groups.
const PROBES: usize = 8;

/// What is known of the words of one granule.
pub struct Entry {
    /// The number of the granule; 0 where there is none.
    granule: AtomicUsize,
    /// Words to be wiped.
    pub places: AtomicU64,
    /// Words that an old one points at.
    pub targets: AtomicU64,
}

/// A table of them. Where there is no room for one, nothing is known of its words.
pub struct Granules {
    entries: [Entry; GROUPS * GROUP],
}

fn bit(address: usize) -> u64 {
    1 << (address / WORD % 64)
}

/// The places where the entry of a granule may be.
fn places(granule: usize) -> impl Iterator<Item = usize> {
    // By the golden ratio: Knuth, The Art of Computer Programming, volume 3, 6.4.
    let mixed = (granule / GROUP).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let first = mixed >> (usize::BITS - GROUPS.trailing_zeros());
    (first..first + PROBES).map(move |group| group % GROUPS * GROUP + granule % GROUP)
}

impl Granules {
    pub const fn new() -> Granules {
        Granules {
            entries: [const {
                Entry {
                    granule: AtomicUsize::new(0),
                    places: AtomicU64::new(0),
                    targets: AtomicU64::new(0),
                }
            }; GROUPS * GROUP],
        }
    }

    fn entry(&self, granule: usize) -> Option<&Entry> {
        for place in places(granule) {
            let entry = &self.entries[place];
            match entry.granule.load(Relaxed) {
                0 => return None,
                found if found == granule => return Some(entry),
                _ => {}
            }
        }
        None
    }

    /// Whether the word at `address` was set.
    pub fn has(&self, address: usize, of: impl Fn(&Entry) -> &AtomicU64) -> bool {
        self.entry(address / GRANULE)
            .is_some_and(|entry| of(entry).load(Relaxed) & bit(address) != 0)
    }

    /// Only one thread at a time.
    pub fn set(&self, address: usize, of: impl Fn(&Entry) -> &AtomicU64) {
        let granule = address / GRANULE;
        for place in places(granule) {
            let entry = &self.entries[place];
            let found = entry.granule.load(Relaxed);
            if found == 0 || found == granule {
                of(entry).fetch_or(bit(address), Relaxed);
                entry.granule.store(granule, Relaxed);
                return;
            }
        }
    }

    pub fn clear(&self) {
        for entry in &self.entries {
            if entry.granule.load(Relaxed) != 0 {
                entry.granule.store(0, Relaxed);
                entry.places.store(0, Relaxed);
                entry.targets.store(0, Relaxed);
            }
        }
    }

    /// Calls `each` with the granules of a range that something is known of, and the bits of their
    /// words in it, until it says that this is enough.
    fn each(&self, range: Range<usize>, mut each: impl FnMut(usize, &Entry, u64) -> bool) {
        if range.is_empty() || range.len() > LARGEST {
            return;
        }
        let (first, last) = (range.start / WORD, (range.end - 1) / WORD);
        for granule in first / 64..=last / 64 {
            let Some(entry) = self.entry(granule) else {
                continue;
            };
            let mut bits = u64::MAX;
            if granule == first / 64 {
                bits &= u64::MAX << (first % 64);
            }
            if granule == last / 64 {
                bits &= u64::MAX >> (63 - last % 64);
            }
            if each(granule, entry, bits) {
                return;
            }
        }
    }

    /// Whether an old word points into the range.
    pub fn is_target(&self, range: Range<usize>) -> bool {
        let mut found = false;
        self.each(range, |_, entry, bits| {
            found |= entry.targets.load(Relaxed) & bits != 0;
            found
        });
        found
    }

    /// Wipes the words of a part of a block.
    ///
    /// # Safety
    ///
    /// It is a block of this size, and nobody else has it.
    pub unsafe fn wipe(&self, block: usize, size: usize, part: Range<usize>) {
        if block == 0 || size > LARGEST {
            return;
        }
        // Whole words, as they are read.
        let words =
            (block + part.start).next_multiple_of(WORD)..(block + part.end.min(size)) / WORD * WORD;
        self.each(words, |granule, entry, bits| {
            let mut places = entry.places.load(Relaxed) & bits;
            while places != 0 {
                let word = granule * GRANULE + places.trailing_zeros() as usize * WORD;
                // SAFETY: a whole word in the block.
                unsafe { (word as *mut u64).write(0) };
                places &= places - 1;
            }
            false
        });
    }
}
