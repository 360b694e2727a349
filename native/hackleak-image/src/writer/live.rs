//! The live table: address → size, kind, stack and context, exact and without locks.
//!
//! A direct map: sixteen bytes of record for each sixteen bytes of address space that was ever
//! handed out, in segments of one MiB. Between `malloc` and `free` the caller owns the address,
//! and with it the record, so plain stores do; readers take the block's word before and after.
//!
//! Allocators that are not glibc's hand out small blocks at 8 modulo 16; those have a second map
//! of the same shape. Other alignments are refused and counted.

mod hold;
mod look;
mod walk;

pub use look::State;

use super::sync::{AtomicPtr, AtomicU32, AtomicU64};
use super::window::{Reserve, Window};
use crate::arch::ADDRESS_BITS;
use crate::layout::{FREED, LIVE, Live, PIN_SHIFT, SEGMENT_HEADER_LEN, SegmentHeader, SegmentKind};
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const MIB_BITS: u32 = 20;
const LOWER_BITS: u32 = 12;
const UPPER: usize = 1 << (ADDRESS_BITS - MIB_BITS - LOWER_BITS);
const LOWER: usize = 1 << LOWER_BITS;

type Lower = [AtomicPtr<SegmentHeader>; LOWER];

/// Live blocks by address.
pub struct LiveTable {
    /// Of its segments: for addresses at 0 and at 8 modulo 16.
    kinds: [SegmentKind; 2],
    even: [AtomicPtr<Lower>; UPPER],
    odd: [AtomicPtr<Lower>; UPPER],
}

/// Why a block is not in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertError {
    /// The address is not a multiple of 8, or none of a program.
    Address,
    /// No segment could be had.
    NoSegment,
}

impl LiveTable {
    /// A table whose segments have these kinds.
    pub(super) const fn new(even: SegmentKind, odd: SegmentKind) -> LiveTable {
        LiveTable {
            kinds: [even, odd],
            even: [const { AtomicPtr::new(ptr::null_mut()) }; UPPER],
            odd: [const { AtomicPtr::new(ptr::null_mut()) }; UPPER],
        }
    }

    /// Forgets all segments: they were the parent's of this process.
    ///
    /// # Safety
    ///
    /// Nobody uses the table.
    pub(super) unsafe fn clear(&self) {
        for upper in self.even.iter().chain(&self.odd) {
            let lower = upper.load(Relaxed);
            if !lower.is_null() {
                upper.store(ptr::null_mut(), Relaxed);
                // SAFETY: this process's copy of a mapping of `lower_table`; the caller's promise.
                unsafe { libc::munmap(lower.cast(), size_of::<Lower>()) };
            }
        }
    }

    /// The segment that holds `address`, or null.
    #[inline(always)]
    fn segment(&self, address: usize) -> *mut SegmentHeader {
        let map = if address & 8 == 0 {
            &self.even
        } else {
            &self.odd
        };
        let Some(upper) = map.get(address >> (MIB_BITS + LOWER_BITS)) else {
            return ptr::null_mut();
        };
        let lower = upper.load(Acquire);
        if lower.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: a lower table is not unmapped while the table is in use, and the index is masked
        // to its length.
        unsafe { (&(*lower))[(address >> MIB_BITS) & (LOWER - 1)].load(Acquire) }
    }

    /// Records a block. The caller owns the address: it was just handed out.
    ///
    /// # Errors
    ///
    /// See [`InsertError`]; the block is then not in the table.
    #[inline(always)]
    pub fn insert(
        &self,
        window: &Window,
        address: usize,
        live: Live,
        epoch: u32,
    ) -> Result<(), InsertError> {
        let segment = self.segment_or_new(window, address)?;
        self.make_ready(window, segment, address)?;
        put(segment, address, live, epoch);
        Ok(())
    }

    /// The segment that holds `address`, which is made where there is none.
    #[inline(always)]
    fn segment_or_new(
        &self,
        window: &Window,
        address: usize,
    ) -> Result<*mut SegmentHeader, InsertError> {
        if address & 7 != 0 {
            return Err(InsertError::Address);
        }
        let segment = self.segment(address);
        if segment.is_null() {
            return self.create(window, address);
        }
        Ok(segment)
    }

