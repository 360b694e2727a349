//! The code in front of native methods, and the start routine of threads.
//!
//! A stub is sixteen bytes on an executable page; what it stands for is in its cell on the pages
//! of data that follow. All stubs of a page are written before it becomes executable, so handing
//! one out only writes its cell.
//!
//! The thunk of a native method notes {stack pointer, return address, cell} on the thread's entry
//! stack and jumps to the method. All registers that carry arguments stay as they are; stack
//! arguments stay where they are because nothing is pushed when the method runs. There is no code
//! after the call: an entry is stale when its stack pointer lies below the one that looks at it,
//! or when the word there holds another return address. The thunks of JNI functions are in
//! `upcall`.

use crate::hot::jvm::entries::{ENTRIES_FULL, Entry, EntryStack};
use core::arch::naked_asm;
use core::mem::offset_of;

/// Bytes per stub.
pub const STUB_LEN: usize = 16;
/// The largest page that Linux has here.
pub const LARGEST_PAGE: usize = 4096;

/// The length of a page.
#[inline(always)]
pub fn page_size() -> usize {
    LARGEST_PAGE
}

/// Writes the stub whose cell lies `distance` bytes after it.
pub fn write_stub(stub: &mut [u8; STUB_LEN], distance: u32) {
    // lea r11, [rip + distance - 7]; jmp [r11 + 8]; int3 …
    const LEA_LEN: u32 = 7;
    *stub = [0xcc; STUB_LEN];
    stub[..3].copy_from_slice(&[0x4c, 0x8d, 0x1d]);
    stub[3..7].copy_from_slice(&(distance - LEA_LEN).to_le_bytes());
    stub[7..11].copy_from_slice(&[0x41, 0xff, 0x63, 0x08]);
}

/// Makes what was written to `code` visible to the fetching of instructions, which it is.
pub fn code_written(_code: core::ops::Range<usize>) {}

/// What the stubs of native methods jump to: notes the crossing whose cell is in `r11` and goes on
/// to its target.
///
/// # Safety
///
/// Reached only from a stub, in place of the function that its cell names.
#[unsafe(naked)]
pub unsafe extern "C" fn thunk_common() {
    naked_asm!(
        "mov r10, qword ptr [rip + hackleak_thread_word@GOTTPOFF]",
        "mov r10, qword ptr fs:[r10]",
        "test r10, r10",
        "jz 5f",
        // r10: the entry stack, which begins the thread's state.
        "push rax",
        "push rbx",
        "mov rax, qword ptr [r10 + {len}]",
        "lea rbx, [rsp + 16]",
        // Drop entries at or below this stack position.
        "2:",
        "test rax, rax",
        "jz 3f",
        "cmp qword ptr [r10 + rax + {items} - {item} + {slot}], rbx",
        "ja 3f",
        "sub rax, {item}",
        "jmp 2b",
        "3:",
        "cmp rax, {full}",
        "jae 4f",
        "mov qword ptr [r10 + rax + {items} + {slot}], rbx",
        "mov qword ptr [r10 + rax + {items} + {cell}], r11",
        "mov qword ptr [r10 + rax + {items} + {detail}], 0",
        "mov rbx, qword ptr [rsp + 16]",
        "mov qword ptr [r10 + rax + {items} + {caller}], rbx",
        "add rax, {item}",
        "mov qword ptr [r10 + {len}], rax",
        "pop rbx",
        "pop rax",
        "jmp qword ptr [r11]",
        // Full: the entry is not noted; allocations inside will ask for their Java stack.
        "4:",
        "mov qword ptr [r10 + {len}], rax",
        "add qword ptr [r10 + {overflow}], 1",
        "pop rbx",
        "pop rax",
        "jmp qword ptr [r11]",
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
        "sub rsp, 136",
        "movups xmmword ptr [rsp], xmm0",
        "movups xmmword ptr [rsp + 16], xmm1",
        "movups xmmword ptr [rsp + 32], xmm2",
        "movups xmmword ptr [rsp + 48], xmm3",
        "movups xmmword ptr [rsp + 64], xmm4",
        "movups xmmword ptr [rsp + 80], xmm5",
        "movups xmmword ptr [rsp + 96], xmm6",
        "movups xmmword ptr [rsp + 112], xmm7",
        "lea rdi, [rsp + 200]",
        "mov rsi, r11",
        "xor edx, edx",
        "call {first}",
        "movups xmm0, xmmword ptr [rsp]",
        "movups xmm1, xmmword ptr [rsp + 16]",
        "movups xmm2, xmmword ptr [rsp + 32]",
        "movups xmm3, xmmword ptr [rsp + 48]",
        "movups xmm4, xmmword ptr [rsp + 64]",
        "movups xmm5, xmmword ptr [rsp + 80]",
        "movups xmm6, xmmword ptr [rsp + 96]",
        "movups xmm7, xmmword ptr [rsp + 112]",
        "add rsp, 136",
        "pop r11",
        "pop r9",
        "pop r8",
        "pop rcx",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "pop rax",
        "jmp qword ptr [r11]",
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
