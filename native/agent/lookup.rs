//! A map from a number to two numbers that many threads read and add to, without locks.
//!
//! Open addressing; when half full, a table of twice the size takes over and fills itself again
//! from misses. A retired table is never unmapped: a thread may still be reading it. All retired
//! tables together are smaller than the one in use.

use core::ptr;
use core::sync::atomic::{
    AtomicPtr, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

#[repr(C, align(32))]
struct Slot {
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
pub struct Lookup {
    table: AtomicPtr<Table>,
    initial_bits: u32,
}

/// A table that was in use at some moment: what is inserted into a table that has been retired
/// since is lost, which is what makes [`Lookup::retain`] safe.
#[derive(Clone, Copy)]
pub struct Generation(*mut Table);

impl Lookup {
    /// An empty map whose first table has `2^initial_bits` slots.
    pub const fn new(initial_bits: u32) -> Lookup {
        Lookup {
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
        let slots = unsafe { Slots::of(table) };
        let mut at = slots.start(key);
        loop {
            let slot = slots.slot(at);
            match slot.key.load(Acquire) {
                found if found == key => {
                    let first = slot.first.load(Acquire);
                    return (first != 0).then(|| (first, slot.second.load(Relaxed)));
                }
                0 => return None,
                _ => at += 1,
            }
        }
    }

    /// The table in use now, for [`Lookup::insert`].
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
        let slots = unsafe { Slots::of(table) };
        if slots.used.load(Relaxed) * 2 >= slots.len() {
            self.install(table, map(slots.bits + 1));
            return;
        }
        let mut at = slots.start(key);
        loop {
            let slot = slots.slot(at);
            match slot.key.compare_exchange(0, key, AcqRel, Acquire) {
                Ok(_) => {
                    slots.used.fetch_add(1, Relaxed);
                    slot.second.store(second, Relaxed);
                    slot.first.store(first, Release);
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
        let slots = unsafe { Slots::of(old) };
        let new = map(slots.bits);
        if new.is_null() {
            // No memory: an empty map is still right, only slower.
            self.table.store(ptr::null_mut(), Release);
            return;
        }
        for at in 0..slots.len() {
            let slot = slots.slot(at);
            let (key, first) = (slot.key.load(Acquire), slot.first.load(Acquire));
            if key != 0 && first != 0 && keep(key) {
                self.insert(Generation(new), key, first, slot.second.load(Relaxed));
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
                // SAFETY: the table that lost the race was never shown to anyone.
                unsafe { libc::munmap(new.cast(), bytes((*new).bits)) };
                other
            }
        }
    }
}

struct Slots {
    bits: u32,
    used: &'static AtomicUsize,
    first: *const Slot,
}

impl Slots {
    /// # Safety
    ///
    /// `table` came from [`map`] and is not null.
    #[inline(always)]
    unsafe fn of(table: *mut Table) -> Slots {
        // SAFETY: the caller's; slots follow the table's head.
        unsafe {
            Slots {
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
    fn slot(&self, at: usize) -> &'static Slot {
        // SAFETY: masked to the table's length; tables are never unmapped.
        unsafe { &*self.first.add(at & (self.len() - 1)) }
    }
}

const HEAD_LEN: usize = 64;

fn bytes(bits: u32) -> usize {
    HEAD_LEN + (size_of::<Slot>() << bits)
}

/// An empty table, or null.
fn map(bits: u32) -> *mut Table {
    // SAFETY: a new anonymous mapping; zeroed slots are empty.
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
    table
}
