//! x86-64, System V calling convention.

#[macro_use]
mod entry;
mod pool;
mod registers;
mod slot;
mod thunk;

pub(crate) use entry::{allocator_entry, method_entry};
pub use pool::{holds_function, pool_alloc, pool_free};
pub use registers::*;
pub use slot::{set_thread_slot, thread_pointer, thread_slot};
pub use thunk::{STUB_LEN, thread_start, thunk_common, thunk_upcall, write_stub};
