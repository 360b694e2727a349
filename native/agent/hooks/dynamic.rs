//! `dlclose`: what is known of a library's code ends with its mapping.
//!
//! `dlopen` needs no hook (new code misses the rule cache) and must not have one: its caller's
//! address decides which RUNPATH is searched.

use crate::{gate, unwind};
use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

type Dlclose = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;

static REAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

pub fn init() {
    REAL.store(super::next(c"dlclose"), Relaxed);
}

/// Hook.
///
/// # Safety
///
/// The C library's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn dlclose(handle: *mut c_void) -> c_int {
    if REAL.load(Relaxed).is_null() {
        init();
    }
    // SAFETY: the C library's function of this name and type; it has one in every process.
    let real: Dlclose = unsafe { transmute(REAL.load(Relaxed)) };
    if !gate::is_open() {
        // SAFETY: the caller's.
        return unsafe { real(handle) };
    }
    let closing = unwind::Closing::begin();
    // SAFETY: the caller's.
    let result = unsafe { real(handle) };
    drop(closing);
    result
}
