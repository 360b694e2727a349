//! A growing array in a mapping of its own.
//!
//! The pass must leave no addresses in memory of the program's allocator: a block that is handed out there
//! later would hold what they point at. An address in a mapping that is gone holds nothing.

use super::Stop;
use core::ops::{Deref, DerefMut};
use core::ptr;

/// An array of plain values.
pub struct Table<T: Copy> {
    at: *mut T,
    len: usize,
    room: usize,
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
        let old = self.room * size_of::<T>();
        // SAFETY: a new mapping, or one of this table's own that may move.
        let new = unsafe {
            if self.at.is_null() {
                libc::mmap(
                    ptr::null_mut(),
                    bytes,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                    -1,
                    0,
                )
            } else {
                let old = old.next_multiple_of(PAGE);
                libc::mremap(self.at.cast(), old, bytes, libc::MREMAP_MAYMOVE)
            }
        };
        if new == libc::MAP_FAILED {
            return Err(Stop::NoMemory);
        }
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
    }
}
