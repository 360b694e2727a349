//! The moment at which the end of a JVM is looked at.
//!
//! JVMTI's `VMDeath` comes too late: HotSpot has stopped the collector's threads by then, and under
//! ZGC and Shenandoah a forced collection would wait for them for ever. The last moment at which
//! the JVM is whole lies in `java.lang.Shutdown`, after the shutdown hooks:
//!
//! ```text
//! return from main, uncaught exception ─► shutdown ─► hooks, ours last ─► VMDeath ─► the end
//! System.exit, SIGTERM ─► exit ─► hooks, ours last (leaves it to halt0) ─► halt0 ─► VMDeath ─► the end
//! Runtime.halt ───────────────────────────────────────────────────────────► halt0 ─► VMDeath ─► the end
//! ```
//!
//! So a hook of ours takes the last place in the list of `Shutdown`. A function of ours takes the
//! place of its native method `halt0`. The hook does nothing under `exit`: `halt0` is called with a
//! lock held that keeps other threads from halting the JVM with another exit code meanwhile.
//!
//! The hook needs a class that is a `Runnable`. It is defined from the bytes below, by JNI, in the
//! loader of the JDK, with a native method `run`. Where any of this cannot be had, `VMDeath` is
//! left, and no collection is forced there.

use super::{collect, exit, properties};
use crate::cold::process::lifecycle;
use crate::hot::ground::gate;
use crate::hot::jvm::methods::Text;
use crate::hot::jvm::{Jvmti, jni_env};
use core::ffi::c_void;
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::*};
use hackleak_options::Exit;
use jni::objects::{JClassLoader, JValue};
use jni::sys::JNIEnv;
use jni::{EnvUnowned, NativeMethod, jni_sig, jni_str};
use jvmti_bindings::sys::jni::{jint, jmethodID};
use jvmti_bindings::sys::jvmti::{JVMTI_ERROR_NONE, jvmtiFrameInfo};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The last place in the list of `java.lang.Shutdown`. The JDK itself uses the first three.
const LAST_PLACE: i32 = 9;
/// How long another thread may take to end the JVM once its check is done.
const GRACE: Duration = Duration::from_secs(5);

/// What is done, and how far it is:
///
/// ```text
/// NOTHING ─begin─► AWAITED ─check─► RUNNING ─► DONE
/// ```
static STATE: AtomicU8 = AtomicU8::new(NOTHING);
const NOTHING: u8 = 0;
const AWAITED: u8 = 1;
const RUNNING: u8 = 2;
const DONE: u8 = 3;

/// The JVM's own `Shutdown.halt0`.
static HALT: AtomicUsize = AtomicUsize::new(0);

type Halt = unsafe extern "system" fn(*mut JNIEnv, *mut c_void, jint);

/// The options are read, and JVMTI is there: decides whether there is anything to do at the end.
pub fn begin() {
    if wanted() != Exit::Off {
        STATE.store(AWAITED, Relaxed);
    }
}

/// Whether there is anything to do at the end.
pub fn is_awaited() -> bool {
    STATE.load(Relaxed) != NOTHING
}

/// What is to be done. With the property that makes RAPIDS libraries look for leaks, people expect
/// that garbage is collected before; the option goes before the property.
fn wanted() -> Exit {
    match lifecycle::exit() {
        Exit::Off if !lifecycle::is_exit_given() && properties::is_rapids_debug() => Exit::Settle,
        exit => exit,
    }
}

/// Puts the hook into `java.lang.Shutdown`. Without it there is still `VMDeath`.
pub fn install_hook(env: *mut JNIEnv) {
    if !is_awaited() {
        return;
    }
    // SAFETY: the environment that the JVM gave for this thread and this event.
    let mut env = unsafe { EnvUnowned::from_raw(env) };
    let outcome = env.with_env(|env| {
        let class = env.define_class(
            Some(jni_str!("hackleak/AtExit")),
            JClassLoader::null(),
            &hook_class(),
        )?;
        // SAFETY: a function of the type that `void run()` has.
        let run = unsafe {
            NativeMethod::from_raw_parts(jni_str!("run"), jni_str!("()V"), at_last_hook as *mut _)
        };
        // SAFETY: the class has this method, and the function stays for good.
        unsafe { env.register_native_methods(&class, &[run])? };
        let hook = env.alloc_object(&class)?;
        let add = [
            JValue::Int(LAST_PLACE),
            JValue::Bool(true),
            JValue::Object(&hook),
        ];
        env.call_static_method(
            jni_str!("java/lang/Shutdown"),
            jni_str!("add"),
            jni_sig!("(IZLjava/lang/Runnable;)V"),
            &add,
        )?;
        Ok::<(), jni::errors::Error>(())
    });
    outcome.resolve::<jni::errors::LogErrorAndDefault>();
}

