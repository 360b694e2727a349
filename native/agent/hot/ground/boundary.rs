//! The edge between the program's code and the recorder's: no panic crosses it.
//!
//! A panic in the recorder is a fault of ours, and the program must not pay for it: an `extern "C"`
//! function that a panic leaves aborts the process. So everything that the program, the C library
//! or the JVM calls does its work in [`guarded`]. A panic there shuts the gate: nothing is recorded
//! from then on, the image says why, and one line on stderr says so. The report is then incomplete.
//!
//! What is difficult: the unwinder itself needs stack, and the panic machinery allocates, through
//! hooks that may be at work already. They find the thread busy, or the gate shut.

use crate::IMAGE;
use crate::hot::ground::gate;
use core::fmt::Write;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use hackleak_image::layout::Counter;
use hackleak_platform::stderr;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// Does the recorder's work; `None` when it panicked, and recording has stopped.
#[inline(always)]
pub fn guarded<R>(work: impl FnOnce() -> R) -> Option<R> {
    // What a panic leaves half done is never read again: the gate is shut.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(payload) => {
            stop();
            // Dropping the payload runs its destructor, which could panic again.
            core::mem::forget(payload);
            None
        }
    }
}

/// Replaces the panic message of the Rust library, which would look for a backtrace and symbols.
/// Called once, from the constructor. It changes nothing for Rust code of the program: that has a
/// library of its own. A unit test that fails says why, as any does.
pub fn init() {
    if !cfg!(test) {
        std::panic::set_hook(Box::new(said));
    }
}

/// In a forked child: its record is one of its own, and may stop by itself.
pub fn left_parent() {
    STOPPED.store(false, Relaxed);
}

/// Says what happened, once.
fn said(panic: &PanicHookInfo<'_>) {
    let first = !STOPPED.swap(true, Relaxed);
    stop();
    if !first {
        return;
    }
    let (file, line) = panic
        .location()
        .map_or(("", 0), |place| (place.file(), place.line()));
    // Not where the sources lay when this was built.
    let file = file.rsplit('/').next().unwrap_or_default();
    let mut place = Line::default();
    let _ = write!(place, "{file}:{line}");
    IMAGE.set_stopped_at(place.text());
    let mut line = Line::default();
    let _ = writeln!(
        line,
        "hackleak: an error of its own ({}) stopped the recording; the program goes on",
        place.text()
    );
    if !stderr::is_there() {
        return;
    }
    let bytes = line.text().as_bytes();
    // SAFETY: the bytes that were just written. A closed stderr is an error of the call.
    unsafe { libc::syscall(libc::SYS_write, 2, bytes.as_ptr(), bytes.len()) };
}

/// A line that is made without allocating; what does not fit is left out.
struct Line {
    bytes: [u8; 192],
    len: usize,
}

impl Default for Line {
    fn default() -> Line {
        Line {
            bytes: [0; 192],
            len: 0,
        }
    }
}

impl Line {
    fn text(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + text.len());
        let Some(room) = room else {
            return Err(core::fmt::Error);
        };
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

/// Stops recording for good.
#[cold]
fn stop() {
    gate::stop();
    IMAGE.count(Counter::InternalErrors);
}

/// For the tests: panics here once in a while, as the environment asks for.
#[inline(always)]
pub fn may_panic() {
    #[cfg(feature = "verify")]
    chance::may_panic();
}

#[cfg(feature = "verify")]
pub mod chance {
    //! Panics on purpose: `HACKLEAK_VERIFY_PANIC=SEED:EVERY` panics at about one place in EVERY
    //! that [`crate::may_panic`] marks.

    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static STATE: AtomicU64 = AtomicU64::new(0);
    static EVERY: AtomicU64 = AtomicU64::new(0);

    /// Reads the environment. Called before the gate opens.
    pub fn init() {
        let text = std::env::var("HACKLEAK_VERIFY_PANIC").unwrap_or_default();
        let Some((seed, every)) = text.split_once(':') else {
            return;
        };
        STATE.store(seed.parse().unwrap_or(0), Relaxed);
        EVERY.store(every.parse().unwrap_or(0), Relaxed);
    }

    #[allow(clippy::panic)]
    pub fn may_panic() {
        let every = EVERY.load(Relaxed);
        if every == 0 {
            return;
        }
        // A step of splitmix64.
        let state = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        let mut mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        if (mixed ^ mixed >> 31).is_multiple_of(every) {
            panic!("on purpose");
        }
    }
}
