//! Modules of this process, and damaged ones, written from memory and read again.

#![allow(clippy::unwrap_used)]

use super::mapped::Mapped;
use super::rebuilt;
use core::ffi::{CStr, c_int, c_void};
use core::ops::Range;
use hackleak_platform::peek::Peek;
use object::elf::PT_LOAD;
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{Object, ObjectSymbol, SymbolKind};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

struct Loaded {
    path: PathBuf,
    range: Range<usize>,
    bias: usize,
}

unsafe extern "C" fn collect(
    info: *mut libc::dl_phdr_info,
    _len: usize,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the C library's description of one object, whose name ends in a zero byte, and the
    // caller's list.
    let (info, name, all) = unsafe {
        let info = &*info;
        let all = &mut *data.cast::<Vec<Loaded>>();
        (info, CStr::from_ptr(info.dlpi_name), all)
    };
    // SAFETY: the object's program headers.
    let programs =
        unsafe { core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let loaded = programs
        .iter()
        .filter(|program| program.p_type == libc::PT_LOAD);
    let ends = loaded.map(|program| program.p_vaddr + program.p_memsz);
    let bias = info.dlpi_addr as usize;
    all.push(Loaded {
        path: name.to_str().unwrap().into(),
        range: bias..bias + ends.max().unwrap() as usize,
        bias,
    });
    0
}

/// The libraries of this process that have a file.
fn libraries() -> Vec<Loaded> {
    let mut all: Vec<Loaded> = Vec::new();
    // SAFETY: the callback has the type that the C library wants, and the list outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut all).cast()) };
    all.retain(|library| library.path.is_absolute());
    assert!(
        all.iter()
            .any(|library| library.path.ends_with("libc.so.6"))
    );
    all
}

/// Name, address, length and kind of each function and variable that a file exports.
type Exported = Vec<(String, u64, u64, SymbolKind)>;

fn exported(file: &ElfFile64) -> (Exported, Vec<String>) {
    let name = |symbol: &object::read::elf::ElfSymbol64| symbol.name().unwrap().to_owned();
    let (asked, defined): (Vec<_>, Vec<_>) = file
        .dynamic_symbols()
        .partition(|symbol| symbol.is_undefined());
    let mut defined: Exported = defined
        .iter()
        .map(|it| (name(it), it.address(), it.size(), it.kind()))
        .collect();
    defined.sort_by(|one, two| (&one.0, one.1).cmp(&(&two.0, two.1)));
    let mut asked: Vec<String> = asked.iter().map(name).collect();
    asked.sort();
    (defined, asked)
}

fn rebuild(library: &Loaded, to: &Path) -> std::io::Result<()> {
    let peek = Peek::new().unwrap();
    let mapped = Mapped::at(&peek, library.range.clone(), library.bias);
    let mapped = mapped.ok_or(std::io::ErrorKind::InvalidInput)?;
    rebuilt::write(&mapped, &File::create(to)?)
}

#[test]
fn a_library_in_memory_has_the_names_and_the_build_id_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("rebuilt");
    for library in libraries() {
        rebuild(&library, &to).unwrap();
        let (before, after) = (fs::read(&library.path).unwrap(), fs::read(&to).unwrap());
        let (before, after) = (
            ElfFile64::parse(&*before).unwrap(),
            ElfFile64::parse(&*after).unwrap(),
        );
        assert_eq!(exported(&before), exported(&after), "{:?}", library.path);
        assert_eq!(before.build_id().unwrap(), after.build_id().unwrap());
        let relocations = |file: &ElfFile64| {
            let found = file.dynamic_relocations();
            found.map_or(0, Iterator::count)
        };
        assert_eq!(
            relocations(&before),
            relocations(&after),
            "{:?}",
            library.path
        );
    }
}

#[test]
fn a_file_is_known_by_how_it_begins() {
    let peek = Peek::new().unwrap();
    let all = libraries();
    for library in &all {
        let mapped = Mapped::at(&peek, library.range.clone(), library.bias).unwrap();
        for other in &all {
            let is_of = mapped.is_of(&File::open(&other.path).unwrap());
            assert_eq!(is_of, other.path == library.path, "{:?}", other.path);
        }
        assert!(!mapped.is_of(&File::open("/dev/null").unwrap()));
    }
}

/// A library as the loader maps it, in memory of this test's own.
fn mapped_anew(library: &Loaded) -> (Vec<u8>, usize) {
    let file = fs::read(&library.path).unwrap();
    let mut memory = vec![0u8; library.range.len()];
    let parsed = ElfFile64::<object::LittleEndian>::parse(&*file).unwrap();
    let endian = parsed.endian();
    let programs = parsed.elf_program_headers().iter();
    for program in programs.filter(|program| program.p_type(endian) == PT_LOAD) {
        let content = program.data(endian, &*file).unwrap();
        let at = program.p_vaddr(endian) as usize;
        memory[at..at + content.len()].copy_from_slice(content);
    }
    let bias = memory.as_ptr().addr();
    (memory, bias)
}

#[test]
fn damaged_memory_is_refused_or_makes_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("rebuilt");
    let mut all = libraries();
    all.sort_by_key(|library| library.range.len());
    let library = &all[0];
    let (memory, _) = mapped_anew(library);
    let mut random = 1u64;
    let mut below = |limit: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize % limit
    };
    let mut made = 0;
    for round in 0..300 {
        let mut memory = memory.clone();
        let bias = memory.as_ptr().addr();
        // Headers and tables come first.
        let until = if round % 2 == 0 { 0x400 } else { memory.len() };
        for _ in 0..1 + below(16) {
            let at = below(until);
            memory[at] = [0, 0xff, below(256) as u8][below(3)];
        }
        let damaged = Loaded {
            path: PathBuf::new(),
            range: bias..bias + memory.len(),
            bias,
        };
        made += u32::from(rebuild(&damaged, &to).is_ok());
    }
    assert!(made > 100, "{made}");
}
