//! The build-id of a loaded module, read from its headers in memory.

use super::loader::Object;
use core::ops::Range;
use hackleak_platform::peek::{self, Plain};

/// An id, and how many of its bytes count.
pub(super) type BuildId = ([u8; 32], u32);

/// The GNU build-id of a module that stays loaded meanwhile.
pub(super) fn build_id(object: &Object) -> BuildId {
    // SAFETY: the pages of a module's first segment are mapped, and so are those of a note that
    // lies within the module's range; `find` reads nothing else.
    read_by(object, &|at, into| unsafe {
        core::ptr::copy_nonoverlapping(at as *const u8, into.as_mut_ptr(), into.len());
        true
    })
}

/// The same for a module that another thread may unload meanwhile; without an id where it has done
/// so. `None` where the kernel copies nothing for this process.
pub(super) fn of_passing(object: &Object) -> Option<BuildId> {
    static OWN: u8 = 0;
    let mut copy = [0u8];
    if peek::copy((&raw const OWN).addr(), &mut copy) != 1 {
        return None;
    }
    Some(read_by(object, &|at, into| {
        peek::copy(at, into) == into.len()
    }))
}

/// Copies bytes from an address on; false where they are not there.
type Read<'a> = &'a dyn Fn(usize, &mut [u8]) -> bool;

fn value<T: Plain>(read: Read, at: usize) -> Option<T> {
    // SAFETY: zeros are a value of plain types.
    let mut value = [unsafe { core::mem::zeroed::<T>() }];
    read(at, peek::bytes_mut(&mut value)).then_some(value[0])
}

fn read_by(object: &Object, read: Read) -> BuildId {
    let mut id = [0; 32];
    let len = find(object, read, &mut id).unwrap_or(0);
    (id, len)
}

fn find(object: &Object, read: Read, id: &mut [u8; 32]) -> Option<u32> {
    let range = object.map_start..object.map_end;
    // It begins with the ELF header where the linker put that into a segment, which the magic
    // number tells.
    let header: libc::Elf64_Ehdr = value(read, object.map_start)?;
    if header.e_ident[..4] != *b"\x7fELF" {
        return None;
    }
    let first = object.map_start.checked_add(header.e_phoff as usize)?;
    let each = size_of::<libc::Elf64_Phdr>();
    if !range.contains(&(first + usize::from(header.e_phnum) * each)) {
        return None;
    }
    for index in 0..usize::from(header.e_phnum) {
        let program: libc::Elf64_Phdr = value(read, first + index * each)?;
        if program.p_type != libc::PT_NOTE {
            continue;
        }
        let at = object.bias.wrapping_add(program.p_vaddr as usize);
        let end = at.checked_add(program.p_memsz as usize)?;
        if range.contains(&at)
            && range.contains(&end)
            && let Some(len) = in_notes(at..end, read, id)
        {
            return Some(len);
        }
    }
    None
}

/// The id among the notes of a segment.
fn in_notes(notes: Range<usize>, read: Read, id: &mut [u8; 32]) -> Option<u32> {
    const NT_GNU_BUILD_ID: u32 = 3;
    let mut at = notes.start;
    while at + 12 <= notes.end {
        let [name_len, len, kind] = [0, 4, 8].map(|offset| value::<u32>(read, at + offset));
        let (name_len, len, kind) = (name_len?, len?, kind?);
        let name_end = at + 12 + (name_len as usize).next_multiple_of(4);
        let next = name_end.checked_add((len as usize).next_multiple_of(4))?;
        if next > notes.end {
            return None;
        }
        let is_gnu = name_len == 4 && value::<u32>(read, at + 12)?.to_ne_bytes() == *b"GNU\0";
        if kind == NT_GNU_BUILD_ID && is_gnu {
            let len = (len as usize).min(id.len());
            return read(name_end, &mut id[..len]).then_some(len as u32);
        }
        at = next;
    }
    None
}
