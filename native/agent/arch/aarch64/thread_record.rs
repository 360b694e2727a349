//! Where what is local to a thread lies, seen from the C library's record of it: behind the record.
//! Its end is the thread pointer, where two words belong to it still (variant I of thread-local
//! storage). The first of them is the address of the thread's table of blocks. And where the kernel
//! maps.

use core::ops::Range;

/// Whether each record has its own address in it.
pub const RECORD_NAMES_ITSELF: bool = false;
/// Bytes behind the record that belong to it.
pub const RECORD_HEAD: usize = 16;

/// Where the address of the thread's table of blocks is. `len` is that of the whole record.
pub fn table_place(record: usize, len: usize) -> usize {
    record + len - RECORD_HEAD
}

/// Where a module's variables lie that the loader has put at `offset` for every thread.
pub fn local_place(record: usize, len: usize, offset: usize) -> usize {
    table_place(record, len).wrapping_add(offset)
}

/// Where all of these lie: `statics` bytes from the thread pointer on.
pub fn locals(record: usize, len: usize, statics: usize) -> Range<usize> {
    let start = table_place(record, len);
    start..start + statics
}

/// Where frames of a stack end that has the record at its upper end.
pub fn frames_end(record: usize, _statics: usize) -> usize {
    record
}

/// The lowest address that the kernel maps where nobody wishes for one. The kernel may use 39, 42,
/// 47 or 48 bits of addresses, and begins at the upper end: this library is near.
pub fn lowest_mapping() -> usize {
    let here = lowest_mapping as fn() -> usize as usize;
    here - here / 8
}

/// Whether `/proc/self/maps` may tell of neighbours that are one mapping: emulators make that file
/// themselves, and split where only they see a difference.
pub const MAPS_MAY_BE_SPLIT: bool = true;
