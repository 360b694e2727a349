//! Symbols that the C library before 2.34 has for debuggers alone: in its thread library's file,
//! and not among those that `dlsym` finds.

use crate::hot::unwind::LinkMap;
use object::read::elf::{FileHeader, Sym};
use object::{Endianness, elf};
use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::OnceLock;

/// How the names begin that describe records to debuggers.
const DESCRIPTIONS: &[u8] = b"_thread_db_";
/// Where the rings of threads begin.
const RINGS: [&[u8]; 2] = [b"stack_used", b"__stack_user"];
/// A file that is longer is none of the C library's.
const LONGEST: u64 = 64 << 20;

/// The address of the symbol; 0 where there is none. The first call reads a file.
pub fn symbol(name: &CStr) -> usize {
    static SYMBOLS: OnceLock<HashMap<Vec<u8>, usize>> = OnceLock::new();
    let symbols = SYMBOLS.get_or_init(|| of_thread_library().unwrap_or_default());
    symbols.get(name.to_bytes()).copied().unwrap_or(0)
}

fn of_thread_library() -> Option<HashMap<Vec<u8>, usize>> {
    // SAFETY: finds a library that is loaded already, and stays so; the handle is the loader's
    // record of it.
    let (bias, path) = unsafe {
        let flags = libc::RTLD_NOLOAD | libc::RTLD_LAZY;
        let library = libc::dlopen(c"libpthread.so.0".as_ptr(), flags).cast::<LinkMap>();
        let library = library.as_ref()?;
        (library.bias, CStr::from_ptr(library.name).to_str().ok()?)
    };
    let is_long = std::fs::metadata(path).is_ok_and(|file| file.len() > LONGEST);
    let file = (!is_long).then(|| std::fs::read(path).ok())??;
    named(&file, bias)
}

/// The symbols of the table that is for debuggers, where the file is loaded at `bias`.
fn named(file: &[u8], bias: usize) -> Option<HashMap<Vec<u8>, usize>> {
    let header = elf::FileHeader64::<Endianness>::parse(file).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, file).ok()?;
    let table = sections.symbols(endian, file, elf::SHT_SYMTAB).ok()?;
    let wanted = table.iter().filter_map(|symbol| {
        let name = symbol.name(endian, table.strings()).ok()?;
        let is_wanted = name.starts_with(DESCRIPTIONS) || RINGS.contains(&name);
        let value = symbol.st_value(endian) as usize;
        (is_wanted && value != 0).then(|| (name.to_vec(), bias.wrapping_add(value)))
    });
    Some(wanted.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn symbols_that_nobody_exports_are_found_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (folder.path().join("a.c"), folder.path().join("a.so"));
        let text = "static const int _thread_db_sizeof_pthread __attribute__((used)) = 7;\n\
                    static const int other __attribute__((used)) = 8;\n\
                    static void* stack_used[2] __attribute__((used));\n";
        std::fs::write(&source, text).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]);
        assert!(
            compiler
                .args([&library, &source])
                .status()
                .unwrap()
                .success()
        );
        let file = std::fs::read(&library).unwrap();
        let symbols = named(&file, 0x1000_0000).unwrap();
        let mut names: Vec<_> = symbols
            .keys()
            .map(|name| String::from_utf8_lossy(name))
            .collect();
        names.sort();
        assert_eq!(names, ["_thread_db_sizeof_pthread", "stack_used"]);
        assert!(symbols.values().all(|address| *address > 0x1000_0000));
        // One without that table.
        assert!(
            Command::new("strip")
                .arg(&library)
                .status()
                .unwrap()
                .success()
        );
        let stripped = std::fs::read(&library).unwrap();
        assert!(named(&stripped, 0).is_none_or(|symbols| symbols.is_empty()));
        assert!(named(b"no library", 0).is_none());
    }
}
