//! Where what is local to a thread lies, seen from the C library's record of it: below the record,
//! to which `fs` points (variant II of the System V ABI's thread-local storage). And where the
//! kernel maps.

use core::ops::Range;

/// Whether each record has its own address in it.
pub const RECORD_NAMES_ITSELF: bool = true;
/// Bytes behind the record that belong to it.
pub const RECORD_HEAD: usize = 0;

/// Where the address of the thread's table of blocks is. `_len` is that of the whole record.
pub fn table_place(record: usize, _len: usize) -> usize {
    const TABLE: usize = 8;
    record + TABLE
}

/// Where a module's variables lie that the loader has put at `offset` for every thread.
pub fn local_place(record: usize, _len: usize, offset: usize) -> usize {
    record.wrapping_sub(offset)
}

/// Where all of these lie, of `statics` bytes.
pub fn locals(record: usize, _len: usize, statics: usize) -> Range<usize> {
    record - statics..record
}

/// Where frames of a stack end that has the record at its upper end.
pub fn frames_end(record: usize, statics: usize) -> usize {
    record.saturating_sub(statics)
}

/// The lowest address that the kernel maps where nobody wishes for one.
pub fn lowest_mapping() -> usize {
    0x7000_0000_0000
}

/// Whether `/proc/self/maps` may tell of neighbours that are one mapping.
pub const MAPS_MAY_BE_SPLIT: bool = false;
