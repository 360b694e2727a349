//! The code in front of the functions of declared pools.
//!
//! Reached from a stub, with its cell in `r11`. The six argument registers are stored downwards
//! from the first, so that the recorder can read the one that it wants.

use core::arch::naked_asm;

/// Relocations that put a function's address into a word.
pub fn holds_function(kind: u32) -> bool {
    const R_X86_64_64: u32 = 1;
    const R_X86_64_GLOB_DAT: u32 = 6;
    const R_X86_64_JUMP_SLOT: u32 = 7;
    matches!(kind, R_X86_64_64 | R_X86_64_GLOB_DAT | R_X86_64_JUMP_SLOT)
}

/// Calls the real function and tells the recorder what it returned. It has a frame of its own,
/// which its unwind table describes: the real function may allocate, or throw.
///
/// # Safety
///
/// Reached only from a stub, in place of a function that takes its arguments in registers.
#[unsafe(naked)]
pub unsafe extern "C" fn pool_alloc() {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "sub rsp, 64",
        "mov qword ptr [rbp - 8], r11",
        "mov qword ptr [rbp - 16], rdi",
        "mov qword ptr [rbp - 24], rsi",
        "mov qword ptr [rbp - 32], rdx",
        "mov qword ptr [rbp - 40], rcx",
        "mov qword ptr [rbp - 48], r8",
        "mov qword ptr [rbp - 56], r9",
        "call qword ptr [r11]",
        "mov qword ptr [rbp - 64], rax",
        "mov rdi, rax",
        "lea rsi, [rbp - 16]",
        "mov rdx, qword ptr [rbp - 8]",
        "mov rdx, qword ptr [rdx + 16]",
        "lea rcx, [rbp + 8]",
        "mov r8, qword ptr [rbp]",
        "call {allocated}",
        "mov rax, qword ptr [rbp - 64]",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
        allocated = sym crate::hot::hooks::object_allocated,
    )
}

/// Tells the recorder which object is given back and jumps to the real function.
///
/// # Safety
///
/// As for [`pool_alloc`].
#[unsafe(naked)]
pub unsafe extern "C" fn pool_free() {
    naked_asm!(
        "push r11",
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "push r8",
        "push r9",
        "lea rdi, [rsp + 40]",
        "mov rsi, qword ptr [r11 + 16]",
        "call {freed}",
        "pop r9",
        "pop r8",
        "pop rcx",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "pop r11",
        "jmp qword ptr [r11]",
        freed = sym crate::hot::hooks::object_freed,
    )
}
