//! AArch64, the procedure call standard of Linux.
//!
//! A call leaves its return address in `x30`, not on the stack. The code here spills it right
//! below the caller's stack position, so that a [`super::CallSite`] means the same as elsewhere.
//! Whatever is called through a pointer begins with a landing pad (`bti c`).

/// Keeps every argument register, and the cell in `x17`, in 208 bytes below the stack pointer.
macro_rules! save_arguments {
    () => {
        "sub sp, sp, #208
        stp x0, x1, [sp]
        stp x2, x3, [sp, #16]
        stp x4, x5, [sp, #32]
        stp x6, x7, [sp, #48]
        stp x8, x17, [sp, #64]
        stp q0, q1, [sp, #80]
        stp q2, q3, [sp, #112]
        stp q4, q5, [sp, #144]
        stp q6, q7, [sp, #176]"
    };
}

/// Gives them back; the stack pointer stays.
macro_rules! restore_arguments {
    () => {
        "ldp x0, x1, [sp]
        ldp x2, x3, [sp, #16]
        ldp x4, x5, [sp, #32]
        ldp x6, x7, [sp, #48]
        ldp x8, x17, [sp, #64]
        ldp q0, q1, [sp, #80]
        ldp q2, q3, [sp, #112]
        ldp q4, q5, [sp, #144]
        ldp q6, q7, [sp, #176]"
    };
}

pub(crate) use {restore_arguments, save_arguments};

#[macro_use]
mod entry;
mod own_stack;
mod pool;
mod registers;
mod thread_record;
mod thread_start;
mod thread_word;
mod thunk;
mod upcall;

pub(crate) use entry::{allocator_entry, asking_entry, entry_code, method_entry};
pub(crate) use entry::{opening_entry, shown_entry, standing_entry};
pub use own_stack::{call_on_stack, stack_pointer, thread_control_block};
pub use pool::{holds_function, pool_alloc, pool_free};
pub use registers::*;
pub use thread_record::*;
pub use thread_start::thread_start;
pub use thread_word::{set_thread_word, thread_pointer, thread_word};
pub use thunk::{LARGEST_PAGE, STUB_LEN, code_written, page_size, thunk_common, write_stub};
pub use upcall::{is_upcall_return, upcall_plain, upcall_variadic};
