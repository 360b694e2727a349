//! The code in front of native methods.
//!
//! A stub is sixteen bytes on an executable page; what it stands for is in its cell on the pages
//! of data that follow. All stubs of a page are written before it becomes executable, so handing
//! one out only writes its cell.
//!
//! The thunk of a native method notes {stack position, return address, cell} on the thread's entry
//! stack and jumps to the method. All registers that carry arguments stay as they are; stack
//! arguments stay where they are because nothing is pushed when the method runs. There is no code
//! after the call: an entry is stale when its stack position lies below the one that looks at it,
//! or when a walk finds another return address there. The thunks of JNI functions are in
//! `upcall`.

use crate::hot::jvm::entries::{ENTRIES_FULL, Entry, EntryStack};
use core::arch::{asm, naked_asm};
use core::mem::offset_of;

/// Bytes per stub.
pub const STUB_LEN: usize = 16;
/// The largest page that Linux has here: 4, 16 or 64 KiB.
pub const LARGEST_PAGE: usize = 64 << 10;

/// The length of a page of this process.
pub fn page_size() -> usize {
    // SAFETY: reads what the kernel told at the start.
    unsafe { libc::getauxval(libc::AT_PAGESZ) as usize }
}

/// Writes the stub whose cell lies `distance` bytes after it.
pub fn write_stub(stub: &mut [u8; STUB_LEN], distance: u32) {
    // bti c; adr x17, . + distance - 4; ldr x16, [x17, #8]; br x16
    let from_second = distance - 4;
    let adr = 0x1000_0011 | (from_second & 3) << 29 | (from_second >> 2 & 0x7_ffff) << 5;
    let code = [0xd503_245f, adr, 0xf940_0630, 0xd61f_0200];
    for (place, instruction) in stub.as_chunks_mut::<4>().0.iter_mut().zip(code) {
        *place = instruction.to_le_bytes();
    }
}

/// Makes what was written to `code` visible to the fetching of instructions.
pub fn code_written(code: core::ops::Range<usize>) {
    let sizes: usize;
    // SAFETY: reads a register that Linux lets programs read.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack, preserves_flags)) };
    let line = |shift: u32| 4 << (sizes >> shift & 15);
    for at in code.clone().step_by(line(16)) {
        // SAFETY: cleans a line of mapped memory to where instructions are fetched from.
        unsafe { asm!("dc cvau, {}", in(reg) at, options(nostack, preserves_flags)) };
    }
    // SAFETY: waits.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for at in code.step_by(line(0)) {
        // SAFETY: drops a line of mapped memory from the instruction caches.
        unsafe { asm!("ic ivau, {}", in(reg) at, options(nostack, preserves_flags)) };
    }
    // SAFETY: waits.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
}

/// What the stubs of native methods jump to: notes the crossing whose cell is in `x17` and goes on
/// to its target.
///
/// # Safety
///
/// Reached only from a stub, in place of the function that its cell names.
#[unsafe(naked)]
pub unsafe extern "C" fn thunk_common() {
    naked_asm!(
        "hint #34",
        "adrp x9, :gottprel:hackleak_thread_word",
        "ldr x9, [x9, :gottprel_lo12:hackleak_thread_word]",
        "mrs x10, tpidr_el0",
        "ldr x9, [x10, x9]",
        "cbz x9, 5f",
        // x9: the entry stack, which begins the thread's state. x11: this stack position.
        "ldr x10, [x9, #{len}]",
        "sub x11, sp, #8",
        // Drop entries at or below it.
        "2:",
        "cbz x10, 3f",
        "add x12, x9, x10",
        "ldur x13, [x12, #{items} - {item} + {slot}]",
        "cmp x13, x11",
        "b.hi 3f",
        "sub x10, x10, #{item}",
        "b 2b",
        "3:",
        "cmp x10, #{full}",
        "b.hs 4f",
        "add x12, x9, x10",
        "str x11, [x12, #{items} + {slot}]",
        "str x17, [x12, #{items} + {cell}]",
        "str xzr, [x12, #{items} + {detail}]",
        "str x30, [x12, #{items} + {caller}]",
        "add x10, x10, #{item}",
        "str x10, [x9, #{len}]",
        "ldr x16, [x17]",
        "br x16",
        // Full: the entry is not noted; allocations inside will ask for their Java stack.
        "4:",
        "str x10, [x9, #{len}]",
        "ldr x10, [x9, #{overflow}]",
        "add x10, x10, #1",
        "str x10, [x9, #{overflow}]",
        "ldr x16, [x17]",
        "br x16",
        // A thread without state yet: make it, with every argument register kept.
        "5:",
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        super::save_arguments!(),
        "add x0, x29, #8",
        "mov x1, x17",
        "mov x2, xzr",
        "bl {first}",
        super::restore_arguments!(),
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "ldr x16, [x17]",
        "br x16",
        first = sym crate::hot::jvm::first_entry::first_entry,
        len = const offset_of!(EntryStack, len),
        overflow = const offset_of!(EntryStack, overflow),
        items = const offset_of!(EntryStack, items),
        item = const size_of::<Entry>(),
        full = const ENTRIES_FULL,
        slot = const offset_of!(Entry, slot),
        caller = const offset_of!(Entry, caller),
        cell = const Entry::CELL,
        detail = const offset_of!(Entry, detail),
    )
}

// What the assembly takes for granted, beside what it does everywhere.
const _: () = assert!(ENTRIES_FULL < 4096);
