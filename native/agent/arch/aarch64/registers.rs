//! DWARF register numbers (DWARF for the Arm 64-bit Architecture, 4.1) and the kernel's signal
//! frame.

use crate::arch::Registers;
use gimli::Register;

/// `x29`.
pub const FRAME_POINTER: Register = gimli::AArch64::X29;
/// `sp`.
pub const STACK_POINTER: Register = gimli::AArch64::SP;
/// The return address: `x30`.
pub const RETURN_ADDRESS: Register = gimli::AArch64::X30;
/// Whether a call pushes its return address. Here a function saves it where it likes, or not at
/// all.
pub const CALL_PUSHES_RETURN: bool = false;
/// Who defines the unwind instructions that DWARF leaves open: `negate_ra_state` is one of them.
pub const VENDOR: gimli::Vendor = gimli::Vendor::AArch64;
/// The version of symbols that the first C library for this processor had.
pub const FIRST_GLIBC: &core::ffi::CStr = c"GLIBC_2.17";
/// Programs have addresses below two to this power.
pub const ADDRESS_BITS: u32 = 48;
/// The ELF machine.
pub const ELF_MACHINE: u32 = libc::EM_AARCH64 as u32;
/// Whether frames of Java methods are followed without asking the JVM. How HotSpot lays them out
/// here has not been held against many stacks yet, so it is always asked.
pub const FOLLOWS_JAVA_FRAMES: bool = false;

/// Where the frame that calls the first Java method has its `JavaCallWrapper`, in words from its
/// frame pointer, for JVMs that do not tell: HotSpot has had it there since JDK 9
/// (`frame::entry_frame_call_wrapper_offset`).
pub const CALL_WRAPPER: Option<i32> = Some(-8);

/// The address in a word that a function saved its return address in. A function may sign it
/// (`paciasp`), whatever its unwind table says of that at this place: the signature lies
/// in bits that no address of code has.
#[inline(always)]
pub fn code_address(word: usize) -> usize {
    word & ((1 << ADDRESS_BITS) - 1)
}

/// Offsets from the stack pointer at the return from a signal handler to the interrupted
/// registers: `uc_mcontext` of the `ucontext_t` behind the `siginfo_t` that the kernel pushes.
pub mod signal_frame {
    const REGISTERS: i64 = 128 + 176 + 8;
    /// The interrupted `sp`.
    pub const STACK_POINTER: i64 = REGISTERS + 31 * 8;
    /// The interrupted `pc`.
    pub const PROGRAM_COUNTER: i64 = REGISTERS + 32 * 8;
    /// The interrupted `x29`.
    pub const FRAME_POINTER: i64 = REGISTERS + 29 * 8;
    /// Bytes below the stack pointer that no signal touches: there are none.
    pub const RED_ZONE: usize = 0;
    /// Where each such frame has this word: the head of the floating-point registers, which come
    /// first of what follows (`FPSIMD_MAGIC` and their length). The handler's return address is
    /// not in the frame.
    pub const MARK: Option<(usize, usize)> = Some((128 + 176 + 288, 0x210_4650_8001));
    /// There are no code segments.
    pub const SEGMENT: Option<(i64, usize)> = None;
}

/// Whether the function at `pc`, whose module ends at `end`, is the kernel's return from a signal
/// handler. It has no unwind table: every unwinder knows it by its two instructions.
pub fn is_signal_return(pc: usize, end: usize) -> bool {
    /// `mov x8, #139; svc #0`.
    const CODE: [u32; 2] = [0xd280_1168, 0xd400_0001];
    if !pc.is_multiple_of(4) || pc.saturating_add(size_of_val(&CODE)) > end {
        return false;
    }
    // SAFETY: code of a module that is loaded; it ends behind these instructions.
    CODE == unsafe { (pc as *const [u32; 2]).read() }
}

/// The context of a signal that interrupted code with these registers; the others are 0.
pub fn signal_context(at: Registers) -> libc::ucontext_t {
    // SAFETY: a plain structure of the C library, for which zero is a valid value.
    let mut context: libc::ucontext_t = unsafe { core::mem::zeroed() };
    let machine = &mut context.uc_mcontext;
    machine.pc = at.pc as u64;
    machine.sp = at.sp as u64;
    machine.regs[29] = at.fp as u64;
    context
}

/// Where the function `code` may jump to: the targets of every direct jump in it, most of
/// them inside it. What a compiler makes of a last call is among them.
pub fn jumps(code: core::ops::Range<usize>) -> impl Iterator<Item = usize> {
    const JUMP: u32 = 0b000101 << 26;
    const LEN: usize = 4;
    let first = code.start.next_multiple_of(LEN);
    let last = code.end.saturating_sub(LEN - 1);
    (first..last).step_by(LEN).filter_map(|at| {
        // SAFETY: a function of a module that stays loaded; the instruction lies before its end.
        let instruction = unsafe { (at as *const u32).read() };
        // The distance, in instructions, is the lower 26 bits.
        let distance = ((instruction << 6) as i32 >> 6) as isize * LEN as isize;
        (instruction & (0b111111 << 26) == JUMP).then(|| at.wrapping_add_signed(distance))
    })
}
