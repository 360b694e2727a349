//! Which parts of the address space recorded mappings have, and which record each part belongs to.
//!
//! A mapping is one fragment at first. Unmapping a part of it, or mapping something over its middle, cuts it
//! into more, which keep their record. Fragments lie in a table by their first page; a word has first page and
//! length, so a fragment changes as a whole.
//!
//! What makes this safe without a lock: between `mmap` and `munmap` the program owns the addresses, and only
//! the owner changes what is known of them. A fragment is put in after the kernel has made it and taken out
//! before the kernel ends it. Two threads that unmap different parts of one fragment at once may leave a part
//! of it behind; [`mapped::look`](crate::mapped::look) asks the kernel.
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

    /// Puts in a new mapping and gives the number of its record, for which `is_free` says whether it may be taken.
    /// `None` where no place was left.
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

    /// Takes out what lies in `range`, and calls `each` with every piece of it. What lies before and after stays.
    /// A rest for which no place is left is lost: it is a piece as well, and the answer is false.
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

    /// What there was, as far as that is known: of each place the last piece. It may be there again.
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
mod tests {
    use super::*;

    const PAGE: usize = 1 << PAGE_BITS;

    fn pages(first: usize, end: usize) -> Range<usize> {
        first * PAGE..end * PAGE
    }

    fn take<const GROUPS: usize>(
        table: &Fragments<GROUPS>,
        range: Range<usize>,
    ) -> Vec<(Range<usize>, u32)> {
        let mut taken = Vec::new();
        table.take(&range, |piece| {
            taken.push((
                piece.range.start / PAGE..piece.range.end / PAGE,
                piece.record,
            ));
        });
        taken.sort_unstable_by_key(|(range, _)| range.start);
        taken
    }

    fn all<const GROUPS: usize>(table: &Fragments<GROUPS>) -> Vec<(Range<usize>, u32)> {
        let all = table
            .all()
            .map(|one| (one.range.start / PAGE..one.range.end / PAGE, one.record));
        let mut all: Vec<_> = all.collect();
        all.sort_unstable_by_key(|(range, _)| range.start);
        all
    }

    #[test]
    fn a_mapping_that_is_cut_keeps_its_record() {
        let table: Fragments<2> = Fragments::new();
        let record = table.put_new(pages(100, 110), |_| true).expect("room");
        assert_eq!(take(&table, pages(104, 106)), [(104..106, record)]);
        assert_eq!(all(&table), [(100..104, record), (106..110, record)]);
        assert_eq!(take(&table, pages(106, 107)), [(106..107, record)]);
        assert_eq!(take(&table, pages(90, 101)), [(100..101, record)]);
        assert_eq!(all(&table), [(101..104, record), (107..110, record)]);
        let rest = take(&table, pages(0, 1000));
        assert_eq!(rest, [(101..104, record), (107..110, record)]);
        assert_eq!(all(&table), []);
        assert!(table.unmapped().any(|range| range == pages(107, 110)));
    }

    #[test]
    fn several_mappings_end_at_once() {
        let table: Fragments<2> = Fragments::new();
        let first = table.put_new(pages(16, 20), |_| true).expect("room");
        let second = table.put_new(pages(20, 24), |_| true).expect("room");
        assert_ne!(first, second);
        let taken = take(&table, pages(18, 22));
        assert_eq!(taken, [(18..20, first), (20..22, second)]);
        assert_eq!(all(&table), [(16..18, first), (22..24, second)]);
        assert!(table.begins_at(22 * PAGE) && !table.begins_at(20 * PAGE));
    }

    #[test]
    fn of_what_lies_over_each_other_one_can_be_taken() {
        let table: Fragments<2> = Fragments::new();
        let old = table.put_new(pages(16, 20), |_| true).expect("room");
        let new = table.put_new(pages(14, 18), |_| true).expect("room");
        let part = Fragment {
            range: pages(16, 18),
            record: old,
            order: 1,
        };
        let mut taken = 0;
        table.take_of(&part, |piece| taken += piece.range.len() / PAGE);
        assert_eq!(taken, 2);
        assert_eq!(all(&table), [(14..18, new), (18..20, old)]);
    }

    #[test]
    fn a_record_that_is_in_use_is_not_given_again() {
        let table: Fragments<1> = Fragments::new();
        let record = table.put_new(pages(300, 302), |_| true).expect("room");
        assert_eq!(take(&table, pages(300, 301)).len(), 1);
        let other = table
            .put_new(pages(300, 301), |number| number != record)
            .expect("room");
        assert_ne!(record, other);
        assert_eq!(all(&table), [(300..301, other), (301..302, record)]);
    }

    #[test]
    fn a_full_table_refuses_and_places_are_used_again() {
        let table: Fragments<1> = Fragments::new();
        for number in 0..64 {
            let range = pages(1000 + 2 * number, 1001 + 2 * number);
            assert!(table.put_new(range, |_| true).is_some(), "{number}");
        }
        assert_eq!(table.put_new(pages(5000, 5001), |_| true), None);
        assert_eq!(take(&table, pages(1002, 1005)).len(), 2);
        assert!(table.put_new(pages(5000, 5001), |_| true).is_some());
        assert!(table.put_new(pages(6000, 6001), |_| true).is_some());
        assert_eq!(table.put_new(pages(7000, 7001), |_| true), None);
        table.clear();
        assert_eq!(all(&table), []);
    }

    #[test]
    fn a_mapping_may_be_longer_than_a_fragment() {
        let table: Fragments<1> = Fragments::new();
        let long = pages(4096, 4096 + 3 * MOST_PAGES);
        let record = table.put_new(long.clone(), |_| true).expect("room");
        assert_eq!(all(&table).len(), 3);
        let taken = take(&table, long);
        assert_eq!(taken.len(), 3);
        let sum: usize = taken.iter().map(|(range, _)| range.len()).sum();
        assert_eq!(sum, 3 * MOST_PAGES);
        assert!(taken.iter().all(|(_, of)| *of == record));
    }
}
