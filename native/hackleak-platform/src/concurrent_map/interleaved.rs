//! The map under schedules: what its threads do at once, in thousands of orders.
//!
//! Tables are small, so that keys meet and tables grow. A table of 2^n buckets stands 2^(n-1)
//! threads that insert at once: with more, no bucket would be left to end a search.

use super::*;
use hackleak_image::writer::sync::{alone, explore, together};

static MAP: ConcurrentMap = ConcurrentMap::new(3);

/// Values that tell whose they are, and from when.
fn of(key: u64, when: u64) -> (u64, u64) {
    (key * 100 + when, key * 1000 + when)
}

fn assert_right(map: &ConcurrentMap, key: u64) {
    if let Some(found) = map.get(key) {
        assert!(
            found == of(key, 0) || found == of(key, 1),
            "{key}: {found:?}"
        );
    }
}

/// As a miss does: what is computed goes into the table that was in use before.
fn put(map: &ConcurrentMap, key: u64, now: impl Fn() -> u64) {
    let generation = map.generation();
    let (first, second) = of(key, now());
    map.insert(generation, key, first, second);
}

fn threads<const COUNT: usize>(threads: [fn(); COUNT]) {
    together(
        threads
            .map(|thread| Box::new(thread) as Box<dyn FnOnce() + Send>)
            .into(),
    );
}

/// Threads that insert, read, grow and thin out see a key with its own values, all of them, or not
/// at all.
#[test]
fn nothing_appears_under_another_key() {
    static MAP: ConcurrentMap = ConcurrentMap::new(3);
    fn work(keys: [u64; 3]) {
        for key in keys {
            put(&MAP, key, || 0);
            (1..=6).for_each(|key| assert_right(&MAP, key));
        }
    }
    explore(|| {
        alone(|| MAP.clear());
        threads([
            || work([1, 2, 3]),
            || work([3, 2, 4]),
            || {
                work([5, 1, 6]);
                MAP.retain(|key| key % 2 == 0);
                (1..=6).for_each(|key| assert_right(&MAP, key));
            },
        ]);
        alone(|| MAP.clear());
    });
}

/// A key that is in the table stays there while the table stands, and its first values stay.
#[test]
fn what_was_found_is_found_again() {
    static MAP: ConcurrentMap = ConcurrentMap::new(4);
    fn work(when: u64) {
        for key in [1, 2] {
            put(&MAP, key, || when);
            let found = MAP.get(key);
            assert!(found.is_none() || MAP.get(key) == found, "{found:?}");
        }
    }
    explore(|| {
        alone(|| {
            MAP.clear();
            MAP.generation();
        });
        threads([|| work(0), || work(1), || work(0)]);
        alone(|| {
            (1..=2).for_each(|key| assert!(MAP.get(key).is_some(), "no insert was lost"));
            let table = MAP.table.load(Acquire);
            // SAFETY: the table of a map that has one.
            assert_eq!(unsafe { Buckets::of(table) }.used.load(Relaxed), 2);
            MAP.clear();
        });
    });
}

/// What was computed before a `retain` that refuses it is never found after it, however late it is
/// inserted.
#[test]
fn what_is_out_of_date_does_not_come_back() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    fn now() -> u64 {
        NOW.load(Acquire)
    }
    fn look(key: u64) {
        if let Some(found) = MAP.get(key) {
            assert_eq!(found, of(key, 1), "{key} is out of date");
        }
    }
    explore(|| {
        alone(|| {
            MAP.clear();
            NOW.store(0, Relaxed);
            put(&MAP, 9, || 1);
        });
        threads([
            || (1..=3).for_each(|key| put(&MAP, key, now)),
            || (2..=4).for_each(|key| put(&MAP, key, now)),
            || {
                NOW.store(1, Release);
                MAP.retain(|key| key > 6);
                (1..=4).for_each(look);
            },
        ]);
        alone(|| {
            (1..=4).for_each(look);
            MAP.clear();
        });
    });
}
