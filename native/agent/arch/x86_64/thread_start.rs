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
        "sub rsp, 8",
        "call {begin}",
        "add rsp, 8",
        "mov rdi, rdx",
        "jmp rax",
        begin = sym crate::hot::hooks::thread_begin,
    )
}
