//! DWARF register numbers (System V ABI, figure 3.36) and the kernel's signal frame.

use crate::arch::Registers;
use gimli::Register;

/// `rbp`.
pub const FRAME_POINTER: Register = gimli::X86_64::RBP;
/// `rsp`.
pub const STACK_POINTER: Register = gimli::X86_64::RSP;
/// The return address.
pub const RETURN_ADDRESS: Register = gimli::X86_64::RA;
/// Whether a call pushes its return address, so that it lies right below where the frame ends.
pub const CALL_PUSHES_RETURN: bool = true;
/// Who defines the unwind instructions that DWARF leaves open.
pub const VENDOR: gimli::Vendor = gimli::Vendor::Default;
/// The version of symbols that the first C library for this processor had.
pub const FIRST_GLIBC: &core::ffi::CStr = c"GLIBC_2.2.5";
/// Programs have addresses below two to this power.
pub const ADDRESS_BITS: u32 = 47;
/// The ELF machine.
pub const ELF_MACHINE: u32 = libc::EM_X86_64 as u32;
/// Whether frames of Java methods are followed without asking the JVM.
pub const FOLLOWS_JAVA_FRAMES: bool = true;

/// Where the frame that calls the first Java method has its `JavaCallWrapper`, in words from its
/// frame pointer, for JVMs that do not tell.
pub const CALL_WRAPPER: Option<i32> = None;

/// The address in a word that holds a return address.
#[inline(always)]
pub fn code_address(word: usize) -> usize {
    word
}

/// Whether the function at `pc` is the kernel's return from a signal handler, where that has no
/// unwind table. Here the C library has it, with one.
pub fn is_signal_return(_pc: usize, _end: usize) -> bool {
    false
}

/// Offsets from the stack pointer at the return from a signal handler to the interrupted
/// registers: `uc_mcontext.gregs` of the `ucontext_t` that the kernel pushes.
pub mod signal_frame {
    /// The interrupted `rsp`.
    pub const STACK_POINTER: i64 = 160;
    /// The interrupted `rip`.
    pub const PROGRAM_COUNTER: i64 = 168;
    /// The interrupted `rbp`.
    pub const FRAME_POINTER: i64 = 120;
    /// Where each such frame has the code segment, and what its lowest byte says of every program
    /// of 64 bits. What only has the handler's return address may be what the program gave to
    /// `sigaction`.
    pub const SEGMENT: Option<(i64, usize)> = Some((184, 0x33));
    /// Bytes below the stack pointer that no signal touches (System V ABI, 3.2.2).
    pub const RED_ZONE: usize = 128;
    /// Where each such frame has a word that nothing else has. Here the handler's return address is
    /// one, which the kernel is told for each signal.
    pub const MARK: Option<(usize, usize)> = None;
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

/// Where the function `code` may jump to: the targets of whatever looks like a direct jump in it,
/// most of them inside it. What a compiler makes of a last call is among them.
pub fn jumps(code: core::ops::Range<usize>) -> impl Iterator<Item = usize> {
    const JUMP: u8 = 0xe9;
    const LEN: usize = 5;
    let last = code.end.saturating_sub(LEN - 1);
    (code.start..last).filter_map(|at| {
        // SAFETY: a function of a module that stays loaded; the five bytes lie before its end.
        let (first, distance) = unsafe {
            let code = at as *const u8;
            (code.read(), code.add(1).cast::<i32>().read_unaligned())
        };
        (first == JUMP).then(|| (at + LEN).wrapping_add_signed(distance as isize))
    })
}
