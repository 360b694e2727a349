//! `hackleak_alloc` and `hackleak_free`: for libraries that carve objects out of their own pools.
//!
//! `native/include/hackleak.h` declares them weak, so a library calls them if the recorder is there
//! and otherwise not. They have a table of their own: the first object of a pool often has the
//! address of the block that the pool came from.

use crate::arch::{CallSite, allocator_entry};
use crate::record;
use core::ffi::c_void;

allocator_entry!(hackleak_alloc, 2, on_alloc);
allocator_entry!(hackleak_free, 1, on_free);

unsafe extern "C" fn on_alloc(object: *const c_void, size: usize, slot: usize, fp: usize) {
    if !object.is_null() {
        record::pooled(
            object as usize,
            size,
            CallSite {
                slot,
                frame_pointer: fp,
            },
        );
    }
}

unsafe extern "C" fn on_free(object: *const c_void, _slot: usize, _frame_pointer: usize) {
    if !object.is_null() {
        record::unpooled(object as usize);
    }
}