/// `public final class hackleak.AtExit implements Runnable { public native void run(); }`, in the
/// format of JDK 8 that every later one reads (chapter 4 of the JVM specification).
fn hook_class() -> Vec<u8> {
    const UTF8: u8 = 1;
    const CLASS: u8 = 7;
    let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52];
    let texts = [
        "hackleak/AtExit",
        "java/lang/Object",
        "java/lang/Runnable",
        "run",
        "()V",
    ];
    // Constants 1 to 5 are the texts, 6 to 8 the classes that the first three of them name.
    bytes.extend([0, 9]);
    for text in texts {
        bytes.extend([UTF8, 0, text.len() as u8]);
        bytes.extend(text.bytes());
    }
    bytes.extend([CLASS, 0, 1, CLASS, 0, 2, CLASS, 0, 3]);
    // Public, final, ACC_SUPER; this class, its superclass, one interface; no fields.
    bytes.extend([0x00, 0x31, 0, 6, 0, 7, 0, 1, 0, 8, 0, 0]);
    // One method, public and native, without attributes; the class has none either.
    bytes.extend([0, 1, 0x01, 0x01, 0, 4, 0, 5, 0, 0, 0, 0]);
    bytes
}

/// The function that takes the place of `Shutdown.halt0`, if `method` is that.
pub fn replacement(method: jmethodID, target: usize) -> Option<usize> {
    if !is_awaited() || !is(method, b"halt0") {
        return None;
    }
    HALT.store(target, Relaxed);
    Some(halt as *const () as usize)
}

/// Whether the method is one of `java.lang.Shutdown` with this name.
fn is(method: jmethodID, expected: &[u8]) -> bool {
    let is_named = Text::of_method(method).is_some_and(|name| name.bytes() == expected);
    let class = is_named.then(|| Text::of_class(jni_env(), method));
    class
        .flatten()
        .is_some_and(|class| class.bytes() == b"Ljava/lang/Shutdown;")
}

unsafe extern "system" fn halt(env: *mut JNIEnv, class: *mut c_void, status: jint) {
    guarded(|| check(true));
    // SAFETY: the JVM's own function, with the arguments that Java passed.
    unsafe { transmute::<usize, Halt>(HALT.load(Relaxed))(env, class, status) }
}

/// The shutdown hook.
unsafe extern "system" fn at_last_hook(_env: *mut JNIEnv, _this: *mut c_void) {
    guarded(|| {
        if !halt_follows() {
            check(true);
        }
    });
}

/// Whether the hooks run for `Shutdown.exit`, which calls `halt0` next.
fn halt_follows() -> bool {
    // The hook, `runHooks`, in JDK 8 `sequence`, and who called that.
    const FRAMES: usize = 4;
    let Some(jvmti) = Jvmti::get() else {
        return false;
    };
    let Some(get) = jvmti.functions().GetStackTrace else {
        return false;
    };
    let mut frames = [jvmtiFrameInfo {
        method: ptr::null_mut(),
        location: 0,
    }; FRAMES];
    let mut count = 0;
    // SAFETY: a JVMTI call about the calling thread, with room for as many frames as are asked for.
    let error = unsafe {
        get(
            jvmti.env,
            ptr::null_mut(),
            0,
            FRAMES as jint,
            frames.as_mut_ptr(),
            &mut count,
        )
    };
    error == JVMTI_ERROR_NONE
        && frames[..count as usize]
            .iter()
            .any(|frame| is(frame.method, b"exit"))
}

/// `VMDeath`: what has not been done is done now, as far as it can be.
pub fn at_vm_death() {
    collect::no_more();
    crate::cold::loading::module_copies::save_all();
    crate::hot::jvm::method_ids::make();
    guarded(|| check(false));
}

/// Does once what is to be done. A thread that ends the JVM while another one is at it waits, so
/// that a report is not cut off.
fn check(collects: bool) {
    if !gate::is_open() {
        return;
    }
    match STATE.compare_exchange(AWAITED, RUNNING, AcqRel, Acquire) {
        Ok(_) => {
            exit::check(wanted(), collects);
            STATE.store(DONE, Release);
        }
        Err(NOTHING) => {}
        Err(_) if collects => give_way(),
        Err(_) => {}
    }
}

/// Lets the thread that was first end the JVM, for a limited time.
fn give_way() {
    let wait = |limit: Duration, over: &dyn Fn() -> bool| {
        let end = Instant::now() + limit;
        while !over() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait(exit::longest(wanted()), &|| STATE.load(Acquire) == DONE);
    wait(GRACE, &|| false);
}

/// The JVM ends, whatever goes wrong here.
fn guarded(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        exit::say("the check at JVM exit failed");
    }
}
