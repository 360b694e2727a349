//! x86-64, System V calling convention.

#[macro_use]
mod entry;
mod registers;
mod slot;
mod thunk;

pub(crate) use entry::{allocator_entry, method_entry};
pub use registers::*;
pub use slot::{set_thread_slot, thread_slot};
pub use thunk::{STUB_LEN, thread_start, thunk_common, thunk_upcall, write_stub};
