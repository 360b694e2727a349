//! A module as it lies in memory: its headers, and its tables for the dynamic linker.
//!
//! Difficult: nothing that is read here is trusted. The module may be unloaded at any moment, and
//! other code may lie there then. So memory is only read by [`Peek`], every length is bounded by a
//! segment, and every segment by the module's range.

use crate::cold::loading::gnu_hash;
use core::ops::Range;
use hackleak_platform::peek::{Peek, Plain, bytes};
use libc::{Elf64_Ehdr, Elf64_Phdr, Elf64_Rela, Elf64_Sym};
use object::elf::{self, DynamicTag};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// More program headers than any module has.
const MAX_PROGRAMS: usize = 256;
/// No segment lies beyond this place of a file, nor beyond this address.
const MAX_OFFSET: u64 = 1 << 32;
const MAX_VADDR: u64 = 1 << 47;
/// So many bytes tell whether a file is the one that is mapped.
const HEAD: usize = 4096;

// SAFETY: a structure of two numbers of the same size.
unsafe impl Plain for Entry {}

/// An entry of the dynamic section.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Entry {
    pub tag: i64,
    pub value: u64,
}

/// A part of a module by the addresses of its file, and where it lies in that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub vaddr: u64,
    pub offset: u64,
    pub len: u64,
}

/// A module in memory.
pub struct Mapped<'a> {
    peek: &'a Peek,
    range: Range<usize>,
    bias: usize,
    pub header: Elf64_Ehdr,
    programs: Vec<Elf64_Phdr>,
}

/// What the dynamic linker reads of a module.
#[derive(Default)]
pub struct Tables {
    pub symbols: Part,
    pub names: Part,
    /// Places that are given addresses, by symbol.
    pub relocations: [Part; 2],
    pub dynamic: Part,
    /// The dynamic section as the file has it.
    pub entries: Vec<Entry>,
    /// The first symbol that others may see.
    pub first_global: u32,
}

/// `count` values from `at` on, all of them or none. Callers bound `count`.
fn values<T: Plain>(peek: &Peek, at: usize, count: usize) -> Option<Vec<T>> {
    // SAFETY: zeros are a value.
    let mut values = vec![unsafe { core::mem::zeroed::<T>() }; count];
    peek.fill(at, &mut values).then_some(values)
}

