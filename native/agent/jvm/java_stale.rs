//! Values in Java objects that are known to be of no use any more.
//!
//! An object that was closed keeps the address of what it had, and the allocator hands out the same address
//! again: a new leak would look as if the closed object held it. So checkpoints note the places in the heap with
//! a value that points at memory where no block is live. What is allocated there later is younger than
//! the value, which cannot be its handle, as long as the place does not change.
//!
//! What is difficult: objects move, so they are known by tags, which the collector takes along and drops with
//! the object. And a look takes as long as the heap is large: the first checkpoint takes one, and the next one
//! after each judging that had to look at the heap; the others only so often that it is a small share of the time. A place that is written with the very same value
//! once more (a static that keeps the address of what was freed, and then of its successor) is not noticed.

use super::java_heap::Place;
use super::{heap_walk, jni_env};
use crate::checkpoint::clock;
use crate::holders::{self, Large, stale};
use core::ffi::c_void;
use hackleak_image::layout::Root;
use jvmti_bindings::sys::jni::{jint, jlong, jvalue};
use jvmti_bindings::sys::jvmti::*;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An object with such a value has a tag from here on, for as long as it lives.
const NOTED: jlong = 1 << 44;
/// The share of the time that looking may take: one part in so many.
const SHARE: u64 = 128;
/// The most values that are noted.
const MOST: usize = 1 << 20;

/// What was noted last, and when.
#[derive(Default)]
pub struct Stale {
    /// With all bits turned: what stands here must not look like a pointer.
    values: Option<HashMap<Place, u64>>,
    tags: jlong,
    ended: u64,
    took: u64,
}

static LAST: Mutex<Stale> = Mutex::new(Stale {
    values: None,
    tags: 0,
    ended: 0,
    took: 0,
});

/// What was noted at the last checkpoint that could afford it.
pub fn of_now() -> MutexGuard<'static, Stale> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stale {
    /// Whether the place has had the value since before what it points at was allocated.
    pub fn contains(&self, place: Place, value: u64) -> bool {
        let values = self.values.as_ref().filter(|_| place.0 != 0);
        values.is_some_and(|values| values.get(&place) == Some(&!value))
    }

    fn may_look(&self) -> bool {
        let since = clock(libc::CLOCK_MONOTONIC).saturating_sub(self.ended);
        since >= self.took.saturating_mul(SHARE)
    }
}

/// A judging has looked at the heap: whatever the price, the next checkpoint does.
pub fn judged() {
    of_now().took = 0;
}

/// Notes the values that are of no use now, if that may be afforded. Called at checkpoints, not in hooks.
pub fn note() {
    holders::between_passes(|| {
        let mut last = of_now();
        if last.may_look() {
            let started = clock(libc::CLOCK_MONOTONIC);
            look(&mut last);
            last.ended = clock(libc::CLOCK_MONOTONIC);
            last.took = last.ended.saturating_sub(started);
        }
    });
}

/// What the callbacks work on. They run at a safepoint.
struct Walk<'last> {
    before: &'last Stale,
    found: HashMap<Place, u64>,
    tags: jlong,
}

fn look(last: &mut Stale) {
    let jni = jni_env();
    let env = if jni.is_null() {
        None
    } else {
        heap_walk::chosen(jni)
    };
    let Some(env) = env else { return };
    let mut walk = Walk {
        before: last,
        found: HashMap::new(),
        tags: last.tags,
    };
    let callbacks = jvmtiHeapCallbacks {
        primitive_field_callback: Some(on_field),
        array_primitive_value_callback: Some(on_array),
        ..jvmtiHeapCallbacks::default()
    };
    let whole = heap_walk::iterate(env, &callbacks, (&raw mut walk).cast());
    let Walk {
        mut found, tags, ..
    } = walk;
    last.tags = tags;
    let large = Large::of_now();
    let (Ok(()), Ok(large)) = (whole, large) else {
        return;
    };
    found.retain(|place, value| last.contains(*place, !*value) || !large.has(!*value as usize));
    last.values = Some(found);
}

impl Walk<'_> {
    fn value(&mut self, tag: &mut jlong, sort: Root, index: jint, value: jlong) {
        let value = value as u64;
        // What was of no use before and has not changed is of none now, whoever has the address.
        let known = self.before.contains((*tag, sort as u32, index), value);
        if (known || stale::is_of_no_use(value)) && self.found.len() < MOST {
            if *tag == 0 {
                *tag = NOTED + self.tags;
                self.tags += 1;
            }
            self.found.insert((*tag, sort as u32, index), !value);
        }
    }
}

unsafe extern "system" fn on_field(
    kind: jvmtiHeapReferenceKind,
    info: *const jvmtiHeapReferenceInfo,
    _class_tag: jlong,
    tag: *mut jlong,
    value: jvalue,
    of: jvmtiPrimitiveType,
    walk: *mut c_void,
) -> jint {
    if of == JVMTI_PRIMITIVE_TYPE_LONG {
        let sort = match kind {
            JVMTI_HEAP_REFERENCE_STATIC_FIELD => Root::StaticField,
            _ => Root::Field,
        };
        // SAFETY: the pointer that `look` passed; a value of this type; the field's index and the object's
        // tag lie where the JVM says during the call.
        unsafe {
            let walk = &mut *walk.cast::<Walk>();
            walk.value(&mut *tag, sort, (*info).field.index, value.j);
        }
    }
    JVMTI_VISIT_OBJECTS
}

unsafe extern "system" fn on_array(
    _class_tag: jlong,
    _size: jlong,
    tag: *mut jlong,
    count: jint,
    of: jvmtiPrimitiveType,
    elements: *const c_void,
    walk: *mut c_void,
) -> jint {
    if of == JVMTI_PRIMITIVE_TYPE_LONG && !elements.is_null() {
        // SAFETY: the pointer that `look` passed; as many elements as the JVM says, and the array's tag, all
        // valid during the call.
        unsafe {
            let walk = &mut *walk.cast::<Walk>();
            for index in 0..count.max(0) {
                let value = elements
                    .cast::<jlong>()
                    .add(index as usize)
                    .read_unaligned();
                walk.value(&mut *tag, Root::Element, index, value);
            }
        }
    }
    JVMTI_VISIT_OBJECTS
}
