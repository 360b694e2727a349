//! The functions that the library puts in front of the C and C++ libraries' own, where hook-safe
//! code answers them.
//!
//! One table, [`operators!`], names every C++ allocation operator that libstdc++ exports; the
//! exported functions and the pass-through to the real ones come from it. The malloc family is in
//! `malloc`; what both pass on to is in `crate::hot::ground::real`. `getaddrinfo` is in
//! `addresses`, `mmap` in `mappings`, what opens and closes files in `descriptors`. The others are
//! in `crate::cold::hooks`.

mod addresses;
mod descriptors;
mod exhausted;
mod malloc;
mod mappings;
mod operators;
mod pool;
mod threads;

pub use pool::{object_allocated, object_freed};
pub use threads::thread_begin;

/// Name and address of a hook.
pub type Hook = (&'static str, unsafe extern "C" fn());

/// The hooks that are functions of the C library, by name.
pub fn all() -> impl Iterator<Item = &'static Hook> {
    malloc::HOOKS
        .iter()
        .chain(addresses::HOOKS)
        .chain(descriptors::HOOKS)
        .chain(mappings::HOOKS)
        .chain(threads::HOOKS)
}

/// Resolves what these hooks pass on to, in the constructor.
pub fn init() {
    addresses::init();
    descriptors::init();
    threads::init();
}
