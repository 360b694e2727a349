//! `hackleak_alloc` and `hackleak_free`: for libraries that carve objects out of their own pools.
//!
//! `native/include/hackleak.h` declares them weak, so a library calls them if the recorder is there
//! and otherwise not. Functions that the option `pools=` names come here from their stubs (`arch`).
//! Both have a table of their own: the first object of a pool often has the
//! address of the block that the pool came from.

use crate::arch::{CallSite, allocator_entry};
use crate::hot::events::record;
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

/// The register arguments of a call, as the stub stored them: the first one highest.
#[repr(transparent)]
pub struct Arguments(usize);

impl Arguments {
    /// Argument `number`, from 1.
    fn get(&self, number: usize) -> usize {
        let first = &raw const self.0;
        // SAFETY: the stub stored six arguments, downwards from the first; `number` is at most 6.
        unsafe { first.sub(number - 1).read() }
    }
}

/// Called by the stub when an `alloc` function has returned. `size` is the number of the argument
/// with the size, or 0.
pub extern "C" fn object_allocated(
    object: usize,
    arguments: &Arguments,
    size: usize,
    slot: usize,
    frame_pointer: usize,
) {
    if object != 0 {
        let size = if size == 0 { 0 } else { arguments.get(size) };
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        record::pooled(object, size, call_site);
    }
}

/// Called by the stub before a `free` function. `object` is the number of the argument.
pub extern "C" fn object_freed(arguments: &Arguments, object: usize) {
    record::unpooled(arguments.get(object.max(1)));
}
