//! Running the command as if it had been started without `hackleak`.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use thiserror::Error;

/// Runs `command` to its end; returns its exit code, or 128 and the number of the signal that
/// ended it.
///
/// The terminal sends SIGINT and SIGQUIT to the command too, so this process just outlives them.
/// SIGTERM and SIGHUP may be meant for this process alone, so they are passed on. The signals
/// have handlers meanwhile, and are not ignored, because the command would inherit that.
///
/// # Errors
///
/// See [`NotRun`].
pub(super) fn run(command: &[OsString], environment: &[(&str, OsString)]) -> Result<u8, NotRun> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(NotRun::Other("name a command to run".to_owned()));
    };
    let mut signals = Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP])
        .map_err(|error| NotRun::Other(format!("cannot install signal handlers: {error}")))?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .spawn()
        .map_err(|error| NotRun::of(program, &error))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let handle = signals.handle();
    // Where no thread can be made, signals are not passed on: the command goes on all the same.
    let passing_on = thread::Builder::new().spawn(move || {
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
    let _ = passing_on.map(thread::JoinHandle::join);
    let cannot_wait = |error| {
        let program = program.display();
        NotRun::Other(format!("cannot wait for `{program}`: {error}"))
    };
    Ok(code(ended.map_err(cannot_wait)?))
}

/// Why a command was not run.
#[derive(Debug, Error)]
pub(super) enum NotRun {
    /// There is none of this name.
    #[error("cannot run `{0}`: there is no such command")]
    NoCommand(String),
    /// It is there, and what its first line names is not.
    #[error("cannot run `{0}`: the program that its first line names, or its loader, is not there")]
    NoInterpreter(String),
    /// It is a folder.
    #[error("cannot run `{0}`: it is a folder")]
    Folder(String),
    /// It is there and cannot be run.
    #[error("cannot run `{0}`: {1}")]
    InsertError(String, String),
    /// Something else went wrong.
    #[error("{0}")]
    Other(String),
}

impl NotRun {
    fn of(program: &OsStr, error: &io::Error) -> NotRun {
        let name = program.display().to_string();
        let file = Path::new(program);
        match error.kind() {
            ErrorKind::NotFound if name.contains('/') && file.exists() => {
                NotRun::NoInterpreter(name)
            }
            ErrorKind::NotFound => NotRun::NoCommand(name),
            _ if file.is_dir() => NotRun::Folder(name),
            ErrorKind::PermissionDenied => {
                NotRun::InsertError(name, "it is not executable".to_owned())
            }
            _ => NotRun::InsertError(name, error.to_string()),
        }
    }
}

fn code(ended: ExitStatus) -> u8 {
    let code = ended
        .code()
        .or_else(|| ended.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
