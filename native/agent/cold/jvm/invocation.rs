//! Threads that attach and detach.
//!
//! The functions for that are in a table that the `JavaVM` points at, and no function of JVMTI
//! replaces it. So the pointer is led to a copy with replacements. It is a variable of the JVM's,
//! which is looked at before: where it cannot be written, no thread is seen to attach.

use crate::arch::{CallSite, method_entry};
use crate::cold::process::messages;
use crate::hot::events::attached;
use core::ffi::{CStr, c_void};
use core::mem::{offset_of, transmute};
use core::ptr;
use core::sync::atomic::{
    AtomicPtr, AtomicUsize,
    Ordering::{Relaxed, Release},
};
use hackleak_platform::maps;
use jvmti_bindings::sys::jni::{
    JNI_OK, JNI_VERSION_1_2, JNIInvokeInterface_ as Table, JavaVM, JavaVMAttachArgs,
};

type Vm = *mut JavaVM;
type Attach = unsafe extern "C" fn(Vm, *mut *mut c_void, *mut JavaVMAttachArgs) -> i32;
type Detach = unsafe extern "C" fn(Vm) -> i32;
type GetEnv = unsafe extern "C" fn(Vm, *mut *mut c_void, i32) -> i32;

/// The JVM's own functions, in whose place these are.
static ATTACH: AtomicUsize = AtomicUsize::new(0);
static ATTACH_AS_DAEMON: AtomicUsize = AtomicUsize::new(0);
static DETACH: AtomicUsize = AtomicUsize::new(0);
static GET_ENV: AtomicUsize = AtomicUsize::new(0);

method_entry!(attach_entry, 3, attach::<false>);
method_entry!(attach_as_daemon_entry, 3, attach::<true>);

/// Has the JVM call here. Called once.
pub fn watch(vm: Vm) {
    if vm.is_null() {
        return;
    }
    if !is_writable(vm.addr()) {
        messages::say(
            "this JVM's invocation interface cannot be watched; attached threads are not seen",
        );
        return;
    }
    // SAFETY: the JVM's pointer to its table, of which a copy is made.
    let table: *mut Table = Box::leak(Box::new(unsafe { (*vm).read() }));
    for (offset, real, replacement) in [
        (
            offset_of!(Table, AttachCurrentThread),
            &ATTACH,
            attach_entry as *const (),
        ),
        (
            offset_of!(Table, AttachCurrentThreadAsDaemon),
            &ATTACH_AS_DAEMON,
            attach_as_daemon_entry as *const (),
        ),
        (
            offset_of!(Table, DetachCurrentThread),
            &DETACH,
            detach as *const (),
        ),
    ] {
        // SAFETY: the offset of a function pointer of the copy.
        unsafe {
            let place = table.cast::<u8>().add(offset).cast::<usize>();
            real.store(place.read(), Relaxed);
            place.write(replacement as usize);
        }
    }
    // SAFETY: as above.
    GET_ENV.store(unsafe { (*table).GetEnv } as usize, Relaxed);
    // SAFETY: the JVM's pointer, which was found to be writable. Others read the old table or the
    // new one.
    unsafe { AtomicPtr::from_ptr(vm.cast::<*mut Table>()) }.store(table, Release);
}

fn is_writable(address: usize) -> bool {
    let mut writable = false;
    maps::read(|mapping| {
        let is_it = mapping.range.contains(&address);
        writable |= is_it && mapping.rights[1] == b'w';
        !is_it
    });
    writable
}

/// The JVM's own function of this type.
macro_rules! real {
    ($place:ident: $type:ty) => {
        transmute::<usize, $type>($place.load(Relaxed))
    };
}

/// Whether the calling thread is attached.
fn is_attached(vm: Vm) -> bool {
    let mut env = ptr::null_mut();
    // SAFETY: the JVM's own function of this name, with a valid place; so in every function below.
    unsafe { real!(GET_ENV: GetEnv)(vm, &mut env, JNI_VERSION_1_2) == JNI_OK }
}

unsafe extern "C" fn attach<const DAEMON: bool>(
    vm: Vm,
    env: *mut *mut c_void,
    arguments: *mut JavaVMAttachArgs,
    slot: usize,
    frame_pointer: usize,
) -> i32 {
    // Attaching once more does nothing, nor does it in a thread of Java's.
    let was_attached = is_attached(vm);
    // SAFETY: see `is_attached`.
    let result = unsafe {
        match DAEMON {
            true => real!(ATTACH_AS_DAEMON: Attach)(vm, env, arguments),
            false => real!(ATTACH: Attach)(vm, env, arguments),
        }
    };
    if result == JNI_OK && !was_attached {
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        // SAFETY: what the caller passes, and the JVM has just read; a name ends in a zero byte.
        let name = unsafe {
            let given = arguments.as_ref().filter(|given| !given.name.is_null());
            given.map(|given| CStr::from_ptr(given.name).to_bytes())
        };
        attached::began(name, call_site);
    }
    result
}

unsafe extern "C" fn detach(vm: Vm) -> i32 {
    // SAFETY: see `is_attached`.
    let result = unsafe { real!(DETACH: Detach)(vm) };
    if result == JNI_OK {
        attached::detached();
    }
    result
}
