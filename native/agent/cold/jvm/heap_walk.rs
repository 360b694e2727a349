//! Walks over those objects of the Java heap that may hold native memory.
//!
//! JVMTI tells the values of fields, which is what takes the time. So a walk looks only at objects
//! of classes that have a `long`, or an `int` with the name of a descriptor. It also looks at
//! arrays of `long`s, and at the static fields of all classes. The classes carry a tag for that. An
//! environment of the recorder's own does all of it: the tags of other tools stay what they are,
//! and a process that never asks pays nothing.

use super::class_fields::{self, Holds};
use super::heap_tags::environment;
use crate::cold::questions::holders::Stop;
use crate::hot::events::descriptors;
use crate::hot::jvm::functions;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::AtomicPtr;
use hackleak_image::layout::Root;
use jvmti_bindings::sys::jni::{JNIEnv, jclass, jint, jlong, jvalue};
use jvmti_bindings::sys::jvmti::*;

/// The environments: one whose tags choose what is looked at, and one whose tags tell which classes
/// were looked at before.
static CHOOSING: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());
static SEEN: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());

/// In the tag of a class that was looked at: what its objects may hold.
const LOOKED_AT: jlong = 1;
const MEMORY: jlong = 2;
const DESCRIPTORS: jlong = 4;

pub const NOT_TOLD: Stop = Stop::Unknown("what Java objects hold: the JVM does not tell");

/// Whoever is told the values of `long`s, and the descriptors in `int`s by the address that the
/// live table has for each. That is at a safepoint, on a thread of the JVM's: it may not be called
/// from there.
pub trait Visitor {
    /// A value in an object or in a class: the tag of the object's class, its own (of a static
    /// field, its class's), which may be changed, and the index of the field or element.
    fn value(&mut self, class: jlong, tag: &mut jlong, sort: Root, index: jint, value: jlong);
}

/// Walks over the objects of the classes that were chosen, and over all static fields.
pub fn iterate<V: Visitor>(choosing: *mut jvmtiEnv, visitor: &mut V) -> Result<(), Stop> {
    iterate_over(choosing, ptr::null_mut(), visitor)
}

/// The same over static fields alone: a class is no garbage, whatever was collected.
pub fn iterate_statics<V: Visitor>(
    jni: *mut JNIEnv,
    choosing: *mut jvmtiEnv,
    visitor: &mut V,
) -> Result<(), Stop> {
    // SAFETY: JNI calls of this thread, with a reference that is given back; an exception is none
    // of the program's.
    unsafe {
        let functions = &**jni;
        let class = (functions.FindClass)(jni, c"java/lang/Class".as_ptr());
        if class.is_null() {
            (functions.ExceptionClear)(jni);
            return Err(NOT_TOLD);
        }
        let walked = iterate_over(choosing, class, visitor);
        (functions.DeleteLocalRef)(jni, class);
        walked
    }
}

/// Over the objects of this class, or of any if it is null.
fn iterate_over<V: Visitor>(
    choosing: *mut jvmtiEnv,
    class: jclass,
    visitor: &mut V,
) -> Result<(), Stop> {
    let iterate = functions(choosing).IterateThroughHeap.ok_or(NOT_TOLD)?;
    let callbacks = jvmtiHeapCallbacks {
        primitive_field_callback: Some(on_field::<V>),
        array_primitive_value_callback: Some(on_array::<V>),
        ..jvmtiHeapCallbacks::default()
    };
    let filter = JVMTI_HEAP_FILTER_CLASS_UNTAGGED;
    let visitor = (&raw mut *visitor).cast();
    // SAFETY: a JVMTI call in the live phase, with callbacks of its types; the visitor outlives it.
    match unsafe { iterate(choosing, filter, class, &callbacks, visitor) } {
        JVMTI_ERROR_NONE => Ok(()),
        _ => Err(NOT_TOLD),
    }
}

unsafe extern "system" fn on_field<V: Visitor>(
    kind: jvmtiHeapReferenceKind,
    info: *const jvmtiHeapReferenceInfo,
    class_tag: jlong,
    tag: *mut jlong,
    value: jvalue,
    of: jvmtiPrimitiveType,
    visitor: *mut c_void,
) -> jint {
    let sort = match kind {
        JVMTI_HEAP_REFERENCE_STATIC_FIELD => Root::StaticField,
        _ => Root::Field,
    };
    let names_descriptors =
        || matches!(sort, Root::StaticField) || class_fields::tells_descriptors(class_tag);
    // SAFETY: the union is read as the type that the JVM tells.
    let value = unsafe {
        match of {
            JVMTI_PRIMITIVE_TYPE_LONG => value.j,
            JVMTI_PRIMITIVE_TYPE_INT if names_descriptors() => {
                // Most numbers are none of a descriptor's, and beyond these lie the places of
                // others.
                match descriptors::place_of(value.i) {
                    Some(place) => place as jlong,
                    None => return JVMTI_VISIT_OBJECTS,
                }
            }
            _ => return JVMTI_VISIT_OBJECTS,
        }
    };
    // SAFETY: the pointer that `iterate` passed; the field's index and the object's tag lie where
    // the JVM says during the call.
    unsafe {
        let visitor = &mut *visitor.cast::<V>();
        visitor.value(class_tag, &mut *tag, sort, (*info).field.index, value);
    }
    JVMTI_VISIT_OBJECTS
}

unsafe extern "system" fn on_array<V: Visitor>(
    class_tag: jlong,
    _size: jlong,
    tag: *mut jlong,
    count: jint,
    of: jvmtiPrimitiveType,
    elements: *const c_void,
    visitor: *mut c_void,
) -> jint {
    if of == JVMTI_PRIMITIVE_TYPE_LONG && !elements.is_null() {
        let elements = elements.cast::<jlong>();
        // SAFETY: the pointer that `iterate` passed; as many elements as the JVM says, and the
        // array's tag, all valid during the call.
        unsafe {
            let visitor = &mut *visitor.cast::<V>();
            for index in 0..count.max(0) {
                let value = elements.add(index as usize).read_unaligned();
                visitor.value(class_tag, &mut *tag, Root::Element, index, value);
            }
        }
    }
    JVMTI_VISIT_OBJECTS
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
    // SAFETY: JVMTI and JNI calls in the live phase, with a local reference and places of the
    // callers.
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
