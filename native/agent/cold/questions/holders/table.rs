//! A growing array in a mapping of its own.
//!
//! The pass must leave no addresses in memory of the program's allocator: a block that is handed
//! out there later would hold what they point at. An address in a mapping that is gone holds
//! nothing, and a mapping that is still there is known (see [`mappings`]) and left out.

use super::Stop;
use crate::hot::ground::mappings;
use core::ops::{Deref, DerefMut, Range};
use core::ptr;
use core::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// The most tables at a time.
const MOST: usize = 256;
/// Start and length in bytes of each table's mapping; a start of 0 is a free place.
static STARTS: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];
static LENGTHS: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];

/// Where the tables lie that there are.
pub fn mappings() -> impl Iterator<Item = Range<usize>> {
    STARTS.iter().zip(&LENGTHS).filter_map(|(start, len)| {
        let start = start.load(Acquire);
        (start != 0).then(|| start..start + len.load(Relaxed))
    })
}

/// An array of plain values.
pub struct Table<T: Copy> {
    at: *mut T,
    len: usize,
    room: usize,
    /// The place of its mapping among the [`STARTS`].
    place: usize,
}

// SAFETY: the mapping belongs to the table alone, and the values are plain.
unsafe impl<T: Copy + Send> Send for Table<T> {}

impl<T: Copy> Table<T> {
    /// An empty table; takes no memory yet.
    pub const fn new() -> Table<T> {
        Table {
            at: ptr::null_mut(),
            len: 0,
            room: 0,
            place: MOST,
        }
    }

    /// A table of `len` copies of `value`.
    pub fn filled(len: usize, value: T) -> Result<Table<T>, Stop> {
        let mut table = Table::new();
        table.reserve(len)?;
        for _ in 0..len {
            table.push(value)?;
        }
        Ok(table)
    }

    /// Adds a value.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub fn push(&mut self, value: T) -> Result<(), Stop> {
        if self.len == self.room {
            self.reserve(self.len + 1)?;
        }
        // SAFETY: `len` is less than `room`, the values that the mapping has place for.
        unsafe { self.at.add(self.len).write(value) };
        self.len += 1;
        Ok(())
    }

    /// Takes the last value out.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.last().copied()?;
        self.len -= 1;
        Some(last)
    }

    /// Forgets the values; the memory stays.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    fn reserve(&mut self, least: usize) -> Result<(), Stop> {
        const PAGE: usize = 4096;
        if least <= self.room {
            return Ok(());
        }
        let bytes = (least.max(self.room * 2) * size_of::<T>()).next_multiple_of(PAGE);
        if self.place == MOST {
            // Until the mapping is there, the place is taken by an address that nothing has.
            let free = |place: &AtomicUsize| place.compare_exchange(0, 1, AcqRel, Relaxed).is_ok();
            self.place = STARTS.iter().position(free).ok_or(Stop::NoMemory)?;
        }
        let old = self.room * size_of::<T>();
        let new = if self.at.is_null() {
            mappings::own_memory(bytes)
        } else {
            let old = old.next_multiple_of(PAGE);
            // SAFETY: the table's own mapping with its length.
            unsafe { mappings::longer(self.at.cast(), old, bytes) }
        };
        if new == libc::MAP_FAILED {
            return Err(Stop::NoMemory);
        }
        LENGTHS[self.place].store(bytes, Relaxed);
        STARTS[self.place].store(new.addr(), Release);
        self.at = new.cast();
        self.room = bytes / size_of::<T>();
        Ok(())
    }
}

impl<T: Copy> Deref for Table<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.at.is_null() {
            return &[];
        }
        // SAFETY: the first `len` values were written, and the mapping is the table's own.
        unsafe { core::slice::from_raw_parts(self.at, self.len) }
    }
}

impl<T: Copy> DerefMut for Table<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        if self.at.is_null() {
            return &mut [];
        }
        // SAFETY: as above, and the table is borrowed for writing.
        unsafe { core::slice::from_raw_parts_mut(self.at, self.len) }
    }
}

impl<T: Copy> Drop for Table<T> {
    fn drop(&mut self) {
        if !self.at.is_null() {
            let bytes = (self.room * size_of::<T>()).next_multiple_of(4096);
            // SAFETY: the table's own mapping, which nothing refers to any more.
            unsafe { libc::munmap(self.at.cast(), bytes) };
        }
        if let Some(place) = STARTS.get(self.place) {
            place.store(0, Release);
        }
    }
}
