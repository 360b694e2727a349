//! Frames for local references, which native code pushes and pops.

use super::real_functions::position;
use crate::arch::{Position, method_entry};
use crate::{attached, references};
use core::ffi::c_void;
use core::mem::transmute;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;

type Push = unsafe extern "C" fn(*mut c_void, i32) -> i32;
type Pop = unsafe extern "C" fn(*mut c_void, *mut c_void) -> *mut c_void;

static PUSH: AtomicUsize = AtomicUsize::new(0);
static POP: AtomicUsize = AtomicUsize::new(0);

method_entry!(push_entry, 2, push);
method_entry!(pop_entry, 2, pop);

/// Puts replacements into a copy of the JVM's function table.
///
/// # Safety
///
/// `table` is a complete function table that nobody else uses.
pub unsafe fn watch(table: *mut Functions) {
    let replaced = [
        (position!(PushLocalFrame), &PUSH, push_entry as *const ()),
        (position!(PopLocalFrame), &POP, pop_entry as *const ()),
    ];
    for (index, real, replacement) in replaced {
        // SAFETY: the caller's; the position of a function of the table.
        unsafe {
            let place = table.cast::<usize>().add(index);
            real.store(place.read(), Relaxed);
            place.write(replacement as usize);
        }
    }
}

unsafe extern "C" fn push(
    env: *mut c_void,
    capacity: i32,
    slot: usize,
    frame_pointer: usize,
) -> i32 {
    // SAFETY: the JVM's own function of this name and type, with the caller's arguments; so below.
    let result = unsafe { transmute::<usize, Push>(PUSH.load(Relaxed))(env, capacity) };
    if result == 0 {
        let position = Position {
            slot,
            frame_pointer,
        };
        attached::pushed(position);
    }
    result
}

unsafe extern "C" fn pop(
    env: *mut c_void,
    result: *mut c_void,
    slot: usize,
    frame_pointer: usize,
) -> *mut c_void {
    // SAFETY: see `push`.
    let result = unsafe { transmute::<usize, Pop>(POP.load(Relaxed))(env, result) };
    let position = Position {
        slot,
        frame_pointer,
    };
    attached::popped(position);
    if !result.is_null() {
        references::made(position);
    }
    result
}
