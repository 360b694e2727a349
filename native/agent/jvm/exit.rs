//! The end of the JVM: `VMDeath` comes after the shutdown hooks, while Java code still runs.
//!
//! Where `dev.hackleak` is in use, its `ExitCheck` does the work, because it knows the settlers
//! that other libraries have plugged in. Otherwise it is done from here.

use super::Jvmti;
use crate::{IMAGE, checkpoint, lifecycle};
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::{Check, Outcome, flags};
use hackleak_options::Exit;
use jni::objects::{JClass, JValue};
use jni::refs::Global;
use jni::{Env, EnvUnowned, jni_sig, jni_str};
use jvmti_bindings::sys::jvmti::JVMTI_ERROR_NONE;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long settling may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long no block may have been freed for the live set to count as stable. cuDF's cleaner
/// looks at its queue every 100 ms.
const QUIET: Duration = Duration::from_millis(250);

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

/// Does what the option `exit` asks for.
pub fn at_vm_death(env: *mut jni::sys::JNIEnv) {
    crate::keep::modules();
    super::method_ids::make();
    let exit = lifecycle::exit();
    if exit == Exit::Off {
        return;
    }
    if let Some(class) = EXIT_CHECK.get() {
        // SAFETY: the environment that the JVM gave for this thread and this event.
        let mut env = unsafe { EnvUnowned::from_raw(env) };
        let report = JValue::Bool(exit == Exit::Report);
        let outcome = env.with_env(|env| {
            env.call_static_method(class, jni_str!("atExit"), jni_sig!("(Z)V"), &[report])?;
            Ok::<bool, jni::errors::Error>(true)
        });
        if outcome.resolve::<jni::errors::LogErrorAndDefault>() {
            IMAGE.flags().fetch_or(flags::SETTLED_AT_EXIT, Relaxed);
        } else {
            let _ = writeln!(
                std::io::stderr(),
                "hackleak: the check at JVM exit could not run"
            );
        }
        judge();
        return;
    }
    if settle() {
        IMAGE.flags().fetch_or(flags::SETTLED_AT_EXIT, Relaxed);
    }
    judge();
    if exit == Exit::Report {
        report();
    }
}

/// Finds out who holds what is left. Where that cannot be told, the report says so.
fn judge() {
    let _ = super::judging::judge(checkpoint::Choice::EVERYTHING, true, Vec::new());
}

/// Collects garbage until two collections in a row were followed by a quiet time without a free;
/// false when the limit passed before.
fn settle() -> bool {
    let deadline = Instant::now() + LIMIT;
    let mut calm = 0;
    while Instant::now() < deadline {
        if !force_gc() {
            return false;
        }
        let before = checkpoint::totals().1;
        let quiet = Instant::now() + QUIET;
        while Instant::now() < quiet {
            std::thread::sleep(Duration::from_millis(10));
        }
        calm = if checkpoint::totals().1 == before {
            calm + 1
        } else {
            0
        };
        if calm == 2 {
            return true;
        }
    }
    false
}

/// Forces a full garbage collection, `-XX:+DisableExplicitGC` or not.
pub fn force_gc() -> bool {
    let Some(jvmti) = Jvmti::get() else {
        return false;
    };
    let Some(force) = jvmti.functions().ForceGarbageCollection else {
        return false;
    };
    // SAFETY: a JVMTI call in the live phase, from a thread that is attached.
    let forced = unsafe { force(jvmti.env) == JVMTI_ERROR_NONE };
    if forced {
        super::buffers::after_collection();
    }
    forced
}

/// Keeps in the image what the reporter said at the exit.
fn keep(result: &Result<Output, String>) {
    let (outcome, detail) = match result {
        Err(error) => (Outcome::Error, error.clone()),
        Ok(output) => match output.status.code() {
            Some(0) => (Outcome::Passed, String::new()),
            Some(23) => (Outcome::Failed, String::new()),
            Some(1) if !output.stdout.is_empty() => (Outcome::Incomplete, String::new()),
            _ => (
                Outcome::Error,
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ),
        },
    };
    // The recorder's own count, which knows no suppressions: only of use when something leaked.
    let (mut bytes, mut blocks) = (0, 0);
    if outcome == Outcome::Failed {
        checkpoint::leaks(checkpoint::Choice::EVERYTHING, |_, live| {
            blocks += 1;
            bytes += live.size();
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
fn report() {
    let result = lifecycle::reporter().ok_or_else(|| "no reporter beside the library".to_owned());
    let result = result.and_then(|reporter| {
        Command::new(&reporter)
            .args(["report", lifecycle::image_path()])
            .env_remove("LD_PRELOAD")
            .env_remove("JAVA_TOOL_OPTIONS")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", reporter.display()))
    });
    keep(&result);
    let mut stderr = std::io::stderr();
    let _ = match result {
        Ok(output) => stderr
            .write_all(&output.stdout)
            .and_then(|()| stderr.write_all(&output.stderr)),
        Err(error) => writeln!(
            stderr,
            "hackleak: the exit report could not be made ({error}); run `hackleak report {}`",
            lifecycle::image_path()
        ),
    };
}
