//! The JVM is there: ask it for what the boundary needs.
//!
//! `System.load` of the preloaded file calls `JNI_OnLoad` on the mapping that the hooks are in;
//! `-agentpath` calls `Agent_OnLoad`, before the first class is loaded.

use super::{aot, ending, java_threads, thunks, upcalls};
use crate::IMAGE;
use crate::cold::loading::pools;
use crate::cold::process::messages;
use crate::cold::process::{again, lifecycle};
use crate::hot::events::started;
use crate::hot::ground::{boundary, control, gate};
use crate::hot::jvm::{
    Jvmti, VM, jni_env, method_ids, own_code, stack_cache, stacks, unsafe_memory, vm_structs,
};
use core::ffi::{CStr, c_char, c_void};
use core::ptr;
use core::sync::atomic::{
    AtomicBool,
    Ordering::{Relaxed, Release},
};
use hackleak_image::layout::flags;
use hackleak_options::Track;
use jvmti_bindings::sys::jni::{JNI_VERSION_1_6, JNIEnv, JavaVM, jclass, jint, jmethodID, jthread};
use jvmti_bindings::sys::jvmti::{
    JVMTI_ENABLE, JVMTI_ERROR_NONE, JVMTI_EVENT_CLASS_LOAD, JVMTI_EVENT_COMPILED_METHOD_UNLOAD,
    JVMTI_EVENT_NATIVE_METHOD_BIND, JVMTI_EVENT_THREAD_START, JVMTI_EVENT_VM_DEATH,
    JVMTI_EVENT_VM_INIT, JVMTI_EVENT_VM_START, JVMTI_VERSION_1_2, jvmtiCapabilities, jvmtiEnv,
    jvmtiEvent, jvmtiEventCallbacks,
};

static STARTED: AtomicBool = AtomicBool::new(false);

/// Called by `System.load`.
///
/// # Safety
///
/// The JVM's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn JNI_OnLoad(vm: *mut JavaVM, _reserved: *mut c_void) -> jint {
    boundary::guarded(|| start(vm, false));
    JNI_VERSION_1_6
}

/// Called for `-agentpath`. Never refuses: a JVM that cannot be recorded runs all the same.
///
/// # Safety
///
/// The JVM's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Agent_OnLoad(
    vm: *mut JavaVM,
    options: *const c_char,
    _reserved: *mut c_void,
) -> jint {
    boundary::guarded(|| {
        let options = match options.is_null() {
            true => c"",
            // SAFETY: the JVM's options end in a zero byte.
            false => unsafe { CStr::from_ptr(options) },
        };
        let options = options.to_string_lossy();
        // SAFETY: no Java code runs yet, and the launcher's other thread waits for the JVM's end.
        let is_again = unsafe { again::put_back() };
        lifecycle::preload(&options, is_again);
        lifecycle::agent_options(&options);
        if gate::is_open() {
            start(vm, true);
        } else if let Some(reason) = lifecycle::worth_saying() {
            messages::say(reason);
        }
    });
    0
}

fn start(vm: *mut JavaVM, early: bool) {
    if !gate::is_open() || STARTED.swap(true, Relaxed) {
        return;
    }
    match prepare(vm, early) {
        Ok(jvmti) => {
            VM.store(vm, Release);
            stacks::init();
            IMAGE.flags().fetch_or(
                flags::JAVA | if early { flags::JAVA_EARLY } else { 0 },
                Relaxed,
            );
            control::set_java();
            // JVMTI lets the function table be replaced from the start of the VM on.
            if early {
                let _ = enable(jvmti, JVMTI_EVENT_VM_START);
            } else {
                unsafe_memory::begin();
                vm_structs::init();
                threads_count();
                note_java_heap();
                upcalls::watch(jvmti);
                ending::install_hook(jni_env().cast());
            }
        }
        Err(what) => {
            messages::say(format_args!(
                "this JVM gives no Java stacks ({what}); native stacks are recorded"
            ));
        }
    }
}

/// For those who look at the process from outside.
fn note_java_heap() {
    if let Some(heap) = vm_structs::java_heap() {
        IMAGE.set_java_heap(heap.start as u64..heap.end as u64);
    }
}

