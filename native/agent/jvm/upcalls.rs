//! Calls from native code back into Java.
//!
//! The JVM's own stack walk gives the Java frames on both sides of a native method, but not the
//! native frames between. So the JNI functions that can run Java code get thunks that note where
//! they were called from, and the native frames are walked from there when an allocation further
//! in needs them.

use super::{Jvmti, entries::Entry, resources, thunks};
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
    }
    for (first, last) in RUNS {
        for offset in (first..=last).step_by(size_of::<usize>()) {
            // SAFETY: the offset of a function pointer of the copy.
            unsafe {
                let place = table.cast::<u8>().add(offset).cast::<usize>();
                if let Some(thunk) = thunks::in_front_of_function(place.read()) {
                    place.write(thunk);
                }
            }
        }
    }
    // SAFETY: a JVMTI call; the JVM copies the table.
    unsafe { set(jvmti.env, table.cast_const().cast()) };
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
    /// Finds which of the Java frames (leaf first; `native` gives the method id of a native one)
    /// called back, by the entries outside of the native method at `slot`.
    pub fn of(
        entries: &[Entry],
        slot: usize,
        len: usize,
        native: impl Fn(usize) -> Option<usize>,
    ) -> Between {
        let mut between = Between {
            places: [(
                0,
                unwind::Call {
                    slot: 0,
                    frame_pointer: 0,
                },
            ); MAX_PLACES],
            len: 0,
        };
        let mut outer = entries.iter().take_while(|entry| entry.slot > slot).count();
        if !entries[..outer].iter().any(Entry::is_upcall) {
            return between;
        }
        for frame in 0..len {
            let Some(method) = native(frame) else {
                continue;
            };
            let Some(at) = entries[..outer]
                .iter()
                .rposition(|entry| !entry.is_upcall() && entry.cell().method == method)
            else {
                continue;
            };
            // The innermost call noted since the method was entered; those that have returned
            // were replaced by it.
            between.add(
                frame,
                entries[at + 1..outer].iter().rev().find(|e| e.is_upcall()),
            );
            outer = at;
        }
        between.add(
            len,
            entries[..outer]
                .iter()
                .rev()
                .find(|entry| entry.is_upcall()),
        );
        between
    }

    fn add(&mut self, frame: usize, upcall: Option<&Entry>) {
        let Some(upcall) = upcall else { return };
        let call = unwind::Call {
            slot: upcall.slot,
            frame_pointer: upcall.detail,
        };
        let skipped = LAUNCHER
            .get()
            .is_some_and(|range| range.contains(&call.return_address()));
        if !skipped && self.len < MAX_PLACES {
            self.places[self.len] = (frame, call);
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
