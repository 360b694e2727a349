//! The functions that the library puts in front of the C and C++ libraries' own.
//!
//! One table, [`operators!`], names every C++ allocation operator that libstdc++ exports; the
//! exported functions and the pass-through to the real ones come from it. The malloc family is in
//! `malloc`; what both pass on to is in `crate::real`. `getaddrinfo` is in `addresses`, `mmap` in
//! `mappings`, what opens and closes files in `descriptors`, and `JNI_CreateJavaVM` in `create_vm`.
//! Filters of system calls are in `sandbox`, and what ends a program without an exit is in `ends`.

mod addresses;
mod create_vm;
mod descriptors;
mod dynamic;
mod ends;
mod exhausted;
mod malloc;
mod mappings;
mod operators;
mod pool;
mod sandbox;
mod threads;

pub use descriptors::{fdopen_request, fdopendir_request, vfork_request};
pub use dynamic::{dlmopen_request, dlopen_request, dlsym_request};
pub use sandbox::prctl_request;
pub use threads::thread_begin;

use crate::real;
use core::ffi::{CStr, c_void};
use core::ptr;

/// Name and address of a hook.
type Hook = (&'static str, unsafe extern "C" fn());

/// The hook that stands before `found`, which the loader gave for `name`; null for anything else.
fn hook_for(name: &CStr, found: *mut c_void) -> *mut c_void {
    let mut hooks = malloc::HOOKS
        .iter()
        .chain(addresses::HOOKS)
        .chain(descriptors::HOOKS)
        .chain(mappings::HOOKS)
        .chain(dynamic::HOOKS)
        .chain(ends::HOOKS)
        .chain(sandbox::HOOKS)
        .chain(threads::HOOKS);
    match hooks.find(|(hooked, _)| hooked.as_bytes() == name.to_bytes()) {
        // Another allocator that the program has beside its own keeps its functions.
        Some((_, hook)) if !found.is_null() && found == real::next(name) => *hook as *mut c_void,
        _ => ptr::null_mut(),
    }
}

/// An address in the library of the `java` launcher, if there is one.
pub fn launcher() -> Option<usize> {
    let found = real::next(c"JLI_Launch") as usize;
    (found != 0).then_some(found)
}

/// Resolves what hooks pass on to, while that is safe: in the constructor. `makes_jvm` is called before a JVM
/// is made, with the function that makes it and its options.
pub fn init(makes_jvm: fn(usize, &[&str])) {
    create_vm::init(makes_jvm);
    real::init();
    addresses::init();
    descriptors::init();
    dynamic::init();
    ends::init();
    sandbox::init();
    threads::init();
}
