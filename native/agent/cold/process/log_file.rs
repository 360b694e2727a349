//! Opening the text log ([`log`]).

use crate::hot::events::log::{self, Log};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32};
use hackleak_image::writer::quiet::{self, FIRST_DESCRIPTOR};
use hackleak_options::Options;
use std::ffi::CString;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens the log that the options ask for, if they do. Called once, before the gate opens.
///
/// # Errors
///
/// A sentence: the file cannot be opened.
pub fn open(options: &Options) -> Result<(), String> {
    if options.log.is_empty() {
        return Ok(());
    }
    let pid = std::process::id();
    let to_stderr = options.log == "stderr";
    let path = options.log.replace("%p", &pid.to_string());
    let file = if to_stderr {
        // SAFETY: duplicates a descriptor; a closed one is an error.
        match unsafe { libc::fcntl(2, libc::F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR) } {
            // SAFETY: a new descriptor that nothing else owns.
            found if found >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(found) }),
            _ => Err(std::io::Error::last_os_error()),
        }
    } else {
        open_file(Path::new(&path))
    };
    let file = file.map_err(|error| {
        format!("the log `{path}` (option log) cannot be opened for writing: {error}")
    })?;
    let file = std::fs::File::from(file);
    let about = file
        .metadata()
        .map_err(|error| format!("the log `{path}` (option log) cannot be looked at: {error}"))?;
    let kind = about.file_type();
    let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone().into());
    let absolute = CString::new(absolute.into_os_string().into_encoded_bytes());
    let absolute = absolute.ok().filter(|_| !to_stderr);
    let log = Log {
        path: AtomicPtr::new(absolute.map_or(ptr::null_mut(), CString::into_raw)),
        pattern: std::path::absolute(&options.log)
            .ok()
            .and_then(|path| path.into_os_string().into_string().ok())
            .filter(|path| path.contains("%p")),
        shared: to_stderr || !options.log.contains("%p"),
        mixed: to_stderr || !kind.is_file(),
        traces: ["HACK_TRACE", "LEAK_DETECT_TRACE"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())),
        pid: AtomicU32::new(pid),
    };
    log::init(log, file.into_raw_fd(), about.dev(), about.ino());
    Ok(())
}

fn open_file(path: &Path) -> std::io::Result<OwnedFd> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(path)?;
    // SAFETY: a descriptor that nothing else owns, before and after.
    Ok(unsafe { OwnedFd::from_raw_fd(quiet::move_up(file.into_raw_fd())) })
}
