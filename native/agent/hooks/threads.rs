//! `pthread_create`: a thread inherits the scope of the thread that starts it.

use crate::{boundary, gate, real, thread};
use core::ffi::{CStr, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::AtomicPtr;

type Start = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
type Create = unsafe extern "C-unwind" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    Start,
    *mut c_void,
) -> c_int;

const NAME: &CStr = c"pthread_create";
static REAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

pub fn init() {
    real::found(&REAL, NAME);
}

/// What a child takes over, in a page of its own until it has.
struct Birth {
    start: Start,
    argument: *mut c_void,
    scope: u32,
}

/// Hook. Only a thread that has a scope passes something on; all others pass through. Ignoring
/// ends with the thread that asked for it: a pool's thread would go on ignoring for ever.
///
/// # Safety
///
/// The C library's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pthread_create(
    id: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: the C library's function of this name and type; it has one in every process.
    let real: Create = unsafe { transmute(real::found(&REAL, NAME)) };
    let scope = match thread::enter_existing() {
        Some(thread) if gate::is_open() => thread.scope(),
        _ => 0,
    };
    if scope == 0 {
        // SAFETY: the caller's.
        return unsafe { real(id, attributes, start, argument) };
    }
    let birth = map_birth();
    if birth.is_null() {
        // SAFETY: the caller's.
        return unsafe { real(id, attributes, start, argument) };
    }
    // SAFETY: a fresh mapping of this call's own; the stub takes it over.
    unsafe {
        birth.write(Birth {
            start,
            argument,
            scope,
        });
        let entry: Start = transmute(crate::arch::thread_start as *const ());
        let result = real(id, attributes, entry, birth.cast());
        if result != 0 {
            libc::munmap(birth.cast(), size_of::<Birth>());
        }
        result
    }
}

/// The program's start routine and its argument, as two return registers.
#[repr(C)]
pub struct Begin {
    start: Start,
    argument: *mut c_void,
}

/// Called on the new thread, by `arch::thread_start`.
pub unsafe extern "C" fn thread_begin(birth: *mut c_void) -> Begin {
    // SAFETY: the mapping that `pthread_create` filled for this thread alone.
    let Birth {
        start,
        argument,
        scope,
    } = unsafe { birth.cast::<Birth>().read() };
    // SAFETY: nobody else knows the mapping.
    unsafe { libc::munmap(birth, size_of::<Birth>()) };
    boundary::guarded(|| {
        boundary::may_panic();
        if gate::is_open()
            && let Some(mut thread) = thread::enter()
        {
            thread.set_scope(scope, true);
        }
    });
    Begin { start, argument }
}

fn map_birth() -> *mut Birth {
    // SAFETY: a new anonymous mapping.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size_of::<Birth>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        ptr::null_mut()
    } else {
        at.cast()
    }
}
