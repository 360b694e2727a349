//! The timeline of live memory: points that say what was live when.
//!
//! A point is written at each checkpoint and assertion, at both ends of the process, and while
//! memory is allocated and freed. The last are made by the threads that do it, inside of hooks, so
//! they must be few: a thread looks at the clock once per MiB of its traffic, and only one thread
//! of the process makes a point in each interval. The sum runs over all threads that ever were, so
//! the interval also grows until summing takes at most a hundredth of it.

use crate::IMAGE;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use hackleak_image::layout::{Cause, Counter, Point, UnattributedTotals};
use hackleak_platform::clock;

/// Bytes that a thread allocates or frees before it looks at the clock.
pub const TRAFFIC: u64 = 1 << 20;
/// The least time between two points that traffic causes, ns.
const INTERVAL: u64 = 10_000_000;
/// After so many points that traffic caused, the interval doubles.
const POINTS_PER_INTERVAL: u64 = 1024;
/// The interval does not double beyond this, ns: about three hours.
const MAX_INTERVAL: u64 = INTERVAL << 20;
/// The interval is at least so many times as long as summing took.
const INTERVALS_PER_SUM: u64 = 100;

/// No point is made of traffic before this time, ns of the monotonic clock.
static NEXT: AtomicU64 = AtomicU64::new(u64::MAX);
/// Points that traffic caused.
static POINTS: AtomicU64 = AtomicU64::new(0);

/// What all threads did until now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    pub allocations: u64,
    pub frees: u64,
    pub bytes: u64,
    pub freed_bytes: u64,
}

/// Sums up all threads. They go on meanwhile.
pub fn totals() -> Totals {
    let UnattributedTotals {
        allocations,
        bytes,
        freed_bytes,
    } = IMAGE.strays();
    let mut totals = Totals {
        allocations,
        frees: IMAGE.counter(Counter::FreesWithoutThread).load(Relaxed),
        bytes,
        freed_bytes,
    };
    for index in 0..IMAGE.threads.len(IMAGE.window()) {
        if let Some(thread) = IMAGE.threads.read(index) {
            totals.allocations = totals.allocations.wrapping_add(thread.allocations);
            totals.frees = totals.frees.wrapping_add(thread.frees);
            totals.bytes = totals.bytes.wrapping_add(thread.bytes);
            totals.freed_bytes = totals.freed_bytes.wrapping_add(thread.freed_bytes);
        }
    }
    totals
}

/// In a forked child, before it begins: the distance of points is that of a young process.
pub fn left_parent() {
    POINTS.store(0, Relaxed);
}

/// Writes the first point. Called before the gate opens.
pub fn begin() {
    IMAGE.timeline_interval().store(INTERVAL, Relaxed);
    now(Cause::Start);
    NEXT.store(monotonic().saturating_add(INTERVAL), Relaxed);
}

/// Writes a point of this moment.
pub fn now(cause: Cause) {
    point(cause, IMAGE.epoch().load(Relaxed), clock::now());
}

/// Writes a point.
pub fn point(cause: Cause, epoch: u32, unix_ns: u64) {
    let totals = totals();
    let point = Point {
        unix_ns,
        bytes: totals.bytes.saturating_sub(totals.freed_bytes),
        blocks: totals.allocations.saturating_sub(totals.frees),
        epoch,
        cause: cause as u32,
    };
    if IMAGE.points.push(IMAGE.window(), point).is_none() {
        IMAGE.count(Counter::TimelineFull);
    }
}

/// A thread has had its share of traffic: writes a point if the time for one has come and no
/// other thread is at it. Runs inside of hooks.
pub fn traffic() {
    let began = monotonic();
    let next = NEXT.load(Relaxed);
    if began < next {
        return;
    }
    let mut interval = IMAGE.timeline_interval().load(Relaxed);
    let after = began.saturating_add(interval);
    // Who wins makes the point; the others go on.
    if NEXT
        .compare_exchange(next, after, Relaxed, Relaxed)
        .is_err()
    {
        return;
    }
    let points = POINTS.fetch_add(1, Relaxed) + 1;
    let grown = grown(interval, points);
    if grown != interval {
        interval = grown;
        IMAGE.timeline_interval().store(interval, Relaxed);
    }
    now(Cause::Traffic);
    let took = monotonic().saturating_sub(began);
    NEXT.fetch_max(began.saturating_add(pause(interval, took)), Relaxed);
}

/// The interval after so many points.
fn grown(interval: u64, points: u64) -> u64 {
    let is_full = points.is_multiple_of(POINTS_PER_INTERVAL) && interval < MAX_INTERVAL;
    if is_full { interval * 2 } else { interval }
}

/// The time to the next point, where summing took so long.
fn pause(interval: u64, took: u64) -> u64 {
    interval.max(took.saturating_mul(INTERVALS_PER_SUM))
}

fn monotonic() -> u64 {
    clock::of(libc::CLOCK_MONOTONIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_has_few_points_however_long_it_is() {
        let mut interval = INTERVAL;
        let mut time = 0u64;
        for point in 1..=30 * POINTS_PER_INTERVAL {
            time = time.saturating_add(interval);
            let before = interval;
            interval = grown(interval, point);
            let is_last = point % POINTS_PER_INTERVAL == 0;
            let doubles = is_last && point / POINTS_PER_INTERVAL <= 20;
            assert_eq!(interval, before << u32::from(doubles), "point {point}");
        }
        assert_eq!(interval, MAX_INTERVAL);
        let year = 365 * 24 * 3600 * 1_000_000_000;
        assert!(
            time > year,
            "30,720 points last for more than a year: {time} ns"
        );
    }

    #[test]
    fn summing_takes_a_hundredth_of_the_time_at_most() {
        assert_eq!(pause(INTERVAL, 0), INTERVAL);
        assert_eq!(pause(INTERVAL, INTERVAL / 100), INTERVAL);
        assert_eq!(pause(INTERVAL, INTERVAL), INTERVAL * 100);
        assert_eq!(pause(INTERVAL, u64::MAX), u64::MAX);
    }
}
