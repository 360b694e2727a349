//! The code in front of the functions of declared pools.
//!
//! Reached from a stub, with its cell in `x17`. Six argument registers are stored downwards from
//! the first, so that the recorder can read the one that it wants.

use core::arch::naked_asm;

/// Relocations that put a function's address into a word.
pub fn holds_function(kind: u32) -> bool {
    const R_AARCH64_ABS64: u32 = 257;
    const R_AARCH64_GLOB_DAT: u32 = 1025;
    const R_AARCH64_JUMP_SLOT: u32 = 1026;
    matches!(
        kind,
        R_AARCH64_ABS64 | R_AARCH64_GLOB_DAT | R_AARCH64_JUMP_SLOT
    )
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
        "hint #34",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset x29, -16",
        ".cfi_offset x30, -8",
        "mov x29, sp",
        ".cfi_def_cfa_register x29",
        "sub sp, sp, #64",
        "str x17, [x29, #-8]",
        "str x0, [x29, #-16]",
        "str x1, [x29, #-24]",
        "str x2, [x29, #-32]",
        "str x3, [x29, #-40]",
        "str x4, [x29, #-48]",
        "str x5, [x29, #-56]",
        "ldr x16, [x17]",
        "blr x16",
        "str x0, [x29, #-64]",
        "sub x1, x29, #16",
        "ldr x2, [x29, #-8]",
        "ldr x2, [x2, #16]",
        "add x3, x29, #8",
        "ldr x4, [x29]",
        "bl {allocated}",
        "ldr x0, [x29, #-64]",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa sp, 0",
        ".cfi_restore x30",
        ".cfi_restore x29",
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
        "hint #34",
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "sub sp, sp, #80",
        "stp x8, x17, [sp]",
        "stp x7, x6, [sp, #16]",
        "stp x5, x4, [sp, #32]",
        "stp x3, x2, [sp, #48]",
        "stp x1, x0, [sp, #64]",
        "add x0, sp, #72",
        "ldr x1, [x17, #16]",
        "bl {freed}",
        "ldp x8, x17, [sp]",
        "ldp x7, x6, [sp, #16]",
        "ldp x5, x4, [sp, #32]",
        "ldp x3, x2, [sp, #48]",
        "ldp x1, x0, [sp, #64]",
        "add sp, sp, #80",
        "ldp x29, x30, [sp], #16",
        "ldr x16, [x17]",
        "br x16",
        freed = sym crate::hot::hooks::object_freed,
    )
}
