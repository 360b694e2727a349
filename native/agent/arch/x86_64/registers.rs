//! DWARF register numbers (System V ABI, figure 3.36) and the kernel's signal frame.

use crate::arch::Registers;
use gimli::Register;

/// `rbp`.
pub const FRAME_POINTER: Register = gimli::X86_64::RBP;
/// `rsp`.
pub const STACK_POINTER: Register = gimli::X86_64::RSP;
/// The return address.
pub const RETURN_ADDRESS: Register = gimli::X86_64::RA;

/// Offsets from the stack pointer at the return from a signal handler to the interrupted
/// registers: `uc_mcontext.gregs` of the `ucontext_t` that the kernel pushes.
pub mod signal_frame {
    /// The interrupted `rsp`.
    pub const STACK_POINTER: i64 = 160;
    /// The interrupted `rip`.
    pub const PROGRAM_COUNTER: i64 = 168;
    /// The interrupted `rbp`.
    pub const FRAME_POINTER: i64 = 120;
}

/// The context of a signal that interrupted code with these registers; the others are 0.
pub fn signal_context(at: Registers) -> libc::ucontext_t {
    // SAFETY: a plain structure of the C library, for which zero is a valid value.
    let mut context: libc::ucontext_t = unsafe { core::mem::zeroed() };
    let registers = &mut context.uc_mcontext.gregs;
    registers[libc::REG_RIP as usize] = at.pc as i64;
    registers[libc::REG_RSP as usize] = at.sp as i64;
    registers[libc::REG_RBP as usize] = at.fp as i64;
    context
}

/// Where the function at `start` jumps, if a direct jump is among its first few instructions, as in one that
/// only sets an argument more.
pub fn tail_jump(start: usize) -> Option<usize> {
    const JUMP: u8 = 0xe9;
    const LEN: usize = 5;
    // SAFETY: the first bytes of a function of the C library; its code goes on after them.
    let code = unsafe { core::slice::from_raw_parts(start as *const u8, 16) };
    let at = code[..=16 - LEN].iter().position(|byte| *byte == JUMP)?;
    let distance = i32::from_le_bytes(code[at + 1..at + LEN].try_into().ok()?);
    Some((start + at + LEN).wrapping_add_signed(distance as isize))
}
