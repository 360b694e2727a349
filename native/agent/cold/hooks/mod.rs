//! Exported functions that are on no allocation's way: they load libraries, make a JVM, limit the
//! process, forbid system calls, or end the program.
//!
//! `JNI_CreateJavaVM` is in `create_vm`, `dlopen` and its like in `dynamic`. Filters of system
//! calls are in `sandbox`, and what ends a program without an exit is in `ends`. The hooks of
//! allocations and other resources are in `crate::hot::hooks`.

mod create_vm;
mod dynamic;
mod ends;
mod limits;
mod sandbox;

use crate::hot::ground::real;
use crate::hot::hooks::{self, Hook};
use core::ffi::{CStr, c_void};
use core::ptr;

/// The hook that stands before `found`, which the loader gave for `name`; null for anything else.
fn hook_for(name: &CStr, found: *mut c_void) -> *mut c_void {
    let mut hooks = hooks::all()
        .chain(dynamic::HOOKS)
        .chain(ends::HOOKS)
        .chain(limits::HOOKS)
        .chain(sandbox::HOOKS);
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

/// Resolves what hooks pass on to, while that is safe: in the constructor. `makes_jvm` is called
/// before a JVM is made, with the function that makes it and its options.
pub fn init(makes_jvm: fn(usize, &[&str])) {
    create_vm::init(makes_jvm);
    real::init();
    hooks::init();
    dynamic::init();
    ends::init();
    limits::init();
    sandbox::init();
}
