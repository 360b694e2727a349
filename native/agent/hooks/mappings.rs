//! `mmap` and `mremap`: what a program maps for itself is noted.

use crate::mappings::note;
use core::ffi::c_void;
use libc::{c_int, off64_t, size_t};

fn mapped(at: *mut c_void, len: usize) {
    if at != libc::MAP_FAILED {
        let start = at.addr();
        note(start..start.saturating_add(len).next_multiple_of(4096));
    }
}

/// Hook. What replaces a part of a mapping (`MAP_FIXED`) stays a part of it: so the JVM gives memory to a
/// range that it has reserved.
///
/// # Safety
///
/// The C library's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    wanted: *mut c_void,
    len: size_t,
    rights: c_int,
    flags: c_int,
    file: c_int,
    offset: off64_t,
) -> *mut c_void {
    // SAFETY: the caller's; the C library does the same with these arguments.
    let at = unsafe { libc::syscall(libc::SYS_mmap, wanted, len, rights, flags, file, offset) };
    let at = at as *mut c_void;
    if flags & libc::MAP_FIXED == 0 {
        mapped(at, len);
    }
    at
}

/// Hook, the same by its other name.
///
/// # Safety
///
/// The C library's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap64(
    wanted: *mut c_void,
    len: size_t,
    rights: c_int,
    flags: c_int,
    file: c_int,
    offset: off64_t,
) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { mmap(wanted, len, rights, flags, file, offset) }
}

/// Hook. The last argument is there only with `MREMAP_FIXED`; it is passed on and otherwise not looked at.
///
/// # Safety
///
/// The C library's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mremap(
    old: *mut c_void,
    old_len: size_t,
    len: size_t,
    flags: c_int,
    wanted: *mut c_void,
) -> *mut c_void {
    // SAFETY: the caller's; the C library does the same with these arguments.
    let at = unsafe { libc::syscall(libc::SYS_mremap, old, old_len, len, flags, wanted) };
    let at = at as *mut c_void;
    mapped(at, len);
    at
}
