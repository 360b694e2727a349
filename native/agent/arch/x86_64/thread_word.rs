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
            "mov {v}, qword ptr [rip + hackleak_thread_word@GOTTPOFF]",
            "mov {v}, qword ptr fs:[{v}]",
            v = out(reg) value,
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
            "mov {offset}, qword ptr [rip + hackleak_thread_word@GOTTPOFF]",
            "mov qword ptr fs:[{offset}], {v}",
            v = in(reg) value,
            offset = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// The calling thread's thread pointer: the C library's record of the thread begins there, with its
/// own address.
pub fn thread_pointer() -> usize {
    let value;
    // SAFETY: the first word at the thread pointer is the pointer itself, as the processor's ABI
    // wants.
    unsafe {
        asm!(
            "mov {v}, qword ptr fs:[0]",
            v = out(reg) value,
            options(nostack, preserves_flags, readonly),
        );
    }
    value
}
