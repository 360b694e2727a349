//! The text log (`log=FILE|stderr`): a line per allocation and free, in the format that HackLeak's
//! forerunner wrote and its `find_leak.py` reads. `docs/log.md` describes it.
//!
//! ```text
//! TRACK <tab> ADDRESS <tab> MALLOC <tab> SIZE <tab> PID:TID
//! TRACE <tab> INDEX <tab> FRAME <tab> PID:TID           with HACK_TRACE or LEAK_DETECT_TRACE
//! TRACK <tab> ADDRESS <tab> FREE
//! ```
//!
//! What is difficult: this runs in hooks, on any thread, so nothing here allocates or locks. And
//! the program must not notice: `errno`, SIGPIPE, SIGXFSZ, descriptors that it closes and uses
//! anew. A thread that shall be cancelled must not end here, so nothing here is a cancellation
//! point. Many threads and processes share one file: each batch of whole lines is one `write` to a
//! descriptor in append mode, of at most as many bytes as pipes take at once. A `FREE` line has no
//! place for its process. So where a file is shared a line that readers of the old format skip goes
//! before it.

mod descriptor;
mod frames;
mod lines;

use crate::thread::own_tid;
use crate::{boundary, image};
use core::ffi::c_char;
use core::ptr;
use core::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{Relaxed, Release},
};
use descriptor::{DESCRIPTOR, DEVICE, INODE, is_log, open_file, own_path};
use frames::traces;
use hackleak_image::layout::{Kind, Live};
use hackleak_image::writer::quiet::FIRST_DESCRIPTOR;
use hackleak_options::Options;
use lines::Lines;
use std::ffi::CString;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

/// Where the log goes; set once, before the gate opens.
static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    /// The file; null for stderr, which cannot be opened again.
    path: AtomicPtr<c_char>,
    /// The path with `%p`, if it has that: each process has a file of its own.
    pattern: Option<String>,
    /// Other processes may write to the same file.
    shared: bool,
    /// Other output may stand at the start of the line.
    mixed: bool,
    /// Stacks are wanted.
    traces: bool,
    pid: AtomicU32,
}

impl Log {
    fn pid(&self) -> u32 {
        self.pid.load(Relaxed)
    }
}

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
    DEVICE.store(about.dev(), Relaxed);
    INODE.store(about.ino(), Relaxed);
    DESCRIPTOR.store(file.into_raw_fd(), Release);
    let _ = LOG.set(log);
    Ok(())
}

/// Logs that the process is recorded from now on.
pub fn start(exe: &[u8]) {
    let Some(log) = LOG.get() else { return };
    let mut lines = Lines::new(log);
    lines.put(b"HACKLEAK\tSTART\t");
    lines.decimal(u64::from(log.pid()));
    lines.put(b"\t");
    lines.text(exe);
    lines.end();
    lines.flush();
}

/// In a forked child, once it has an image: its lines are its own, and so is its file where each process has one.
pub fn left_parent() {
    let Some(log) = LOG.get() else { return };
    let pid = std::process::id();
    log.pid.store(pid, Relaxed);
    if let Some(pattern) = &log.pattern {
        let found = DESCRIPTOR.swap(-1, Relaxed);
        if is_log(found) {
            // SAFETY: the child's copy of a descriptor that was opened here.
            unsafe { libc::close(found) };
        }
        log.path.store(own_path(pattern, pid), Relaxed);
    }
    start(image::executable());
}

/// The process comes to its end.
pub fn finish() {
    if let Some(log) = LOG.get() {
        let mut lines = Lines::new(log);
        lines.put(b"HACKLEAK\tEND\t");
        lines.decimal(u64::from(log.pid()));
        lines.end();
        lines.flush();
    }
}

/// Whether blocks of this kind are memory: references and pins have no line in this format.
fn is_memory(kind: u8) -> bool {
    matches!(
        Kind::from_number(kind),
        Some(Kind::New | Kind::NewArray | Kind::Malloc | Kind::Zip | Kind::Unsafe)
    )
}

/// Logs a block that was just handed out and recorded.
#[cold]
#[inline(never)]
pub fn allocated(address: usize, live: Live) {
    boundary::may_panic();
    let Some(log) = LOG.get() else { return };
    if !is_memory(live.kind()) {
        return;
    }
    let thread = own_tid();
    let mut lines = Lines::new(log);
    lines.put(b"TRACK\t");
    lines.hexadecimal(address as u64);
    lines.put(b"\tMALLOC\t");
    lines.decimal(live.size());
    lines.by(thread);
    if log.traces {
        traces(&mut lines, live.stack(), thread);
    }
    lines.flush();
}

/// Logs a block that is about to be freed.
#[cold]
#[inline(never)]
pub fn freed(address: usize, live: Live) {
    let Some(log) = LOG.get() else { return };
    if !is_memory(live.kind()) {
        return;
    }
    let mut lines = Lines::new(log);
    if log.shared {
        lines.put(b"HACKLEAK\tBY");
        lines.by(own_tid());
    }
    lines.put(b"TRACK\t");
    lines.hexadecimal(address as u64);
    lines.put(b"\tFREE");
    lines.end();
    lines.flush();
}
