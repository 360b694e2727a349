//! Running a function on another stack.

use core::arch::{asm, naked_asm};
use core::ffi::c_void;

/// Calls `function(argument)` with the stack pointer at `top`, and comes back.
///
/// Its unwind table leads from the other stack back to the caller's, so that libgcc's unwinder
/// crosses it.
///
/// # Safety
///
/// `top` is the end of a stack that is large enough and that nobody else uses; it is a multiple
/// of 16. The function returns, and no panic leaves it.
#[unsafe(naked)]
pub unsafe extern "C" fn call_on_stack(
    argument: *mut c_void,
    function: unsafe extern "C" fn(*mut c_void),
    top: usize,
) {
    naked_asm!(
        ".cfi_startproc",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset x29, -16",
        ".cfi_offset x30, -8",
        "mov x29, sp",
        ".cfi_def_cfa_register x29",
        "mov sp, x2",
        "blr x1",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa sp, 0",
        ".cfi_restore x30",
        ".cfi_restore x29",
        "ret",
        ".cfi_endproc",
    )
}

/// The stack pointer.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// The C library's record of the thread. glibc puts it at the upper end of the stack of every
/// thread but the first, above all frames, whether it made the stack or was given it.
#[inline(always)]
pub fn thread_control_block() -> usize {
    super::thread_pointer()
}
