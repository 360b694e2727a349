//! What is done at the end of the JVM, after the shutdown hooks: settling, and a report.
//!
//! Where `dev.hackleak` is in use, its `ExitCheck` does the work, because it knows the settlers
//! that other libraries have plugged in. Otherwise it is done from here. No wait may be without a
//! limit: a cleaner, a collection or the reporter may hang, and the program must end all the same.

use super::{collect, properties};
use crate::IMAGE;
use crate::cold::process::messages;
use crate::cold::process::objects;
use crate::cold::process::{child, image};
use crate::cold::questions::{checkpoint, footprint, handles, holders};
use crate::hot::events::selection;
use crate::hot::jvm::{VM, buffers, jni_env};
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{
    AtomicU8,
    Ordering::{Acquire, Relaxed},
};
use hackleak_image::layout::{Check, Outcome, flags};
use hackleak_options::Exit;
use hackleak_options::exit_code::{CLEAN, INCOMPLETE, LEAKS};
use jni::objects::{JClass, JValue};
use jni::refs::Global;
use jni::{Env, EnvUnowned, jni_sig, jni_str};
use jvmti_bindings::sys::jni::{JNI_OK, JNI_VERSION_1_6, JavaVMAttachArgs};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// What everything together may take longer than settling and reporting.
const GRACE: Duration = Duration::from_secs(5);
/// How long no block may have been freed for the live set to count as stable. cuDF's cleaner
/// looks at its queue every 100 ms.
const QUIET: Duration = Duration::from_millis(250);
/// Rounds without a free that end settling.
const IDLE_ROUNDS: u32 = 2;

static EXIT_CHECK: OnceLock<Global<JClass<'static>>> = OnceLock::new();

/// Remembers `dev.hackleak.ExitCheck`. Called from a native method of the bridge, so that the
/// class is found by the loader of the bridge.
pub fn find_exit_check(env: &mut Env) {
    if EXIT_CHECK.get().is_some() {
        return;
    }
    let found = env
        .find_class(jni_str!("dev/hackleak/ExitCheck"))
        .and_then(|class| env.new_global_ref(class));
    match found {
        Ok(class) => {
            let _ = EXIT_CHECK.set(class);
        }
        Err(_) => env.exception_clear(),
    }
}

/// How long all of it may take. What follows settling has limits of its own; a collection has none.
pub fn longest(wanted: Exit) -> Duration {
    let report = match wanted {
        Exit::Report => properties::report_timeout(),
        Exit::Off | Exit::Settle => Duration::ZERO,
    };
    properties::settle_limit() + report + GRACE
}

/// Settles and reports, as wanted, within the time that that may take.
pub fn check(wanted: Exit, collects: bool) {
    holders::threads::is_ending();
    collect::at_exit();
    crate::cold::loading::module_copies::save_all();
    crate::hot::jvm::method_ids::make();
    let settled = match EXIT_CHECK.get() {
        Some(class) => {
            let settled = check_in_java(class, wanted);
            // For those who read the image.
            judge();
            settled
        }
        None => check_here(wanted, collects),
    };
    if settled {
        IMAGE.flags().fetch_or(flags::SETTLED_AT_EXIT, Relaxed);
    }
}

/// Finds out who holds what is left. Where that cannot be told, the report says so.
fn judge() {
    handles::look(0);
    let _ = crate::cold::jvm::judging::judge(selection::Selection::EVERYTHING, true, Vec::new(), 0);
}

fn check_in_java(class: &Global<JClass<'static>>, wanted: Exit) -> bool {
    let env = jni_env();
    if env.is_null() {
        return false;
    }
    // SAFETY: the environment of the calling thread.
    let mut env = unsafe { EnvUnowned::from_raw(env.cast()) };
    let report = JValue::Bool(wanted == Exit::Report);
    let outcome = env.with_env(|env| {
        let settled =
            env.call_static_method(class, jni_str!("atExit"), jni_sig!("(Z)Z"), &[report])?;
        Ok::<_, jni::errors::Error>(Some(settled.z()?))
    });
    let settled = outcome.resolve::<jni::errors::LogErrorAndDefault>();
    if settled.is_none() {
        say("the check at JVM exit could not run");
    }
    settled.unwrap_or(false)
}

/// What the thread of `check_here` is at.
static STEP: AtomicU8 = AtomicU8::new(0);
const STEPS: [&str; 3] = [
    "waiting for its thread to start",
    "collecting garbage",
    "waiting for the report",
];

/// Does the work on a thread of its own, so that it can be given up. A collection cannot be
/// interrupted.
fn check_here(wanted: Exit, collects: bool) -> bool {
    let (tell, told) = mpsc::channel();
    let thread = std::thread::Builder::new().name("hackleak-exit".to_owned());
    // JVMTI answers only threads that the JVM knows.
    let timeout = properties::report_timeout();
    let started = thread.spawn(move || {
        let settled = settled(collects);
        if wanted == Exit::Report {
            STEP.store(2, Relaxed);
            footprint::take(false);
            report(timeout);
        }
        // Nobody listens any more when this took too long.
        let _ = tell.send(settled);
    });
    if let Err(error) = started {
        say(&format!("the check at JVM exit could not run: {error}"));
        return false;
    }
    let limit = longest(wanted);
    match told.recv_timeout(limit) {
        Ok(settled) => settled,
        Err(RecvTimeoutError::Timeout) => {
            let step = STEPS[STEP.load(Relaxed) as usize];
            let limit = limit.as_millis();
            say(&format!(
                "the check at JVM exit was given up after {limit} ms, {step}; see `hackleak report {}`",
                image::path()
            ));
            false
        }
        Err(RecvTimeoutError::Disconnected) => {
            say("the check at JVM exit failed");
            false
        }
    }
}

