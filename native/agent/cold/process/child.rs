//! A child process that must not keep this one waiting.
//!
//! Its output goes into memory files: they need no thread that empties them, and a grandchild that
//! keeps them open holds nobody up.

use std::fs::File;
use std::io::{Error, Read, Result, Seek};
use std::os::fd::FromRawFd;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs the command; `None` when it was killed because it took longer than `limit`.
pub fn output(command: &mut Command, limit: Duration) -> Result<Option<Output>> {
    let (mut out, mut err) = (memory_file()?, memory_file()?);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(err.try_clone()?)
        .spawn()?;
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= end {
            // It is not waited for: whoever inherits it does that.
            child.kill()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Ok(Some(Output {
        status,
        stdout: content(&mut out)?,
        stderr: content(&mut err)?,
    }))
}

fn memory_file() -> Result<File> {
    // SAFETY: a system call with a valid name.
    let descriptor = unsafe { libc::memfd_create(c"hackleak".as_ptr(), libc::MFD_CLOEXEC) };
    if descriptor < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: a descriptor that was just opened and belongs to nobody else.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

fn content(file: &mut File) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut content)?;
    Ok(content)
}
