//! DWARF register numbers (System V ABI, figure 3.36) and the kernel's signal frame.

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
