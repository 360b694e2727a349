//! The time, as hooks may ask for it.

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    of(libc::CLOCK_REALTIME)
}

/// Nanoseconds of one of the system's clocks. May be called in hooks.
pub fn of(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(clock, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000) + time.tv_nsec as u64
}
