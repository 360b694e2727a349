//! Walks over those objects of the Java heap that may hold native memory.
//!
//! JVMTI tells the values of fields, which is what takes the time. So only objects of classes that have a
//! `long`, or an `int` with the name of a descriptor, are looked at, arrays of them, and the static fields of all classes; the classes carry a tag for
//! that. All of it is done by an environment of its own: the tags of other tools stay what they are, and a
//! process that never asks pays nothing.

use super::class_fields::{self, Holds};
use super::functions;
use super::heap_tags::environment;
use crate::holders::Stop;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::AtomicPtr;
use jvmti_bindings::sys::jni::{JNIEnv, jclass, jlong};
use jvmti_bindings::sys::jvmti::*;

/// The environments: one whose tags choose what is looked at, and one whose tags tell which classes were
/// looked at before.
static CHOOSING: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());
static SEEN: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());

/// In the tag of a class that was looked at: what its objects may hold.
const LOOKED_AT: jlong = 1;
const MEMORY: jlong = 2;
const DESCRIPTORS: jlong = 4;

pub const NOT_TOLD: Stop = Stop::Unknown("what Java objects hold: the JVM does not tell");

/// Walks over the objects of the classes that were chosen, and over all static fields.
pub fn iterate(
    choosing: *mut jvmtiEnv,
    callbacks: &jvmtiHeapCallbacks,
    walk: *mut c_void,
) -> Result<(), Stop> {
    let iterate = functions(choosing).IterateThroughHeap.ok_or(NOT_TOLD)?;
    let filter = JVMTI_HEAP_FILTER_CLASS_UNTAGGED;
    // SAFETY: a JVMTI call in the live phase, with callbacks of its types; the caller's `walk` outlives it.
    match unsafe { iterate(choosing, filter, ptr::null_mut(), callbacks, walk) } {
        JVMTI_ERROR_NONE => Ok(()),
        _ => Err(NOT_TOLD),
    }
}

/// The environment whose tags choose what is looked at, with the classes tagged that there are now.
pub fn chosen(jni: *mut JNIEnv) -> Option<*mut jvmtiEnv> {
    let (choosing, seen) = (environment(&CHOOSING)?, environment(&SEEN)?);
    choose(jni, choosing, seen)?;
    Some(choosing)
}

/// Tags the classes that have come since the last time and whose objects are to be looked at.
fn choose(jni: *mut JNIEnv, choosing: *mut jvmtiEnv, seen: *mut jvmtiEnv) -> Option<()> {
    let functions = functions(seen);
    let (classes, deallocate) = (functions.GetLoadedClasses?, functions.Deallocate?);
    let (mut count, mut list) = (0, ptr::null_mut());
    // SAFETY: a JVMTI call in the live phase, with valid places for the answer.
    if unsafe { classes(seen, &mut count, &mut list) } != JVMTI_ERROR_NONE || list.is_null() {
        return None;
    }
    for index in 0..count.max(0) as usize {
        // SAFETY: the list has `count` local references, which are this call's.
        unsafe {
            let class = *list.add(index);
            may_hold(jni, choosing, seen, class);
            ((**jni).DeleteLocalRef)(jni, class);
        }
    }
    // SAFETY: the list that the JVM made for the call above.
    unsafe { deallocate(seen, list.cast()) };
    Some(())
}

/// What objects of the class may hold; remembered in the tags.
fn may_hold(
    jni: *mut JNIEnv,
    choosing: *mut jvmtiEnv,
    seen: *mut jvmtiEnv,
    class: jclass,
) -> Holds {
    let functions = functions(seen);
    let (Some(get_tag), Some(set_tag)) = (functions.GetTag, functions.SetTag) else {
        return Holds::default();
    };
    let mut known = 0;
    // SAFETY: JVMTI and JNI calls in the live phase, with a local reference and places of the callers.
    unsafe {
        if get_tag(seen, class, &mut known) == JVMTI_ERROR_NONE && known & LOOKED_AT != 0 {
            return Holds {
                memory: known & MEMORY != 0,
                descriptors: known & DESCRIPTORS != 0,
            };
        }
    }
    let signature = class_fields::signature(seen, class);
    let mut holds = Holds {
        memory: matches!(signature.as_str(), "[J" | "Ljava/lang/Class;"),
        descriptors: false,
    };
    if !holds.memory && !signature.starts_with('[') {
        let Some(own) = class_fields::may_hold(seen, class) else {
            // Not linked yet: it has no objects, and is looked at again.
            return Holds::default();
        };
        holds = own;
        // SAFETY: as above.
        let parent = unsafe { ((**jni).GetSuperclass)(jni, class) };
        if !parent.is_null() {
            holds = holds.or(may_hold(jni, choosing, seen, parent));
            // SAFETY: the reference was just made for this call.
            unsafe { ((**jni).DeleteLocalRef)(jni, parent) };
        }
    }
    let bit = |set: bool, bit: jlong| if set { bit } else { 0 };
    // SAFETY: as above.
    unsafe {
        let held = bit(holds.memory, MEMORY) | bit(holds.descriptors, DESCRIPTORS);
        set_tag(seen, class, LOOKED_AT | held);
        if holds.anything() {
            set_tag(choosing, class, class_fields::next_tag(holds));
        }
    }
    holds
}
