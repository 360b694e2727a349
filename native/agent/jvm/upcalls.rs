//! Calls from native code back into Java.
//!
//! The JVM's own stack walk gives the Java frames on both sides of a native method, but not the
//! native frames between. So the JNI functions that can run Java code get thunks that note where
//! they were called from until they return, and the native frames are walked from there when an
//! allocation further in needs them.

use super::{Jvmti, critical, ending, entries::EntryStack, resources, thunks};
use crate::stack_bounds::StackBounds;
use crate::{control, unwind};
use core::mem::offset_of;
use core::ops::Range;
use hackleak_options::Track;
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;
use jvmti_bindings::sys::jvmti::JVMTI_ERROR_NONE;
use std::sync::OnceLock;

/// First and last of each run of functions that can run Java code: class loading and
/// initialisation, constructors, and methods of every kind.
const RUNS: [(usize, usize); 8] = [
    (
        offset_of!(Functions, DefineClass),
        offset_of!(Functions, FindClass),
    ),
    (
        offset_of!(Functions, ThrowNew),
        offset_of!(Functions, ThrowNew),
    ),
    (
        offset_of!(Functions, ExceptionDescribe),
        offset_of!(Functions, ExceptionDescribe),
    ),
    (
        offset_of!(Functions, AllocObject),
        offset_of!(Functions, NewObjectA),
    ),
    (
        offset_of!(Functions, GetMethodID),
        offset_of!(Functions, GetFieldID),
    ),
    (
        offset_of!(Functions, GetStaticMethodID),
        offset_of!(Functions, GetStaticFieldID),
    ),
    (
        offset_of!(Functions, RegisterNatives),
        offset_of!(Functions, RegisterNatives),
    ),
    (
        offset_of!(Functions, NewDirectByteBuffer),
        offset_of!(Functions, NewDirectByteBuffer),
    ),
];

/// How many arguments are named of a function with an open list of them: the environment, an object
/// or class (both, for a method that is not virtual), and the method.
fn variadic(offset: usize) -> Option<usize> {
    macro_rules! any {
        ($named:literal: $($function:ident)*) => {
            [$(offset_of!(Functions, $function)),*]
                .contains(&offset)
                .then_some($named)
        };
    }
    any!(3: NewObject
        CallObjectMethod CallBooleanMethod CallByteMethod CallCharMethod CallShortMethod
        CallIntMethod CallLongMethod CallFloatMethod CallDoubleMethod CallVoidMethod
        CallStaticObjectMethod CallStaticBooleanMethod CallStaticByteMethod CallStaticCharMethod
        CallStaticShortMethod CallStaticIntMethod CallStaticLongMethod CallStaticFloatMethod
        CallStaticDoubleMethod CallStaticVoidMethod)
    .or_else(|| {
        any!(4: CallNonvirtualObjectMethod CallNonvirtualBooleanMethod CallNonvirtualByteMethod
            CallNonvirtualCharMethod CallNonvirtualShortMethod CallNonvirtualIntMethod
            CallNonvirtualLongMethod CallNonvirtualFloatMethod CallNonvirtualDoubleMethod
            CallNonvirtualVoidMethod)
    })
}

/// Code of the `java` launcher, whose own call of `main` is of no interest.
static LAUNCHER: OnceLock<Range<usize>> = OnceLock::new();

