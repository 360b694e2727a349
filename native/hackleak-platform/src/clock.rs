//! The time, as hooks may ask for it.
//!
//! It is read from the processor, or asked of the system. A program may forbid both to itself, on
//! pain of death. Then the time stands still here.

use core::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

static STANDS: AtomicBool = AtomicBool::new(false);
/// What it was then.
static REAL: AtomicU64 = AtomicU64::new(0);
static MONOTONIC: AtomicU64 = AtomicU64::new(0);

/// From now on nobody may read the time.
pub fn stop() {
    if !STANDS.load(Relaxed) {
        REAL.store(of(libc::CLOCK_REALTIME), Relaxed);
        MONOTONIC.store(of(libc::CLOCK_MONOTONIC), Relaxed);
        STANDS.store(true, Release);
    }
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    of(libc::CLOCK_REALTIME)
}

/// Nanoseconds of one of the system's clocks; 0 where it may not be read and is none of those that
/// hooks need. May be called in hooks.
pub fn of(clock: libc::clockid_t) -> u64 {
    if STANDS.load(Acquire) {
        return match clock {
            libc::CLOCK_REALTIME => REAL.load(Relaxed),
            libc::CLOCK_MONOTONIC => MONOTONIC.load(Relaxed),
            _ => 0,
        };
    }
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(clock, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000) + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_stands_still() {
        let before = now();
        stop();
        let stands = (now(), of(libc::CLOCK_MONOTONIC));
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!((now(), of(libc::CLOCK_MONOTONIC)), stands);
        assert!(stands.0 >= before && stands.1 > 0);
        assert_eq!(of(libc::CLOCK_THREAD_CPUTIME_ID), 0);
    }
}
