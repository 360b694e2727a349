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

/// Notes the call whose cell is in `r11`, calls its target and takes the note back. `$arrange`
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
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        ".cfi_offset rbx, -24",
        "push r12",
        ".cfi_offset r12, -32",
        // rbx: the entry stack, which begins the thread's state. r12: where this entry lies on it.
        "mov rbx, qword ptr [rip + hackleak_thread_word@GOTTPOFF]",
        "mov rbx, qword ptr fs:[rbx]",
        "mov r12, -1",
        "test rbx, rbx",
        "jz 5f",
        "push rax",
        "lea r10, [rbp + 8]",
        "mov rax, qword ptr [rbx + {len}]",
        // Drop entries at or below this stack position.
        "2:",
        "test rax, rax",
        "jz 3f",
        "cmp qword ptr [rbx + rax + {items} - {item} + {slot}], r10",
        "ja 3f",
        "sub rax, {item}",
        "jmp 2b",
        "3:",
        "cmp rax, {full}",
        "jae 4f",
        "mov r12, rax",
        "mov qword ptr [rbx + rax + {items} + {slot}], r10",
        "mov r10, qword ptr [rbp + 8]",
        "mov qword ptr [rbx + rax + {items} + {caller}], r10",
        "lea r10, [r11 + {tag}]",
        "mov qword ptr [rbx + rax + {items} + {cell}], r10",
        "mov r10, qword ptr [rbp]",
        "mov qword ptr [rbx + rax + {items} + {detail}], r10",
        "add rax, {item}",
        "mov qword ptr [rbx + {len}], rax",
        "pop rax",
        "jmp 6f",
        // Full: not noted, and nothing to take back.
        "4:",
        "mov qword ptr [rbx + {len}], rax",
        "add qword ptr [rbx + {overflow}], 1",
        "pop rax",
        "jmp 6f",
        // A thread without state yet: make it, with every argument register kept.
        "5:",
        "push rax",
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "push r8",
        "push r9",
        "push r11",
        "sub rsp, 128",
        "movups xmmword ptr [rsp], xmm0",
        "movups xmmword ptr [rsp + 16], xmm1",
        "movups xmmword ptr [rsp + 32], xmm2",
        "movups xmmword ptr [rsp + 48], xmm3",
        "movups xmmword ptr [rsp + 64], xmm4",
        "movups xmmword ptr [rsp + 80], xmm5",
        "movups xmmword ptr [rsp + 96], xmm6",
        "movups xmmword ptr [rsp + 112], xmm7",
        "lea rdi, [rbp + 8]",
        "lea rsi, [r11 + {tag}]",
        "mov rdx, qword ptr [rbp]",
        "call {first}",
        // What it notes is the only entry, if any.
        "mov rbx, rax",
        "xor r12d, r12d",
        "movups xmm0, xmmword ptr [rsp]",
        "movups xmm1, xmmword ptr [rsp + 16]",
        "movups xmm2, xmmword ptr [rsp + 32]",
        "movups xmm3, xmmword ptr [rsp + 48]",
        "movups xmm4, xmmword ptr [rsp + 64]",
        "movups xmm5, xmmword ptr [rsp + 80]",
        "movups xmm6, xmmword ptr [rsp + 96]",
        "movups xmm7, xmmword ptr [rsp + 112]",
        "add rsp, 128",
        "pop r11",
        "pop r9",
        "pop r8",
        "pop rcx",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "pop rax",
        "6:",
        "sub rsp, {room}",
        $arrange,
        "call qword ptr [r11]",
        concat!(".hidden hackleak_", stringify!($name), "_returns"),
        concat!(".globl hackleak_", stringify!($name), "_returns"),
        concat!("hackleak_", stringify!($name), "_returns:"),
        // The results, rax and xmm0, stay as they are.
        "test rbx, rbx",
        "jz 7f",
        // Gone already, or never noted: a jump out of calls further in dropped it.
        "cmp r12, qword ptr [rbx + {len}]",
        "jae 7f",
        "lea rcx, [rbp + 8]",
        "cmp qword ptr [rbx + r12 + {items} + {slot}], rcx",
        "jne 7f",
        "mov qword ptr [rbx + {len}], r12",
        "7:",
        "mov r12, qword ptr [rbp - 16]",
        "mov rbx, qword ptr [rbp - 8]",
        "leave",
        ".cfi_def_cfa rsp, 8",
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
    208,
    "mov qword ptr [rsp], rdi
    mov qword ptr [rsp + 8], rsi
    mov qword ptr [rsp + 16], rdx
    mov qword ptr [rsp + 24], rcx
    mov qword ptr [rsp + 32], r8
    mov qword ptr [rsp + 40], r9
    test al, al
    jz 8f
    movaps xmmword ptr [rsp + 48], xmm0
    movaps xmmword ptr [rsp + 64], xmm1
    movaps xmmword ptr [rsp + 80], xmm2
    movaps xmmword ptr [rsp + 96], xmm3
    movaps xmmword ptr [rsp + 112], xmm4
    movaps xmmword ptr [rsp + 128], xmm5
    movaps xmmword ptr [rsp + 144], xmm6
    movaps xmmword ptr [rsp + 160], xmm7
    8:
    mov r10, qword ptr [r11 + 16]
    shl r10d, 3
    mov dword ptr [rsp + 176], r10d
    mov dword ptr [rsp + 180], 48
    lea rax, [rbp + 16]
    mov qword ptr [rsp + 184], rax
    mov qword ptr [rsp + 192], rsp
    lea rax, [rsp + 176]
    cmp r10d, 24
    cmove rcx, rax
    cmovne r8, rax",
    "What the stubs of functions with an open list of arguments jump to. The cell's third word is
how many arguments are named: 3 or 4."
);
