//! The files of this library and of others that are loaded.

use hackleak_platform::this_library::object_info;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The path of this library.
pub fn library_path() -> PathBuf {
    object_at((library_path as *const ()).cast()).map_or_else(PathBuf::new, |(_, path)| path)
}

/// Where the object that the address lies in is mapped, and its path.
pub fn object_at(address: *const libc::c_void) -> Option<(usize, PathBuf)> {
    let info = object_info(address.addr()).filter(|info| !info.dli_fname.is_null())?;
    // SAFETY: the loader's name of the object, which ends in a zero byte.
    let name = unsafe { core::ffi::CStr::from_ptr(info.dli_fname) }.to_bytes();
    Some((
        info.dli_fbase as usize,
        PathBuf::from(OsStr::from_bytes(name)),
    ))
}

/// The reporter that lies beside this library.
pub fn reporter() -> Option<PathBuf> {
    let reporter = library_path().with_file_name("hackleak");
    reporter.is_file().then_some(reporter)
}
