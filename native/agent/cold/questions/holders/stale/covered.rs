//! Which memory live blocks cover, one bit for sixteen bytes.
//!
//! Nearly every word that looks like an address points at a live block. The live table, which could
//! tell, is as large as the memory that it tells of, so each question waits for memory. This is a
//! 128th of it. A MiB that one block covers has no bits: a program may have many GiB in large
//! blocks.

use super::targets::lies_elsewhere;
use crate::IMAGE;
use crate::cold::questions::holders::Stop;
use crate::cold::questions::holders::table::Table;
use hackleak_image::layout::Live;

const MIB_BITS: u32 = 20;
const GRANULE_BITS: u32 = 4;
/// Granules of a MiB, and words of 64 bits for them.
const GRANULES: usize = 1 << (MIB_BITS - GRANULE_BITS);
const WORDS: usize = GRANULES / u64::BITS as usize;
/// Stands for the bits of a MiB that one block covers.
const WHOLE: u32 = u32::MAX;

/// The live blocks of one moment. Where it says nothing, there may be younger ones.
pub struct Covered {
    /// Open addressing by MiB: its number plus one, and where its bits begin.
    regions: Table<(usize, u32)>,
    bits: Table<u64>,
    used: usize,
}

impl Covered {
    /// The blocks of now.
    pub fn of_now() -> Result<Covered, Stop> {
        let mut covered = Covered {
            regions: Table::filled(1024, (0, 0))?,
            bits: Table::new(),
            used: 0,
        };
        let mut failed = None;
        IMAGE.live.for_each(IMAGE.window(), |start, live| {
            if failed.is_none() && !lies_elsewhere(live) {
                failed = covered.add(start, len(live)).err();
            }
        });
        failed.map_or(Ok(covered), Err)
    }

    /// Whether a live block covers the address, or one that ends less than sixteen bytes before.
    #[inline(always)]
    pub fn has(&self, address: usize) -> bool {
        let (mib, region) = self.regions[self.place(address >> MIB_BITS)];
        if mib == 0 || region == WHOLE {
            return mib != 0;
        }
        let granule = address >> GRANULE_BITS;
        let word = granule / u64::BITS as usize % WORDS;
        self.bits[region as usize + word] >> (granule % u64::BITS as usize) & 1 != 0
    }

    #[inline(always)]
    fn place(&self, mib: usize) -> usize {
        let mask = self.regions.len() - 1;
        let mut place = mib.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & mask;
        while self.regions[place].0 != 0 && self.regions[place].0 != mib + 1 {
            place = (place + 1) & mask;
        }
        place
    }

    fn add(&mut self, start: usize, len: usize) -> Result<(), Stop> {
        let mut granule = start >> GRANULE_BITS;
        let end = ((start + len - 1) >> GRANULE_BITS) + 1;
        while granule < end {
            let mib = granule / GRANULES;
            if granule.is_multiple_of(GRANULES) && end - granule >= GRANULES {
                self.enter(mib, WHOLE)?;
                granule += GRANULES;
                continue;
            }
            let region = self.region(mib)?;
            let word = granule / u64::BITS as usize;
            let first = granule % u64::BITS as usize;
            let last = (end - word * u64::BITS as usize).min(u64::BITS as usize);
            let ones = u64::MAX >> (u64::BITS as usize - (last - first)) << first;
            if let Some(region) = region {
                self.bits[region + word % WORDS] |= ones;
            }
            granule = word * u64::BITS as usize + last;
        }
        Ok(())
    }

    /// Where the bits of a MiB begin; those of nobody where a block covers it, which others cannot
    /// lie in.
    fn region(&mut self, mib: usize) -> Result<Option<usize>, Stop> {
        let (known, region) = self.regions[self.place(mib)];
        if known != 0 {
            return Ok((region != WHOLE).then_some(region as usize));
        }
        let first = self.bits.len();
        for _ in 0..WORDS {
            self.bits.push(0)?;
        }
        self.enter(mib, first as u32)?;
        Ok(Some(first))
    }

    fn enter(&mut self, mib: usize, region: u32) -> Result<(), Stop> {
        let place = self.place(mib);
        self.used += usize::from(self.regions[place].0 == 0);
        self.regions[place] = (mib + 1, region);
        match self.used * 2 > self.regions.len() {
            true => self.grow(),
            false => Ok(()),
        }
    }

    fn grow(&mut self) -> Result<(), Stop> {
        let larger = Table::filled(self.regions.len() * 2, (0, 0))?;
        let smaller = core::mem::replace(&mut self.regions, larger);
        for region in smaller.iter().filter(|region| region.0 != 0) {
            let place = self.place(region.0 - 1);
            self.regions[place] = *region;
        }
        Ok(())
    }
}

/// Handles have no size, and marks in their lowest bits.
fn len(live: Live) -> usize {
    live.size().max(8) as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn covered(blocks: &[(usize, usize)]) -> Covered {
        let mut covered = Covered {
            regions: Table::filled(2, (0, 0)).ok().unwrap(),
            bits: Table::new(),
            used: 0,
        };
        for (start, len) in blocks {
            covered.add(*start, *len).ok().unwrap();
        }
        covered
    }

    #[test]
    fn what_a_block_covers_is_known_and_what_lies_beside_it_is_not() {
        const BASE: usize = 0x7f00_0010_0000;
        for (start, len) in [
            (BASE, 1),
            (BASE + 0x3f0, 16),
            (BASE + 8, 24),
            (BASE + 0x400, 64 * 16),
            (BASE + 0x10, 3 << 20),
            (BASE - 32, 64),
        ] {
            let covered = covered(&[(start, len)]);
            let (first, last) = (start & !15, (start + len - 1) | 15);
            for inside in [first, start, start + len / 2, start + len - 1, last] {
                assert!(covered.has(inside), "{start:x} {len}: {inside:x}");
            }
            for outside in [first - 1, last + 1, first - (1 << 20), last + (4 << 20), 0] {
                assert!(!covered.has(outside), "{start:x} {len}: {outside:x}");
            }
        }
    }

    #[test]
    fn what_one_block_covers_whole_takes_no_bits() {
        const BASE: usize = 0x7f00_0010_0000;
        let covered = covered(&[(BASE - 64, 200 << 20), (BASE + (300 << 20), 1 << 20)]);
        assert_eq!(
            covered.bits.len(),
            2 * WORDS,
            "the first MiB and the last one"
        );
        assert!(covered.has(BASE + (300 << 20)) && !covered.has(BASE + (301 << 20)));
        let end = BASE - 64 + (200 << 20);
        assert!(covered.has(end - 1) && !covered.has(end));
    }

    #[test]
    fn many_regions_are_told_apart() {
        let blocks: Vec<_> = (1..200).map(|mib| ((mib << 20) + mib * 64, 16)).collect();
        let covered = covered(&blocks);
        for (start, _) in blocks {
            assert!(covered.has(start) && !covered.has(start + 16) && !covered.has(start - 1));
        }
    }
}
