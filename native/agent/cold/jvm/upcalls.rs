//! Calls from native code back into Java.
//!
//! The JVM's own stack walk gives the Java frames on both sides of a native method, but not the
//! native frames between. So the JNI functions that can run Java code get thunks that note where
//! they were called from until they return. The native frames are walked from there when an
//! allocation further in needs them.

use super::{ending, invocation, thunks};
use crate::hot::ground::control;
use crate::hot::jvm::{Jvmti, VM, between, critical, frames, local_refs, resources};
use crate::hot::unwind;
use core::mem::offset_of;
use core::sync::atomic::Ordering::Acquire;
use hackleak_options::Track;
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;
use jvmti_bindings::sys::jvmti::JVMTI_ERROR_NONE;

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

/// Puts thunks into the JVM's function table.
pub fn watch(jvmti: Jvmti) {
    let launcher = crate::cold::hooks::launcher()
        .and_then(unwind::module_range)
        .unwrap_or(0..0);
    between::leave_out(launcher);
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
    if control::tracks(Track::ATTACH) {
        // SAFETY: as above.
        unsafe {
            frames::watch(table);
            local_refs::watch(table);
        }
        invocation::watch(VM.load(Acquire));
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