impl<'a> Mapped<'a> {
    /// The module at `range`; `None` where it does not begin with headers that can be those of a
    /// module there.
    pub fn at(peek: &'a Peek, range: Range<usize>, bias: usize) -> Option<Mapped<'a>> {
        let header: Elf64_Ehdr = peek.value(range.start)?;
        let count = usize::from(header.e_phnum);
        if header.e_ident[..7] != *b"\x7fELF\x02\x01\x01"
            || usize::from(header.e_phentsize) != size_of::<Elf64_Phdr>()
            || count > MAX_PROGRAMS
        {
            return None;
        }
        let first = range
            .start
            .checked_add(usize::try_from(header.e_phoff).ok()?)?;
        let end = first.checked_add(count * size_of::<Elf64_Phdr>())?;
        let programs = (end <= range.end).then(|| values(peek, first, count))??;
        let mapped = Mapped {
            peek,
            range,
            bias,
            header,
            programs,
        };
        mapped.is_sound().then_some(mapped)
    }

    /// Whether its segments lie one after the other within its range.
    fn is_sound(&self) -> bool {
        let mut end = self.range.start;
        let mut sound = self.loaded().next().is_some();
        for program in self.loaded() {
            let start = self.bias.wrapping_add(program.p_vaddr as usize);
            let after = start.checked_add(program.p_filesz as usize);
            let in_file = program.p_offset.checked_add(program.p_filesz);
            sound &= program.p_vaddr <= MAX_VADDR
                && start >= end
                && after.is_some_and(|after| after <= self.range.end)
                && in_file.is_some_and(|after| after <= MAX_OFFSET);
            end = after.unwrap_or(usize::MAX);
        }
        sound
    }

    fn loaded(&self) -> impl Iterator<Item = &Elf64_Phdr> {
        let all = self.programs.iter();
        all.filter(|program| program.p_type == libc::PT_LOAD)
    }

    /// What of the file is mapped and is not there to be written: code and constants.
    pub fn constant(&self) -> impl Iterator<Item = Part> {
        let constant = |program: &&Elf64_Phdr| program.p_flags & libc::PF_W == 0;
        self.loaded().filter(constant).map(whole)
    }

    /// Notes, the build-id among them.
    pub fn notes(&self) -> impl Iterator<Item = Part> {
        let notes = self.programs.iter();
        notes
            .filter(|program| program.p_type == libc::PT_NOTE)
            .filter_map(|program| self.part(program.p_vaddr, program.p_filesz))
    }

    /// Where what its segments hold of the file ends in that.
    pub fn file_end(&self) -> u64 {
        let ends = self.loaded().map(|it| it.p_offset + it.p_filesz);
        ends.max().unwrap_or(0)
    }

    /// Copies what is at `vaddr` and gives the number of bytes that could be read.
    pub fn copy(&self, vaddr: u64, into: &mut [u8]) -> usize {
        let at = self.bias.wrapping_add(vaddr as usize);
        self.peek.bytes(at, into).min(into.len())
    }

    /// Whether `file` begins as what is mapped does. Neither device nor inode tell: file systems
    /// that lie over others show another one in `/proc/self/maps` than in `stat`.
    pub fn is_of(&self, file: &File) -> bool {
        let Some(first) = self.loaded().next().map(whole) else {
            return false;
        };
        let mut len = (first.len as usize).min(HEAD);
        if first.offset != 0 {
            return false;
        }
        if self.constant().next() != Some(first) {
            // Anybody may have written there, but to the headers.
            len = len.min(size_of::<Elf64_Ehdr>());
        }
        // Not on the stack, which is the program's.
        let (mut mapped, mut there) = (vec![0; len], vec![0; len]);
        self.copy(first.vaddr, &mut mapped) == len
            && file.read_exact_at(&mut there, 0).is_ok()
            && mapped == there
    }

    /// Whether the same module is still there.
    pub fn is_still_there(&self) -> bool {
        let again = Mapped::at(self.peek, self.range.clone(), self.bias);
        again.is_some_and(|again| {
            bytes(&[again.header]) == bytes(&[self.header])
                && bytes(&again.programs) == bytes(&self.programs)
        })
    }

    /// `len` bytes at `vaddr`, if they are in one segment.
    fn part(&self, vaddr: u64, len: u64) -> Option<Part> {
        let (offset, room) = self.room(vaddr)?;
        (len <= room).then_some(Part { vaddr, offset, len })
    }

    /// Where in the file `vaddr` is, and how many bytes of its segment are left there.
    fn room(&self, vaddr: u64) -> Option<(u64, u64)> {
        self.loaded().find_map(|program| {
            let into = vaddr.checked_sub(program.p_vaddr)?;
            let left = program.p_filesz.checked_sub(into)?;
            Some((program.p_offset + into, left))
        })
    }

    fn values<T: Plain>(&self, part: Part) -> Option<Vec<T>> {
        let count = part.len as usize / size_of::<T>();
        values(
            self.peek,
            self.bias.wrapping_add(part.vaddr as usize),
            count,
        )
    }

    fn word(&self, vaddr: u64) -> Option<u32> {
        let word = self.part(vaddr, 4)?;
        self.values(word)?.first().copied()
    }

    /// What the dynamic linker reads; `None` where there are no symbols.
    pub fn tables(&self) -> Option<Tables> {
        let mut programs = self.programs.iter();
        let program = programs.find(|program| program.p_type == libc::PT_DYNAMIC)?;
        let dynamic = self.part(program.p_vaddr, program.p_filesz)?;
        let mut entries: Vec<Entry> = self.values(dynamic)?;
        for entry in &mut entries {
            // The C library adds to some addresses where the module lies.
            if self.range.contains(&(entry.value as usize)) {
                entry.value = entry.value.wrapping_sub(self.bias as u64);
            }
        }
        let end = entries.iter().position(|entry| entry.tag == elf::DT_NULL.0);
        entries.truncate(end.map_or(entries.len(), |end| end + 1));
        let value = |tag: DynamicTag| {
            let found = entries.iter().find(|entry| entry.tag == tag.0);
            found.map(|entry| entry.value)
        };
        let relocations = |at, len| self.part(value(at)?, value(len)?);
        let relocations: [Option<Part>; 2] = [
            relocations(elf::DT_RELA, elf::DT_RELASZ),
            relocations(elf::DT_JMPREL, elf::DT_PLTRELSZ)
                .filter(|_| value(elf::DT_PLTREL) == Some(elf::DT_RELA.0 as u64)),
        ];
        let relocations = relocations.map(Option::unwrap_or_default);
        let names = self.part(value(elf::DT_STRTAB)?, value(elf::DT_STRSZ)?)?;
        let symbols = value(elf::DT_SYMTAB)?;
        let (offset, room) = self.room(symbols)?;
        // The table of names comes next, as all linkers have it, or somewhere else.
        let next = names.vaddr.checked_sub(symbols);
        let room = next
            .filter(|next| *next > 0)
            .map_or(room, |next| next.min(room));
        let room = room / size_of::<Elf64_Sym>() as u64;
        let hashed = value(elf::DT_GNU_HASH).and_then(|at| self.gnu_hashed(at));
        let hashed = hashed.or_else(|| {
            self.word(value(elf::DT_HASH)?.checked_add(4)?)
                .map(u64::from)
        });
        let named = relocations
            .iter()
            .filter_map(|part| self.named(*part))
            .max();
        let count = hashed
            .into_iter()
            .chain(named)
            .max()
            .or(next.map(|_| room))?;
        let symbols = Part {
            vaddr: symbols,
            offset,
            len: count.min(room) * size_of::<Elf64_Sym>() as u64,
        };
        Some(Tables {
            first_global: self.first_global(symbols)?,
            symbols,
            names,
            relocations,
            dynamic,
            entries,
        })
    }

    /// Symbols of the table that the GNU hash table at `vaddr` is of.
    fn gnu_hashed(&self, vaddr: u64) -> Option<u64> {
        gnu_hash::symbol_count(|at, count| {
            self.values(self.part(vaddr.checked_add(at)?, count * 4)?)
        })
    }

    /// One more than the last symbol that relocations name: a hash table may know none that is only
    /// asked for.
    fn named(&self, relocations: Part) -> Option<u64> {
        let all = self.values::<Elf64_Rela>(relocations)?;
        all.iter().map(|it| (it.r_info >> 32) + 1).max()
    }

    fn first_global(&self, symbols: Part) -> Option<u32> {
        let all = self.values::<Elf64_Sym>(symbols)?;
        let global = all.iter().position(|symbol| symbol.st_info >> 4 != 0);
        u32::try_from(global.unwrap_or(all.len())).ok()
    }
}

fn whole(program: &Elf64_Phdr) -> Part {
    Part {
        vaddr: program.p_vaddr,
        offset: program.p_offset,
        len: program.p_filesz,
    }
}
