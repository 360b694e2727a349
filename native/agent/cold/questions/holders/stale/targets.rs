//! Where words of no use point: near blocks, and at nothing that is live.

use super::NEAR;
use super::covered::Covered;
use crate::IMAGE;
use crate::cold::questions::holders::Stop;
use crate::cold::questions::holders::table::Table;
use crate::hot::events::mapped;
use hackleak_image::layout::{Kind, Live};
use hackleak_image::writer::State;

/// The blocks that the table of live blocks does not find from far inside.
pub struct Large(Table<(usize, usize)>);

impl Large {
    /// Those of now.
    pub fn of_now() -> Result<Large, Stop> {
        let mut blocks = Table::new();
        let mut failed = None;
        IMAGE.live.for_each(IMAGE.window(), |start, live| {
            if live.size() as usize > NEAR && failed.is_none() && !lies_elsewhere(live) {
                failed = blocks.push((start, start + live.size() as usize)).err();
            }
        });
        blocks.sort_unstable();
        failed.map_or(Ok(Large(blocks)), Err)
    }

    /// Whether the address lies in one of them.
    pub fn has(&self, address: usize) -> bool {
        is_in(&self.0, address)
    }
}

/// Whether the record is of a mapping or of a count: neither has bytes where the record has its
/// place.
pub fn lies_elsewhere(live: Live) -> bool {
    live.kind() == Kind::Mmap as u8 || live.kind() == Kind::LocalRefs as u8
}

pub fn may_keep_pointers(live: Live) -> bool {
    use Kind::*;
    matches!(
        Kind::from_number(live.kind()),
        Some(New | NewArray | Malloc | Zip | Unsafe | Runtime)
    )
}

/// Recorded mappings: those that are there, and where others have been.
pub struct Mapped {
    pub(super) now: Table<(usize, usize)>,
    pub(super) ended: Table<(usize, usize)>,
}

impl Mapped {
    /// Those of now.
    pub fn of_now() -> Result<Mapped, Stop> {
        let (mut now, mut ended) = (Table::new(), Table::new());
        for (range, _) in mapped::all() {
            now.push((range.start, range.end))?;
        }
        for range in mapped::unmapped() {
            ended.push((range.start, range.end))?;
        }
        now.sort_unstable();
        ended.sort_unstable();
        // Each reaches as far as those before it: they may lie over each other.
        let mut end = 0;
        for range in ended.iter_mut() {
            end = end.max(range.1);
            range.1 = end;
        }
        Ok(Mapped { now, ended })
    }

    /// Whether the address lies in one of now.
    pub fn has(&self, address: usize) -> bool {
        is_in(&self.now, address)
    }
}

/// No mapping begins below.
const LOWEST: usize = 1 << 16;

/// Whether the address lies in one of these, which are sorted.
pub fn is_in(ranges: &[(usize, usize)], address: usize) -> bool {
    let after = ranges.partition_point(|(start, _)| *start <= address);
    after
        .checked_sub(1)
        .is_some_and(|at| address < ranges[at].1)
}

/// Calls `each` with the index of each word that may be one of no use, in their order.
#[inline(always)]
pub fn each_that_may_be(
    words: &[u64],
    covered: &Covered,
    mapped: &Mapped,
    mut each: impl FnMut(usize),
) {
    // The records of some are fetched at once: they lie anywhere in a table as large as the memory
    // it tells of.
    const FEW: usize = 32;
    let mut few = [0; FEW];
    let mut count = 0;
    let mut look = |few: &[usize]| {
        let fetched = few.iter().map(|at| IMAGE.live.fetch(words[*at] as usize));
        core::hint::black_box(fetched.fold(0, |sum, word| sum ^ word));
        few.iter().for_each(|at| each(*at));
    };
    let may_have_ended = !mapped.ended.is_empty();
    for (at, word) in words.iter().enumerate() {
        let address = *word as usize;
        if address >= LOWEST
            && (may_have_ended || IMAGE.live.has_been_near(address))
            && !covered.has(address)
        {
            few[count] = at;
            count += 1;
            if count == FEW {
                look(&few);
                count = 0;
            }
        }
    }
    look(&few[..count]);
}

/// Whether a word points near blocks, or where a mapping has been, and at nothing that is live, as
/// far as that is known from the table of live blocks alone: see [`Large`].
pub fn is_of_no_use(word: u64, mapped: &Mapped) -> bool {
    let address = word as usize;
    if address < LOWEST {
        return false;
    }
    match IMAGE.live.state_at(address) {
        State::Live => false,
        // Memory that is not recorded may become a block's as well as memory that was freed.
        State::Freed | State::Unknown => !mapped.has(address),
        State::Elsewhere => is_in(&mapped.ended, address) && !mapped.has(address),
    }
}