    /// Sees to it that the record of `address` can be written.
    #[inline(always)]
    fn make_ready(
        &self,
        window: &Window,
        segment: *mut SegmentHeader,
        address: usize,
    ) -> Result<(), InsertError> {
        if newest(segment, address).load(Relaxed) == 0
            && !window.prepare_page(segment, page_of(address))
        {
            return Err(InsertError::NoSegment);
        }
        Ok(())
    }

    /// Records a block if its page is there already; tells whether it did. The caller owns the
    /// address: it was just handed out.
    #[inline(always)]
    pub fn try_insert(&self, address: usize, live: Live, epoch: u32) -> bool {
        let segment = self.segment(address);
        if segment.is_null() || address & 7 != 0 {
            return false;
        }
        if newest(segment, address).load(Relaxed) == 0 && !is_whole(segment) {
            return false;
        }
        put(segment, address, live, epoch);
        true
    }

    /// Takes a block out of the table and returns its record, or what was left at its place when
    /// it is not live: a block with `FREED` set, or nothing. The caller still owns the address: it
    /// is about to be freed.
    ///
    /// # Errors
    ///
    /// There is no live block at the address.
    #[inline(always)]
    pub fn remove(&self, address: usize) -> Result<Live, Live> {
        let segment = self.segment(address);
        if segment.is_null() || address & 7 != 0 {
            return Err(Live {
                origin: 0,
                block: 0,
            });
        }
        let (origin, block) = words(segment, (address >> 4) & 0xffff);
        let live = Live {
            block: block.load(Relaxed),
            origin: origin.load(Relaxed),
        };
        if !live.is_live() {
            return Err(live);
        }
        block.store(live.block ^ (LIVE | FREED), Release);
        Ok(live)
    }

    /// Forgets that a block at the address was freed: somebody has it now who is not recorded, or
    /// its second free has been noted.
    #[inline(always)]
    pub fn forget(&self, address: usize) {
        let segment = self.segment(address);
        if segment.is_null() || address & 7 != 0 {
            return;
        }
        let (_, block) = words(segment, (address >> 4) & 0xffff);
        if block.load(Relaxed) != 0 {
            block.store(0, Relaxed);
        }
    }

    /// Whether anything is known of the address: a live block, or one that was freed.
    pub fn is_known(&self, address: usize) -> bool {
        let segment = self.segment(address);
        if segment.is_null() || address & 7 != 0 {
            return false;
        }
        let (_, block) = words(segment, (address >> 4) & 0xffff);
        block.load(Relaxed) != 0
    }

    /// Marks the live block that `address` lies in, at most 4 KiB after its start: its
    /// [`Live::pins`] are no longer 0. The block's start.
    pub fn mark(&self, address: usize) -> Option<usize> {
        let starts = |start: usize| {
            let segment = self.segment(start);
            if segment.is_null() || start & 7 != 0 {
                return false;
            }
            let (_, block) = words(segment, (start >> 4) & 0xffff);
            let marked = block.fetch_update(Relaxed, Relaxed, |word| {
                (word & LIVE != 0).then_some(word | 1 << PIN_SHIFT)
            });
            marked.is_ok()
        };
        if starts(address) {
            return Some(address);
        }
        let (start, _) = self.around(address)?;
        starts(start).then_some(start)
    }

