//! Modules in other namespaces: what `dlmopen` loads apart from the program.
//!
//! Such a library has a C library of its own, whose `malloc` never passes here, and
//! `dl_iterate_phdr` does not name it. It is entered in the image with a flag all the same, because
//! a report must say that it is not seen. For debuggers, glibc 2.35 and later have a list of all
//! namespaces; with an older one the report has only the number of calls.

use super::modules::{self, LinkMap};
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// `struct r_debug_extended` of `<link.h>`: what a debugger is told of a namespace.
#[repr(C)]
struct Namespace {
    version: c_int,
    first: *const LinkMap,
    breakpoint: usize,
    state: c_int,
    loader: usize,
    /// From version 2 on.
    next: *const Namespace,
}

/// Whether there may be more than one namespace.
static OPENED: AtomicBool = AtomicBool::new(false);

/// A `dlmopen` for another namespace begins.
pub fn opening() {
    OPENED.store(true, Relaxed);
}

/// Enters every module of other namespaces. Takes the loader's lock, like `dlclose`.
pub fn enter_all() {
    if !OPENED.load(Relaxed) {
        return;
    }
    // SAFETY: a lookup by name, and a callback of the type that the C library wants, which keeps
    // nothing. The lookup has a lock of its own and comes first.
    unsafe {
        let first = libc::dlsym(libc::RTLD_DEFAULT, c"_r_debug".as_ptr());
        libc::dl_iterate_phdr(Some(enter), first);
    }
}

/// While this runs, the loader changes none of its lists.
unsafe extern "C" fn enter(_: *mut libc::dl_phdr_info, _: usize, first: *mut c_void) -> c_int {
    let first: *const Namespace = first.cast();
    // SAFETY: the loader's own description of the first namespace; the member is there in version
    // 2.
    let mut at = match unsafe { first.as_ref() } {
        Some(first) if first.version >= 2 => first.next,
        _ => return 1,
    };
    // SAFETY: entries of this list are never taken away, and the modules of a namespace stay loaded
    // during the call.
    unsafe {
        while let Some(namespace) = at.as_ref() {
            let mut map = namespace.first;
            while !map.is_null() {
                modules::enter_apart(map);
                map = (*map).next;
            }
            at = namespace.next;
        }
    }
    1
}
