//! The JDK whose JVM this process runs.

use core::ffi::{CStr, c_int, c_void};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whether a file of this path is a JVM.
pub fn is_libjvm(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next();
    name.is_some_and(|name| name.starts_with(b"libjvm.so"))
}

/// The `libjvm.so` that the process has loaded, if any.
pub fn loaded_libjvm() -> Option<PathBuf> {
    let mut path = Vec::new();
    // SAFETY: the loader calls back before it returns, with this place.
    unsafe { libc::dl_iterate_phdr(Some(note_libjvm), (&raw mut path).cast()) };
    (!path.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(&path)))
}

unsafe extern "C" fn note_libjvm(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    path: *mut c_void,
) -> c_int {
    // SAFETY: what the loader passes, and the place that `loaded_libjvm` gave.
    let (name, path) = unsafe { ((*info).dlpi_name, &mut *path.cast::<Vec<u8>>()) };
    if name.is_null() {
        return 0;
    }
    // SAFETY: a name ends in a zero byte.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    if !is_libjvm(name) {
        return 0;
    }
    name.clone_into(path);
    1
}

/// The folder of the JDK that this `libjvm.so` belongs to; empty when it lies elsewhere.
pub fn folder_of(libjvm: &Path) -> PathBuf {
    let libjvm = std::fs::canonicalize(libjvm).unwrap_or_default();
    let name = |folder: &Path| folder.file_name().map(OsStr::to_owned).unwrap_or_default();
    let mut folder = libjvm.parent().and_then(Path::parent);
    if folder.is_some_and(|folder| name(folder) == "amd64") {
        folder = folder.and_then(Path::parent);
    }
    let is_lib = |folder: &&Path| name(folder) == "lib";
    let home = folder.filter(is_lib).and_then(Path::parent);
    home.map(Path::to_owned).unwrap_or_default()
}

/// The folder of the JDK of this process, which has a JVM.
pub fn of_this_process() -> PathBuf {
    let library = loaded_libjvm();
    library.map_or_else(PathBuf::new, |library| folder_of(&library))
}
