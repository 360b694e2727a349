//! Method ids ahead of need.
//!
//! `AsyncGetCallTrace` names methods by their ids and makes none. Elsewhere JVMTI makes them when a
//! stack with a nameless method is met. But code that a `critical` downcall has called must not
//! call JVMTI, nor must the JVM as it starts a thread. So once such code was met, or where threads
//! are tracked, the ids of all classes are made at the next chance. Those of later classes are made
//! when they are prepared. Other programs pay nothing for that.

use super::{Jvmti, methods};
use core::ptr;
use core::sync::atomic::{
    AtomicU8,
    Ordering::{AcqRel, Relaxed},
};
use jvmti_bindings::sys::jni::jclass;
use jvmti_bindings::sys::jvmti::{JVMTI_ENABLE, JVMTI_ERROR_NONE, JVMTI_EVENT_CLASS_PREPARE};

const UNWANTED: u8 = 0;
const WANTED: u8 = 1;
const MADE: u8 = 2;
static STATE: AtomicU8 = AtomicU8::new(UNWANTED);

/// Says that method ids will be needed. May be called anywhere.
pub fn want() {
    let _ = STATE.compare_exchange(UNWANTED, WANTED, Relaxed, Relaxed);
}

/// Makes the ids if they are wanted, and names the methods that have none yet. To be called in
/// native code, where JVMTI may be called.
pub fn make() {
    methods::name_all(super::jni_env());
    if STATE.load(Relaxed) != WANTED
        || STATE
            .compare_exchange(WANTED, MADE, AcqRel, Relaxed)
            .is_err()
    {
        return;
    }
    let Some(jvmti) = Jvmti::get() else { return };
    let functions = jvmti.functions();
    let (Some(mode), Some(classes), Some(deallocate)) = (
        functions.SetEventNotificationMode,
        functions.GetLoadedClasses,
        functions.Deallocate,
    ) else {
        return;
    };
    let (mut count, mut list) = (0, ptr::null_mut());
    // SAFETY: JVMTI calls in the live phase, with valid places for the answers; the list of local
    // references is given back.
    unsafe {
        mode(
            jvmti.env,
            JVMTI_ENABLE,
            JVMTI_EVENT_CLASS_PREPARE,
            ptr::null_mut(),
        );
        if classes(jvmti.env, &mut count, &mut list) != JVMTI_ERROR_NONE || list.is_null() {
            return;
        }
        for index in 0..count.max(0) as usize {
            of_class(jvmti, *list.add(index));
        }
        deallocate(jvmti.env, list.cast());
    }
}

/// Makes the ids of one class's methods, in the event of its preparation or later.
pub fn of_class(jvmti: Jvmti, class: jclass) {
    let functions = jvmti.functions();
    let (Some(methods), Some(deallocate)) = (functions.GetClassMethods, functions.Deallocate)
    else {
        return;
    };
    let (mut count, mut list) = (0, ptr::null_mut());
    // SAFETY: as in `make`. A class that is not prepared yet is an error of the call.
    unsafe {
        if methods(jvmti.env, class, &mut count, &mut list) == JVMTI_ERROR_NONE && !list.is_null() {
            deallocate(jvmti.env, list.cast());
        }
    }
}
