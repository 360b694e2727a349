//! Whether this process is recorded: one word, read by every hook before anything else.
//!
//! The word lies on a page that the kernel wipes in every forked child, however the child was
//! made: a child never writes into its parent's image, and needs no `pthread_atfork` for it. A
//! `vfork` child shares its parent's memory and is rightly recorded as its parent.
//!
//! ```text
//! WIPED ──► BEGINNING ──► SETTLED            passes through for good
//!   ▲           └───────► SETTLED | OPEN …   recorded
//!   └── in a forked child
//! ```
//!
//! The first allocation that finds the word wiped decides what becomes of the child, by the
//! functions that were given for that ([`follow_children`]): that comes before any thread of the
//! child could use the recorder, unless two come at once.

use core::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use once_cell::race::OnceRef;

#[repr(C, align(4096))]
struct Page {
    recording: AtomicU32,
    rest: [u8; 4092],
}

static PAGE: Page = Page {
    recording: AtomicU32::new(0),
    rest: [0; 4092],
};

/// The word in a process that has not begun, and in a forked child.
const WIPED: u32 = 0;
/// The word while a thread decides what becomes of the process.
const BEGINNING: u32 = 1 << 31;
/// Bit of the word: it is decided.
const SETTLED: u32 = 1 << 30;
/// Bit of the word: the process is recorded.
const OPEN: u32 = 1;
/// Bit of the word: the malloc family is tracked.
const MALLOC: u32 = 2;
/// Bit of the word: the C++ operators are tracked.
const NEW: u32 = 4;
/// Bit of the word: what is recorded is also logged.
const LOG: u32 = 8;
/// Bit of the word: what zlib takes for Java is tracked.
const ZIP: u32 = 16;
/// Bit of the word: what some scope has is counted. Not in a forked child, which counts nothing.
const COUNTED: u32 = 32;

/// Whether the process is recorded.
#[inline(always)]
pub fn is_open() -> bool {
    PAGE.recording.load(Relaxed) & OPEN != 0
}

/// The same before an allocation, which lets a forked child begin.
#[inline(always)]
pub fn is_open_to_allocate() -> bool {
    has(OPEN)
}

/// Whether what the C++ operators allocate is recorded. Lets a forked child begin.
#[inline(always)]
pub fn is_open_for_new() -> bool {
    has(NEW)
}

/// Whether what the malloc family allocates is recorded. Lets a forked child begin.
#[inline(always)]
pub fn is_open_for_malloc() -> bool {
    has(MALLOC)
}

#[inline(always)]
fn has(bit: u32) -> bool {
    let word = PAGE.recording.load(Relaxed);
    word & bit != 0 || word & SETTLED == 0 && begin(word, bit)
}

/// What is done for a forked child.
pub struct Children {
    /// What the gate is to be; `None` where the child passes through. It does not panic.
    pub begin: fn() -> Option<u32>,
    /// So many allocations came before the child had begun.
    pub missed: fn(u64),
}

/// What the gate is to be in children; 0 while they pass through.
static CHILDREN_BITS: AtomicU32 = AtomicU32::new(0);
static CHILDREN: OnceRef<'static, Children> = OnceRef::new();

/// Forked children of this process are to be recorded, with the gate at these bits.
pub fn follow_children(bits: u32, children: &'static Children) {
    let _ = CHILDREN.set(children);
    CHILDREN_BITS.store(bits, Relaxed);
}

/// What the gate is to be in forked children; 0 when they pass through.
pub fn children_bits() -> u32 {
    CHILDREN_BITS.load(Relaxed)
}

/// Allocations that came while another thread decided.
static MISSED: AtomicU64 = AtomicU64::new(0);

#[cold]
#[inline(never)]
fn begin(word: u32, bit: u32) -> bool {
    let page = &PAGE.recording;
    let followed = children_bits();
    let Some(children) = CHILDREN.get().filter(|_| followed != 0) else {
        let _ = page.compare_exchange(WIPED, SETTLED, AcqRel, Relaxed);
        return false;
    };
    if followed & bit == 0 {
        return false;
    }
    if word == BEGINNING
        || page
            .compare_exchange(WIPED, BEGINNING, AcqRel, Acquire)
            .is_err()
    {
        // Another thread is at it, or this one is and was interrupted: nobody waits here.
        MISSED.fetch_add(1, Relaxed);
        return false;
    }
    MISSED.store(0, Relaxed);
    let bits = (children.begin)().unwrap_or(0);
    page.store(bits | SETTLED, Release);
    if bits & OPEN != 0 {
        (children.missed)(MISSED.load(Relaxed));
    }
    bits & bit != 0
}

/// Whether what is recorded is also written to the text log.
#[inline(always)]
pub fn is_logged() -> bool {
    PAGE.recording.load(Relaxed) & LOG != 0
}

/// Whether what some scope has is counted.
#[inline(always)]
pub fn is_counted() -> bool {
    PAGE.recording.load(Relaxed) & COUNTED != 0
}

/// Whether more is done with an event than to record it: it is logged, or counted for a scope.
#[inline(always)]
pub fn is_watched() -> bool {
    PAGE.recording.load(Relaxed) & (LOG | COUNTED) != 0
}

/// Says whether what some scope has is counted. Not for a forked child.
pub fn set_counted(on: bool) {
    if on {
        PAGE.recording.fetch_or(COUNTED, Relaxed);
    } else {
        PAGE.recording.fetch_and(!COUNTED, Relaxed);
    }
}

/// Whether what zlib takes for Java is recorded.
#[inline(always)]
pub fn is_open_for_zip() -> bool {
    PAGE.recording.load(Relaxed) & ZIP != 0
}

/// What is recorded.
pub struct Tracked {
    pub new: bool,
    pub malloc: bool,
    pub zip: bool,
    /// Whether it is logged.
    pub log: bool,
}

/// The bits for what is recorded.
pub fn bits(tracked: &Tracked) -> u32 {
    let bits = [
        (tracked.new, NEW),
        (tracked.malloc, MALLOC),
        (tracked.zip, ZIP),
        (tracked.log, LOG),
    ];
    bits.iter()
        .filter(|(is_on, _)| *is_on)
        .fold(OPEN, |all, (_, bit)| all | bit)
}

/// Starts recording. Called once, when everything that hooks use is in place.
pub fn open(bits: u32) {
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
        unsafe { libc::pthread_atfork(None, None, Some(wipe_in_child)) };
    }
    PAGE.recording.store(bits | SETTLED, Relaxed);
}

/// Stops recording, for good: nothing is recorded or logged from now on.
pub fn stop() {
    PAGE.recording.store(SETTLED, Relaxed);
}

extern "C" fn wipe_in_child() {
    PAGE.recording.store(WIPED, Relaxed);
}
