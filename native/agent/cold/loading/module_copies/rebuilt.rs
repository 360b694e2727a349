//! An ELF file that is written from a module in memory, where the file itself is gone.
//!
//! It has the headers of the module, its code and constants where the file had them, and a table of
//! sections of its own: dynamic symbols, relocations, notes. So whoever reads the file finds the
//! functions that the module exports, those that it asks for, and its build-id. What the program
//! may have written is left out: variables are zeros.

use super::mapped::{Mapped, Part, Tables};
use hackleak_platform::peek::bytes;
use libc::{Elf64_Shdr, Elf64_Sym};
use object::elf::{self, SectionType};
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt;

/// Bytes that are copied at a time.
const RUN: usize = 256 << 10;
const PAGE: u64 = 4096;
/// Symbols say by number in which section they are. More sections of the lost file than this leave
/// no place.
const MAX_PLACES: u16 = 1024;

/// Writes the file.
///
/// # Errors
///
/// It cannot be written, or what is in memory is no module with symbols, or not any more.
pub fn write(mapped: &Mapped<'_>, file: &File) -> Result<()> {
    let no_module = || Error::from(ErrorKind::InvalidData);
    let tables = mapped.tables().ok_or_else(no_module)?;
    let mut buffer = vec![0; RUN];
    for part in mapped.constant() {
        copy(mapped, part, file, &mut buffer)?;
    }
    // Tools that change libraries put tables where they can be written.
    let [relocations, of_calls] = tables.relocations;
    for part in [tables.symbols, tables.names, relocations, of_calls] {
        copy(mapped, part, file, &mut buffer)?;
    }
    file.write_all_at(bytes(&tables.entries), tables.dynamic.offset)?;

    let mut sections = Sections::after(mapped.header.e_shnum.min(MAX_PLACES));
    sections.describe(mapped, &tables);
    let names_at = mapped.file_end().next_multiple_of(8);
    let count = sections.end(names_at);
    let table_at = (names_at + sections.names.len() as u64).next_multiple_of(8);
    file.write_all_at(&sections.names, names_at)?;
    file.write_all_at(bytes(&sections.all), table_at)?;

    let mut header = mapped.header;
    header.e_shoff = table_at;
    header.e_shentsize = size_of::<Elf64_Shdr>() as u16;
    header.e_shnum = count;
    header.e_shstrndx = count - 1;
    file.write_all_at(bytes(&[header]), 0)?;
    match mapped.is_still_there() {
        true => Ok(()),
        false => Err(no_module()),
    }
}

/// Copies a part to its place. Pages that are not there stay zeros.
fn copy(mapped: &Mapped<'_>, part: Part, file: &File, buffer: &mut [u8]) -> Result<()> {
    let mut done = 0;
    while done < part.len {
        let wanted = usize::try_from(part.len - done).map_or(RUN, |left| left.min(RUN));
        let vaddr = part.vaddr + done;
        let read = mapped.copy(vaddr, &mut buffer[..wanted]);
        file.write_all_at(&buffer[..read], part.offset + done)?;
        done += match read == wanted {
            true => read as u64,
            false => (vaddr + read as u64 + 1).next_multiple_of(PAGE) - vaddr,
        };
    }
    Ok(())
}

/// The table of sections.
struct Sections {
    all: Vec<Elf64_Shdr>,
    names: Vec<u8>,
}

impl Sections {
    /// The first sections have no content: symbols name the lost file's by number.
    fn after(places: u16) -> Sections {
        Sections {
            all: (0..places.max(1))
                .map(|_| section(elf::SHT_NULL, Part::default()))
                .collect(),
            names: vec![0],
        }
    }

    fn describe(&mut self, mapped: &Mapped<'_>, tables: &Tables) {
        let symbols = self.all.len() as u32;
        let names = symbols + 1;
        self.add(
            b".dynsym",
            Elf64_Shdr {
                sh_link: names,
                sh_info: tables.first_global,
                sh_entsize: size_of::<Elf64_Sym>() as u64,
                ..section(elf::SHT_DYNSYM, tables.symbols)
            },
        );
        self.add(b".dynstr", section(elf::SHT_STRTAB, tables.names));
        let dynamic = Part {
            len: size_of_val(&*tables.entries) as u64,
            ..tables.dynamic
        };
        self.add(
            b".dynamic",
            Elf64_Shdr {
                sh_link: names,
                sh_entsize: 16,
                ..section(elf::SHT_DYNAMIC, dynamic)
            },
        );
        let relocations = tables.relocations.into_iter();
        for part in relocations.filter(|part| part.len > 0) {
            self.add(
                b".rela",
                Elf64_Shdr {
                    sh_link: symbols,
                    sh_entsize: 24,
                    ..section(elf::SHT_RELA, part)
                },
            );
        }
        for part in mapped.notes() {
            self.add(b".note", section(elf::SHT_NOTE, part));
        }
        for part in mapped.constant() {
            self.add(b".rodata", section(elf::SHT_PROGBITS, part));
        }
    }

    fn add(&mut self, name: &[u8], section: Elf64_Shdr) {
        self.all.push(Elf64_Shdr {
            sh_name: self.names.len() as u32,
            ..section
        });
        self.names.extend_from_slice(name);
        self.names.push(0);
    }

    /// Adds the names' own section, which begins at `at` in the file; the number of sections.
    fn end(&mut self, at: u64) -> u16 {
        let len = (self.names.len() + b".shstrtab\0".len()) as u64;
        let offset = at;
        let names = Part {
            vaddr: 0,
            offset,
            len,
        };
        let names = Elf64_Shdr {
            sh_flags: 0,
            ..section(elf::SHT_STRTAB, names)
        };
        self.add(b".shstrtab", names);
        self.all.len() as u16
    }
}

fn section(kind: SectionType, part: Part) -> Elf64_Shdr {
    let is_place = kind == elf::SHT_NULL;
    Elf64_Shdr {
        sh_name: 0,
        sh_type: kind.0,
        sh_flags: if is_place { 0 } else { elf::SHF_ALLOC.0 },
        sh_addr: part.vaddr,
        sh_offset: part.offset,
        sh_size: part.len,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: if is_place { 0 } else { 1 },
        sh_entsize: 0,
    }
}
