//! From an ELF file to [`Facts`].
//!
//! Nothing in the file is trusted: `object` checks every offset against the file's length, and
//! only the tables that are needed are read, never the debug information.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, Rela64, Sym64};
use object::read::ReadCache;
use object::read::elf::{
    Dyn as _, FileHeader as _, ProgramHeader as _, Rela as _, SectionHeader as _, Sym as _,
};

use super::facts::{Allocator, Bound, Facts, Family, Own, Slot, Unreadable};
use super::{symbols, texts};

type Header = FileHeader64<LE>;
type Sections<'a> = object::read::elf::SectionTable<'a, Header, &'a ReadCache<File>>;
type Answer = Result<Arc<Facts>, Unreadable>;

/// The recorder's `e_machine`.
const MACHINE: u16 = 62;
/// Larger tables than this are no tables of a library.
const MAX_TABLE: u64 = 1 << 30;
/// Set-user-ID and set-group-ID.
const PRIVILEGED: u32 = 0o6000;

/// Files that were read, by device, inode and time of the last change.
static READ: LazyLock<Mutex<HashMap<[i128; 3], Answer>>> = LazyLock::new(Mutex::default);

impl Facts {
    /// Reads the file at `path`, once in the life of this process as long as it does not change.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no ELF file, or is damaged.
    pub fn read(path: &Path) -> Result<Arc<Facts>, Unreadable> {
        let unreadable = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Unreadable::new("the file is gone"),
            _ => Unreadable::new(format!("the file cannot be read: {error}")),
        };
        // A pipe would not end.
        let found = path.metadata().map_err(unreadable)?;
        if !found.is_file() {
            return Err(Unreadable::new("this is no file"));
        }
        let changed = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
        let key = [found.dev().into(), found.ino().into(), changed];
        let known = |answers: &HashMap<_, Answer>| answers.get(&key).cloned();
        if let Some(answer) = known(&READ.lock().unwrap_or_else(PoisonError::into_inner)) {
            return answer;
        }
        let file = File::open(path).map_err(unreadable)?;
        let answer = read(file, found.mode() & PRIVILEGED != 0).map(Arc::new);
        let mut answers = READ.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(key, answer.clone());
        answer
    }
}

fn damaged(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::new(format!("the ELF file is damaged: {error}"))
}

fn read(file: File, privileged: bool) -> Result<Facts, Unreadable> {
    if let Some(foreign) = foreign(&file)? {
        return Ok(Facts {
            foreign: Some(foreign),
            ..Facts::default()
        });
    }
    let cache = ReadCache::new(file);
    let data = &cache;
    let header = Header::parse(data).map_err(damaged)?;
    let segments = header.program_headers(LE, data).map_err(damaged)?;
    let sections = header.sections(LE, data).map_err(damaged)?;
    let has = |kind| segments.iter().any(|segment| segment.p_type(LE) == kind);
    if sections.is_empty() {
        return Err(Unreadable::new("the file has no section headers"));
    }
    let dynamic = Dynamic::of(&sections, data)?;
    let interpreted = has(elf::PT_INTERP);
    // Libraries that can also be started (the C library) have an interpreter, too.
    let executable =
        header.e_type(LE) == elf::ET_EXEC || dynamic.pie || interpreted && !dynamic.named;
    let mut facts = Facts {
        executable,
        statically_linked: executable && !interpreted,
        privileged: executable && privileged,
        base: segments
            .iter()
            .filter(|segment| segment.p_type(LE) == elf::PT_LOAD)
            .map(|segment| segment.p_vaddr(LE))
            .min()
            .unwrap_or(0),
        ..Facts::default()
    };
    if facts.statically_linked {
        return Ok(facts);
    }
    if !has(elf::PT_DYNAMIC) {
        return Err(Unreadable::new(
            "this is neither a library nor a program: it has no dynamic segment",
        ));
    }
    let mut found = Found::default();
    found.dynamic(&sections, data, &dynamic, &mut facts)?;
    found.definitions(&sections, data, &mut facts)?;
    for (family, bound) in [
        (Family::New, &mut facts.new),
        (Family::Malloc, &mut facts.malloc),
    ] {
        *bound = found.bound(family);
    }
    for section in sections.iter() {
        let name = sections.section_name(LE, section).unwrap_or_default();
        if name == b".gopclntab" {
            facts.allocators.insert(Allocator::Go);
        }
        if !(name.starts_with(b".rodata") || name.starts_with(b".data.rel.ro")) {
            continue;
        }
        let constants = bytes(section, data)?;
        facts.allocators.extend(texts::allocators(constants));
        if !facts.new.global
            && facts.new.own.is_none()
            && !dynamic.needs_cpp
            && texts::has_cpp_runtime(constants)
        {
            facts.new.own = Some(Own::Supposed);
        }
    }
    Ok(facts)
}

/// The architecture of the file, when it is not the recorder's.
fn foreign(file: &File) -> Result<Option<String>, Unreadable> {
    let mut start = [0; 20];
    BufReader::new(file)
        .read_exact(&mut start)
        .map_err(|_| Unreadable::new("this is no ELF file"))?;
    if !start.starts_with(&elf::ELFMAG) {
        return Err(Unreadable::new("this is no ELF file"));
    }
    let number = [start[18], start[19]];
    let machine = match start[5] {
        2 => u16::from_be_bytes(number),
        _ => u16::from_le_bytes(number),
    };
    let name = match (machine, start[4], start[5]) {
        (MACHINE, 2, 1) => return Ok(None),
        (3, ..) => "i386".to_owned(),
        (40, ..) => "arm".to_owned(),
        (183, ..) => "aarch64".to_owned(),
        (243, ..) => "riscv".to_owned(),
        (MACHINE, 1, _) => "x32".to_owned(),
        (other, ..) => format!("ELF machine {other}"),
    };
    Ok(Some(name))
}

