//! Walks over all that is live.

use super::super::sync::AtomicU32;
use super::super::window::Window;
use super::{LiveTable, MIB_BITS, words};
use crate::layout::{FREED, Kind, LIVE, Live};
use core::sync::atomic::Ordering::{Acquire, Relaxed};

impl LiveTable {
    /// Calls `each` with every live block whose page saw an allocation in `epoch` or later.
    /// Blocks that come and go meanwhile may or may not be seen.
    /// Blocks of the runtime are left out.
    pub fn for_each_since(&self, window: &Window, epoch: u32, mut each: impl FnMut(usize, Live)) {
        self.walk(window, epoch, LIVE, |address, live| {
            if live.kind() != Kind::Runtime as u8 {
                each(address, live);
            }
        });
    }

    /// Calls `each` with every live block, those of the runtime too.
    pub fn for_each(&self, window: &Window, each: impl FnMut(usize, Live)) {
        self.walk(window, 0, LIVE, each);
    }

    /// Calls `each` with every live block and with what is left of those that were freed, which may
    /// lie partly in others by now.
    pub fn for_each_and_freed(&self, window: &Window, each: impl FnMut(usize, Live)) {
        self.walk(window, 0, LIVE | FREED, each);
    }

    /// The walk over the table; pages without an allocation in `epoch` or later are skipped, and
    /// records without any of the bits `wanted`.
    fn walk(&self, window: &Window, epoch: u32, wanted: u64, mut each: impl FnMut(usize, Live)) {
        for index in 0..window.segment_count() {
            let Some((segment, kind)) = window.segment_at(index) else {
                continue;
            };
            let Some(odd) = self.kinds.iter().position(|known| *known == kind) else {
                continue;
            };
            let odd = odd * 8;
            // SAFETY: a published segment; its `base` was written before its kind.
            let (base, summary) = unsafe { ((*segment).base, &raw mut (*segment).summary) };
            for page in 0..256 {
                // SAFETY: the summary has 256 words.
                let newest = unsafe { AtomicU32::from_ptr(summary.cast::<u32>().add(page)) };
                let newest = newest.load(Relaxed);
                if newest == 0 || newest < epoch {
                    continue;
                }
                for slot in page * 256..(page + 1) * 256 {
                    let (origin, block) = words(segment, slot);
                    let before = block.load(Acquire);
                    if before & wanted == 0 {
                        continue;
                    }
                    let live = Live {
                        origin: origin.load(Acquire),
                        block: before,
                    };
                    if block.load(Relaxed) == before {
                        each(((base as usize) << MIB_BITS) + slot * 16 + odd, live);
                    }
                }
            }
        }
    }
}
