//! The tables of an ELF file that are needed, as they lie in it.

use std::fs::File;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, Sym64};
use object::read::ReadCache;
use object::read::elf::{Dyn as _, SectionHeader as _};

use crate::coverage::facts::Unreadable;

/// Larger tables than this, in bytes, are no tables of a library.
const MAX_TABLE: u64 = 1 << 30;

pub(super) type Sections<'a> =
    object::read::elf::SectionTable<'a, FileHeader64<LE>, &'a ReadCache<File>>;

/// The data of a section, if it can be that of a library.
pub(super) fn bytes<'a>(
    section: &elf::SectionHeader64<LE>,
    data: &'a ReadCache<File>,
) -> Result<&'a [u8], Unreadable> {
    if section.sh_size(LE) > MAX_TABLE {
        return Err(damaged("a section is too long"));
    }
    section.data(LE, data).map_err(damaged)
}

/// What the dynamic section says.
#[derive(Default)]
pub(super) struct Dynamic {
    pub(super) symbolic: bool,
    pub(super) pie: bool,
    pub(super) named: bool,
    pub(super) needs_cpp: bool,
}

impl Dynamic {
    pub(super) fn of<'a>(
        sections: &Sections<'a>,
        data: &'a ReadCache<File>,
    ) -> Result<Dynamic, Unreadable> {
        let mut dynamic = Dynamic::default();
        let Some((entries, strings)) = sections.dynamic(LE, data).map_err(damaged)? else {
            return Ok(dynamic);
        };
        let strings = match sections.section(strings) {
            Ok(section) => bytes(section, data)?,
            Err(_) => &[],
        };
        for entry in entries {
            let value = entry.d_val(LE);
            match entry.d_tag(LE) {
                elf::DT_NULL => break,
                elf::DT_SYMBOLIC => dynamic.symbolic = true,
                elf::DT_FLAGS => dynamic.symbolic |= value & 2 != 0,
                elf::DT_FLAGS_1 => dynamic.pie |= value & 0x0800_0000 != 0,
                elf::DT_SONAME => dynamic.named = true,
                elf::DT_NEEDED => {
                    let name = text(strings, value);
                    dynamic.needs_cpp |=
                        name.starts_with(b"libstdc++.so") || name.starts_with(b"libc++.so");
                }
                _ => {}
            }
        }
        Ok(dynamic)
    }
}

/// The text at `offset`, without what a version adds to a name; empty when there is none.
pub(super) fn text(strings: &[u8], offset: u64) -> &[u8] {
    let from = usize::try_from(offset)
        .ok()
        .and_then(|from| strings.get(from..));
    let from = from.unwrap_or_default();
    let end = memchr::memchr2(0, b'@', from).unwrap_or(0);
    &from[..end]
}

pub(super) type Table<'a> = (&'a [Sym64<LE>], &'a [u8]);

/// The symbol table of a kind, its names, and its section.
pub(super) fn table<'a>(
    sections: &Sections<'a>,
    data: &'a ReadCache<File>,
    kind: elf::SectionType,
) -> Result<Option<(Table<'a>, object::SectionIndex)>, Unreadable> {
    let found = sections
        .enumerate()
        .find(|(_, section)| section.sh_type(LE) == kind);
    let Some((index, section)) = found else {
        return Ok(None);
    };
    let symbols = object::pod::slice_from_all_bytes(bytes(section, data)?)
        .map_err(|()| damaged("a symbol table of an odd length"))?;
    let strings = sections.section(section.link(LE)).map_err(damaged)?;
    Ok(Some(((symbols, bytes(strings, data)?), index)))
}

/// The file contradicts itself.
pub(super) fn damaged(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::new(format!("the ELF file is damaged: {error}"))
}