/// The data of a section, if it can be that of a library.
fn bytes<'a>(
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
struct Dynamic {
    symbolic: bool,
    pie: bool,
    named: bool,
    needs_cpp: bool,
}

impl Dynamic {
    fn of<'a>(sections: &Sections<'a>, data: &'a ReadCache<File>) -> Result<Dynamic, Unreadable> {
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
fn text(strings: &[u8], offset: u64) -> &[u8] {
    let from = usize::try_from(offset)
        .ok()
        .and_then(|from| strings.get(from..));
    let from = from.unwrap_or_default();
    let end = memchr::memchr2(0, b'@', from).unwrap_or(0);
    &from[..end]
}

/// Per family: what was found about its functions.
#[derive(Default)]
struct Found {
    global: BTreeMap<Family, bool>,
    own: BTreeMap<Family, Own>,
    exported: BTreeMap<Family, Own>,
    /// Exported definitions whose calls the loader looks up all the same.
    offered: BTreeMap<Family, bool>,
}

impl Found {
    /// Reads the dynamic symbols and the relocations that name them.
    fn dynamic<'a>(
        &mut self,
        sections: &Sections<'a>,
        data: &'a ReadCache<File>,
        dynamic: &Dynamic,
        facts: &mut Facts,
    ) -> Result<(), Unreadable> {
        let Some((names, index)) = table(sections, data, elf::SHT_DYNSYM)? else {
            return Ok(());
        };
        let (symbols, strings) = names;
        let mut slots: HashMap<u32, u64> = HashMap::new();
        for section in sections.iter() {
            if section.sh_type(LE) != elf::SHT_RELA || section.link(LE) != index {
                continue;
            }
            let relocations: &[Rela64<LE>] =
                object::pod::slice_from_all_bytes(bytes(section, data)?)
                    .map_err(|()| damaged("relocations of an odd length"))?;
            for relocation in relocations {
                slots
                    .entry(relocation.r_sym(LE, false))
                    .or_insert(relocation.r_offset(LE));
            }
        }
        for (number, symbol) in (0u32..).zip(symbols) {
            let name = text(strings, symbol.st_name(LE).into());
            let slot = slots.get(&number).copied();
            let defined = !symbol.is_undefined(LE);
            if let Some(allocator) = symbols::allocator(name).filter(|_| defined) {
                facts.allocators.insert(allocator);
            }
            facts.rust_allocator |= defined && symbols::is_rust_allocator(name);
            if let Some(family) = symbols::family(name) {
                let own = if symbol.st_visibility() == elf::STV_PROTECTED {
                    Own::Protected
                } else if facts.executable {
                    Own::Executable
                } else {
                    Own::Symbolic
                };
                let bound = own != Own::Symbolic || dynamic.symbolic;
                match slot {
                    _ if defined && (bound || slot.is_none()) => {
                        self.exported.insert(family, own);
                    }
                    Some(vaddr) => {
                        self.global.insert(family, true);
                        let name = String::from_utf8_lossy(name).into_owned();
                        facts.slots.push(Slot {
                            family,
                            name,
                            vaddr,
                        });
                    }
                    None => {}
                }
                if defined {
                    self.offered.insert(family, true);
                }
            } else if slot.is_some() && !defined {
                let called = || String::from_utf8_lossy(name).into_owned();
                facts.maps |= symbols::is_kernel(name);
                if symbols::is_allocated_by_libc(name) {
                    facts.libc.insert(called());
                } else if symbols::is_other_allocator(name) && !symbol.is_weak() {
                    facts.others.insert(called());
                }
            }
        }
        Ok(())
    }

    /// Reads the definitions that are not offered to anybody, where they still have names.
    fn definitions<'a>(
        &mut self,
        sections: &Sections<'a>,
        data: &'a ReadCache<File>,
        facts: &mut Facts,
    ) -> Result<(), Unreadable> {
        let Some(((symbols, strings), _)) = table(sections, data, elf::SHT_SYMTAB)? else {
            return Ok(());
        };
        for symbol in symbols.iter().filter(|symbol| !symbol.is_undefined(LE)) {
            let name = text(strings, symbol.st_name(LE).into());
            facts.allocators.extend(symbols::allocator(name));
            facts.rust_allocator |= symbols::is_rust_allocator(name);
            let hidden = symbol.is_local()
                || matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL)
                || facts.executable;
            if let Some(family) = symbols::defined_family(name).filter(|_| hidden) {
                self.own.insert(family, Own::Hidden);
            }
        }
        Ok(())
    }

    fn bound(&self, family: Family) -> Bound {
        let global = self.global.contains_key(&family);
        let own = self.own.get(&family).copied();
        // Definitions that nobody inside calls are of no account when the others are looked up.
        let exported = self.exported.get(&family).copied();
        let exported = exported.filter(|own| !global || *own != Own::Symbolic);
        Bound {
            global,
            own: exported.or(own),
            exported: self.offered.contains_key(&family),
        }
    }
}

type Table<'a> = (&'a [Sym64<LE>], &'a [u8]);

/// The symbol table of a kind, its names, and its section.
fn table<'a>(
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
