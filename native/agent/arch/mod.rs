//! What depends on the processor, behind one interface.
//!
//! Each architecture is a folder with the same files:
//!
//! | file | what it gives |
//! |---|---|
//! | `entry.rs` | `allocator_entry!`, `standing_entry!`: stubs that hand their caller's stack position to a handler |
//! | `thread_word.rs` | the thread's word: `thread_word`, `set_thread_word` |
//! | `registers.rs` | DWARF register numbers, the layout of a signal frame, a signal's context, and where a function jumps |
//! | `pool.rs` | the code in front of functions of declared pools, and which relocations hold functions |
//! | `thunk.rs` | the code in front of native methods |
//! | `thread_start.rs` | the start of threads |
//! | `thread_record.rs` | where thread-local variables lie, and where the kernel maps |
//! | `upcall.rs` | the code in front of JNI functions that can run Java code |
//! | `own_stack.rs` | calling a function on another stack, the stack pointer, the thread's control block |

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
pub use aarch64::*;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!(
    "HackLeak's recorder has no folder for this processor; see docs/internals/recipes.md"
);

/// Where code stands: enough for the JVM to walk its own frames from there.
#[derive(Clone, Copy)]
pub struct Registers {
    pub pc: usize,
    pub sp: usize,
    pub fp: usize,
}

/// Where a hook was called: everything that unwinding needs to begin.
#[derive(Clone, Copy)]
pub struct CallSite {
    /// Address of the stack word that holds the return address. It lies right below the caller's
    /// stack position, wherever the processor itself puts it.
    pub slot: usize,
    /// The caller's frame-pointer register.
    pub frame_pointer: usize,
}
