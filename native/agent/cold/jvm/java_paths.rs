//! Which objects are reached only through some others.
//!
//! A test that has ended still has its instance, because the framework keeps it; what only the
//! instance holds is lost. So is what only the program's frames on the thread that asks reach, its
//! variables. To follow all references takes several times as long as to walk the heap. So first it
//! is looked at what these reach at all, which is little as long as classes are not followed.

use super::heap_tags::{set_tag, tag_of, untag};
use super::own_frames::OwnFrames;
use crate::hot::jvm::functions;
use core::ffi::c_void;
use core::ptr;
use jvmti_bindings::sys::jni::{JNIEnv, jint, jlong, jobject};
use jvmti_bindings::sys::jvmti::*;
use std::collections::HashSet;

/// The tag of objects that hold nothing.
const FINISHED: jlong = 1 << 42;
/// What the frames of the thread that asks have gets a tag from here on, unless it has one.
const LOCALS: jlong = 3 << 42;
/// `JVMTI_HEAP_REFERENCE_CLASS`: from an object to its class.
const TO_CLASS: jvmtiHeapReferenceKind = 1;
/// References of this kind and above are from roots.
const ROOTS: jvmtiHeapReferenceKind = 21;

/// Where a walk begins, and what it does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// A finished object; it keeps away from classes.
    Finished,
    /// The frames of the thread that asks, likewise; what they have gets tags.
    Frames,
    /// All other roots; it ends at finished objects.
    Roots,
}

/// What the callback works on.
struct Walk<'tags> {
    wanted: &'tags HashSet<jlong>,
    reached: HashSet<jlong>,
    from: From,
    own: &'tags OwnFrames,
    locals: jlong,
    /// Tag of the class of all classes.
    mirrors: jlong,
}

/// Those of the objects with these tags that nothing reaches except through one of `finished`, or
/// through a frame of the program's on the thread that asks.
pub fn only_through(
    env: *mut jvmtiEnv,
    jni: *mut JNIEnv,
    finished: &[jobject],
    own: &OwnFrames,
    wanted: &HashSet<jlong>,
) -> HashSet<jlong> {
    let mut walk = Walk {
        wanted,
        reached: HashSet::new(),
        from: From::Finished,
        own,
        locals: LOCALS,
        mirrors: tag_of_mirrors(env, jni),
    };
    // Each walk costs more than what it finds, so there is one for all of them.
    let all = array_of(jni, finished);
    if !all.is_null() {
        follow(env, all, 0, &mut walk);
        // SAFETY: the local reference that was just made.
        unsafe { ((**jni).DeleteLocalRef)(jni, all) };
    }
    if own.are_any() {
        walk.from = From::Frames;
        follow(env, ptr::null_mut(), 0, &mut walk);
    }
    let (doubtful, locals) = (walk.reached, walk.locals);
    let mut only = HashSet::new();
    if !doubtful.is_empty() {
        let marked: Vec<(jobject, jlong)> = finished
            .iter()
            .filter_map(|object| Some((*object, tag_of(env, *object)?)))
            .collect();
        for (object, _) in &marked {
            set_tag(env, *object, FINISHED);
        }
        let mut walk = Walk {
            wanted,
            reached: HashSet::new(),
            from: From::Roots,
            own,
            locals,
            mirrors: walk.mirrors,
        };
        // Objects without a tag are followed all the same, and cost no callback.
        let told = follow(env, ptr::null_mut(), JVMTI_HEAP_FILTER_UNTAGGED, &mut walk);
        for (object, tag) in marked {
            set_tag(env, object, tag);
        }
        if told {
            only = doubtful.difference(&walk.reached).copied().collect();
        }
    }
    let tags: Vec<jlong> = (LOCALS..locals).collect();
    untag(env, jni, &tags);
    only
}

/// The objects in an array; null for none. An object that holds something itself is its own way.
fn array_of(jni: *mut JNIEnv, objects: &[jobject]) -> jobject {
    if objects.is_empty() {
        return ptr::null_mut();
    }
    // SAFETY: JNI calls with references of the caller's, and with local ones of this call's.
    unsafe {
        let class = ((**jni).FindClass)(jni, c"java/lang/Object".as_ptr());
        let len = objects.len() as jint;
        let array = ((**jni).NewObjectArray)(jni, len, class, ptr::null_mut());
        if array.is_null() {
            ((**jni).ExceptionClear)(jni);
        } else {
            for (index, object) in (0..).zip(objects) {
                ((**jni).SetObjectArrayElement)(jni, array, index, *object);
            }
        }
        ((**jni).DeleteLocalRef)(jni, class);
        array
    }
}

/// The tag that mirrors of classes have as that of their class; 0 for none.
fn tag_of_mirrors(env: *mut jvmtiEnv, jni: *mut JNIEnv) -> jlong {
    // SAFETY: JNI calls with a local reference of this call's.
    unsafe {
        let class = ((**jni).FindClass)(jni, c"java/lang/Class".as_ptr());
        let tag = tag_of(env, class).unwrap_or(0);
        ((**jni).DeleteLocalRef)(jni, class);
        tag
    }
}

fn follow(env: *mut jvmtiEnv, from: jobject, filter: jint, walk: &mut Walk) -> bool {
    // SAFETY: the callback takes a `Walk`.
    unsafe { follow_references(env, from, filter, on_reference, walk) }
}

/// Follows all references from an object, or from the roots of the JVM if it is null; tells whether
/// it could.
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
    info: *const jvmtiHeapReferenceInfo,
    class_tag: jlong,
    _referrer_class_tag: jlong,
    _size: jlong,
    tag: *mut jlong,
    _referrer_tag: *mut jlong,
    _length: jint,
    walk: *mut c_void,
) -> jint {
    // SAFETY: the pointer that `follow` passed, and the object's tag, valid during the call.
    let (walk, tag) = unsafe { (&mut *walk.cast::<Walk>(), &mut *tag) };
    // SAFETY: the JVM fills in the member that belongs to the kind.
    let is_local = unsafe { walk.own.have(kind, info) };
    // What the statics of a class have, they hold themselves.
    let is_class = kind == TO_CLASS || class_tag != 0 && class_tag == walk.mirrors;
    let goes_on = match walk.from {
        From::Finished => *tag != FINISHED && !is_class,
        From::Frames if kind >= ROOTS => is_local && !is_class,
        From::Frames => !is_class,
        From::Roots => *tag != FINISHED && !is_local,
    };
    if !goes_on {
        return 0;
    }
    if walk.from == From::Frames && is_local && *tag == 0 {
        *tag = walk.locals;
        walk.locals += 1;
    }
    if walk.wanted.contains(tag) {
        walk.reached.insert(*tag);
    }
    JVMTI_VISIT_OBJECTS
}
