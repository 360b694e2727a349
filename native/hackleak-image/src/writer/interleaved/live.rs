//! The live table under schedules.

use super::*;
use crate::layout::Live;
use crate::writer::sync::AtomicU64;
use core::sync::atomic::Ordering::{AcqRel, Acquire};

/// A record of which each part tells the others.
fn of(id: u32) -> Live {
    Live::new(id, id + 1, 1000 + u64::from(id), Kind::New)
}

fn assert_whole(live: Live) {
    assert_eq!(live, of(live.stack()), "parts of two records");
}

/// Addresses that no schedule before had: a MiB of its own, and the next.
fn fresh(writer: &'static Writer, schedule: usize) -> usize {
    const ROUND: usize = 1000;
    if schedule.is_multiple_of(ROUND) {
        // SAFETY: the threads of the schedule do not run yet.
        alone(|| unsafe { writer.live.clear() });
    }
    (1 + schedule % ROUND) << 32
}

fn insert(writer: &'static Writer, address: usize, id: u32) {
    let inserted = writer.live.insert(writer.window(), address, of(id), 1);
    inserted.expect("there is memory");
}

/// What a walk over the table finds, which has each address once.
fn all(writer: &'static Writer) -> Vec<(usize, u32)> {
    let mut all = Vec::new();
    writer.live.for_each(writer.window(), |address, live| {
        assert_whole(live);
        all.push((address, live.stack()));
    });
    all.sort_unstable();
    let count = all.len();
    all.dedup_by_key(|(address, _)| *address);
    assert_eq!(all.len(), count, "a block was seen twice");
    all
}

/// Whatever thread a block is of: it is there until it is freed, and then it is not. Segments and
/// tables of segments are made meanwhile.
#[test]
fn no_block_is_lost_and_none_stays() {
    static WRITER: Writer = Writer::new();
    on_empty(&WRITER, |schedule| {
        let base = fresh(&WRITER, schedule);
        let place = move |number: usize, block: usize| base + block * ((1 << 20) + 8) + number * 16;
        each_of(4, move |number| {
            if number == 3 {
                for (_, id) in all(&WRITER) {
                    assert!(id < 6, "{id} was never inserted");
                }
                return;
            }
            let id = number as u32 * 2;
            insert(&WRITER, place(number, 0), id);
            insert(&WRITER, place(number, 1), id + 1);
            assert_eq!(WRITER.live.remove(place(number, 0)), Ok(of(id)));
            assert_eq!(WRITER.live.live_at(place(number, 1)), Some(of(id + 1)));
        });
        alone(|| {
            let due = (0..3).map(|number| (place(number, 1), number as u32 * 2 + 1));
            assert_eq!(all(&WRITER), due.collect::<Vec<_>>());
        });
    });
}

/// What is freed by one thread and handed out to another has the record of its last owner, and a
/// walk meanwhile sees no parts of two. The allocator is two places, of which a thread takes what
/// is there.
#[test]
fn an_address_changes_hands() {
    static WRITER: Writer = Writer::new();
    static FREE: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
    const STAYS: u32 = 99;
    on_empty(&WRITER, |schedule| {
        let base = fresh(&WRITER, schedule) as u64;
        alone(|| {
            FREE[0].store(base, Relaxed);
            FREE[1].store(base + 32, Relaxed);
            // So that the walk has a segment to go through from the start.
            insert(&WRITER, base as usize + 64, STAYS);
        });
        each_of(4, |number| {
            if number == 3 {
                (0..2).for_each(|_| assert!(!all(&WRITER).is_empty()));
                return;
            }
            let id = number as u32 * 10;
            let taken = |at: usize| match FREE[at].swap(0, Acquire) {
                0 => None,
                address => Some(address as usize),
            };
            for turn in 0..2 {
                let Some(one) = taken(0) else { continue };
                insert(&WRITER, one, id + turn);
                // Moves, if it can: from the place that it has to the other.
                let other = taken(1);
                if let Some(other) = other {
                    assert_eq!(WRITER.live.remove(one), Ok(of(id + turn)));
                    FREE[0].store(one as u64, Release);
                    insert(&WRITER, other, id + turn);
                    assert_eq!(WRITER.live.remove(other), Ok(of(id + turn)));
                    assert!(WRITER.live.remove(other).is_err(), "a second free");
                    FREE[1].store(other as u64, Release);
                } else {
                    assert_eq!(WRITER.live.remove(one), Ok(of(id + turn)));
                    FREE[0].store(one as u64, Release);
                }
            }
        });
        alone(|| assert_eq!(all(&WRITER), [(base as usize + 64, STAYS)]));
    });
}

/// Of several threads that make one record smaller and larger, exactly one ends it.
#[test]
fn a_shared_record_ends_once() {
    static WRITER: Writer = Writer::new();
    static ENDS: AtomicU64 = AtomicU64::new(0);
    on_empty(&WRITER, |schedule| {
        let base = fresh(&WRITER, schedule);
        alone(|| {
            ENDS.store(0, Relaxed);
            let live = Live::new(1, 2, 30, Kind::New);
            let inserted = WRITER.live.insert(WRITER.window(), base, live, 1);
            inserted.expect("there is memory");
        });
        each_of(3, move |_| {
            assert!(WRITER.live.resize(base, 0, 5).is_some());
            if WRITER.live.resize(base, 15, 0) == Some(0) {
                ENDS.fetch_add(1, AcqRel);
            }
        });
        alone(|| {
            assert_eq!(ENDS.load(Relaxed), 1);
            assert_eq!(WRITER.live.live_at(base), None);
        });
    });
}

/// A resource that several threads hold is live until each has given it back.
#[test]
fn each_hold_counts() {
    static WRITER: Writer = Writer::new();
    on_empty(&WRITER, |schedule| {
        let base = fresh(&WRITER, schedule);
        each_of(3, move |_| {
            let pinned = WRITER.live.pin(WRITER.window(), base, of(7), 1);
            pinned.expect("there is memory");
            assert!(WRITER.live.live_at(base).is_some(), "held by this thread");
            assert!(WRITER.live.unpin(base), "held by this thread");
        });
        alone(|| assert_eq!(WRITER.live.live_at(base), None));
    });
}
