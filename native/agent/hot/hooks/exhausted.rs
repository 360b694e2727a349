//! Memory is exhausted: find the C++ library's own operator, which calls the new-handler and
//! throws `std::bad_alloc` as the standard says.

use super::operators::ALLOCATORS;
use crate::hot::ground::real as c_library;
use core::ffi::{CStr, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

static REAL: [AtomicPtr<c_void>; ALLOCATORS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; ALLOCATORS.len()];

/// The libraries that may hold the operators, where they are not in the global scope.
const LIBRARIES: [&CStr; 3] = [c"libstdc++.so.6", c"libc++.so.1", c"libc++abi.so.1"];

/// The real operator number `index`. Null only when `or_null`: without a C++ library, an
/// allocation that may not return null cannot go on, and the process ends as with an exception
/// that nobody catches.
#[cold]
#[inline(never)]
pub fn real(index: usize, or_null: bool) -> *mut c_void {
    let known = REAL[index].load(Relaxed);
    if !known.is_null() {
        return known;
    }
    let found = find(ALLOCATORS[index].0);
    REAL[index].store(found, Relaxed);
    if found.is_null() && !or_null {
        const TEXT: &[u8] = b"hackleak: out of memory, and no C++ library is loaded to say so\n";
        // SAFETY: writes a constant; ends the process.
        unsafe {
            libc::write(2, TEXT.as_ptr().cast(), TEXT.len());
            libc::abort();
        }
    }
    found
}

fn find(name: &CStr) -> *mut c_void {
    let next = c_library::next(name);
    if !next.is_null() {
        return next;
    }
    for library in LIBRARIES {
        // SAFETY: finds a library that is loaded already; loads none.
        let handle = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY) };
        if handle.is_null() {
            continue;
        }
        // SAFETY: a lookup in a handle that is open.
        let found = unsafe { libc::dlsym(handle, name.as_ptr()) };
        if !found.is_null() {
            return found;
        }
    }
    ptr::null_mut()
}
