//! The end of the JVM: `VMDeath` comes after the shutdown hooks, while Java code still runs.

use super::Jvmti;
use crate::{IMAGE, checkpoint, lifecycle};
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::flags;
use hackleak_options::Exit;
use jvmti_bindings::sys::jvmti::JVMTI_ERROR_NONE;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long settling may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long no block may have been freed for the live set to count as stable. cuDF's cleaner
/// looks at its queue every 100 ms.
const QUIET: Duration = Duration::from_millis(250);

/// Does what the option `exit` asks for.
pub fn at_vm_death() {
    let exit = lifecycle::exit();
    if exit == Exit::Off {
        return;
    }
    if settle() {
        IMAGE.flags().fetch_or(flags::SETTLED_AT_EXIT, Relaxed);
    }
    if exit == Exit::Report {
        report();
    }
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
    unsafe { force(jvmti.env) == JVMTI_ERROR_NONE }
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
