//! From an ELF file to [`Facts`].
//!
//! Nothing in the file is trusted: `object` checks every offset against the file's length, and
//! only the tables that are needed are read, never the debug information.

mod found;
mod tables;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};
use object::read::ReadCache;
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use self::found::Found;
use self::tables::{Dynamic, Sections, bytes, damaged};
use super::facts::{Allocator, Facts, Family, Own, Unreadable};
use super::texts;

type Header = FileHeader64<LE>;
type Answer = Result<Arc<Facts>, Unreadable>;

/// The recorder's `e_machine`: that which the command is built for, beside it.
const MACHINE: u16 = if cfg!(target_arch = "aarch64") {
    183
} else {
    62
};
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
    constants(&sections, data, &dynamic, &mut facts)?;
    Ok(facts)
}

/// Adds what the names of sections and the texts in them tell.
fn constants<'a>(
    sections: &Sections<'a>,
    data: &'a ReadCache<File>,
    dynamic: &Dynamic,
    facts: &mut Facts,
) -> Result<(), Unreadable> {
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
        let imports = facts.new.global || dynamic.needs_cpp;
        if !imports && facts.new.own.is_none() && texts::has_cpp_runtime(constants) {
            facts.new.own = Some(Own::Supposed);
        }
    }
    Ok(())
}

/// The architecture of the file, when it is not the recorder's.
fn foreign(mut file: &File) -> Result<Option<String>, Unreadable> {
    let mut start = [0; 20];
    file.read_exact(&mut start)
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
        (62, 2, _) => "x86-64".to_owned(),
        (183, ..) => "aarch64".to_owned(),
        (243, ..) => "riscv".to_owned(),
        (62, 1, _) => "x32".to_owned(),
        (other, ..) => format!("ELF machine {other}"),
    };
    Ok(Some(name))
}
