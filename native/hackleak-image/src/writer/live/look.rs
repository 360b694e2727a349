//! Questions about single addresses, for those who look at memory from outside of hooks.

use super::{LiveTable, newest, words};
use crate::layout::{FREED, Live};
use core::sync::atomic::Ordering::{Acquire, Relaxed};

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A live block is there.
    Live,
    /// A block was there, and has been freed.
    Freed,
    /// Blocks have been near it, but nothing is known of this place: it is free, or of somebody who
    /// is not recorded.
    Unknown,
    /// No block has ever been near it.
    Elsewhere,
}

impl LiveTable {
    /// The record at `address` as it is now, if the block is live.
    pub fn live_at(&self, address: usize) -> Option<Live> {
        self.record_at(address).filter(|live| live.is_live())
    }

    /// The record of the block that was freed at `address`, if nobody has the address since.
    pub fn freed_at(&self, address: usize) -> Option<Live> {
        self.record_at(address)
            .filter(|live| live.block & FREED != 0)
    }

    fn record_at(&self, address: usize) -> Option<Live> {
        let segment = self.segment(address);
        if segment.is_null() || address & 7 != 0 {
            return None;
        }
        let (origin, block) = words(segment, (address >> 4) & 0xffff);
        Some(Live {
            block: block.load(Acquire),
            origin: origin.load(Relaxed),
        })
    }

    /// What is known of the memory that `address` lies in, as far as its block begins at most 4 KiB
    /// before.
    pub fn state_at(&self, address: usize) -> State {
        match self.state_in(address, address & !15) {
            State::Live => State::Live,
            even => match self.state_in(address, (address & !15) + 8) {
                State::Elsewhere => even,
                State::Unknown if even != State::Elsewhere => even,
                odd => odd,
            },
        }
    }

    /// Whether blocks have been in the MiB that the address is in. It costs next to nothing.
    #[inline(always)]
    pub fn has_been_near(&self, address: usize) -> bool {
        !self.segment(address & !15).is_null() || !self.segment(address | 8).is_null()
    }

    /// Has the processor fetch what [`LiveTable::state_at`] looks at first. Who asks for many
    /// addresses does this for some of them before, so that it waits for all of these at once. What
    /// it gives means nothing.
    #[inline(always)]
    pub fn fetch(&self, address: usize) -> u64 {
        let segment = self.segment(address & !15);
        if segment.is_null() {
            return 0;
        }
        let (_, block) = words(segment, (address >> 4) & 0xffff);
        block.load(Relaxed)
    }

    /// The same of blocks that begin at `first` or a multiple of sixteen bytes before.
    fn state_in(&self, address: usize, first: usize) -> State {
        const GRANULE: usize = 16;
        /// Records of a page.
        const PAGE: usize = 256;
        let mut start = first;
        let mut state = match self.segment(start).is_null() {
            true => State::Elsewhere,
            false => State::Unknown,
        };
        let mut left = 256;
        while left > 0 {
            let segment = self.segment(start);
            if segment.is_null() {
                return state;
            }
            let index = (start >> 4) & 0xffff;
            let here = left.min(index % PAGE + 1);
            let is_used = newest(segment, start).load(Relaxed) != 0;
            for step in 0..if is_used { here } else { 0 } {
                let (_, block) = words(segment, index - step);
                let block = Live {
                    origin: 0,
                    block: block.load(Relaxed),
                };
                let start = start - step * GRANULE;
                if block.block == 0 || start > address {
                    continue;
                }
                // Handles have no size, and marks in their lowest bits.
                let inside = address - start < block.size().max(8) as usize;
                match (block.is_live(), inside) {
                    (true, true) => return State::Live,
                    // Blocks that are live do not overlap: none before this one reaches here.
                    (true, false) => return state,
                    // One that is live may have swallowed one that was freed.
                    (false, true) => state = State::Freed,
                    (false, false) => {}
                }
            }
            left -= here;
            start = start.wrapping_sub(here * GRANULE);
        }
        state
    }
}
