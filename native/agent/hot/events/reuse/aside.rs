//! Blocks that are put aside: free, and not the allocator's to hand out.

use super::LARGEST;
use crate::hot::ground::real;
use core::ffi::c_void;
use core::ops::Range;
use core::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// The most blocks and bytes at a time.
const MOST: usize = 4096;
const MOST_BYTES: usize = 16 << 20;
/// A place for one is looked for so often.
const PROBES: usize = 8;
/// A place for one that somebody is about to fill.
const TAKEN: usize = 1;

pub struct Aside {
    blocks: [AtomicUsize; MOST],
    sizes: [AtomicU32; MOST],
    bytes: AtomicUsize,
    next: AtomicUsize,
}

impl Aside {
    pub const fn new() -> Aside {
        Aside {
            blocks: [const { AtomicUsize::new(0) }; MOST],
            sizes: [const { AtomicU32::new(0) }; MOST],
            bytes: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
        }
    }

    /// Tells whether there was room.
    pub fn put(&self, block: *mut c_void, size: usize) -> bool {
        let size = size.max(1);
        if size > LARGEST {
            return false;
        }
        if self.bytes.fetch_add(size, Relaxed) + size > MOST_BYTES {
            self.bytes.fetch_sub(size, Relaxed);
            return false;
        }
        let first = self.next.fetch_add(1, Relaxed);
        for probe in 0..PROBES {
            let place = first.wrapping_add(probe) % MOST;
            let free = &self.blocks[place];
            // Its size is read by who takes the block out of the place, after this.
            if free.compare_exchange(0, TAKEN, AcqRel, Relaxed).is_ok() {
                self.sizes[place].store(size as u32, Relaxed);
                free.store(block as usize, Release);
                return true;
            }
        }
        self.bytes.fetch_sub(size, Relaxed);
        false
    }

    /// The same, or gives it to the allocator.
    pub fn put_or_free(&self, block: *mut c_void, size: usize) {
        if !self.put(block, size) {
            // SAFETY: a block of the allocator's, which nobody has.
            unsafe { real::free()(block) };
        }
    }

    /// Gives the allocator what no old word points at any more.
    pub fn release(&self, is_target: impl Fn(Range<usize>) -> bool) {
        for (place, size) in self.blocks.iter().zip(&self.sizes) {
            let block = place.load(Acquire);
            if block <= TAKEN {
                continue;
            }
            let size = size.load(Relaxed) as usize;
            if is_target(block..block + size) {
                continue;
            }
            if place.compare_exchange(block, 0, AcqRel, Relaxed).is_ok() {
                self.bytes.fetch_sub(size, Relaxed);
                // SAFETY: a block of the allocator's, which nobody has.
                unsafe { real::free()(block as *mut c_void) };
            }
        }
    }

    #[cfg(test)]
    pub fn all(&self) -> (Vec<usize>, usize) {
        let blocks = self.blocks.iter().map(|place| place.load(Relaxed));
        let blocks = blocks.filter(|block| *block > TAKEN).collect();
        (blocks, self.bytes.load(Relaxed))
    }
}
