//! x86-64, System V calling convention.

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

pub(crate) use entry::{allocator_entry, asking_entry, method_entry};
pub(crate) use entry::{opening_entry, shown_entry, standing_entry};
pub use own_stack::{call_on_stack, stack_pointer, thread_control_block};
pub use pool::{holds_function, pool_alloc, pool_free};
pub use registers::*;
pub use thread_record::*;
pub use thread_start::thread_start;
pub use thread_word::{set_thread_word, thread_pointer, thread_word};
pub use thunk::{LARGEST_PAGE, STUB_LEN, code_written, page_size, thunk_common, write_stub};
pub use upcall::{is_upcall_return, upcall_plain, upcall_variadic};
