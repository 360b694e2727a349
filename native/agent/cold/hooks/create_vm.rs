//! `JNI_CreateJavaVM`: a process that makes a JVM gets the recorder as the JVM's agent, whoever
//! calls.
//!
//! The `java` command, the other launchers of a JDK, programs that embed a JVM and libraries of
//! other languages all come here. They do so through `dlsym` or because they are linked with
//! `libjvm.so`. The agent is added to the arguments, so that the JNI boundary is in place before
//! the first class is loaded. Under `follow=jvm` this is also the moment at which a program that is
//! no launcher begins to be recorded; one that never calls it is left alone.
//!
//! What is difficult: this library exports the function, but a program that looks whether a JVM is
//! there must find none when there is none. And a library that is linked with `libjvm.so` may have
//! been loaded with `RTLD_LOCAL`, as extensions of Python are: then `libjvm.so` is in no scope that
//! is searched from here, and is looked for among the modules.
//!
//! Other things than a JVM have a function of this name (native images); they take no agent and are
//! left alone.

use super::dynamic::{Dlsym, plain_dlsym};
use crate::cold::jvm::aot;
use crate::cold::process::objects;
use crate::cold::process::{agentpath, jdk};
use crate::hot::ground::{boundary, control, gate};
use core::ffi::{CStr, c_char, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use hackleak_options::Stacks;
use jvmti_bindings::sys::jni::{
    JNI_ERR, JNI_VERSION_1_2, JavaVM, JavaVMInitArgs, JavaVMOption, jint,
};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

const NAME: &CStr = c"JNI_CreateJavaVM";

type Create = unsafe extern "system" fn(*mut *mut JavaVM, *mut *mut c_void, *mut c_void) -> jint;

/// The function that `dlsym` would have given to the program when it asked last.
static ASKED_FOR: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// What `dlsym` is to answer.
pub enum Found {
    /// What it always answers.
    Nothing,
    /// This.
    Hook(*mut c_void),
    /// What this function answers.
    Instead(Dlsym),
}

/// Whether and how a question to `dlsym` is about the function.
///
/// # Safety
///
/// `real` is the C library's `dlsym`, and `handle` is one that it takes.
pub unsafe fn dlsym(handle: *mut c_void, name: &CStr, caller: usize, real: Dlsym) -> Found {
    if name != NAME {
        return Found::Nothing;
    }
    let hook = JNI_CreateJavaVM as *mut c_void;
    let mut found = hook;
    if handle != libc::RTLD_DEFAULT && handle != libc::RTLD_NEXT {
        // SAFETY: the caller's; a handle that stands for no caller means the same from here.
        found = unsafe { real(handle, name.as_ptr()) };
    }
    if found == hook {
        found = boundary::guarded(|| in_scope_of(caller)).unwrap_or(ptr::null_mut());
        if found.is_null() {
            return Found::Instead(missing);
        }
    }
    if !is_jvm(found) {
        return match found.is_null() {
            true => Found::Nothing,
            false => Found::Hook(found),
        };
    }
    ASKED_FOR.store(found, Relaxed);
    Found::Hook(hook)
}

/// `dlsym` for what is not there, with the error that it leaves.
unsafe extern "C" fn missing(_handle: *mut c_void, _name: *const c_char) -> *mut c_void {
    next()
}

/// What the program's scope has after this library. The hook of `dlsym` would come here again.
fn next() -> *mut c_void {
    // SAFETY: a lookup by name.
    unsafe { plain_dlsym(libc::RTLD_NEXT, NAME) }
}

/// What is done before a JVM is made: see [`super::init`].
static MADE: OnceLock<fn(usize, &[&str])> = OnceLock::new();

pub fn init(makes_jvm: fn(usize, &[&str])) {
    let _ = MADE.set(makes_jvm);
}

/// What code at `caller` would find without this library; null if that is nothing.
fn in_scope_of(caller: usize) -> *mut c_void {
    let next = next();
    if !next.is_null() {
        return next;
    }
    let module = objects::object_at(caller as *const c_void);
    let path = module.and_then(|(_, path)| CString::new(path.into_os_string().as_bytes()).ok());
    path.map_or(ptr::null_mut(), |path| in_module(&path))
}

/// What a loaded module and what it is linked with have under this name.
fn in_module(path: &CStr) -> *mut c_void {
    // SAFETY: a handle of a module that is loaded already, given back at once: whoever loaded it
    // keeps it.
    unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
        if handle.is_null() {
            return ptr::null_mut();
        }
        let found = plain_dlsym(handle, NAME);
        libc::dlclose(handle);
        match found == JNI_CreateJavaVM as *mut c_void {
            true => ptr::null_mut(),
            false => found,
        }
    }
}

