//! The thread's word, declared in `native/c/thread_word.c`.

use core::arch::asm;

/// The thread's word; 0 in a thread that the recorder has not seen.
#[inline(always)]
pub fn thread_word() -> usize {
    let value;
    // SAFETY: reads this thread's own thread-local word: its offset from the thread pointer is in
    // the GOT entry that the linker makes for an initial-exec variable.
    unsafe {
        asm!(
            "adrp {v}, :gottprel:hackleak_thread_word",
            "ldr {v}, [{v}, :gottprel_lo12:hackleak_thread_word]",
            "mrs {thread}, tpidr_el0",
            "ldr {v}, [{thread}, {v}]",
            v = out(reg) value,
            thread = out(reg) _,
            options(nostack, preserves_flags, readonly),
        );
    }
    value
}

/// Sets the thread's word.
#[inline(always)]
pub fn set_thread_word(value: usize) {
    // SAFETY: as for `thread_word`.
    unsafe {
        asm!(
            "adrp {offset}, :gottprel:hackleak_thread_word",
            "ldr {offset}, [{offset}, :gottprel_lo12:hackleak_thread_word]",
            "mrs {thread}, tpidr_el0",
            "str {v}, [{thread}, {offset}]",
            v = in(reg) value,
            offset = out(reg) _,
            thread = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// Where the C library's record of the calling thread begins. The thread pointer is its end, and
/// only the C library knows how long it is; what `pthread_self` gives is its address.
#[inline(always)]
pub fn thread_pointer() -> usize {
    // SAFETY: no arguments, no failure; it computes.
    unsafe { libc::pthread_self() as usize }
}
