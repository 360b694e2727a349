//! Running the command as if it had been started without `hackleak`.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::thread;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

/// Runs `command` to its end; returns its exit code, or 128 and the number of the signal that
/// ended it.
///
/// The terminal sends SIGINT and SIGQUIT to the command too, so this process just outlives them.
/// SIGTERM and SIGHUP may be meant for this process alone, so they are passed on. The signals
/// have handlers meanwhile, and are not ignored, because the command would inherit that.
pub(super) fn run(command: &[OsString], environment: &[(&str, OsString)]) -> anyhow::Result<u8> {
    let (program, arguments) = command.split_first().context("name a command to run")?;
    let mut signals = Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP])
        .context("cannot install signal handlers")?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .spawn()
        .with_context(|| format!("cannot run `{}`", program.display()))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let handle = signals.handle();
    let passing_on = thread::spawn(move || {
        for signal in signals.forever() {
            let passed = match signal {
                SIGTERM => Signal::TERM,
                SIGHUP => Signal::HUP,
                _ => continue,
            };
            // It fails when the command has just ended, which is what was asked for.
            let _ = pid.map(|pid| kill_process(pid, passed));
        }
    });
    let ended = child.wait();
    handle.close();
    let _ = passing_on.join();
    Ok(code(ended.with_context(|| {
        format!("cannot wait for `{}`", program.display())
    })?))
}

fn code(ended: ExitStatus) -> u8 {
    let code = ended
        .code()
        .or_else(|| ended.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
