//! A map from a number to two numbers that many threads read and add to, without locks.
//!
//! Open addressing; when half full, a table of twice the size takes over and fills itself again
//! from misses. A retired table is never unmapped: a thread may still be reading it. All retired
//! tables together are smaller than the one in use.

use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use hackleak_image::writer::sync::{self, AtomicPtr, AtomicU64, AtomicUsize};

#[repr(C, align(32))]
struct Bucket {
    key: AtomicU64,
    /// Never 0 once it is complete.
    first: AtomicU64,
    second: AtomicU64,
}

#[repr(C)]
struct Table {
    bits: u32,
    used: AtomicUsize,
}

/// The map. Key 0 and a first value of 0 are reserved.
pub struct ConcurrentMap {
    table: AtomicPtr<Table>,
    initial_bits: u32,
}

/// A table that was in use at some moment: what is inserted into a table that has been retired
/// since is lost, which is what makes [`ConcurrentMap::retain`] safe.
#[derive(Clone, Copy)]
pub struct Generation(*mut Table);

impl ConcurrentMap {
    /// An empty map whose first table has `2^initial_bits` buckets.
    pub const fn new(initial_bits: u32) -> ConcurrentMap {
        ConcurrentMap {
            table: AtomicPtr::new(ptr::null_mut()),
            initial_bits,
        }
    }

    /// The values of `key`.
    #[inline(always)]
    pub fn get(&self, key: u64) -> Option<(u64, u64)> {
        let table = self.table.load(Acquire);
        if table.is_null() {
            return None;
        }
        // SAFETY: tables are never unmapped.
        let buckets = unsafe { Buckets::of(table) };
        let mut at = buckets.start(key);
        loop {
            let bucket = buckets.bucket(at);
            match bucket.key.load(Acquire) {
                found if found == key => {
                    let first = bucket.first.load(Acquire);
                    return (first != 0).then(|| (first, bucket.second.load(Relaxed)));
                }
                0 => return None,
                _ => at += 1,
            }
        }
    }

    /// The table in use now, for [`ConcurrentMap::insert`].
    pub fn generation(&self) -> Generation {
        let table = self.table.load(Acquire);
        if !table.is_null() {
            return Generation(table);
        }
        Generation(self.install(ptr::null_mut(), map(self.initial_bits)))
    }

    /// Adds a key to the table of `generation`. A full or missing table takes nothing: the value
    /// is then computed again at the next miss.
    pub fn insert(&self, generation: Generation, key: u64, first: u64, second: u64) {
        let table = generation.0;
        if table.is_null() || key == 0 || first == 0 {
            return;
        }
        // SAFETY: tables are never unmapped.
        let buckets = unsafe { Buckets::of(table) };
        if buckets.used.load(Relaxed) * 2 >= buckets.len() {
            self.install(table, map(buckets.bits + 1));
            return;
        }
        let mut at = buckets.start(key);
        loop {
            let bucket = buckets.bucket(at);
            match bucket.key.compare_exchange(0, key, AcqRel, Acquire) {
                Ok(_) => {
                    buckets.used.fetch_add(1, Relaxed);
                    bucket.second.store(second, Relaxed);
                    bucket.first.store(first, Release);
                    return;
                }
                Err(found) if found == key => return,
                Err(_) => at += 1,
            }
        }
    }

    /// Starts a new table with the keys that `keep` accepts; inserts that were on their way into
    /// the old one are lost.
    pub fn retain(&self, keep: impl Fn(u64) -> bool) {
        let old = self.table.load(Acquire);
        if old.is_null() {
            return;
        }
        // SAFETY: tables are never unmapped.
        let buckets = unsafe { Buckets::of(old) };
        let new = map(buckets.bits);
        if new.is_null() {
            // No memory: an empty map is still right, only slower.
            self.table.store(ptr::null_mut(), Release);
            return;
        }
        for at in 0..buckets.len() {
            let bucket = buckets.bucket(at);
            let (key, first) = (bucket.key.load(Acquire), bucket.first.load(Acquire));
            if key != 0 && first != 0 && keep(key) {
                self.insert(Generation(new), key, first, bucket.second.load(Relaxed));
            }
        }
        self.table.store(new, Release);
    }

    /// Forgets everything. The table stays mapped, like a retired one.
    pub fn clear(&self) {
        self.table.store(ptr::null_mut(), Release);
    }

    fn install(&self, old: *mut Table, new: *mut Table) -> *mut Table {
        if new.is_null() {
            return old;
        }
        match self.table.compare_exchange(old, new, AcqRel, Acquire) {
            Ok(_) => new,
            Err(other) => {
                sync::given_back(new.cast());
                // SAFETY: the table that lost the race was never shown to anyone.
                unsafe { libc::munmap(new.cast(), bytes((*new).bits)) };
                other
            }
        }
    }
}

struct Buckets {
    bits: u32,
    used: &'static AtomicUsize,
    first: *const Bucket,
}

impl Buckets {
    /// # Safety
    ///
    /// `table` came from [`map`] and is not null.
    #[inline(always)]
    unsafe fn of(table: *mut Table) -> Buckets {
        // SAFETY: the caller's; buckets follow the table's head.
        unsafe {
            Buckets {
                bits: (*table).bits,
                used: &(*table).used,
                first: table.cast::<u8>().add(HEAD_LEN).cast(),
            }
        }
    }
    fn len(&self) -> usize {
        1 << self.bits
    }
    #[inline(always)]
    fn start(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.bits)) as usize
    }
    #[inline(always)]
    fn bucket(&self, at: usize) -> &'static Bucket {
        // SAFETY: masked to the table's length; tables are never unmapped.
        unsafe { &*self.first.add(at & (self.len() - 1)) }
    }
}

