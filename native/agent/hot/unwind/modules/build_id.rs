//! The build-id of a loaded module, read from its headers in memory.

use super::loader::Object;
use core::ptr;

/// The GNU build-id of a module, from its program headers in memory.
pub(super) fn build_id(object: &Object) -> ([u8; 32], u32) {
    let mut id = [0; 32];
    let len = find_build_id(object, &mut id).unwrap_or(0);
    (id, len)
}

fn find_build_id(object: &Object, id: &mut [u8; 32]) -> Option<u32> {
    const NT_GNU_BUILD_ID: u32 = 3;
    let range = object.map_start..object.map_end;
    // SAFETY: a module's first page is mapped; it begins with the ELF header where the linker put
    // that into a segment, which the magic number tells.
    let header = unsafe { &*(object.map_start as *const libc::Elf64_Ehdr) };
    if header.e_ident[..4] != *b"\x7fELF" {
        return None;
    }
    let first = object.map_start.checked_add(header.e_phoff as usize)?;
    let end = first + usize::from(header.e_phnum) * size_of::<libc::Elf64_Phdr>();
    if !range.contains(&end) {
        return None;
    }
    for index in 0..usize::from(header.e_phnum) {
        // SAFETY: checked to lie within the module's range.
        let program = unsafe { &*(first as *const libc::Elf64_Phdr).add(index) };
        if program.p_type != libc::PT_NOTE {
            continue;
        }
        let mut at = object.bias.wrapping_add(program.p_vaddr as usize);
        let end = at.checked_add(program.p_memsz as usize)?;
        if !range.contains(&at) || !range.contains(&end) {
            continue;
        }
        while at + 12 <= end {
            // SAFETY: within a note segment that lies within the module's range.
            let (name_len, len, kind) = unsafe {
                let words = at as *const u32;
                (words.read(), words.add(1).read(), words.add(2).read())
            };
            let name_end = at + 12 + (name_len as usize).next_multiple_of(4);
            let next = name_end.checked_add((len as usize).next_multiple_of(4))?;
            if next > end {
                break;
            }
            // SAFETY: as above; the name's four bytes lie before `name_end`.
            let is_gnu = name_len == 4 && unsafe { *((at + 12) as *const [u8; 4]) } == *b"GNU\0";
            if kind == NT_GNU_BUILD_ID && is_gnu {
                let len = (len as usize).min(id.len());
                // SAFETY: `len` bytes of the description lie before `next`.
                unsafe {
                    ptr::copy_nonoverlapping(name_end as *const u8, id.as_mut_ptr(), len);
                }
                return Some(len as u32);
            }
            at = next;
        }
    }
    None
}
