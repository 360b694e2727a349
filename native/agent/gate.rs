//! Whether this process is recorded: one word, read by every hook before anything else.
//!
//! The word lies on a page that the kernel wipes in every forked child, however the child was
//! made: a child never writes into its parent's image, and needs no `pthread_atfork` for it. A
//! `vfork` child shares its parent's memory and is rightly recorded as its parent.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[repr(C, align(4096))]
struct Page {
    recording: AtomicU32,
    rest: [u8; 4092],
}

static PAGE: Page = Page {
    recording: AtomicU32::new(0),
    rest: [0; 4092],
};

/// Bit of the word: the process is recorded.
const OPEN: u32 = 1;
/// Bit of the word: the malloc family is tracked.
const MALLOC: u32 = 2;
/// Bit of the word: the C++ operators are tracked.
const NEW: u32 = 4;
/// Bit of the word: what is recorded is also logged.
const LOG: u32 = 8;

/// Whether the process is recorded.
#[inline(always)]
pub fn is_open() -> bool {
    PAGE.recording.load(Relaxed) != 0
}

/// Whether calls of the C++ operators are recorded.
#[inline(always)]
pub fn is_open_for_new() -> bool {
    PAGE.recording.load(Relaxed) & NEW != 0
}

/// Whether calls of the malloc family are recorded.
#[inline(always)]
pub fn is_open_for_malloc() -> bool {
    PAGE.recording.load(Relaxed) & MALLOC != 0
}

/// Whether what is recorded is also written to the text log.
#[inline(always)]
pub fn is_logged() -> bool {
    PAGE.recording.load(Relaxed) & LOG != 0
}

/// Starts recording. Called once, when everything that hooks use is in place.
pub fn open(new: bool, malloc: bool, log: bool) {
    // SAFETY: advice about one whole page of this library's zero-initialised data.
    let wiped = unsafe {
        libc::madvise(
            (&raw const PAGE).cast_mut().cast(),
            size_of::<Page>(),
            libc::MADV_WIPEONFORK,
        )
    };
    if wiped != 0 {
        // SAFETY: registers a function of this library, which is never unloaded.
        unsafe { libc::pthread_atfork(None, None, Some(close_in_child)) };
    }
    let bits =
        if new { NEW } else { 0 } | if malloc { MALLOC } else { 0 } | if log { LOG } else { 0 };
    PAGE.recording.store(OPEN | bits, Relaxed);
}

/// Stops recording, for good: nothing is recorded or logged from now on.
pub fn stop() {
    PAGE.recording.store(0, Relaxed);
}

extern "C" fn close_in_child() {
    PAGE.recording.store(0, Relaxed);
}