/// Whether the function is one of a JVM that takes agents.
fn is_jvm(create: *mut c_void) -> bool {
    let Some((_, library)) = objects::object_at(create) else {
        return false;
    };
    if jdk::is_libjvm(library.as_os_str().as_bytes()) {
        return true;
    }
    let Ok(path) = CString::new(library.into_os_string().as_bytes()) else {
        return false;
    };
    // SAFETY: as in `in_module`; HotSpot exports its tables in each of its builds.
    unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
        if handle.is_null() {
            return false;
        }
        let tables = plain_dlsym(handle, c"gHotSpotVMStructs");
        libc::dlclose(handle);
        !tables.is_null()
    }
}

/// The function that a call to this library's was meant for.
fn real() -> *mut c_void {
    let asked_for = ASKED_FOR.load(Relaxed);
    // Whoever asked may have closed the library since.
    if !asked_for.is_null() && objects::object_at(asked_for).is_some() {
        return asked_for;
    }
    let next = next();
    if !next.is_null() {
        return next;
    }
    let path =
        jdk::loaded_libjvm().and_then(|path| CString::new(path.into_os_string().as_bytes()).ok());
    path.map_or(ptr::null_mut(), |path| in_module(&path))
}

/// Hook.
///
/// # Safety
///
/// The JVM's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn JNI_CreateJavaVM(
    vm: *mut *mut JavaVM,
    env: *mut *mut c_void,
    arguments: *mut c_void,
) -> jint {
    let real = boundary::guarded(real).unwrap_or(ptr::null_mut());
    if real.is_null() {
        return JNI_ERR;
    }
    // SAFETY: the caller's arguments.
    let with_agent = boundary::guarded(|| unsafe { prepare(real, arguments.cast()) }).flatten();
    let arguments = match &with_agent {
        Some(with_agent) => (&raw const with_agent.arguments).cast_mut().cast(),
        None => arguments,
    };
    // SAFETY: the JVM's function of this name and type. It copies what it keeps of the arguments.
    unsafe { transmute::<*mut c_void, Create>(real)(vm, env, arguments) }
}

/// The caller's arguments with one more option, and what that lies in.
struct WithAgent {
    arguments: JavaVMInitArgs,
    _options: Vec<JavaVMOption>,
    _agent: CString,
}

/// Begins to record, if that has not been done, and gives the arguments that add the agent; `None`
/// when they stay as they are.
unsafe fn prepare(create: *mut c_void, given: *mut JavaVMInitArgs) -> Option<WithAgent> {
    if given.is_null() || !is_jvm(create) {
        return None;
    }
    // SAFETY: the caller's; every version since 1.2 has this form, and the JVM takes no older one.
    let given = unsafe { &*given };
    if given.version < JNI_VERSION_1_2 || given.nOptions < 0 {
        return None;
    }
    let mut options = Vec::with_capacity(given.nOptions as usize + 1);
    let mut texts = Vec::new();
    for at in 0..given.nOptions as usize {
        // SAFETY: as many options as are counted, and each text ends in a zero byte.
        unsafe {
            let option = given.options.add(at).read();
            if !option.optionString.is_null() {
                texts.push(CStr::from_ptr(option.optionString).to_string_lossy());
            }
            options.push(option);
        }
    }
    let all: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    if let Some(made) = MADE.get() {
        made(create as usize, &all);
    }
    let takes_agent = aot::look(all.iter().copied());
    let wanted = gate::is_open() && matches!(control::stacks(), Stacks::Full | Stacks::Java);
    let has_agent = texts.iter().any(|text| agentpath::is_ours(text));
    if !wanted || has_agent || agentpath::is_in_variables() {
        return None;
    }
    if !takes_agent {
        aot::goes_without_agent();
        return None;
    }
    let mut agent = b"-agentpath:".to_vec();
    let library: &OsStr = &objects::library_path().into_os_string();
    agent.extend_from_slice(library.as_bytes());
    let agent = CString::new(agent).ok()?;
    options.insert(
        0,
        JavaVMOption {
            optionString: agent.as_ptr().cast_mut(),
            extraInfo: ptr::null_mut(),
        },
    );
    Some(WithAgent {
        arguments: JavaVMInitArgs {
            version: given.version,
            nOptions: options.len() as jint,
            options: options.as_mut_ptr(),
            ignoreUnrecognized: given.ignoreUnrecognized,
        },
        _options: options,
        _agent: agent,
    })
}
