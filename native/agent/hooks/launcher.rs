//! `JLI_Launch`: the `java` command gets the recorder as its agent.
//!
//! The launcher's `main` hands the command line to libjli through this one exported function.
//! Adding `-agentpath` there makes `LD_PRELOAD` alone as good as both: the JNI boundary is in
//! place before the first class is loaded, and nothing has to be printed or put into
//! `JAVA_TOOL_OPTIONS`. JVMs that are started in another way begin with their first use of
//! `dev.hackleak.HackLeak`.

use crate::{boundary, control, gate, lifecycle};
use core::ffi::{CStr, c_char, c_int};
use core::mem::transmute;
use hackleak_options::Stacks;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// `JLI_Launch` of `src/java.base/share/native/libjli/java.h`: the arguments, the launcher's own
/// extra arguments and application classes, versions, names, and four flags.
type Launch = unsafe extern "C" fn(
    c_int,
    *const *const c_char,
    c_int,
    *const *const c_char,
    c_int,
    *const *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
    u8,
    u8,
    u8,
    c_int,
) -> c_int;

/// Hook.
///
/// # Safety
///
/// libjli's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn JLI_Launch(
    argc: c_int,
    argv: *const *const c_char,
    extra_argc: c_int,
    extra_argv: *const *const c_char,
    class_count: c_int,
    classes: *const *const c_char,
    full_version: *const c_char,
    version: *const c_char,
    program: *const c_char,
    launcher: *const c_char,
    java_args: u8,
    wildcards: u8,
    windowed: u8,
    ergonomics: c_int,
) -> c_int {
    let real = super::next(c"JLI_Launch");
    if real.is_null() {
        return 1;
    }
    // SAFETY: libjli's function of this name and type, which the launcher is linked with.
    let real: Launch = unsafe { transmute(real) };
    // SAFETY: the launcher's arguments: `argc` strings and a null pointer.
    let with_agent = boundary::guarded(|| unsafe { with_agent(argc, argv) }).flatten();
    let (argc, argv) = match &with_agent {
        Some(arguments) => (arguments.len() as c_int - 1, arguments.as_ptr()),
        None => (argc, argv),
    };
    // SAFETY: the caller's; the list that replaces `argv` lives until the process ends with this
    // call.
    unsafe {
        real(
            argc,
            argv,
            extra_argc,
            extra_argv,
            class_count,
            classes,
            full_version,
            version,
            program,
            launcher,
            java_args,
            wildcards,
            windowed,
            ergonomics,
        )
    }
}

/// The arguments with `-agentpath` after the program's name, ended by a null pointer; `None` when
/// they stay as they are.
unsafe fn with_agent(argc: c_int, argv: *const *const c_char) -> Option<Vec<*const c_char>> {
    let wanted = gate::is_open()
        && argc >= 1
        && matches!(control::stacks(), Stacks::Full | Stacks::Java)
        && lifecycle::executable_name() == Some(OsStr::new("java"));
    if !wanted || lifecycle::is_agent_ahead() {
        return None;
    }
    // SAFETY: the caller's.
    let given = unsafe { core::slice::from_raw_parts(argv, argc as usize) };
    // SAFETY: each argument ends in a zero byte.
    let has_agent = given.iter().any(|argument| unsafe {
        lifecycle::is_agent(&CStr::from_ptr(*argument).to_string_lossy())
    });
    if has_agent {
        return None;
    }
    let mut agent = b"-agentpath:".to_vec();
    agent.extend_from_slice(lifecycle::library_path().as_os_str().as_bytes());
    let agent = CString::new(agent).ok()?;
    let mut arguments = vec![given[0], agent.into_raw().cast_const()];
    arguments.extend_from_slice(&given[1..]);
    arguments.push(core::ptr::null());
    Some(arguments)
}