    /// The live block that `address` lies inside of, if its start is at most 4 KiB before.
    pub fn around(&self, address: usize) -> Option<(usize, Live)> {
        const GRANULE: usize = 16;
        let mut start = address & !(GRANULE - 1);
        let mut left = 256;
        while left > 0 {
            let segment = self.segment(start);
            let index = (start >> 4) & 0xffff;
            // All starts in one segment: this runs for each buffer that native code makes.
            let here = left.min(index + 1);
            for step in 0..if segment.is_null() { 0 } else { here } {
                let (origin, block) = words(segment, index - step);
                let block = block.load(Acquire);
                if block & LIVE == 0 {
                    continue;
                }
                let live = Live {
                    block,
                    origin: origin.load(Relaxed),
                };
                let start = start - step * GRANULE;
                if address > start && address - start < live.size() as usize {
                    return Some((start, live));
                }
            }
            left -= here;
            start = start.wrapping_sub(here * GRANULE);
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn create(&self, window: &Window, address: usize) -> Result<*mut SegmentHeader, InsertError> {
        let (map, kind) = if address & 8 == 0 {
            (&self.even, self.kinds[0])
        } else {
            (&self.odd, self.kinds[1])
        };
        let upper = map
            .get(address >> (MIB_BITS + LOWER_BITS))
            .ok_or(InsertError::Address)?;
        let lower = lower_table(upper).ok_or(InsertError::NoSegment)?;
        let place = &lower[(address >> MIB_BITS) & (LOWER - 1)];
        let segment = window.segment((address >> MIB_BITS) as u64, Reserve::Pieces);
        if segment.is_null() {
            return Err(InsertError::NoSegment);
        }
        match place.compare_exchange(ptr::null_mut(), segment, Release, Acquire) {
            Ok(_) => {
                Window::publish(segment, kind);
                Ok(segment)
            }
            Err(other) => Ok(other),
        }
    }
}

/// Stores a record in its segment.
#[inline(always)]
fn put(segment: *mut SegmentHeader, address: usize, live: Live, epoch: u32) {
    prepare(segment, address, live, epoch).store(live.block, Release);
}

/// Stores all of a record but its block, whose word it gives.
#[inline(always)]
fn prepare(
    segment: *mut SegmentHeader,
    address: usize,
    live: Live,
    epoch: u32,
) -> &'static AtomicU64 {
    let newest = newest(segment, address);
    let (origin, block) = words(segment, (address >> 4) & 0xffff);
    // A process may be killed between any two of these, and the first store to a page takes
    // long. So the summary is raised after the page has something in it, which tells a page
    // that was wiped out from one that was never used; and before the block, which would be
    // hidden otherwise.
    origin.store(live.origin, Relaxed);
    if newest.load(Relaxed) < epoch {
        newest.fetch_max(epoch, Release);
    }
    block
}

/// Whether all pages of the segment have a place.
#[inline(always)]
fn is_whole(segment: *mut SegmentHeader) -> bool {
    // SAFETY: the segment is mapped for good.
    unsafe { AtomicU32::from_ptr(&raw mut (*segment).is_whole) }.load(Acquire) != 0
}

/// The page of records that the record of `address` is on.
#[inline(always)]
fn page_of(address: usize) -> usize {
    (address >> 12) & 0xff
}

/// The newest epoch of the page of records that the record of `address` is on; 0 if it was never
/// used.
#[inline(always)]
fn newest(segment: *mut SegmentHeader, address: usize) -> &'static AtomicU32 {
    // SAFETY: the segment is mapped for good, and a page's number is less than 256.
    unsafe {
        let summary = (&raw mut (*segment).summary).cast::<u32>();
        AtomicU32::from_ptr(summary.add(page_of(address)))
    }
}

/// The two words of a slot: origin and block.
#[inline(always)]
fn words(segment: *mut SegmentHeader, slot: usize) -> (&'static AtomicU64, &'static AtomicU64) {
    // SAFETY: `slot` is less than 65,536, the records of a segment; segments are never unmapped.
    unsafe {
        let at = segment
            .cast::<u8>()
            .add(SEGMENT_HEADER_LEN as usize)
            .cast::<u64>()
            .add(slot * 2);
        (AtomicU64::from_ptr(at), AtomicU64::from_ptr(at.add(1)))
    }
}

fn lower_table(upper: &AtomicPtr<Lower>) -> Option<&'static Lower> {
    let mut lower = upper.load(Acquire);
    if lower.is_null() {
        let len = size_of::<Lower>();
        // SAFETY: a new anonymous mapping; zeroed memory is a table of null pointers.
        let new = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if new == libc::MAP_FAILED {
            return None;
        }
        lower = match upper.compare_exchange(ptr::null_mut(), new.cast(), Release, Acquire) {
            Ok(_) => new.cast(),
            Err(other) => {
                // SAFETY: the mapping that lost the race was never shown to anyone.
                unsafe { libc::munmap(new, len) };
                other
            }
        };
    }
    // SAFETY: lower tables are not unmapped while the table is in use.
    Some(unsafe { &*lower })
}
