//! Places on the disk for single pages of a segment.
//!
//! A segment of live records is mostly empty where blocks are large: one record in a MiB. So its
//! pages are reserved one at a time, before the first store to each, until it has got several; then
//! all the rest. That needs a file system on which a read of what was not reserved takes nothing
//! from the disk, which is tried once (tmpfs is none).
//!
//! A page for which the disk has no room lies in memory: the process goes on recording, and a bit
//! of the segment's header says that a reader of the file finds zeros there.

use super::super::file::{KeepErrno, status};
use super::super::space::{can_be_read, cover};
use super::super::sync;
use super::Window;
use crate::layout::{Counter, SEGMENT_HEADER_LEN, SEGMENT_STRIDE, SegmentHeader};
use core::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// What a segment's header and each word of its summary stand for.
const PAGE: u64 = 4096;

/// It was not tried yet whether a read of what is not reserved is free.
const UNTRIED: u32 = 0;
/// It is.
const PIECES: u32 = 1;
/// It is not.
const WHOLE: u32 = 2;

impl Window {
    /// Reserves the header of the segment at `offset` and its end, which makes the file long
    /// enough. False if all of the segment has to be reserved.
    pub(super) fn has_first_pieces(&self, at: *const u8, offset: u64) -> bool {
        let end = offset + SEGMENT_STRIDE - PAGE;
        if self.thrift.load(Relaxed) == WHOLE
            // The end comes first: where there is no room for it, the file does not grow.
            || !self.is_reserved(end, PAGE)
            || !self.is_reserved(offset, PAGE)
        {
            return false;
        }
        if self.thrift.load(Relaxed) == UNTRIED {
            let thrift = if self.reads_for_free(at) {
                PIECES
            } else {
                WHOLE
            };
            self.thrift.store(thrift, Relaxed);
        }
        self.thrift.load(Relaxed) == PIECES
    }

    /// Whether a read of the second page of a new segment at `at` leaves the file as large as it
    /// was. The kernel is asked to read, for whom it is no signal where there is no room.
    fn reads_for_free(&self, at: *const u8) -> bool {
        let blocks = || status(self.fd.load(Relaxed)).map(|stat| stat.st_blocks);
        let before = blocks();
        let is_read = can_be_read(at.wrapping_add(PAGE as usize));
        is_read && before.is_some() && blocks() == before
    }

    /// Makes sure that the record page of this number of a segment can be written to; false if that
    /// cannot be had.
    #[cold]
    #[inline(never)]
    pub(in crate::writer) fn prepare_page(&self, segment: *mut SegmentHeader, page: usize) -> bool {
        /// So many pages are reserved one at a time.
        const SINGLE: u32 = 4;
        let _errno = KeepErrno::new();
        // SAFETY: a segment of this window, which stays mapped; these words are only accessed
        // atomically.
        let word = |word: *mut u32| unsafe { sync::AtomicU32::from_ptr(word) };
        // SAFETY: as above.
        let (whole, singles) = unsafe {
            let whole = word(&raw mut (*segment).is_whole);
            (whole, word(&raw mut (*segment).single_pages))
        };
        if whole.load(Acquire) != 0 {
            return true;
        }
        // It could not be reserved when that was still allowed.
        if !self.is_allowed() {
            return false;
        }
        let offset = segment.addr() as u64 - self.base.load(Relaxed).addr() as u64;
        let records = offset + SEGMENT_HEADER_LEN;
        if singles.fetch_add(1, Relaxed) >= SINGLE
            && self
                .reserve(records, SEGMENT_STRIDE - SEGMENT_HEADER_LEN)
                .is_ok()
        {
            whole.store(1, Release);
            return true;
        }
        // Asked for even if the file could not grow before: another thread may just have reserved
        // this very page.
        match self.reserve(records + page as u64 * PAGE, PAGE) {
            Ok(()) => true,
            Err(shortage) => {
                self.note_memory_only(shortage);
                self.cover_page(segment, page)
            }
        }
    }

    /// Puts memory in the place of a record page for which the disk has no room.
    fn cover_page(&self, segment: *mut SegmentHeader, page: usize) -> bool {
        let (index, bit) = (page / 64, 1u64 << (page % 64));
        // SAFETY: a segment of this window; `page` is below 256, and these words are only accessed
        // atomically.
        let word = |words: *mut u64| unsafe { AtomicU64::from_ptr(words.add(index)) };
        // SAFETY: as above.
        let (refused, in_memory) = unsafe {
            let refused = word((&raw mut (*segment).refused).cast());
            (refused, word((&raw mut (*segment).in_memory).cast()))
        };
        let before = refused.fetch_or(bit, AcqRel);
        if before & bit != 0 {
            // Whoever was first may not have done it yet. This record is then one of those that are
            // dropped.
            return in_memory.load(Acquire) & bit != 0;
        }
        let at = segment.wrapping_byte_add(SEGMENT_HEADER_LEN as usize + page * PAGE as usize);
        if !cover(at.cast(), PAGE as usize) {
            return false;
        }
        if before == 0 {
            self.counter(Counter::SegmentsInMemory)
                .fetch_add(1, Relaxed);
        }
        in_memory.fetch_or(bit, Release);
        true
    }
}
