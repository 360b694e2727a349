//! The pool of thunks.
//!
//! A pair of pages at a time: stubs on the first, which becomes executable when all of them are
//! written, and their cells on the second, which stays writable. A thunk is never taken back: the
//! JVM may hold its address for as long as it runs. A target that is bound again gets the thunk
//! that it has.

use crate::IMAGE;
use crate::arch::{STUB_LEN, thunk_common, write_stub};
use hackleak_image::layout::Counter;
use jvmti_bindings::sys::jni::JavaVM;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

const PAGE: usize = 4096;

struct Pool {
    /// Address of the next unused stub, and the end of its page.
    free: Range<usize>,
    by_target: HashMap<usize, usize>,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);
/// Code that gets no thunk: the JVM itself, which uses no allocator that is hooked, and this
/// library.
static LEFT_ALONE: OnceLock<[Range<usize>; 2]> = OnceLock::new();

/// Finds out which code is left alone.
pub fn init(vm: *mut JavaVM) {
    // SAFETY: the invocation interface of a running JVM.
    let jvm = unsafe { (**vm).GetEnv as usize };
    let own = in_front_of as *const () as usize;
    let range = |at| crate::unwind::module_range(at).unwrap_or(0..0);
    let _ = LEFT_ALONE.set([range(jvm), range(own)]);
}

/// The thunk for the native method at `target`; `None` when it is called directly.
pub fn in_front_of(target: usize) -> Option<usize> {
    let alone = LEFT_ALONE.get()?;
    if target == 0 || alone.iter().any(|range| range.contains(&target)) {
        return None;
    }
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = pool.get_or_insert_with(|| Pool {
        free: 0..0,
        by_target: HashMap::new(),
    });
    if let Some(thunk) = pool.by_target.get(&target) {
        return Some(*thunk);
    }
    if pool.free.is_empty() {
        let Some(page) = map_stubs() else {
            IMAGE.count(Counter::ThunksFull);
            return None;
        };
        pool.free = page..page + PAGE;
    }
    let thunk = pool.free.start;
    pool.free.start += STUB_LEN;
    let cell = (thunk + PAGE) as *mut [usize; 2];
    // SAFETY: the stub's cell on the page of cells; nobody runs the stub before it is handed out.
    unsafe { cell.write([target, thunk_common as *const () as usize]) };
    pool.by_target.insert(target, thunk);
    Some(thunk)
}

/// A page of stubs with its page of cells after it.
fn map_stubs() -> Option<usize> {
    // SAFETY: a new anonymous mapping of two pages, written while it is ours alone.
    unsafe {
        let at = libc::mmap(
            core::ptr::null_mut(),
            2 * PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if at == libc::MAP_FAILED {
            return None;
        }
        let stubs: &mut [[u8; STUB_LEN]] =
            core::slice::from_raw_parts_mut(at.cast(), PAGE / STUB_LEN);
        for stub in stubs {
            write_stub(stub, PAGE as u32);
        }
        if libc::mprotect(at, PAGE, libc::PROT_READ | libc::PROT_EXEC) != 0 {
            libc::munmap(at, 2 * PAGE);
            return None;
        }
        Some(at as usize)
    }
}
