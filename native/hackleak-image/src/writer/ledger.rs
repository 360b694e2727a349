//! What a process leaves to its forked children of its image.
//!
//! The window is not theirs, but the header's page is mapped once more, and that mapping is: a
//! child that cannot be recorded counts itself there ([`Counter::ForksUnrecorded`]), so that its
//! parent's report says so, whatever becomes of both.

use crate::layout::{Counter, HEADER_LEN, Header, SegmentKind};
use core::ptr;
use core::sync::atomic::AtomicU64;

/// The header of the image of a process, as its forked children reach it.
#[derive(Clone, Copy)]
pub struct Ledger(pub(super) *mut Header);

impl Ledger {
    /// Maps the header's page once more; the ledger is of no effect when that fails.
    pub(super) fn map(fd: i32) -> Ledger {
        // SAFETY: a new mapping of the file's first page, which has its block.
        let at = unsafe {
            libc::mmap(
                ptr::null_mut(),
                HEADER_LEN as usize,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd,
                0,
            )
        };
        if at == libc::MAP_FAILED {
            Ledger(ptr::null_mut())
        } else {
            Ledger(at.cast())
        }
    }

    /// One counter of that process.
    pub fn counter(&self, counter: Counter) -> Option<&AtomicU64> {
        // SAFETY: null, or a mapping of a header's page that only `close` ends; counters are only
        // accessed atomically.
        unsafe {
            let header = self.0.as_ref()?;
            let place = &raw const header.counters[counter as usize];
            Some(AtomicU64::from_ptr(place.cast_mut()))
        }
    }

    /// Threads that have a record in that image.
    pub fn threads(&self) -> u64 {
        let arena = SegmentKind::Threads.arena().unwrap_or(0);
        // SAFETY: as for `counter`; the word may be counted up meanwhile.
        unsafe {
            let header = self.0.as_ref();
            header.map_or(0, |header| {
                (&raw const header.lengths[arena]).read_volatile()
            })
        }
    }

    /// Unmaps it, for this process.
    ///
    /// # Safety
    ///
    /// Nobody uses a copy of it any more.
    pub unsafe fn close(self) {
        if !self.0.is_null() {
            // SAFETY: the caller's; mapped in `Window::create`.
            unsafe { libc::munmap(self.0.cast(), HEADER_LEN as usize) };
        }
    }
}
