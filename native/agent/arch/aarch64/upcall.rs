//! The code in front of JNI functions that can run Java code.
//!
//! Unlike a native method's thunk it has a frame, and takes its note back when the function
//! returns: a note of a call that is over would lead a walk into whatever lies there by then.
//! The functions take their arguments in registers. Those with an open list of arguments
//! (`Call<Type>Method`) take some on the stack, at a place that a frame between would move; so
//! their variants with a `va_list` are called, with a list that points at the caller's arguments.

use crate::hot::jvm::entries::{ENTRIES_FULL, Entry, EntryStack, UPCALL};
use crate::hot::jvm::first_entry::first_entry;
use core::arch::naked_asm;
use core::mem::offset_of;

unsafe extern "C" {
    safe static hackleak_upcall_plain_returns: u8;
    safe static hackleak_upcall_variadic_returns: u8;
}

/// Whether the address is where the target of one of these thunks returns to. The frame pointer
/// there is that of the thunk's frame.
pub fn is_upcall_return(address: usize) -> bool {
    let returns = [
        &raw const hackleak_upcall_plain_returns,
        &raw const hackleak_upcall_variadic_returns,
    ];
    returns.iter().any(|known| known.addr() == address)
}

/// Notes the call whose cell is in `x17`, calls its target and takes the note back. `$arrange`
/// prepares a list of arguments in the frame, where `$room` bytes are kept for it.
macro_rules! upcall {
    ($name:ident, $room:literal, $arrange:literal, $doc:literal) => {
#[doc = $doc]
///
/// # Safety
///
/// Reached only from a stub, in place of the function that its cell names.
#[unsafe(naked)]
pub unsafe extern "C" fn $name() {
    naked_asm!(
        ".cfi_startproc",
        "hint #34",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset x29, -16",
        ".cfi_offset x30, -8",
        "mov x29, sp",
        ".cfi_def_cfa_register x29",
        "stp x19, x20, [sp, #-16]!",
        ".cfi_offset x19, -32",
        ".cfi_offset x20, -24",
        // x19: the entry stack, which begins the thread's state. x20: where this entry lies on it.
        "adrp x19, :gottprel:hackleak_thread_word",
        "ldr x19, [x19, :gottprel_lo12:hackleak_thread_word]",
        "mrs x9, tpidr_el0",
        "ldr x19, [x9, x19]",
        "mov x20, #-1",
        "cbz x19, 5f",
        "add x11, x29, #8",
        "ldr x10, [x19, #{len}]",
        // Drop entries at or below this stack position.
        "2:",
        "cbz x10, 3f",
        "add x12, x19, x10",
        "ldur x13, [x12, #{items} - {item} + {slot}]",
        "cmp x13, x11",
        "b.hi 3f",
        "sub x10, x10, #{item}",
        "b 2b",
        "3:",
        "cmp x10, #{full}",
        "b.hs 4f",
        "mov x20, x10",
        "add x12, x19, x10",
        "str x11, [x12, #{items} + {slot}]",
        "str x30, [x12, #{items} + {caller}]",
        "add x13, x17, #{tag}",
        "str x13, [x12, #{items} + {cell}]",
        "ldr x13, [x29]",
        "str x13, [x12, #{items} + {detail}]",
        "add x10, x10, #{item}",
        "str x10, [x19, #{len}]",
        "b 6f",
        // Full: not noted, and nothing to take back.
        "4:",
        "str x10, [x19, #{len}]",
        "ldr x10, [x19, #{overflow}]",
        "add x10, x10, #1",
        "str x10, [x19, #{overflow}]",
        "b 6f",
        // A thread without state yet: make it, with every argument register kept.
        "5:",
        super::save_arguments!(),
        "add x0, x29, #8",
        "add x1, x17, #{tag}",
        "ldr x2, [x29]",
        "bl {first}",
        // What it notes is the only entry, if any.
        "mov x19, x0",
        "mov x20, xzr",
        super::restore_arguments!(),
        "add sp, sp, #208",
        "6:",
        "sub sp, sp, #{room}",
        $arrange,
        "ldr x16, [x17]",
        "blr x16",
        concat!(".hidden hackleak_", stringify!($name), "_returns"),
        concat!(".globl hackleak_", stringify!($name), "_returns"),
        concat!("hackleak_", stringify!($name), "_returns:"),
        // The results, x0 and v0, stay as they are.
        "cbz x19, 7f",
        // Gone already, or never noted: a jump out of calls further in dropped it.
        "ldr x10, [x19, #{len}]",
        "cmp x20, x10",
        "b.hs 7f",
        "add x11, x29, #8",
        "add x12, x19, x20",
        "ldr x13, [x12, #{items} + {slot}]",
        "cmp x13, x11",
        "b.ne 7f",
        "str x20, [x19, #{len}]",
        "7:",
        "ldp x19, x20, [x29, #-16]",
        ".cfi_restore x20",
        ".cfi_restore x19",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa sp, 0",
        ".cfi_restore x30",
        ".cfi_restore x29",
        "ret",
        ".cfi_endproc",
        first = sym first_entry,
        len = const offset_of!(EntryStack, len),
        overflow = const offset_of!(EntryStack, overflow),
        items = const offset_of!(EntryStack, items),
        slot = const offset_of!(Entry, slot),
        caller = const offset_of!(Entry, caller),
        cell = const Entry::CELL,
        detail = const offset_of!(Entry, detail),
        item = const size_of::<Entry>(),
        full = const ENTRIES_FULL,
        tag = const UPCALL,
        room = const $room,
    )
}
    };
}

upcall!(
    upcall_plain,
    0,
    "",
    "What the stubs of functions with a fixed list of arguments jump to."
);
upcall!(
    upcall_variadic,
    224,
    "stp x0, x1, [sp]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp q0, q1, [sp, #64]
    stp q2, q3, [sp, #96]
    stp q4, q5, [sp, #128]
    stp q6, q7, [sp, #160]
    add x9, x29, #16
    str x9, [sp, #192]
    add x9, sp, #64
    str x9, [sp, #200]
    add x9, sp, #192
    str x9, [sp, #208]
    ldr x10, [x17, #16]
    lsl x11, x10, #3
    sub x11, x11, #64
    str w11, [sp, #216]
    mov w12, #-128
    str w12, [sp, #220]
    cmp x10, #3
    csel x3, x9, x3, eq
    csel x4, x4, x9, eq",
    "What the stubs of functions with an open list of arguments jump to. The cell's third word is
how many arguments are named: 3 or 4. The list is the `va_list` of the procedure call standard: the
arguments on the stack, the ends of the saved registers of both kinds, and how far before those
the first one is that has no name."
);
