//! `Unsafe.allocateMemory`, `reallocateMemory` and `freeMemory`: off-heap memory that Java code
//! manages itself, and with it direct byte buffers, Netty, Arrow and cuDF's host buffers.
//!
//! The JVM implements them as native methods of its own. When they are bound, which happens very
//! early, replacements take their place: they call the JVM's, and record what it returned for the
//! Java stack that asked. The memory comes from `malloc`, but the caller is the JVM itself, so it
//! is not counted there.
//!
//! What the JVM's own start allocates is left out: no code of the program runs before it is done,
//! and its stacks cannot be had.

use super::methods::Text;
use crate::arch::{CallSite, method_entry};
use crate::hot::events::record;
use core::ffi::c_void;
use core::mem::transmute;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use hackleak_image::layout::{Kind, Release};
use jvmti_bindings::sys::jni::jmethodID;

type Allocate = unsafe extern "C" fn(*mut c_void, *mut c_void, i64) -> i64;
type Reallocate = unsafe extern "C" fn(*mut c_void, *mut c_void, i64, i64) -> i64;
type Free = unsafe extern "C" fn(*mut c_void, *mut c_void, i64);

static ALLOCATE: AtomicUsize = AtomicUsize::new(0);
static REALLOCATE: AtomicUsize = AtomicUsize::new(0);
static FREE: AtomicUsize = AtomicUsize::new(0);

static BEGUN: AtomicBool = AtomicBool::new(false);

/// The JVM has started: from now on memory is recorded.
pub fn begin() {
    BEGUN.store(true, Relaxed);
}

fn has_begun() -> bool {
    BEGUN.load(Relaxed)
}

method_entry!(allocate_entry, 3, allocate);
method_entry!(reallocate_entry, 4, reallocate);
method_entry!(free_entry, 3, free);

/// The replacement for a native method of the JVM's own, if it is one of the three.
pub fn replacement(method: jmethodID, target: usize) -> Option<usize> {
    let (real, entry) = match Text::of_method(method)?.bytes() {
        // With and without the 0 that JDK 9 added.
        b"allocateMemory" | b"allocateMemory0" => (&ALLOCATE, allocate_entry as *const ()),
        b"reallocateMemory" | b"reallocateMemory0" => (&REALLOCATE, reallocate_entry as *const ()),
        b"freeMemory" | b"freeMemory0" => (&FREE, free_entry as *const ()),
        _ => return None,
    };
    real.store(target, Relaxed);
    Some(entry as usize)
}

unsafe extern "C" fn allocate(
    env: *mut c_void,
    this: *mut c_void,
    size: i64,
    slot: usize,
    frame_pointer: usize,
) -> i64 {
    // SAFETY: the JVM's own function, called with the arguments that Java passed.
    let block = unsafe { transmute::<usize, Allocate>(ALLOCATE.load(Relaxed))(env, this, size) };
    if block != 0 && has_begun() {
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        record::allocated(block as usize, size as usize, Kind::Unsafe, call_site);
    }
    block
}

unsafe extern "C" fn reallocate(
    env: *mut c_void,
    this: *mut c_void,
    block: i64,
    size: i64,
    slot: usize,
    frame_pointer: usize,
) -> i64 {
    let old = if block == 0 {
        None
    } else {
        record::realloc_began(block as usize)
    };
    // SAFETY: as in `allocate`.
    let new =
        unsafe { transmute::<usize, Reallocate>(REALLOCATE.load(Relaxed))(env, this, block, size) };
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    match old {
        Some(old) if new != 0 => {
            record::realloc_succeeded(old, block as usize, new as usize, size as usize, call_site);
        }
        // The JVM throws OutOfMemoryError and leaves the block; a size of 0 frees it.
        Some(old) if size != 0 => record::realloc_failed(block as usize, old),
        Some(old) => record::realloc_freed(old),
        None if new != 0 && has_begun() => {
            record::allocated(new as usize, size as usize, Kind::Unsafe, call_site);
        }
        None => {}
    }
    new
}

unsafe extern "C" fn free(
    env: *mut c_void,
    this: *mut c_void,
    block: i64,
    slot: usize,
    frame_pointer: usize,
) {
    if block != 0 {
        record::freed(
            block as usize,
            Release::UnsafeFree,
            None,
            CallSite {
                slot,
                frame_pointer,
            },
        );
    }
    // SAFETY: as in `allocate`.
    unsafe { transmute::<usize, Free>(FREE.load(Relaxed))(env, this, block) }
}
