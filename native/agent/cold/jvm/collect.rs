//! Forcing a full garbage collection, `-XX:+DisableExplicitGC` or not.
//!
//! What is difficult: a collection may wait for a thread, and then for ever; a JVM that has begun
//! to end collects no more, but some collectors wait all the same; and in JDK 11 and 17 a
//! collection that meets a critical section of JNI does not take place, without an error. An object
//! that nobody holds tells whether it did.

use crate::hot::jvm::{Jvmti, buffers, critical, jni_env};
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use jvmti_bindings::sys::jni::{JNIEnv, jobject};
use jvmti_bindings::sys::jvmti::JVMTI_ERROR_NONE;
use std::time::{Duration, Instant};

/// How long the critical sections of other threads are waited for, at the exit of the JVM.
const CRITICAL: Duration = Duration::from_secs(1);

/// The JVM is at its end, but whole.
static AT_EXIT: AtomicBool = AtomicBool::new(false);
/// The collector's threads have ended, or are about to.
static NO_MORE: AtomicBool = AtomicBool::new(false);

/// From now on a thread that stands in the way of a collection prevents it.
pub fn at_exit() {
    AT_EXIT.store(true, Relaxed);
}

/// From now on a forced collection might never return.
pub fn no_more() {
    NO_MORE.store(true, Relaxed);
}

/// Collects garbage, or says why that cannot be.
pub fn force() -> Result<(), String> {
    if !AT_EXIT.load(Relaxed) {
        return collect();
    }
    let deadline = Instant::now() + CRITICAL;
    loop {
        if is_held_for(CRITICAL) {
            break;
        }
        let before = critical::changes();
        let garbage = Garbage::new();
        collect()?;
        // A collector that never collects has done what it can.
        if garbage.is_none_or(|garbage| garbage.is_collected()) || critical::changes() == before {
            return Ok(());
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    Err(format!(
        "threads held arrays by GetPrimitiveArrayCritical for {} ms, and a collection waits for their end",
        CRITICAL.as_millis()
    ))
}

/// Whether a thread holds an array now and goes on to for so long.
fn is_held_for(limit: Duration) -> bool {
    let seen = critical::places();
    let end = Instant::now() + limit;
    loop {
        let mut now = critical::places().into_iter().zip(seen);
        if !now.any(|(now, before)| critical::is_held(now) && now == before) {
            return false;
        }
        if Instant::now() >= end {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn collect() -> Result<(), String> {
    let force =
        Jvmti::get().and_then(|jvmti| Some((jvmti, jvmti.functions().ForceGarbageCollection?)));
    let Some((jvmti, force)) = force.filter(|_| !NO_MORE.load(Relaxed)) else {
        return Err("this JVM collects no garbage any more".to_owned());
    };
    // SAFETY: a JVMTI call in the live phase, from a thread that is attached.
    match unsafe { force(jvmti.env) } {
        JVMTI_ERROR_NONE => {
            buffers::after_collection();
            Ok(())
        }
        error => Err(format!(
            "this JVM refuses to collect garbage (JVMTI error {error})"
        )),
    }
}

/// A weak reference to an object that nobody holds.
struct Garbage {
    env: *mut JNIEnv,
    reference: jobject,
}

impl Garbage {
    /// `None` where there is no room for it.
    fn new() -> Option<Garbage> {
        let env = jni_env();
        if env.is_null() {
            return None;
        }
        // SAFETY: JNI calls with this thread's environment, with live local references, which are
        // deleted at once; an exception is none of the program's.
        unsafe {
            let functions = &**env;
            let class = (functions.FindClass)(env, c"java/lang/Object".as_ptr());
            let object = if class.is_null() {
                ptr::null_mut()
            } else {
                (functions.AllocObject)(env, class)
            };
            let reference = if object.is_null() {
                ptr::null_mut()
            } else {
                (functions.NewWeakGlobalRef)(env, object)
            };
            (functions.ExceptionClear)(env);
            (functions.DeleteLocalRef)(env, object);
            (functions.DeleteLocalRef)(env, class);
            (!reference.is_null()).then_some(Garbage { env, reference })
        }
    }

    fn is_collected(&self) -> bool {
        // SAFETY: the environment of this thread, and a weak reference that was not deleted.
        unsafe { ((**self.env).IsSameObject)(self.env, self.reference, ptr::null_mut()) != 0 }
    }
}

impl Drop for Garbage {
    fn drop(&mut self) {
        // SAFETY: as above; it is deleted once.
        unsafe { ((**self.env).DeleteWeakGlobalRef)(self.env, self.reference) };
    }
}