fn prepare(vm: *mut JavaVM, early: bool) -> Result<Jvmti, &'static str> {
    let mut env: *mut c_void = ptr::null_mut();
    // SAFETY: the invocation interface that the JVM passed; `env` is a valid place.
    if unsafe { ((**vm).GetEnv)(vm, &mut env, JVMTI_VERSION_1_2) } != 0 {
        return Err("no JVMTI");
    }
    let env: *mut jvmtiEnv = env.cast();
    let jvmti = Jvmti { env };
    let functions = jvmti.functions();
    let mut wanted = jvmtiCapabilities::default();
    wanted.set_can_generate_native_method_bind_events(true);
    wanted.set_can_get_line_numbers(true);
    wanted.set_can_get_source_file_name(true);
    wanted.set_can_generate_compiled_method_load_events(true);
    if early {
        // Methods of the JVM's own are bound before its start phase.
        let mut potential = jvmtiCapabilities::default();
        if let Some(get) = functions.GetPotentialCapabilities {
            // SAFETY: a JVMTI call with a valid structure.
            unsafe { get(env, &mut potential) };
        }
        wanted.set_can_generate_early_vmstart(
            potential.can_generate_early_vmstart()
                && control::tracks(Track::UNSAFE)
                && !aot::keeps_cache(),
        );
    }
    let add = functions.AddCapabilities.ok_or("no AddCapabilities")?;
    // SAFETY: a JVMTI call with a valid structure.
    if unsafe { add(env, &wanted) } != JVMTI_ERROR_NONE {
        return Err("no capability for native method bind events");
    }
    let mut callbacks = jvmtiEventCallbacks::default();
    callbacks.NativeMethodBind = Some(on_native_method_bind);
    callbacks.ClassLoad = Some(on_class_load);
    callbacks.ClassPrepare = Some(on_class_prepare);
    callbacks.CompiledMethodUnload = Some(on_compiled_method_unload);
    callbacks.VMStart = Some(on_vm_start);
    callbacks.VMInit = Some(on_vm_init);
    callbacks.VMDeath = Some(on_vm_death);
    callbacks.ThreadStart = Some(java_threads::on_start);
    let set = functions.SetEventCallbacks.ok_or("no SetEventCallbacks")?;
    // The table up to the last slot that JDK 8 knows.
    const SLOTS_OF_JDK_8: usize = 35;
    let len = (SLOTS_OF_JDK_8 * size_of::<usize>()) as jint;
    // SAFETY: as above.
    if unsafe { set(env, &callbacks, len) } != JVMTI_ERROR_NONE {
        return Err("no event callbacks");
    }
    // The callbacks use both.
    Jvmti::set(env);
    thunks::init(vm);
    ending::begin();
    // `AsyncGetCallTrace` answers only while class load events are on.
    for event in [
        JVMTI_EVENT_VM_DEATH,
        JVMTI_EVENT_VM_INIT,
        JVMTI_EVENT_CLASS_LOAD,
        JVMTI_EVENT_NATIVE_METHOD_BIND,
        JVMTI_EVENT_COMPILED_METHOD_UNLOAD,
    ] {
        enable(jvmti, event)?;
    }
    if control::tracks(Track::THREAD) {
        enable(jvmti, JVMTI_EVENT_THREAD_START)?;
    }
    Ok(jvmti)
}

fn enable(jvmti: Jvmti, event: jvmtiEvent) -> Result<(), &'static str> {
    let mode = jvmti
        .functions()
        .SetEventNotificationMode
        .ok_or("no events")?;
    // SAFETY: a JVMTI call; a null thread means all threads.
    match unsafe { mode(jvmti.env, JVMTI_ENABLE, event, ptr::null_mut()) } {
        JVMTI_ERROR_NONE => Ok(()),
        _ => Err("no events"),
    }
}

unsafe extern "system" fn on_native_method_bind(
    _jvmti: *mut jvmtiEnv,
    _jni: *mut JNIEnv,
    _thread: jthread,
    method: jmethodID,
    address: *mut c_void,
    new_address: *mut *mut c_void,
) {
    let thunk = boundary::guarded(|| {
        boundary::may_panic();
        pools::look();
        method_ids::make();
        thunk_of(method as usize, address as usize)
    });
    if let Some(thunk) = thunk.flatten()
        && !new_address.is_null()
    {
        // SAFETY: the place that the JVM gave for the answer.
        unsafe { *new_address = thunk as *mut c_void };
    }
}

/// What is called in place of the native method, if it gets a thunk.
fn thunk_of(method: usize, target: usize) -> Option<usize> {
    let replacement = (own_code::jvm().contains(&target) && control::tracks(Track::UNSAFE))
        .then(|| unsafe_memory::replacement(method as jmethodID, target))
        .flatten();
    match replacement {
        Some(replacement) => thunks::in_front_of_replacement(method, replacement),
        None => ending::replacement(method as jmethodID, target)
            .or_else(|| thunks::in_front_of_method(method, target)),
    }
}

unsafe extern "system" fn on_class_load(
    _jvmti: *mut jvmtiEnv,
    _jni: *mut JNIEnv,
    _thread: jthread,
    _class: jclass,
) {
}

unsafe extern "system" fn on_class_prepare(
    _jvmti: *mut jvmtiEnv,
    _jni: *mut JNIEnv,
    _thread: jthread,
    class: jclass,
) {
    boundary::guarded(|| {
        boundary::may_panic();
        if let Some(jvmti) = Jvmti::get() {
            method_ids::of_class(jvmti, class);
        }
    });
}

unsafe extern "system" fn on_compiled_method_unload(
    _jvmti: *mut jvmtiEnv,
    _method: jmethodID,
    _address: *const c_void,
) {
    stack_cache::forget_code();
}

/// From now on the threads count that Java code starts: the JDK has those that it needs itself.
fn threads_count() {
    started::java_runs();
    if control::tracks(Track::THREAD) {
        // They are started inside of the JVM, where JVMTI makes none.
        method_ids::want();
        method_ids::make();
    }
}

unsafe extern "system" fn on_vm_init(_jvmti: *mut jvmtiEnv, jni: *mut JNIEnv, _thread: jthread) {
    boundary::guarded(threads_count);
    unsafe_memory::begin();
    ending::install_hook(jni.cast());
}

unsafe extern "system" fn on_vm_start(_jvmti: *mut jvmtiEnv, _jni: *mut JNIEnv) {
    boundary::guarded(|| {
        boundary::may_panic();
        vm_structs::init();
        note_java_heap();
        if let Some(jvmti) = Jvmti::get() {
            upcalls::watch(jvmti);
        }
    });
}

unsafe extern "system" fn on_vm_death(_jvmti: *mut jvmtiEnv, _jni: *mut JNIEnv) {
    boundary::guarded(ending::at_vm_death);
}
