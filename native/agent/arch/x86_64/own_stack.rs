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
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rsp, rdx",
        "call rsi",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

/// The stack pointer.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// The thread's control block. glibc puts it at the upper end of the stack of every thread but the
/// first, above all frames, whether it made the stack or was given it.
#[inline(always)]
pub fn thread_control_block() -> usize {
    let value;
    // SAFETY: the block's first word holds its own address (the x86-64 TLS ABI).
    unsafe { asm!("mov {}, fs:[0]", out(reg) value, options(nostack, preserves_flags, readonly)) };
    value
}