/// Settles on a thread of the recorder's, and says why if that could not be done.
fn settled(collects: bool) -> bool {
    STEP.store(1, Relaxed);
    let result = if collects {
        as_java_thread(|| {
            let settled = settle();
            judge();
            settled
        })
    } else {
        Err("the JVM could not be asked before its collector was stopped".to_owned())
    };
    if let Err(why) = &result {
        say(&format!("garbage may still own native memory: {why}"));
    }
    result.is_ok()
}

/// Does the work on this thread as one that the JVM knows, and does not wait for.
fn as_java_thread(work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let vm = VM.load(Acquire);
    let mut arguments = JavaVMAttachArgs {
        version: JNI_VERSION_1_6,
        name: c"hackleak-exit".as_ptr().cast_mut(),
        group: ptr::null_mut(),
    };
    let mut env: *mut c_void = ptr::null_mut();
    // SAFETY: the invocation interface of a running JVM, and valid places for argument and answer.
    let attached =
        unsafe { ((**vm).AttachCurrentThreadAsDaemon)(vm, &mut env, (&raw mut arguments).cast()) };
    if attached != JNI_OK {
        return Err(format!(
            "the JVM takes no further thread (error {attached})"
        ));
    }
    let result = work();
    // SAFETY: as above; this thread was attached here, and has no Java frame.
    unsafe { ((**vm).DetachCurrentThread)(vm) };
    result
}

/// Collects garbage until the live blocks have not become fewer for a quiet time, twice in a row.
/// `dev.hackleak.Settling` does the same, and more.
fn settle() -> Result<(), String> {
    let limit = properties::settle_limit();
    let deadline = Instant::now() + limit;
    let mut fewest = live();
    let mut idle = 0;
    if buffers::in_doubt() > 0 {
        collect::force()?;
    }
    while fewest > 0 && idle < IDLE_ROUNDS {
        let before = fewest;
        collect::force()?;
        if !quiet(&mut fewest, deadline) {
            return Err(format!(
                "some was still being freed after {} ms",
                limit.as_millis()
            ));
        }
        idle = if fewest == before { idle + 1 } else { 0 };
    }
    Ok(())
}

fn live() -> u64 {
    let (allocations, frees) = checkpoint::totals();
    allocations.saturating_sub(frees)
}

/// Waits until a quiet time has passed, or nothing is live; false when the deadline came before.
fn quiet(fewest: &mut u64, deadline: Instant) -> bool {
    let mut end = Instant::now() + QUIET;
    loop {
        let live = live();
        if live < *fewest {
            *fewest = live;
            end = Instant::now() + QUIET;
        }
        let now = Instant::now();
        if *fewest == 0 || now >= end {
            return true;
        }
        if now >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One line on stderr.
pub fn say(what: &str) {
    messages::say(what);
}

/// Keeps in the image what the reporter said at the exit.
fn keep(result: &Result<Output, String>) {
    let (outcome, detail) = match result {
        Err(error) => (Outcome::Error, error.clone()),
        Ok(output) => match output
            .status
            .code()
            .and_then(|code| u8::try_from(code).ok())
        {
            Some(CLEAN) => (Outcome::Passed, String::new()),
            Some(LEAKS) => (Outcome::Failed, String::new()),
            Some(INCOMPLETE) => (Outcome::Incomplete, String::new()),
            _ => (
                Outcome::Error,
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ),
        },
    };
    // The recorder's own count, which knows no suppressions: only of use when something leaked.
    let (mut bytes, mut blocks) = (0, 0);
    if outcome == Outcome::Failed {
        selection::leaks(selection::Selection::EVERYTHING, |_, live| {
            let (count, size) = selection::amount(live);
            blocks += count;
            bytes += size;
        });
    }
    checkpoint::keep_assertion(&checkpoint::Ended {
        check: Check::Exit,
        outcome,
        since: 0,
        scope: 0,
        bytes,
        blocks,
        sites: 0,
        label: "",
        detail: &detail,
    });
}

/// Runs the reporter on this process's image; what it prints goes to stderr.
fn report(timeout: Duration) {
    let result = objects::reporter().ok_or_else(|| "no reporter beside the library".to_owned());
    let result = result.and_then(|reporter| {
        let mut command = Command::new(&reporter);
        command
            .args(["report", image::path()])
            .env_remove("LD_PRELOAD")
            .env_remove("JAVA_TOOL_OPTIONS");
        let output = child::output(&mut command, timeout)
            .map_err(|error| format!("{}: {error}", reporter.display()))?;
        let millis = timeout.as_millis();
        let stopped = || {
            format!(
                "{} was stopped after {millis} ms without an answer",
                reporter.display()
            )
        };
        output.ok_or_else(stopped)
    });
    keep(&result);
    match result {
        Ok(output) => {
            messages::bytes(&output.stdout);
            messages::bytes(&output.stderr);
        }
        Err(error) => messages::say(format_args!(
            "the exit report could not be made ({error}); run `hackleak report {}`",
            image::path()
        )),
    }
}
