//! Blocks of the file system for the file, and why there are none.

use super::super::file::fill;
use super::super::quiet::quietly;
use super::super::{space, sync};
use super::Window;
use crate::Shortage;
use crate::layout::{HEADER_LEN, SEGMENT_HEADER_LEN, SEGMENT_STRIDE, SegmentHeader};
use core::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};

/// Bytes that a window that grows gets at once.
const SOME: usize = 64 << 20;

impl Window {
    /// Bytes that the file may have at this moment; more would be a SIGXFSZ.
    fn file_limit(&self) -> u64 {
        let limit = space::limit(libc::RLIMIT_FSIZE as i32).unwrap_or(u64::MAX);
        #[cfg(test)]
        let limit = limit.min(self.file_limit.load(Relaxed));
        limit
    }

    /// Stands in for a lowered limit.
    #[cfg(test)]
    pub(in crate::writer) fn limit_file(&self, len: u64) {
        self.file_limit.store(len, Relaxed);
    }

    /// Makes sure that the file system has blocks for the range.
    pub(super) fn reserve(&self, offset: u64, len: u64) -> Result<(), Shortage> {
        if offset.saturating_add(len) > self.file_limit() {
            return Err(Shortage::Limit);
        }
        let fd = self.descriptor().ok_or(Shortage::Gone)?;
        let mut error = 0;
        quietly(|| {
            error = fill(fd, offset, len);
            error == 0
        });
        match error {
            0 => Ok(()),
            libc::ENOSPC | libc::EDQUOT => Err(Shortage::Full),
            libc::EFBIG => Err(Shortage::Limit),
            _ => Err(Shortage::InsertError),
        }
    }

    pub(super) fn note_memory_only(&self, shortage: Shortage) {
        self.memory_only.store(true, Relaxed);
        // SAFETY: as for `counter`.
        let word = unsafe { AtomicU32::from_ptr(&raw mut (*self.header()).flags) };
        word.fetch_or(shortage.flags(), Relaxed);
    }

    /// From now on the image grows in the memory of the process alone, and no system call is made
    /// for it: what it may need is there before.
    pub fn keep_in_memory(&self) {
        let base = self.base.load(Relaxed);
        // A forked child has no part of its parent's window.
        if self.forbidden.load(Relaxed) || base.is_null() || !space::can_be_read(base) {
            self.forbidden.store(true, SeqCst);
            return;
        }
        self.resizing(|| self.get_memory(base));
    }

    fn get_memory(&self, base: *mut u8) {
        if self.forbidden.swap(true, SeqCst) {
            return;
        }
        let used = self.segment_count();
        for index in 0..used {
            self.reserve_rest(base, HEADER_LEN + index * SEGMENT_STRIDE);
        }
        let from = (HEADER_LEN + used * SEGMENT_STRIDE) as usize;
        let mapped = self.mapped.load(Relaxed).max(from);
        let covered = space::cover_at_most(base.wrapping_add(from), mapped - from);
        self.covered_to.store(from + covered, Relaxed);
        self.covered_from.store(from, Relaxed);
        // A window that grows with its segments has none of this.
        if from + covered == mapped {
            let wanted = self.len.load(Relaxed).saturating_sub(mapped).min(SOME);
            let whole = wanted / SEGMENT_STRIDE as usize * SEGMENT_STRIDE as usize;
            if whole > 0 && space::append(base.wrapping_add(mapped), whole).is_ok() {
                self.covered_to.store(mapped + whole, Relaxed);
                self.mapped.store(mapped + whole, Release);
            }
        }
    }

    /// One thread at a time changes how far the window is mapped.
    fn resizing(&self, change: impl FnOnce()) {
        while self.is_resized.swap(true, Acquire) {
            core::hint::spin_loop();
        }
        change();
        self.is_resized.store(false, Release);
    }

    /// Reserves the record pages of a segment that come one at a time otherwise.
    fn reserve_rest(&self, base: *mut u8, offset: u64) {
        let segment: *mut SegmentHeader = base.wrapping_add(offset as usize).cast();
        if !space::can_be_read(segment.cast()) {
            return;
        }
        // SAFETY: a segment of this window, whose first page can be read; the word is only accessed
        // atomically.
        let whole = unsafe { sync::AtomicU32::from_ptr(&raw mut (*segment).is_whole) };
        let records = offset + SEGMENT_HEADER_LEN;
        let len = SEGMENT_STRIDE - SEGMENT_HEADER_LEN;
        if whole.load(Acquire) == 0 && self.reserve(records, len).is_ok() {
            whole.store(1, Release);
        }
    }

    /// Whether memory lies in the place of the segment at `offset` since system calls were
    /// forbidden.
    pub(super) fn is_covered(&self, offset: u64) -> bool {
        let covered = self.covered_from.load(Relaxed)..self.covered_to.load(Relaxed);
        let end = offset + SEGMENT_STRIDE;
        covered.contains(&(offset as usize)) && end <= covered.end as u64
    }

    /// Gives back the address space that the image does not use yet, because the process may have
    /// only `most` bytes of it from now on. The window then grows with its segments.
    pub fn give_back(&self, most: u64) {
        let base = self.base.load(Relaxed);
        if !base.is_null() && space::can_be_read(base) {
            self.resizing(|| self.shrink(base, most));
        }
    }

    fn shrink(&self, base: *mut u8, most: u64) {
        /// Segments that other threads may take meanwhile.
        const MARGIN: u64 = 4;
        if self.forbidden.load(Relaxed) {
            return;
        }
        let mapped = self.mapped.load(Relaxed);
        let kept = (HEADER_LEN + (self.segment_count() + MARGIN) * SEGMENT_STRIDE) as usize;
        // Whoever adds something to what the process has now has counted the window.
        if kept < mapped && space::left_of(most) == 0 {
            self.mapped.store(kept, Relaxed);
            // SAFETY: a part of the window that no segment lies in, and from now on none will.
            unsafe { libc::munmap(base.wrapping_add(kept).cast(), mapped - kept) };
        }
        // As before where the limit is lifted again.
        let longest = self.longest.load(Relaxed);
        if self.mapped.load(Relaxed) < longest {
            let len = kept.saturating_add(space::share(most));
            self.len.store(len.min(longest), Relaxed);
        }
    }

    /// Whether system calls may be made for the file; else the header says why it is not whole.
    pub(super) fn is_allowed(&self) -> bool {
        let forbidden = self.forbidden.load(SeqCst);
        if forbidden {
            self.note_memory_only(Shortage::Forbidden);
        }
        !forbidden
    }

    /// Whether the file has the range, now that it is needed. The first time that it has not, the
    /// header says why.
    pub(super) fn is_reserved(&self, offset: u64, len: u64) -> bool {
        if self.memory_only.load(Relaxed) || !self.is_allowed() {
            return false;
        }
        let reserved = self.reserve(offset, len);
        if let Err(shortage) = reserved {
            self.note_memory_only(shortage);
        }
        reserved.is_ok()
    }
}
