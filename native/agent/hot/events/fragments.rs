//! Which parts of the address space recorded mappings have, and which record each part belongs to.
//!
//! A mapping is one fragment at first. Unmapping a part of it, or mapping something over its
//! middle, cuts it into more, which keep their record. Fragments lie in a table by their first
//! page; a word has first page and length, so a fragment changes as a whole.
//!
//! What makes this safe without a lock: between `mmap` and `munmap` the program owns the addresses,
//! and only the owner changes what is known of them. A fragment is put in after the kernel has made
//! it and taken out before the kernel ends it. Two threads that unmap different parts of one
//! fragment at once may leave a part of it behind;
//! [`mapped::look`](crate::hot::events::mapped::look) asks the kernel.
//!
//! Only atomic words are written, so a hook may be interrupted anywhere.

use core::ops::Range;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

const PAGE_BITS: u32 = 12;
const START_BITS: u32 = 35;
/// The longest fragment, in pages: a longer mapping is several of them.
const MOST_PAGES: usize = (1 << (64 - START_BITS)) - 1;
/// So many places are tried for a start.
const TRIED: usize = 64;
/// Places that one word of [`Fragments::used`] tells about.
const GROUP: usize = 64;

/// First page and length of a fragment. Without a length there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word(u64);

impl Word {
    /// The place was never used: who looks for a start need not go on.
    const NEVER: Word = Word(0);
    /// Somebody is about to use the place.
    const CLAIMED: Word = Word(1);
    /// The place was used.
    const ENDED: Word = Word(2);

    fn of(range: &Range<usize>) -> Word {
        let pages = (range.end - range.start) >> PAGE_BITS;
        Word((range.start >> PAGE_BITS) as u64 | (pages as u64) << START_BITS)
    }

    fn is_there(self) -> bool {
        self.0 >> START_BITS != 0
    }

    fn range(self) -> Range<usize> {
        let start = (self.0 as usize & ((1 << START_BITS) - 1)) << PAGE_BITS;
        start..start + ((self.0 >> START_BITS) as usize) * (1 << PAGE_BITS)
    }
}

struct Place {
    word: AtomicU64,
    /// What was last taken out of it.
    ended: AtomicU64,
    order: AtomicU64,
    record: AtomicU32,
}

/// A part of a mapping, the number of its record, and the how manieth mapping it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fragment {
    pub range: Range<usize>,
    pub record: u32,
    pub order: u64,
}

/// The table, of `GROUPS` times 64 places, a power of two.
pub struct Fragments<const GROUPS: usize> {
    places: [[Place; GROUP]; GROUPS],
    /// A bit for each place that has a fragment.
    used: [AtomicU64; GROUPS],
    /// A bit for each place that ever had one.
    known: [AtomicU64; GROUPS],
    order: AtomicU64,
}

impl<const GROUPS: usize> Fragments<GROUPS> {
    #[cfg(test)]
    pub const fn new() -> Fragments<GROUPS> {
        Fragments {
            places: [const {
                [const {
                    Place {
                        word: AtomicU64::new(Word::NEVER.0),
                        ended: AtomicU64::new(0),
                        order: AtomicU64::new(0),
                        record: AtomicU32::new(0),
                    }
                }; GROUP]
            }; GROUPS],
            used: [const { AtomicU64::new(0) }; GROUPS],
            known: [const { AtomicU64::new(0) }; GROUPS],
            order: AtomicU64::new(0),
        }
    }

    fn place(&self, index: usize) -> Option<&Place> {
        self.places.get(index / GROUP)?.get(index % GROUP)
    }

