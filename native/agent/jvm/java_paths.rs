//! Which objects are reached only through some others.
//!
//! A test that has ended still has its instance, because the framework keeps it; what only the instance holds
//! is lost. To follow all references takes several times as long as to walk the heap, so first it is looked at
//! what the finished objects reach at all, which is little as long as classes are not followed.

use super::functions;
use core::ffi::c_void;
use core::ptr;
use jvmti_bindings::sys::jni::{jint, jlong, jobject};
use jvmti_bindings::sys::jvmti::*;
use std::collections::HashSet;

/// The tag of objects that hold nothing.
const FINISHED: jlong = 1 << 42;
/// `JVMTI_HEAP_REFERENCE_CLASS`: from an object to its class.
const TO_CLASS: jvmtiHeapReferenceKind = 1;

/// What the callback works on.
struct Walk<'tags> {
    wanted: &'tags HashSet<jlong>,
    reached: HashSet<jlong>,
    /// The walk begins at a finished object, and keeps away from classes.
    from_finished: bool,
}

/// Those of the objects with these tags that nothing reaches except through one of `finished`.
pub fn only_through(env: *mut jvmtiEnv, finished: &[jobject], tags: &[jlong]) -> HashSet<jlong> {
    let wanted: HashSet<jlong> = tags.iter().copied().collect();
    let mut walk = Walk {
        wanted: &wanted,
        reached: HashSet::new(),
        from_finished: true,
    };
    for object in finished {
        // An object that holds something itself is its own way.
        walk.reached
            .extend(tag_of(env, *object).filter(|tag| wanted.contains(tag)));
        follow(env, *object, 0, &mut walk);
    }
    let doubtful = walk.reached;
    if doubtful.is_empty() {
        return doubtful;
    }
    let marked: Vec<(jobject, jlong)> = finished
        .iter()
        .filter_map(|object| Some((*object, tag_of(env, *object)?)))
        .collect();
    for (object, _) in &marked {
        set_tag(env, *object, FINISHED);
    }
    let mut walk = Walk {
        wanted: &wanted,
        reached: HashSet::new(),
        from_finished: false,
    };
    // Objects without a tag are followed all the same, and cost no callback.
    let told = follow(env, ptr::null_mut(), JVMTI_HEAP_FILTER_UNTAGGED, &mut walk);
    for (object, tag) in marked {
        set_tag(env, object, tag);
    }
    if !told {
        return HashSet::new();
    }
    doubtful.difference(&walk.reached).copied().collect()
}

fn tag_of(env: *mut jvmtiEnv, object: jobject) -> Option<jlong> {
    let mut tag = 0;
    // SAFETY: a JVMTI call with a reference of the caller's and a valid place.
    let error = unsafe { functions(env).GetTag?(env, object, &mut tag) };
    (error == JVMTI_ERROR_NONE).then_some(tag)
}

fn set_tag(env: *mut jvmtiEnv, object: jobject, tag: jlong) {
    if let Some(set) = functions(env).SetTag {
        // SAFETY: a JVMTI call with a reference of the caller's.
        unsafe { set(env, object, tag) };
    }
}

fn follow(env: *mut jvmtiEnv, from: jobject, filter: jint, walk: &mut Walk) -> bool {
    // SAFETY: the callback takes a `Walk`.
    unsafe { follow_references(env, from, filter, on_reference, walk) }
}

/// Follows all references from an object, or from the roots of the JVM if it is null; tells whether it could.
///
/// # Safety
///
/// `on_reference` gets `data` as its last argument, and takes it for what it is.
pub unsafe fn follow_references<T>(
    env: *mut jvmtiEnv,
    from: jobject,
    filter: jint,
    on_reference: jvmtiHeapReferenceCallback,
    data: &mut T,
) -> bool {
    let callbacks = jvmtiHeapCallbacks {
        heap_reference_callback: Some(on_reference),
        ..jvmtiHeapCallbacks::default()
    };
    let Some(follow) = functions(env).FollowReferences else {
        return false;
    };
    let data: *mut T = data;
    // SAFETY: a JVMTI call in the live phase, with a callback of its type; `data` outlives it.
    unsafe {
        follow(
            env,
            filter,
            ptr::null_mut(),
            from,
            &callbacks,
            data.cast_const().cast(),
        ) == JVMTI_ERROR_NONE
    }
}

#[allow(clippy::too_many_arguments)]
unsafe extern "system" fn on_reference(
    kind: jvmtiHeapReferenceKind,
    _info: *const jvmtiHeapReferenceInfo,
    _class_tag: jlong,
    _referrer_class_tag: jlong,
    _size: jlong,
    tag: *mut jlong,
    _referrer_tag: *mut jlong,
    _length: jint,
    walk: *mut c_void,
) -> jint {
    // SAFETY: the pointer that `follow` passed, and the object's tag, valid during the call.
    let (walk, tag) = unsafe { (&mut *walk.cast::<Walk>(), *tag) };
    if tag == FINISHED || walk.from_finished && kind == TO_CLASS {
        return 0;
    }
    if walk.wanted.contains(&tag) {
        walk.reached.insert(tag);
    }
    JVMTI_VISIT_OBJECTS
}
