//! `prctl` and `syscall`, by which a program forbids itself system calls.

use super::ends;
use crate::IMAGE;
use crate::arch::{shown_entry, standing_entry};
use crate::hot::events::descriptors;
use crate::hot::ground::{gate, real, sandbox};
use core::ffi::c_void;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::flags;
use hackleak_platform::clock;
use libc::{c_int, c_long};

shown_entry!(prctl, prctl_request);
standing_entry!(syscall, syscall_request, jumps);

static REAL_PRCTL: real::Found = real::Found::new();
static REAL_SYSCALL: real::Found = real::Found::new();

/// Every hook here by its name, for those who ask the loader for a function.
pub const HOOKS: &[super::Hook] = &[("prctl", prctl), ("syscall", syscall)];

/// Finds what is passed on to, in the constructor.
pub fn init() {
    real::found(&REAL_PRCTL, c"prctl");
    real::found(&REAL_SYSCALL, c"syscall");
}

/// Called by `prctl` with its first arguments. The real function.
extern "C" fn prctl_request(option: c_int, mode: usize, filter: usize) -> *mut c_void {
    if option == libc::PR_SET_SECCOMP {
        const STRICT: usize = libc::SECCOMP_MODE_STRICT as usize;
        begins(mode == STRICT || sandbox::may_end(filter));
    }
    // It counts for one thread, and nobody knows for which others, so it is never taken back.
    let forbids_time = option == libc::PR_SET_TSC && mode == libc::PR_TSC_SIGSEGV as usize;
    if forbids_time && !descriptors::is_elsewhere() {
        clock::stop();
    }
    real::found(&REAL_PRCTL, c"prctl")
}

/// Called by `syscall` with its first arguments and its caller's position. The real function.
extern "C" fn syscall_request(
    number: c_long,
    operation: usize,
    _flags: usize,
    filter: usize,
    _: usize,
    position: usize,
) -> *mut c_void {
    if number == libc::SYS_seccomp {
        const STRICT: usize = libc::SECCOMP_SET_MODE_STRICT as usize;
        const FILTER: usize = libc::SECCOMP_SET_MODE_FILTER as usize;
        begins(operation == STRICT || operation == FILTER && sandbox::may_end(filter));
    }
    ends::system_call(number, operation, position);
    real::found(&REAL_SYSCALL, c"syscall")
}

/// Before the call, because after it even a look at what it did may end the process. A child of
/// `vfork` shares memory with its parent, whom its filter does not bind. A forked child has no part
/// of its parent's image.
fn begins(is_deadly: bool) {
    if !is_deadly {
        return;
    }
    if descriptors::is_elsewhere() {
        return sandbox::enter_child();
    }
    sandbox::enter();
    // The strict mode forbids to read the processor's time as well.
    clock::stop();
    IMAGE.window().keep_in_memory();
    if gate::is_open() {
        IMAGE.flags().fetch_or(flags::SANDBOX, Relaxed);
    }
}
