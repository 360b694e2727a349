//! Where this library and others lie.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The path of this library.
pub fn library_path() -> PathBuf {
    object_at((library_path as *const ()).cast()).map_or_else(PathBuf::new, |(_, path)| path)
}

/// Where the object that the address lies in is mapped, and its path.
pub fn object_at(address: *const libc::c_void) -> Option<(usize, PathBuf)> {
    // SAFETY: a question about an address; the name ends in a zero byte.
    unsafe {
        let mut info: libc::Dl_info = core::mem::zeroed();
        if libc::dladdr(address, &mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        let name = core::ffi::CStr::from_ptr(info.dli_fname).to_bytes();
        Some((
            info.dli_fbase as usize,
            PathBuf::from(OsStr::from_bytes(name)),
        ))
    }
}

/// The reporter that lies beside this library.
pub fn reporter() -> Option<PathBuf> {
    let reporter = library_path().with_file_name("hackleak");
    reporter.is_file().then_some(reporter)
}
