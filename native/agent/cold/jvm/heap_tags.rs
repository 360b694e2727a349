//! Tags of Java objects: the environments that have them, and the objects behind them.

use crate::hot::jvm::{VM, functions};
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Release},
};
use jvmti_bindings::sys::jni::{JNIEnv, jint, jlong, jobject};
use jvmti_bindings::sys::jvmti::*;
use std::collections::{HashMap, HashSet};

/// An environment that may tag objects; made at the first need.
pub fn environment(place: &AtomicPtr<jvmtiEnv>) -> Option<*mut jvmtiEnv> {
    let known = place.load(Acquire);
    if !known.is_null() {
        return Some(known);
    }
    let vm = VM.load(Acquire);
    let mut env: *mut c_void = ptr::null_mut();
    // SAFETY: the invocation interface of a JVM that was started; `env` is a valid place.
    if vm.is_null() || unsafe { ((**vm).GetEnv)(vm, &mut env, JVMTI_VERSION_1_2) } != 0 {
        return None;
    }
    let env: *mut jvmtiEnv = env.cast();
    let mut wanted = jvmtiCapabilities::default();
    wanted.set_can_tag_objects(true);
    let add = functions(env).AddCapabilities?;
    // SAFETY: a JVMTI call with a valid structure.
    if unsafe { add(env, &wanted) } != JVMTI_ERROR_NONE {
        return None;
    }
    // One pass runs at a time, so nobody else has made one meanwhile.
    place.store(env, Release);
    Some(env)
}

/// The tag of an object; 0 for none.
pub fn tag_of(env: *mut jvmtiEnv, object: jobject) -> Option<jlong> {
    let mut tag = 0;
    // SAFETY: a JVMTI call with a reference of the caller's and a valid place.
    let error = unsafe { functions(env).GetTag?(env, object, &mut tag) };
    (error == JVMTI_ERROR_NONE).then_some(tag)
}

pub fn set_tag(env: *mut jvmtiEnv, object: jobject, tag: jlong) {
    if let Some(set) = functions(env).SetTag {
        // SAFETY: a JVMTI call with a reference of the caller's.
        unsafe { set(env, object, tag) };
    }
}

/// Takes the tags from the objects that have them.
pub fn untag(env: *mut jvmtiEnv, jni: *mut JNIEnv, tags: &[jlong]) {
    for object in with_tags(env, tags).into_values() {
        done(env, jni, object, true);
    }
}

/// Gives back a reference that `with_tags` has made, and the object's tag if it was one for this
/// walk.
pub fn done(env: *mut jvmtiEnv, jni: *mut JNIEnv, object: jobject, untag: bool) {
    if untag {
        set_tag(env, object, 0);
    }
    // SAFETY: a JNI call with a local reference of this call's.
    unsafe { ((**jni).DeleteLocalRef)(jni, object) };
}

/// The objects with the tags of these places, as local references; a tag may come several times.
pub fn with_tags_of(
    env: *mut jvmtiEnv,
    tags: impl Iterator<Item = jlong>,
) -> HashMap<jlong, jobject> {
    let tags: HashSet<jlong> = tags.collect();
    with_tags(env, &Vec::from_iter(tags))
}

/// The objects with these tags, as local references.
pub fn with_tags(env: *mut jvmtiEnv, tags: &[jlong]) -> HashMap<jlong, jobject> {
    let objects = all_with_tags(env, tags).unwrap_or_default();
    objects.into_iter().collect()
}

/// The same where several objects may have one tag; `None` where the JVM does not tell.
pub fn all_with_tags(env: *mut jvmtiEnv, tags: &[jlong]) -> Option<Vec<(jlong, jobject)>> {
    if tags.is_empty() {
        return Some(Vec::new());
    }
    let functions = functions(env);
    let (get, deallocate) = (functions.GetObjectsWithTags?, functions.Deallocate?);
    let (mut count, mut objects, mut of) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: a JVMTI call in the live phase; the answers are two lists of `count`, given back
    // here.
    unsafe {
        let len = tags.len() as jint;
        let error = get(env, len, tags.as_ptr(), &mut count, &mut objects, &mut of);
        if error != JVMTI_ERROR_NONE {
            return None;
        }
        let all = 0..count.max(0) as usize;
        let found = all.map(|index| (*of.add(index), *objects.add(index)));
        let found = found.collect();
        deallocate(env, objects.cast());
        deallocate(env, of.cast());
        Some(found)
    }
}