    /// The places where a fragment with this start may lie.
    fn tried(start: usize) -> impl Iterator<Item = usize> {
        let hash = (start >> PAGE_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (hash..hash + TRIED.min(GROUPS * GROUP)).map(|place| place % (GROUPS * GROUP))
    }

    fn find(&self, start: usize) -> Option<(usize, Word)> {
        for index in Self::tried(start) {
            let word = Word(self.place(index)?.word.load(Acquire));
            if word == Word::NEVER {
                return None;
            }
            if word.is_there() && word.range().start == start {
                return Some((index, word));
            }
        }
        None
    }

    /// Whether one begins there.
    pub fn begins_at(&self, start: usize) -> bool {
        self.find(start).is_some()
    }

    /// Puts in a new mapping and gives the number of its record, for which `is_free` says whether
    /// it may be taken. `None` where no place was left.
    pub fn put_new(&self, range: Range<usize>, is_free: impl Fn(u32) -> bool) -> Option<u32> {
        let first = range.start..range.end.min(range.start + (MOST_PAGES << PAGE_BITS));
        let order = self.next_order();
        let record = self.put_one(first.clone(), None, order, is_free)?;
        if first.end < range.end && !self.put(first.end..range.end, record, order) {
            self.take(&range, |_| {});
            return None;
        }
        Some(record)
    }

    /// The order of what is mapped now.
    pub fn next_order(&self) -> u64 {
        self.order.fetch_add(1, Relaxed) + 1
    }

    /// Puts in a part of a mapping that has a record; false where no place was left for some of it.
    pub fn put(&self, range: Range<usize>, record: u32, order: u64) -> bool {
        let mut rest = range;
        while !rest.is_empty() {
            let first = rest.start..rest.end.min(rest.start + (MOST_PAGES << PAGE_BITS));
            rest.start = first.end;
            if self.put_one(first, Some(record), order, |_| true).is_none() {
                return false;
            }
        }
        true
    }

    fn put_one(
        &self,
        range: Range<usize>,
        record: Option<u32>,
        order: u64,
        is_free: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        for index in Self::tried(range.start) {
            let place = self.place(index)?;
            let before = Word(place.word.load(Relaxed));
            if before.is_there()
                || before == Word::CLAIMED
                || (place.word)
                    .compare_exchange(before.0, Word::CLAIMED.0, AcqRel, Relaxed)
                    .is_err()
            {
                continue;
            }
            let record = match record {
                Some(record) => record,
                None if is_free(index as u32) => index as u32,
                None => {
                    place.word.store(Word::ENDED.0, Release);
                    continue;
                }
            };
            place.record.store(record, Relaxed);
            place.order.store(order, Relaxed);
            place.word.store(Word::of(&range).0, Release);
            self.set_used(index, true);
            return Some(record);
        }
        None
    }

    fn set_used(&self, index: usize, is_used: bool) {
        let bit = 1 << (index % GROUP);
        let group = index / GROUP;
        let (Some(used), Some(known)) = (self.used.get(group), self.known.get(group)) else {
            return;
        };
        match is_used {
            true => used.fetch_or(bit, AcqRel),
            false => used.fetch_and(!bit, AcqRel),
        };
        if known.load(Relaxed) & bit == 0 {
            known.fetch_or(bit, Relaxed);
        }
    }

    /// The places of which a bit is set.
    fn with_bits(groups: &[AtomicU64; GROUPS]) -> impl Iterator<Item = usize> {
        (0..).zip(groups).flat_map(|(group, bits)| {
            let mut bits = bits.load(Acquire);
            core::iter::from_fn(move || {
                let bit = bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
                (bit < GROUP as u32).then_some(group * GROUP + bit as usize)
            })
        })
    }

    /// Takes out what lies in `range`, and calls `each` with every piece of it. What lies before
    /// and after stays. A rest for which no place is left is lost: it is a piece as well, and the
    /// answer is false.
    pub fn take(&self, range: &Range<usize>, mut each: impl FnMut(Fragment)) -> bool {
        if let Some((index, word)) = self.find(range.start)
            && word.range().end >= range.end
        {
            return self.cut(index, range, &mut each);
        }
        let mut whole = true;
        for index in Self::with_bits(&self.used) {
            whole &= self.cut(index, range, &mut each);
        }
        whole
    }

    /// The same for the pieces of one mapping alone, whatever else is said to lie there.
    pub fn take_of(&self, part: &Fragment, mut each: impl FnMut(Fragment)) -> bool {
        let mut whole = true;
        for index in Self::with_bits(&self.used) {
            let is_of = self.place(index).is_some_and(|place| {
                place.record.load(Relaxed) == part.record && place.order.load(Relaxed) == part.order
            });
            if is_of {
                whole &= self.cut(index, &part.range, &mut each);
            }
        }
        whole
    }

    fn cut(&self, index: usize, range: &Range<usize>, each: &mut impl FnMut(Fragment)) -> bool {
        let Some(place) = self.place(index) else {
            return true;
        };
        loop {
            let word = Word(place.word.load(Acquire));
            let Range { start, end } = word.range();
            let piece = start.max(range.start)..end.min(range.end);
            if !word.is_there() || piece.is_empty() {
                return true;
            }
            let record = place.record.load(Relaxed);
            let order = place.order.load(Relaxed);
            // The bit goes first: who uses the place next sets it again.
            let left = match start < piece.start {
                true => Word::of(&(start..piece.start)),
                false => Word::ENDED,
            };
            if left == Word::ENDED {
                self.set_used(index, false);
            }
            let cut = (place.word).compare_exchange(word.0, left.0, AcqRel, Relaxed);
            if cut.is_err() {
                self.set_used(index, true);
                continue;
            }
            place.ended.store(Word::of(&piece).0, Relaxed);
            let rest = piece.end..end;
            let is_kept = rest.is_empty() || self.put(rest.clone(), record, order);
            each(Fragment {
                range: piece,
                record,
                order,
            });
            if !is_kept {
                each(Fragment {
                    range: rest,
                    record,
                    order,
                });
            }
            return is_kept;
        }
    }

    /// What there is now.
    pub fn all(&self) -> impl Iterator<Item = Fragment> {
        Self::with_bits(&self.used).filter_map(|index| {
            let place = self.place(index)?;
            let word = Word(place.word.load(Acquire));
            let record = place.record.load(Relaxed);
            let order = place.order.load(Relaxed);
            word.is_there().then(|| Fragment {
                range: word.range(),
                record,
                order,
            })
        })
    }

    /// What there was, as far as that is known: of each place the last piece. It may be there
    /// again.
    pub fn unmapped(&self) -> impl Iterator<Item = Range<usize>> {
        let places = Self::with_bits(&self.known).filter_map(|index| self.place(index));
        let ended = places.map(|place| Word(place.ended.load(Relaxed)));
        ended.filter(|word| word.is_there()).map(Word::range)
    }

    /// Forgets all of it. Nobody else uses the table.
    pub fn clear(&self) {
        for index in Self::with_bits(&self.used) {
            if let Some(place) = self.place(index) {
                place.word.store(Word::ENDED.0, Relaxed);
            }
        }
        for used in &self.used {
            used.store(0, Relaxed);
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests;
