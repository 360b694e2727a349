//! The JNI boundary: which Java code an allocation belongs to.
//!
//! - `entries`, `first_entry`: what the code in front of native methods notes (`cold::jvm::thunks`
//!   puts it there); `between`: the native code inside of Java frames; `own_code`: whose code is
//!   left alone.
//! - `stacks`: asks the JVM for the Java stack of an entry, once; `stack_cache`: whether it still
//!   is the one that was asked for; `java_frames`: where its frames lie; `code_heaps`,
//!   `vm_structs`, `vm_tables`: how the JVM lays out code and stacks; `thread_list`: what it keeps
//!   of threads; `methods`: names; `method_ids`: what names need, ahead of need.
//! - `resources`: references, array elements and the like (`real_functions`: the JVM's own;
//!   `critical`: arrays that stand in the way of a collection); `unsafe_memory`: what Java code
//!   allocates through `Unsafe`; `buffers`: direct byte buffers over memory that may be freed under
//!   them.
//! - `frames`: frames for local references (`local_frames`: a thread's); `local_refs`: what makes
//!   those.

pub mod between;
pub mod buffers;
pub mod code_heaps;
pub mod critical;
pub mod entries;
pub mod first_entry;
pub mod frames;
pub mod java_frames;
pub mod local_frames;
pub mod local_refs;
pub mod method_ids;
pub mod methods;
pub mod own_code;
pub mod real_functions;
pub mod resources;
pub mod stack_cache;
pub mod stacks;
pub mod thread_list;
pub mod unsafe_memory;
pub mod vm_structs;
pub mod vm_tables;

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

pub static VM: AtomicPtr<JavaVM> = AtomicPtr::new(ptr::null_mut());
pub static JVMTI: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());

/// The tool interface of the JVM.
#[derive(Clone, Copy)]
pub struct Jvmti {
    pub env: *mut jvmtiEnv,
}

impl Jvmti {
    pub fn get() -> Option<Jvmti> {
        let env = JVMTI.load(Acquire);
        (!env.is_null()).then_some(Jvmti { env })
    }

    pub fn set(env: *mut jvmtiEnv) {
        JVMTI.store(env, Release);
    }

    pub fn functions(self) -> &'static jvmtiInterface_1_ {
        functions(self.env)
    }
}

/// The functions of an environment of the tool interface.
pub fn functions(env: *mut jvmtiEnv) -> &'static jvmtiInterface_1_ {
    // SAFETY: the JVM's function table, which it never frees.
    unsafe { &*(*env).functions }
}

pub use own_code::is_jvm_code;

/// Whether every native method and JNI call of the program comes after the boundary was in place.
pub fn sees_all() -> bool {
    IMAGE.flags().load(Relaxed) & flags::JAVA_EARLY != 0
}

/// The JNI environment of the calling thread; null when it is not attached.
pub fn jni_env() -> *mut JNIEnv {
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
pub fn lacks_for_tests(switch: &str) -> bool {
    std::env::var_os(switch).is_some_and(|value| value == "1")
}