const HEAD_LEN: usize = 64;

fn bytes(bits: u32) -> usize {
    HEAD_LEN + (size_of::<Bucket>() << bits)
}

/// An empty table, or null.
fn map(bits: u32) -> *mut Table {
    // SAFETY: a new anonymous mapping; zeroed buckets are empty.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes(bits),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return ptr::null_mut();
    }
    let table: *mut Table = at.cast();
    // SAFETY: the mapping is ours alone and longer than the head.
    unsafe { (*table).bits = bits };
    sync::keep(at.cast(), bytes(bits));
    table
}

#[cfg(all(test, feature = "interleavings"))]
mod interleaved;

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Values that tell whose they are.
    fn of(key: u64) -> (u64, u64) {
        (key * 3, key * 5)
    }

    /// Puts it in as a miss does: until it is there.
    fn put(lookup: &ConcurrentMap, key: u64) {
        while lookup.get(key).is_none() {
            let (first, second) = of(key);
            lookup.insert(lookup.generation(), key, first, second);
        }
    }

    fn buckets(lookup: &ConcurrentMap) -> usize {
        let table = lookup.table.load(Acquire);
        // SAFETY: the table of a map that has one.
        unsafe { Buckets::of(table) }.len()
    }

    #[test]
    fn a_key_has_its_values_and_another_one_none() {
        let lookup = ConcurrentMap::new(4);
        assert_eq!(lookup.get(1), None, "no table yet");
        for key in 1..=7 {
            put(&lookup, key);
        }
        for key in 1..=7 {
            assert_eq!(lookup.get(key), Some(of(key)));
        }
        assert_eq!(lookup.get(8), None);
        assert_eq!(buckets(&lookup), 16);
        // The first values stay.
        lookup.insert(lookup.generation(), 3, 77, 77);
        assert_eq!(lookup.get(3), Some(of(3)));
    }

    #[test]
    fn what_is_reserved_is_not_taken() {
        let lookup = ConcurrentMap::new(4);
        lookup.insert(lookup.generation(), 0, 1, 1);
        lookup.insert(lookup.generation(), 1, 0, 1);
        assert_eq!((lookup.get(0), lookup.get(1)), (None, None));
    }

    #[test]
    fn a_table_that_is_half_full_makes_room_for_the_next() {
        let lookup = ConcurrentMap::new(4);
        for key in 1..=1000 {
            put(&lookup, key);
        }
        assert_eq!(lookup.get(1000), Some(of(1000)));
        // What the smaller tables had comes back with the next miss.
        for key in 1..=1000 {
            put(&lookup, key);
            assert_eq!(lookup.get(key), Some(of(key)));
        }
        assert!(buckets(&lookup) >= 2000, "{}", buckets(&lookup));
    }

    #[test]
    fn what_is_not_kept_is_gone_and_nothing_late_brings_it_back() {
        let lookup = ConcurrentMap::new(6);
        for key in 1..=20 {
            put(&lookup, key);
        }
        let before = lookup.generation();
        lookup.retain(|key| key % 2 == 0);
        // A thread that had begun to compute this before inserts it now.
        lookup.insert(before, 7, 21, 35);
        for key in 1..=20 {
            let kept = key % 2 == 0;
            assert_eq!(lookup.get(key), kept.then(|| of(key)), "{key}");
        }
        lookup.clear();
        assert_eq!(lookup.get(2), None);
        put(&lookup, 2);
        assert_eq!(lookup.get(2), Some(of(2)));
    }

    /// Threads that insert, read and forget at one moment see a key with its own values or not at
    /// all.
    #[test]
    fn threads_never_see_the_values_of_another_key() {
        static LOOKUP: ConcurrentMap = ConcurrentMap::new(4);
        const KEYS: u64 = 500;
        thread::scope(|scope| {
            for start in 0..4 {
                scope.spawn(move || {
                    for round in 0..200 {
                        let key = 1 + (start * 131 + round * 17) % KEYS;
                        put(&LOOKUP, key);
                        for key in 1..=KEYS {
                            let found = LOOKUP.get(key);
                            assert!(
                                found.is_none_or(|found| found == of(key)),
                                "{key} {found:?}"
                            );
                        }
                        if round % 50 == 49 {
                            LOOKUP.retain(|key| key % 3 != start % 3);
                        }
                    }
                });
            }
        });
    }

    /// One that waits for a key has its values as soon as it has the key.
    #[test]
    fn a_key_that_is_seen_is_whole() {
        // No second table is needed.
        static LOOKUP: ConcurrentMap = ConcurrentMap::new(18);
        const KEYS: u64 = 1 << 16;
        thread::scope(|scope| {
            scope.spawn(|| (1..=KEYS).for_each(|key| put(&LOOKUP, key)));
            scope.spawn(|| {
                for key in 1..=KEYS {
                    let found = loop {
                        if let Some(found) = LOOKUP.get(key) {
                            break found;
                        }
                    };
                    assert_eq!(found, of(key));
                }
            });
        });
    }
}
