//! The dynamic loader's own functions.
//!
//! `dlclose`: what is known of a library's code ends with its mapping.
//!
//! `dlopen` needs no hook to know new code (that misses the rule cache), but a library that is
//! opened with `RTLD_DEEPBIND` would find its own allocator before the recorder. The flag is taken
//! away, and that is counted. The stub in `arch` keeps the caller's address as it is, because it
//! decides which RUNPATH is searched.
//!
//! `dlmopen` loads a library into a namespace of its own, with a C library of its own, where no hook
//! is found. That cannot be changed, so it is counted, and the report names what is loaded there.

use super::create_vm::Found;
use crate::{IMAGE, boundary, gate, jvm, keep, pools, real, unwind};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use hackleak_image::layout::Counter;

type Dlclose = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;

fn real_dlclose() -> *mut c_void {
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    real::found(&REAL, c"dlclose")
}

fn real_dlopen() -> *mut c_void {
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    real::found(&REAL, c"dlopen")
}

fn real_dlmopen() -> *mut c_void {
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    real::found(&REAL, c"dlmopen")
}

pub fn init() {
    real_dlclose();
    real_dlopen();
    real_dlmopen();
}

/// Flags and function for the real `dlopen`, as two return registers.
#[repr(C)]
pub struct Request {
    flags: usize,
    real: *mut c_void,
}

impl Request {
    /// Passes on to `real` what becomes of `flags` in the namespace that the recorder is in.
    fn seen(flags: c_int, real: *mut c_void) -> Request {
        let mut flags = flags;
        if flags & libc::RTLD_DEEPBIND != 0 && gate::is_open() {
            IMAGE.count(Counter::DeepBindDropped);
            flags &= !libc::RTLD_DEEPBIND;
        }
        Request::of(flags, real)
    }

    fn of(flags: c_int, real: *mut c_void) -> Request {
        Request {
            flags: flags as u32 as usize,
            real,
        }
    }
}

/// Called by `arch::dlopen` with the caller's flags.
pub extern "C" fn dlopen_request(flags: c_int) -> Request {
    if gate::is_open() {
        boundary::guarded(unwind::opening);
        keep::opening();
    }
    Request::seen(flags, real_dlopen())
}

/// Called by `arch::dlmopen` with the namespace and the caller's flags.
pub extern "C" fn dlmopen_request(namespace: libc::c_long, flags: c_int) -> Request {
    if gate::is_open() {
        boundary::guarded(unwind::opening);
    }
    if namespace == libc::LM_ID_BASE {
        return Request::seen(flags, real_dlmopen());
    }
    if gate::is_open() {
        IMAGE.count(Counter::OtherNamespaces);
        boundary::guarded(unwind::opening_namespace);
    }
    Request::of(flags, real_dlmopen())
}

pub type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

static REAL_DLSYM: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// What `dlsym` returns if it is not null, and the real one, as two return registers.
#[repr(C)]
pub struct Answer {
    found: *mut c_void,
    real: *mut c_void,
}

fn real_dlsym() -> *mut c_void {
    let mut real = REAL_DLSYM.load(Relaxed);
    if real.is_null() {
        // SAFETY: a lookup by name and by the version that every C library here has.
        real = unsafe { dlvsym(libc::RTLD_NEXT, c"dlsym".as_ptr(), c"GLIBC_2.2.5".as_ptr()) };
        REAL_DLSYM.store(real, Relaxed);
    }
    real
}

/// What the C library's `dlsym` answers to this library.
///
/// # Safety
///
/// The C library's own contract.
#[inline(never)]
pub unsafe fn plain_dlsym(handle: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: the function of this name and type; it has one in every process.
    let found = unsafe { transmute::<*mut c_void, Dlsym>(real_dlsym())(handle, name.as_ptr()) };
    // No jump: the caller of the function decides what `RTLD_NEXT` means, and is to be this library.
    core::hint::black_box(found)
}

/// Called by `arch::dlsym`.
///
/// The JVM asks the C library itself for functions that Java code names (`Linker.defaultLookup`), so
/// that its `malloc` and `free` would not pass here. It is also what the JVM does first with a
/// library that is new.
pub extern "C" fn dlsym_request(handle: *mut c_void, name: *const c_char, caller: usize) -> Answer {
    let real = real_dlsym();
    if !name.is_null() {
        // SAFETY: the caller's string, and the function of this name and type.
        let answer = unsafe {
            let real: Dlsym = transmute(real);
            super::create_vm::dlsym(handle, CStr::from_ptr(name), caller, real)
        };
        match answer {
            Found::Hook(hook) => return Answer { found: hook, real },
            Found::Instead(real) => {
                let found = ptr::null_mut();
                return Answer {
                    found,
                    real: real as *mut c_void,
                };
            }
            Found::Nothing => {}
        }
    }
    let mut found = ptr::null_mut();
    if gate::is_open() {
        boundary::guarded(keep::looking);
    }
    if gate::is_open() && jvm::is_jvm_code(caller) && !name.is_null() {
        boundary::guarded(pools::look);
        if handle != libc::RTLD_DEFAULT && handle != libc::RTLD_NEXT {
            // SAFETY: the function of this name and type, with the caller's arguments; a handle
            // that stands for no caller means the same from here.
            unsafe {
                let real: Dlsym = transmute(real);
                found = super::hook_for(CStr::from_ptr(name), real(handle, name));
            }
        }
    }
    Answer { found, real }
}

unsafe extern "C" {
    fn dlvsym(handle: *mut c_void, name: *const c_char, version: *const c_char) -> *mut c_void;
}

/// Hook.
///
/// # Safety
///
/// The C library's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn dlclose(handle: *mut c_void) -> c_int {
    // SAFETY: the C library's function of this name and type; it has one in every process.
    let real: Dlclose = unsafe { transmute(real_dlclose()) };
    if !gate::is_open() {
        // SAFETY: the caller's.
        return unsafe { real(handle) };
    }
    let closing = boundary::guarded(|| {
        boundary::may_panic();
        // What goes away with its namespace must be in the image before.
        unwind::enter_other_namespaces();
        unwind::Closing::begin()
    });
    // SAFETY: the caller's.
    let result = unsafe { real(handle) };
    boundary::guarded(|| drop(closing));
    result
}
