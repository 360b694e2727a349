//! What the JVM answers: the two interfaces that give a thread's Java frames.

use super::{Buffers, CallFrame, MAX_FRAMES};
use crate::IMAGE;
use crate::arch::signal_context;
use crate::hot::jvm::{Jvmti, lacks_for_tests};
use crate::hot::unwind;
use core::ffi::{CStr, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use hackleak_image::layout::flags;
use jvmti_bindings::sys::jni::{JNIEnv, jint};
use jvmti_bindings::sys::jvmti::JVMTI_ERROR_NONE;

#[repr(C)]
struct CallTrace {
    env: *mut JNIEnv,
    len: jint,
    frames: *mut CallFrame,
}

type AsyncGetCallTrace = unsafe extern "C" fn(*mut CallTrace, jint, *mut c_void);

/// The answers of `AsyncGetCallTrace` that the fallback can better.
const NO_CLASS_LOAD_EVENTS: jint = -1;
const GC_ACTIVE: jint = -2;
/// The thread is in Java code, and no signal context told where.
const UNKNOWN_JAVA: jint = -5;

static ASYNC_GET_CALL_TRACE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Finds `AsyncGetCallTrace`, which libjvm exports though no header declares it.
pub fn init() {
    const NAME: &CStr = c"AsyncGetCallTrace";
    /// The tests' way to a JVM without it.
    const SWITCH: &str = "HACKLEAK_TEST_NO_ASGCT";
    if lacks_for_tests(SWITCH) {
        IMAGE.flags().fetch_or(flags::NO_CALL_TRACE, Relaxed);
        return;
    }
    // SAFETY: finds a library that is loaded already, and a symbol in it.
    unsafe {
        let jvm = libc::dlopen(c"libjvm.so".as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY);
        let handle = if jvm.is_null() {
            libc::RTLD_DEFAULT
        } else {
            jvm
        };
        let found = libc::dlsym(handle, NAME.as_ptr());
        ASYNC_GET_CALL_TRACE.store(found, Relaxed);
        if found.is_null() {
            IMAGE.flags().fetch_or(flags::NO_CALL_TRACE, Relaxed);
        }
    }
}

/// Why `AsyncGetCallTrace` gave no stack.
pub(super) enum Refusal {
    /// The JVM takes the thread to be in Java code: it called native code without telling (a
    /// `critical` downcall), so it must be told where its Java code stands.
    InJava,
    /// The fallback may know it.
    AskJvmti,
    /// There is no such function: JVMTI knows the stack, if the thread is in native code for the
    /// JVM, too.
    Missing,
    /// The thread is not in native code, or cannot be walked: asking JVMTI would not be safe.
    NotWalkable,
}

/// The number of frames.
pub(super) fn async_trace(
    env: *mut JNIEnv,
    frames: &mut [CallFrame; MAX_FRAMES],
    top: Option<unwind::Registers>,
) -> Result<usize, Refusal> {
    let function = ASYNC_GET_CALL_TRACE.load(Relaxed);
    if function.is_null() {
        return Err(Refusal::Missing);
    }
    // SAFETY: the function of this name that every HotSpot exports has this type.
    let function: AsyncGetCallTrace = unsafe { transmute(function) };
    let mut trace = CallTrace {
        env,
        len: 0,
        frames: frames.as_mut_ptr(),
    };
    let mut context = top.map(signal_context);
    let context = context.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    // SAFETY: the environment of this thread and room for the frames; without a signal context it
    // starts at the last Java frame.
    unsafe { function(&mut trace, MAX_FRAMES as jint, context.cast()) };
    match trace.len {
        // Methods without an id cannot be named, nor JVMTI be asked to make them one.
        len @ 0.. if top.is_some() => {
            let len = join_nameless(&mut frames[..len as usize]);
            match frames[..len].iter().any(|frame| !frame.method.is_null()) {
                true => Ok(len),
                false => Err(Refusal::NotWalkable),
            }
        }
        len @ 0.. => {
            let len = len as usize;
            // A method without an id cannot be named.
            if frames[..len].iter().any(|frame| frame.method.is_null()) {
                Err(Refusal::AskJvmti)
            } else {
                Ok(len)
            }
        }
        NO_CLASS_LOAD_EVENTS | GC_ACTIVE => Err(Refusal::AskJvmti),
        UNKNOWN_JAVA if top.is_none() => Err(Refusal::InJava),
        _ => Err(Refusal::NotWalkable),
    }
}

/// Moves the frames with a method id to the front, and of those without, that follow one another,
/// the first; how many are left.
fn join_nameless(frames: &mut [CallFrame]) -> usize {
    let mut left = 0;
    for index in 0..frames.len() {
        let is_first = left == 0 || !frames[left - 1].method.is_null();
        if is_first || !frames[index].method.is_null() {
            frames[left] = frames[index];
            left += 1;
        }
    }
    left
}

/// For the tests: whether `AsyncGetCallTrace` said the same as JVMTI does.
#[cfg(feature = "verify")]
pub(super) fn compare_with_jvmti(buffers: &mut Buffers, len: usize) {
    if !unwind::verify::checks_answers() {
        return;
    }
    let (frames, outermost) = (buffers.frames, buffers.outermost);
    if let Some(count) = jvmti_trace(buffers, None) {
        let same = frames[..len]
            .iter()
            .zip(&buffers.frames[..count])
            .all(|(one, two)| one.method == two.method && one.bci.max(-1) == two.bci.max(-1));
        unwind::verify::answer(same && len == count);
    }
    (buffers.frames, buffers.outermost) = (frames, outermost);
}

/// Asks JVMTI. `cut` is the length of the answer that may be cut.
pub(super) fn jvmti_trace(buffers: &mut Buffers, cut: Option<usize>) -> Option<usize> {
    let jvmti = Jvmti::get()?;
    let function = jvmti.functions().GetStackTrace?;
    let mut count = 0;
    // SAFETY: a JVMTI call about the calling thread, which is in native code, with room for the
    // frames.
    let error = unsafe {
        function(
            jvmti.env,
            ptr::null_mut(),
            0,
            MAX_FRAMES as jint,
            buffers.jvmti.as_mut_ptr(),
            &mut count,
        )
    };
    if error != JVMTI_ERROR_NONE {
        return None;
    }
    let count = count.max(0) as usize;
    let last = match cut {
        // It was whole after all: JVMTI leaves out what begins a virtual thread.
        Some(len) if len >= count => buffers.frames[..len].last().map(|frame| frame.method),
        _ => buffers.jvmti[..count].last().map(|info| info.method),
    };
    for (frame, info) in buffers.frames.iter_mut().zip(&buffers.jvmti[..count]) {
        *frame = CallFrame {
            bci: info.location as jint,
            method: info.method,
        };
    }
    if let Some(last) = last {
        buffers.outermost = last;
    }
    Some(count)
}
