//! The folders that a library asks the loader to search for what it opens by a bare name
//! (`-rpath`).
//!
//! There are two kinds. `DT_RUNPATH` is searched for the library that has it. `DT_RPATH` is
//! searched for whatever was opened by it, too, and that of the program for all: the `java`
//! launcher has one. Which path counts depends on who asks; that no folder of any of them has such
//! a file is the same for everybody.

use crate::hot::ground::module_policy;
use core::ffi::{CStr, c_char, c_int, c_void};
use hackleak_image::writer::KeepErrno;
use hackleak_platform::dynamic;
use object::elf::{self, DynamicTag};

/// Folders in a folder of which the loader takes the one that fits the processor.
const FOR_PROCESSORS: [&[u8]; 5] = [b"glibc-hwcaps", b"tls", b"haswell", b"xeon_phi", b"x86_64"];

struct Search<'name> {
    name: &'name [u8],
    caller: usize,
    found: bool,
}

/// Whether a path that may be searched for code at `caller` leads to a library of this name, or may
/// do so. Takes the loader's lock, as `dlopen` itself does.
pub fn may_lead_to(name: &[u8], caller: usize) -> bool {
    let _errno = KeepErrno::new();
    let mut search = Search {
        name,
        caller,
        found: false,
    };
    // SAFETY: the callback has the type that the C library wants, and the place outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
    search.found
}

unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _len: usize, data: *mut c_void) -> c_int {
    // SAFETY: the C library's description of one object, valid during the call, and the caller's
    // place.
    let (info, search) = unsafe { (&*info, &mut *data.cast::<Search>()) };
    let bias = info.dlpi_addr as usize;
    let (mut is_caller, mut section) = (false, 0);
    for index in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: the object's program headers.
        let program = unsafe { &*info.dlpi_phdr.add(index) };
        let start = bias.wrapping_add(program.p_vaddr as usize);
        match program.p_type {
            libc::PT_DYNAMIC => section = start,
            libc::PT_LOAD => {
                let range = start..start.saturating_add(program.p_memsz as usize);
                is_caller |= range.contains(&search.caller);
            }
            _ => {}
        }
    }
    let entry = |kind: DynamicTag| {
        // SAFETY: none, or the section of an object that stays loaded while the loader's lock is
        // held.
        let mut entries = unsafe { dynamic::entries(section) };
        entries
            .find(|(tag, _)| *tag == kind)
            .map(|(_, value)| value)
    };
    let Some(strings) = entry(elf::DT_STRTAB) else {
        return 0;
    };
    // The loader leaves the addresses of a few objects as they are in their files.
    let strings = if strings < bias {
        strings + bias
    } else {
        strings
    };
    for (kind, counts) in [(elf::DT_RPATH, true), (elf::DT_RUNPATH, is_caller)] {
        if let Some(at) = entry(kind).filter(|_| counts) {
            // SAFETY: a string of the object's own, and the loader's name of the object.
            let (path, name) = unsafe {
                let path = CStr::from_ptr((strings + at) as *const c_char);
                (path.to_bytes(), object_name(info.dlpi_name))
            };
            let mut folders = path.split(|byte| *byte == b':');
            search.found |= folders.any(|folder| may_have(folder, origin(name), search.name));
        }
    }
    c_int::from(search.found)
}

/// # Safety
///
/// The name is null or ends in a zero byte.
unsafe fn object_name<'name>(name: *const c_char) -> &'name [u8] {
    if name.is_null() {
        return module_policy::executable();
    }
    // SAFETY: the caller's.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    // The program has none.
    if name.is_empty() {
        module_policy::executable()
    } else {
        name
    }
}

/// The folder of a library, if its path is absolute.
fn origin(path: &[u8]) -> Option<&[u8]> {
    let end = path.iter().rposition(|byte| *byte == b'/')?;
    path.starts_with(b"/").then_some(&path[..end])
}

/// Whether the folder of a path has a file of this name, or may have it.
fn may_have(folder: &[u8], origin: Option<&[u8]>, name: &[u8]) -> bool {
    let rest = [b"$ORIGIN".as_slice(), b"${ORIGIN}"]
        .iter()
        .find_map(|start| folder.strip_prefix(*start));
    let (start, rest) = match (rest, origin) {
        (None, _) => (b"".as_slice(), folder),
        (Some(rest), Some(origin)) => (origin, rest),
        (Some(_), None) => return true,
    };
    // The loader replaces more than this, such as `$LIB`.
    if rest.contains(&b'$') {
        return true;
    }
    // An empty folder is the one the process works in.
    let dot: &[u8] = if start.is_empty() && rest.is_empty() {
        b"."
    } else {
        b""
    };
    let mut names = FOR_PROCESSORS.into_iter().chain([name]);
    names.any(|name| is_there(&[dot, start, rest, b"/", name]))
}

/// Whether there is a file of this path; also if the path is longer than those that are asked
/// about.
fn is_there(parts: &[&[u8]]) -> bool {
    let mut path = [0; 1024];
    let mut len = 0;
    for part in parts {
        // The last byte ends the path.
        let Some(place) = path[..1023].get_mut(len..len + part.len()) else {
            return true;
        };
        place.copy_from_slice(part);
        len += part.len();
    }
    // SAFETY: a system call about a path that ends in a zero byte.
    unsafe {
        libc::syscall(
            libc::SYS_faccessat,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::F_OK,
        ) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &[u8] = b"libmine.so";

    /// A folder with the library, and one beside it without.
    fn folders() -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().expect("a temporary folder is writable");
        let path = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).expect("the folder is writable");
            path.to_str().expect("a plain path").to_owned()
        };
        let (with, without) = (path("with"), path("without"));
        std::fs::write(format!("{with}/libmine.so"), "").expect("the folder is writable");
        (folder, with, without)
    }

    #[test]
    fn a_folder_with_the_library_leads_there() {
        let (_folder, with, without) = folders();
        assert!(may_have(with.as_bytes(), None, NAME));
        assert!(!may_have(without.as_bytes(), None, NAME));
        assert!(!may_have(b"/nowhere", None, NAME));
    }

    #[test]
    fn the_folder_of_the_library_that_asks_is_looked_at() {
        let (_folder, with, without) = folders();
        for origin in ["$ORIGIN", "${ORIGIN}"] {
            let beside = format!("{origin}/../with");
            let origin_of = |path: &str| may_have(origin.as_bytes(), Some(path.as_bytes()), NAME);
            assert!(origin_of(&with) && !origin_of(&without), "{origin}");
            assert!(may_have(beside.as_bytes(), Some(without.as_bytes()), NAME));
            assert!(
                may_have(origin.as_bytes(), None, NAME),
                "{origin} of nobody knows where"
            );
        }
    }

    #[test]
    fn what_is_not_known_may_have_it() {
        let (_folder, with, without) = folders();
        assert!(may_have(b"/usr/$LIB", None, NAME));
        assert!(may_have("/x".repeat(600).as_bytes(), None, NAME));
        std::fs::create_dir(format!("{without}/glibc-hwcaps")).expect("the folder is writable");
        assert!(may_have(without.as_bytes(), None, NAME));
        assert_eq!(origin(b"relative/libmine.so"), None);
        assert_eq!(
            origin(format!("{with}/x.so").as_bytes()),
            Some(with.as_bytes())
        );
    }
}
