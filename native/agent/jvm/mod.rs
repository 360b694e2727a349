//! The JNI boundary: which Java code an allocation belongs to.
//!
//! - `start`: finds the JVM and asks it for events, from `JNI_OnLoad` or `Agent_OnLoad`.
//! - `thunks`: code in front of native methods, and (`upcalls`) of the JNI functions that can run
//!   Java code; `entries`, `first_entry`: what it notes; `between`: the native code inside of Java frames; `own_code`: whose
//!   code is left alone.
//! - `stacks`: asks the JVM for the Java stack of an entry, once; `stack_cache`: whether it still is the one that was asked
//!   for; `java_frames`: where its frames lie; `code_heaps`, `vm_structs`, `vm_tables`: how the JVM lays out code and stacks; `methods`: names; `method_ids`: what
//!   names need, ahead of need.
//! - `resources`: references, array elements and the like (`real_functions`: the JVM's own); `unsafe_memory`: what Java code allocates through
//!   `Unsafe`.
//! - `java_threads`: what threads are called.
//! - `invocation`: threads that attach and detach; `frames`: frames for local references (`local_frames`: a thread's);
//!   `local_refs`: what makes those.
//! - `buffers`: direct byte buffers over memory that may be freed under them.
//! - `aot`: JVMs that start from a cache of linked classes.
//! - `bridge`, `series`: the native methods of `dev.hackleak.NativeBridge`; `native_call`: their edge; `raw_sites`: the
//!   answer where no reporter can read the image.
//! - `collect`: forcing a collection; `critical`: whether a thread stands in its way; `queues`: whether what it found is worked off.
//! - `ending`: when the JVM ends, `exit`: what is done then; `properties`: what it was started with.
//! - `java_heap`: which objects hold native memory, by a walk of the heap (`heap_walk`,
//!   `heap_tags`); `class_fields`, `java_chains`: their names, and the way to them; `java_paths`:
//!   what is reached without the test and without the frames of who asks (`own_frames`);
//!   `java_stale`: values that say nothing; `judging`: who asks for it.

pub mod aot;
mod between;
mod bridge;
pub mod buffers;
mod class_fields;
mod code_heaps;
mod collect;
mod counted;
mod critical;
mod ending;
pub mod entries;
mod exit;
pub mod first_entry;
mod frames;
mod heap_tags;
mod heap_walk;
mod invocation;
mod java_chains;
mod java_frames;
mod java_heap;
mod java_paths;
mod java_stale;
mod java_threads;
mod judging;
pub mod local_frames;
mod local_refs;
mod method_ids;
mod methods;
mod native_call;
pub mod own_code;
mod own_frames;
mod properties;
mod queues;
mod raw_sites;
mod real_functions;
pub mod resources;
mod series;
mod stack_cache;
pub mod stacks;
mod start;
mod thread_list;
mod thunks;
mod unsafe_memory;
mod upcalls;
mod vm_structs;
mod vm_tables;

pub use thunks::in_front_of_pool as thunk_for_pool;

use crate::IMAGE;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};
use hackleak_image::layout::flags;
use jvmti_bindings::sys::jni::{JNI_VERSION_1_6, JNIEnv, JavaVM};
use jvmti_bindings::sys::jvmti::{jvmtiEnv, jvmtiInterface_1_};

static VM: AtomicPtr<JavaVM> = AtomicPtr::new(ptr::null_mut());
static JVMTI: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());

/// The tool interface of the JVM.
#[derive(Clone, Copy)]
struct Jvmti {
    env: *mut jvmtiEnv,
}

impl Jvmti {
    fn get() -> Option<Jvmti> {
        let env = JVMTI.load(Acquire);
        (!env.is_null()).then_some(Jvmti { env })
    }

    fn set(env: *mut jvmtiEnv) {
        JVMTI.store(env, Release);
    }

    fn functions(self) -> &'static jvmtiInterface_1_ {
        functions(self.env)
    }
}

/// The functions of an environment of the tool interface.
fn functions(env: *mut jvmtiEnv) -> &'static jvmtiInterface_1_ {
    // SAFETY: the JVM's function table, which it never frees.
    unsafe { &*(*env).functions }
}

pub use own_code::is_jvm_code;

/// Whether every native method and JNI call of the program comes after the boundary was in place.
pub fn sees_all() -> bool {
    IMAGE.flags().load(Relaxed) & flags::JAVA_EARLY != 0
}

/// The JNI environment of the calling thread; null when it is not attached.
fn jni_env() -> *mut JNIEnv {
    let vm = VM.load(Acquire);
    let mut env: *mut c_void = ptr::null_mut();
    if !vm.is_null() {
        // SAFETY: the invocation interface of a JVM that was started; `env` is a valid place.
        let code = unsafe { ((**vm).GetEnv)(vm, &mut env, JNI_VERSION_1_6) };
        if code != 0 {
            return ptr::null_mut();
        }
    }
    env.cast()
}

/// Whether the tests want the JVM to lack something, as a later one may.
fn lacks_for_tests(switch: &str) -> bool {
    std::env::var_os(switch).is_some_and(|value| value == "1")
}