/// Puts thunks into the JVM's function table.
pub fn watch(jvmti: Jvmti) {
    let launcher = crate::hooks::launcher()
        .and_then(unwind::module_range)
        .unwrap_or(0..0);
    let _ = LAUNCHER.set(launcher);
    let functions = jvmti.functions();
    let (Some(get), Some(set)) = (functions.GetJNIFunctionTable, functions.SetJNIFunctionTable)
    else {
        return;
    };
    let mut table: *mut Functions = core::ptr::null_mut();
    // SAFETY: a JVMTI call with a valid place for the answer: a copy of the table, which is kept
    // for good.
    if unsafe { get(jvmti.env, (&raw mut table).cast()) } != JVMTI_ERROR_NONE || table.is_null() {
        return;
    }
    if control::tracks(Track::JNI) {
        // SAFETY: a complete table of this call's own.
        unsafe { resources::replace(table) };
    } else if ending::is_awaited() {
        // SAFETY: as above.
        unsafe { critical::watch(table) };
    }
    // SAFETY: a complete table, of which a copy is kept while thunks take the functions' places.
    let real = unsafe { table.read() };
    for (first, last) in RUNS {
        for offset in (first..=last).step_by(size_of::<usize>()) {
            // SAFETY: the offset of a function pointer of the copy.
            unsafe {
                let place = table.cast::<u8>().add(offset).cast::<usize>();
                if let Some(thunk) = thunk(&real, offset) {
                    place.write(thunk);
                }
            }
        }
    }
    // SAFETY: a JVMTI call; the JVM copies the table.
    unsafe { set(jvmti.env, table.cast_const().cast()) };
}

/// The thunk for the function at `offset` of the JVM's table.
fn thunk(real: &Functions, offset: usize) -> Option<usize> {
    // SAFETY: a function pointer of the table.
    let function = |offset| unsafe {
        (&raw const *real)
            .cast::<u8>()
            .add(offset)
            .cast::<usize>()
            .read()
    };
    // In the table each function with an open list of arguments stands before its variant with a
    // `va_list`.
    let list = offset + size_of::<usize>();
    match variadic(offset) {
        Some(named) => thunks::in_front_of_function(function(list), Some(named)),
        None => thunks::in_front_of_function(function(offset), None),
    }
}

/// For each Java frame, from the leaf to the root, the native code inside of it that called back
/// into Java; the last one is for a thread that native code began.
pub struct Between {
    /// Index of the Java frame (one past the last for the thread's own beginning), and where.
    places: [(usize, unwind::Call); MAX_PLACES],
    len: usize,
}

const MAX_PLACES: usize = 32;

impl Between {
    /// Finds which of the `len` Java frames (leaf first; `native` gives the method id of a native
    /// one) called back, further out than the native method at `slot`.
    ///
    /// Calls back that are noted have not returned. Where native code began is proven by walking
    /// from each to where its native stack ends: the native method that was called there has to be
    /// the frame's.
    pub fn of(
        entries: &EntryStack,
        bounds: &mut StackBounds,
        slot: usize,
        len: usize,
        native: impl Fn(usize) -> Option<usize>,
    ) -> Between {
        let nowhere = unwind::Call {
            slot: 0,
            frame_pointer: 0,
        };
        let mut between = Between {
            places: [(0, nowhere); MAX_PLACES],
            len: 0,
        };
        let mut frame = 0;
        for upcall in entries.upcalls(slot) {
            let call = unwind::Call {
                slot: upcall.slot,
                frame_pointer: upcall.detail,
            };
            if is_launcher(upcall.caller) || bounds.end_of_own(call.slot).is_none() {
                continue;
            }
            let unwind::End::Foreign { slot: began } = unwind::end_of(call, bounds) else {
                between.add(len, call);
                continue;
            };
            let Some(entry) = entries.native_outside(began) else {
                continue;
            };
            let method = entry.cell().method;
            if let Some(found) = (frame..len).find(|at| native(*at) == Some(method)) {
                between.add(found, call);
                frame = found + 1;
            }
        }
        between
    }

    fn add(&mut self, frame: usize, call: unwind::Call) {
        if let Some(place) = self.places.get_mut(self.len) {
            *place = (frame, call);
            self.len += 1;
        }
    }

    /// Whether no native code called back.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where native code inside of Java frame `frame` called back.
    pub fn at(&self, frame: usize) -> Option<unwind::Call> {
        let places = &self.places[..self.len];
        places
            .iter()
            .find(|place| place.0 == frame)
            .map(|place| place.1)
    }
}

fn is_launcher(address: usize) -> bool {
    LAUNCHER.get().is_some_and(|range| range.contains(&address))
}
