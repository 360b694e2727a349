//! The nodes that stacks end with, found by their paths: a hash table outside of the image.
//!
//! An entry is one word: the hash of the path from the root to a node, and the node. Whoever finds
//! one compares the path itself, so an entry can be wrong or lost without harm.
//!
//! Nobody waits for the table to grow. What other threads enter into the old one meanwhile is not
//! found later and gets a second node. A retired table stays mapped and empty, for threads that are
//! still at it.

use super::path::spread;
use super::sync::{self, AtomicBool, AtomicPtr, AtomicU64};
use crate::arch::prefetch;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

#[inline(always)]
fn entry(hash: u32, node: u32) -> u64 {
    (u64::from(hash) << 32) | u64::from(node)
}

/// The node of an entry with this hash; 0 in another.
#[inline(always)]
fn node_of(entry: u64, hash: u32) -> u32 {
    if (entry >> 32) as u32 == hash {
        entry as u32
    } else {
        0
    }
}

/// The nodes that stacks end with.
pub struct Leaves {
    table: AtomicPtr<Head>,
    growing: AtomicBool,
}

/// Where interleavings are explored, few stacks make it grow.
const INITIAL_BITS: u32 = if cfg!(feature = "interleavings") {
    6
} else {
    12
};
const LINE: usize = 8;
/// Of a mapping: what precedes the entries.
const HEAD_LEN: usize = 4096;

#[repr(C)]
struct Head {
    bits: u32,
    used: AtomicU64,
}

impl Leaves {
    pub const fn new() -> Leaves {
        Leaves {
            table: AtomicPtr::new(ptr::null_mut()),
            growing: AtomicBool::new(false),
        }
    }

    pub fn init(&self) {
        self.table.store(Table::map(INITIAL_BITS), Release);
    }

    /// Gives the table's memory back; there is none until the next [`Leaves::init`].
    ///
    /// # Safety
    ///
    /// Nobody uses the table.
    pub unsafe fn clear(&self) {
        let head = self.table.swap(ptr::null_mut(), Relaxed);
        self.growing.store(false, Relaxed);
        // SAFETY: null or a table, which the caller says is not in use.
        unsafe {
            if let Some(table) = Table::of(head) {
                sync::given_back(head.cast());
                libc::munmap(head.cast(), HEAD_LEN + (size_of::<u64>() << table.bits));
            }
        }
    }

    #[inline(always)]
    fn table(&self) -> Option<Table> {
        // SAFETY: null or a table, which stays mapped.
        unsafe { Table::of(self.table.load(Acquire)) }
    }

    /// Brings what [`Leaves::find`] will look at into the cache, while something else is done.
    #[inline(always)]
    pub fn foresee(&self, hash: u32) {
        if let Some(table) = self.table() {
            prefetch(table.entry(hash, 0));
        }
    }

    /// A node with this hash that `is` the right one.
    #[inline(always)]
    pub fn find(&self, hash: u32, is: impl Fn(u32) -> bool) -> Option<u32> {
        let table = self.table()?;
        let mut at = 0;
        loop {
            let entry = table.entry(hash, at).load(Acquire);
            if entry == 0 {
                return None;
            }
            let node = node_of(entry, hash);
            if node != 0 && is(node) {
                return Some(node);
            }
            at += 1;
        }
    }

    /// Enters a node that was written before.
    #[inline(always)]
    pub fn enter(&self, hash: u32, node: u32) {
        if let Some(table) = self.table()
            && table.insert(entry(hash, node))
        {
            self.grow(table);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, old: Table) {
        if self.growing.swap(true, Acquire) {
            return;
        }
        if self.table.load(Relaxed) == old.head {
            // SAFETY: null, or a table that nobody else knows yet.
            if let Some(new) = unsafe { Table::of(Table::map(old.bits + 1)) } {
                for line in 0..1 << (old.bits - LINE.trailing_zeros()) {
                    // In the order of the hashes, so that the new table is filled from end to end.
                    for at in 0..LINE {
                        let entry = old.in_line(line, at).load(Acquire);
                        if entry != 0 {
                            new.insert(entry);
                        }
                    }
                }
                self.table.store(new.head, Release);
                old.empty();
            }
        }
        self.growing.store(false, Release);
    }
}

/// A table that was in use at some moment.
#[derive(Clone, Copy)]
struct Table {
    head: *mut Head,
    bits: u32,
}

impl Table {
    /// # Safety
    ///
    /// Null, or from [`Table::map`].
    #[inline(always)]
    unsafe fn of(head: *mut Head) -> Option<Table> {
        // SAFETY: the caller's.
        let bits = unsafe { head.as_ref()?.bits };
        Some(Table { head, bits })
    }

    /// An empty table, or null.
    fn map(bits: u32) -> *mut Head {
        let len = HEAD_LEN + (size_of::<u64>() << bits);
        let head: *mut Head = map(len).cast();
        if !head.is_null() {
            sync::keep(head.cast(), len);
            // SAFETY: the mapping is new and longer than the head.
            unsafe { (*head).bits = bits };
        }
        head
    }

    fn len(&self) -> u64 {
        1 << self.bits
    }

    #[inline(always)]
    fn in_line(&self, line: usize, at: usize) -> &AtomicU64 {
        let lines = 1 << (self.bits - LINE.trailing_zeros());
        let line = (line + at / LINE) & (lines - 1);
        // SAFETY: the line is masked to the table's length, entries follow the head, and tables
        // stay mapped.
        unsafe {
            let entries = self.head.cast::<u8>().add(HEAD_LEN).cast::<AtomicU64>();
            &*entries.add(line * LINE + at % LINE)
        }
    }

    /// The place where a search looks as the `at`th: through one line, then through the next.
    #[inline(always)]
    fn entry(&self, hash: u32, at: usize) -> &AtomicU64 {
        self.in_line(spread(hash, self.bits - LINE.trailing_zeros()), at)
    }

    /// Whether the table is to be replaced by a larger one. A full one takes nothing: a place must
    /// stay empty to end each search.
    #[inline(always)]
    fn insert(&self, entry: u64) -> bool {
        // SAFETY: tables stay mapped.
        let used = unsafe { &(*self.head).used };
        let number = used.load(Relaxed);
        if number >= self.len() / 16 * 15 {
            return true;
        }
        let mut at = 0;
        while self
            .entry((entry >> 32) as u32, at)
            .compare_exchange(0, entry, Release, Relaxed)
            .is_err()
        {
            at += 1;
        }
        used.fetch_add(1, Relaxed);
        number >= self.len() / 8 * 5
    }

    /// Gives the memory back.
    fn empty(&self) {
        // SAFETY: advice about the entries, which are this table's own anonymous memory. Another
        // thread finds an entry or nothing.
        unsafe {
            libc::madvise(
                self.head.cast::<u8>().add(HEAD_LEN).cast(),
                size_of::<u64>() << self.bits,
                libc::MADV_DONTNEED,
            );
        }
    }
}

/// Zeroed memory, or null.
fn map(len: usize) -> *mut libc::c_void {
    // SAFETY: a new anonymous mapping.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        ptr::null_mut()
    } else {
        at
    }
}
