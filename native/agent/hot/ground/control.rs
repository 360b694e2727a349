//! The options that hooks read, as plain words.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use hackleak_options::{InvalidFrees, MAX_DEPTH, Options, Stacks, Track};

static STACKS: AtomicU8 = AtomicU8::new(FULL);
static DEPTH: AtomicU32 = AtomicU32::new(MAX_DEPTH);
static TRACK: AtomicU32 = AtomicU32::new(0);
static INVALID_FREES: AtomicBool = AtomicBool::new(false);
static JAVA: AtomicBool = AtomicBool::new(false);

const FULL: u8 = 0;
const NATIVE: u8 = 1;
const ONLY_JAVA: u8 = 2;
const OFF: u8 = 3;

/// Takes over the options. Called before the gate opens.
pub fn set(options: &Options) {
    let stacks = match options.stacks {
        Stacks::Full => FULL,
        Stacks::Native => NATIVE,
        Stacks::Java => ONLY_JAVA,
        Stacks::Off => OFF,
    };
    STACKS.store(stacks, Relaxed);
    DEPTH.store(options.depth, Relaxed);
    TRACK.store(options.track.bits(), Relaxed);
    INVALID_FREES.store(options.invalid_frees != InvalidFrees::Off, Relaxed);
}

/// Whether invalid frees are noted.
pub fn wants_invalid_frees() -> bool {
    INVALID_FREES.load(Relaxed)
}

/// Whether all of these kinds are tracked.
pub fn tracks(kinds: Track) -> bool {
    TRACK.load(Relaxed) & kinds.bits() == kinds.bits()
}

/// Stops tracking these kinds. Called before any of them was recorded.
pub fn give_up(kinds: Track) {
    TRACK.fetch_and(!kinds.bits(), Relaxed);
}

/// The bits of the kinds that are tracked.
pub fn tracked() -> u32 {
    TRACK.load(Relaxed)
}

/// Which frames are recorded.
#[inline(always)]
pub fn stacks() -> Stacks {
    match STACKS.load(Relaxed) {
        FULL => Stacks::Full,
        NATIVE => Stacks::Native,
        ONLY_JAVA => Stacks::Java,
        _ => Stacks::Off,
    }
}

/// The most native frames of one stack.
#[inline(always)]
pub fn depth() -> usize {
    DEPTH.load(Relaxed) as usize
}

/// Whether Java frames are recorded, and the JVM can be asked for them.
#[inline(always)]
pub fn wants_java() -> bool {
    JAVA.load(Relaxed) && STACKS.load(Relaxed) != NATIVE
}

/// The JNI boundary is in place.
pub fn set_java() {
    JAVA.store(true, Relaxed);
}

/// In a forked child: of a JVM only one thread is left, and nobody could answer for the others.
pub fn left_parent() {
    JAVA.store(false, Relaxed);
}
