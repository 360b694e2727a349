//! What native code can hold several times at one address: critical arrays and strings, and
//! monitors.

use super::{ARRAY, Env, Four, Object, Status, Three, kind};
use crate::arch::CallSite;
use crate::hot::events::places::MONITORS;
use crate::hot::events::{invalid_frees, record};
use crate::hot::jvm::real_functions::real;
use crate::hot::jvm::{Jvmti, critical};
use core::mem::transmute;
use core::ptr;
use hackleak_image::layout::{Kind, Release};
use jvmti_bindings::sys::jvmti::JVMTI_ERROR_NONE;

pub(super) unsafe extern "C" fn get_critical<const INDEX: usize, const KIND: u8>(
    env: Env,
    object: Object,
    is_copy: *mut u8,
    slot: usize,
    frame_pointer: usize,
) -> Object {
    // SAFETY: see `resources::new_reference`.
    let at = unsafe { transmute::<usize, Three>(real(INDEX))(env, object, is_copy) };
    if KIND == ARRAY && !at.is_null() {
        critical::entered();
    }
    record::pinned_by_caller(
        place(at as usize),
        kind(KIND),
        CallSite {
            slot,
            frame_pointer,
        },
    );
    at
}

pub(super) unsafe extern "C" fn release_critical_array<const INDEX: usize>(
    env: Env,
    array: Object,
    at: Object,
    mode: i32,
    slot: usize,
    frame_pointer: usize,
) {
    unpinned(
        at as usize,
        Release::ReleaseArrayCritical,
        slot,
        frame_pointer,
    );
    // SAFETY: see `resources::new_reference`.
    unsafe { transmute::<usize, Four>(real(INDEX))(env, array, at, mode) };
    critical::left();
}

pub(super) unsafe extern "C" fn release_critical_string<const INDEX: usize>(
    env: Env,
    string: Object,
    at: *mut u8,
    slot: usize,
    frame_pointer: usize,
) {
    unpinned(
        at as usize,
        Release::ReleaseStringCritical,
        slot,
        frame_pointer,
    );
    // SAFETY: see `resources::new_reference`.
    unsafe { transmute::<usize, Three>(real(INDEX))(env, string, at) };
}

/// The word that the first element lies in, where the live table has it. With compact headers
/// elements begin in the middle of a word, after the array's length.
fn place(at: usize) -> usize {
    at & !7
}

fn unpinned(at: usize, release: Release, slot: usize, frame_pointer: usize) {
    if !record::unpinned(place(at)) {
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        invalid_frees::not_allocated(at, release, call_site);
    }
}

pub(super) unsafe extern "C" fn monitor_enter<const INDEX: usize>(
    env: Env,
    object: Object,
    slot: usize,
    frame_pointer: usize,
) -> i32 {
    // SAFETY: see `resources::new_reference`.
    let status = unsafe { transmute::<usize, Status>(real(INDEX))(env, object) };
    if status == 0 {
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        record::pinned_by_caller(monitor_address(object), Kind::Monitor, call_site);
    }
    status
}

pub(super) unsafe extern "C" fn monitor_exit<const INDEX: usize>(
    env: Env,
    object: Object,
    _slot: usize,
    _frame_pointer: usize,
) -> i32 {
    let address = monitor_address(object);
    // SAFETY: see `resources::new_reference`.
    let status = unsafe { transmute::<usize, Status>(real(INDEX))(env, object) };
    if status == 0 {
        record::unpinned(address);
    }
    status
}

/// Stands for the object's monitor in the live table.
fn monitor_address(object: Object) -> usize {
    let mut hash = 0;
    if let Some(jvmti) = Jvmti::get()
        && let Some(get) = jvmti.functions().GetObjectHashCode
    {
        // SAFETY: a JVMTI call about the caller's object, with a valid place for the answer.
        if unsafe { get(jvmti.env, object.cast(), ptr::from_mut(&mut hash)) } != JVMTI_ERROR_NONE {
            return 0;
        }
    }
    MONITORS.address(hash as u32 as usize)
}
