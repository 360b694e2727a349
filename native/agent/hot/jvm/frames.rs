//! Frames for local references, which native code pushes and pops.

use super::real_functions::{real, replacements};
use crate::arch::CallSite;
use crate::hot::events::{attached, references};
use core::ffi::c_void;
use core::mem::transmute;
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;

type Push = unsafe extern "C" fn(*mut c_void, i32) -> i32;
type Pop = unsafe extern "C" fn(*mut c_void, *mut c_void) -> *mut c_void;

replacements! {
    PushLocalFrame 2 push;
    PopLocalFrame 2 pop;
}

/// Puts the replacements into a copy of the JVM's function table.
///
/// # Safety
///
/// `table` is a complete function table that nobody else uses.
pub unsafe fn watch(table: *mut Functions) {
    // SAFETY: the caller's.
    unsafe { put(table) };
}

unsafe extern "C" fn push<const INDEX: usize>(
    env: *mut c_void,
    capacity: i32,
    slot: usize,
    frame_pointer: usize,
) -> i32 {
    // SAFETY: the JVM's own function of this name and type, with the caller's arguments; so below.
    let result = unsafe { transmute::<usize, Push>(real(INDEX))(env, capacity) };
    if result == 0 {
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        attached::pushed(call_site);
    }
    result
}

unsafe extern "C" fn pop<const INDEX: usize>(
    env: *mut c_void,
    result: *mut c_void,
    slot: usize,
    frame_pointer: usize,
) -> *mut c_void {
    // SAFETY: see `push`.
    let result = unsafe { transmute::<usize, Pop>(real(INDEX))(env, result) };
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    attached::popped(call_site);
    if !result.is_null() {
        references::made(call_site);
    }
    result
}
