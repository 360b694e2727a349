//! `setrlimit` and its like, by which a program limits its own address space.
//!
//! An image has much of that without using it, and all of it would count.

use crate::IMAGE;
use crate::arch::shown_entry;
use crate::hot::events::descriptors;
use crate::hot::ground::{gate, real};
use core::ffi::c_void;
use hackleak_platform::peek;
use libc::c_int;

shown_entry!(setrlimit, setrlimit_request);
shown_entry!(setrlimit64, setrlimit64_request);
shown_entry!(prlimit, prlimit_request);
shown_entry!(prlimit64, prlimit64_request);

/// Every hook here by its name, for those who ask the loader for a function.
pub const HOOKS: &[super::Hook] = &[
    ("setrlimit", setrlimit),
    ("setrlimit64", setrlimit64),
    ("prlimit", prlimit),
    ("prlimit64", prlimit64),
];

static SETRLIMIT: real::Found = real::Found::new();
static SETRLIMIT64: real::Found = real::Found::new();
static PRLIMIT: real::Found = real::Found::new();
static PRLIMIT64: real::Found = real::Found::new();

/// Finds what is passed on to, in the constructor.
pub fn init() {
    real::found(&SETRLIMIT, c"setrlimit");
    real::found(&SETRLIMIT64, c"setrlimit64");
    real::found(&PRLIMIT, c"prlimit");
    real::found(&PRLIMIT64, c"prlimit64");
}

extern "C" fn setrlimit_request(resource: c_int, new: usize) -> *mut c_void {
    limits(resource, new);
    real::found(&SETRLIMIT, c"setrlimit")
}

extern "C" fn setrlimit64_request(resource: c_int, new: usize) -> *mut c_void {
    limits(resource, new);
    real::found(&SETRLIMIT64, c"setrlimit64")
}

extern "C" fn prlimit_request(process: libc::pid_t, resource: c_int, new: usize) -> *mut c_void {
    of_process(process, resource, new);
    real::found(&PRLIMIT, c"prlimit")
}

extern "C" fn prlimit64_request(process: libc::pid_t, resource: c_int, new: usize) -> *mut c_void {
    of_process(process, resource, new);
    real::found(&PRLIMIT64, c"prlimit64")
}

fn of_process(process: libc::pid_t, resource: c_int, new: usize) {
    // SAFETY: a question about this process.
    if process == 0 || process == unsafe { libc::getpid() } {
        limits(resource, new);
    }
}

/// Before the limit is there, because the window may be all that the process may have then. A child
/// of `vfork` shares memory with its parent, which its limit does not bind.
fn limits(resource: c_int, new: usize) {
    let mut limit = [0u64; 2];
    if resource != libc::RLIMIT_AS as c_int
        || new == 0
        || !gate::is_open()
        || descriptors::is_elsewhere()
        || peek::copy(new, peek::bytes_mut(&mut limit)) != size_of_val(&limit)
    {
        return;
    }
    let [soft, hard] = limit;
    if soft <= hard {
        IMAGE.window().give_back(soft);
    }
}
