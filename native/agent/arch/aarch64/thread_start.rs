//! The start of a thread.

use core::arch::naked_asm;

/// Start routine of a thread whose parent has a scope: takes it over, then becomes the real one.
///
/// # Safety
///
/// Only for `pthread_create`, with an argument that `thread_begin` takes back.
#[unsafe(naked)]
pub unsafe extern "C" fn thread_start() {
    naked_asm!(
        "hint #34",
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "bl {begin}",
        "ldp x29, x30, [sp], #16",
        "mov x16, x0",
        "mov x0, x1",
        "br x16",
        begin = sym crate::hot::hooks::thread_begin,
    )
}
