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

use crate::hot::ground::boundary;
use crate::hot::thread::own_tid;
use core::ffi::{c_char, c_int};
use core::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{Relaxed, Release},
};
use descriptor::{DESCRIPTOR, DEVICE, INODE, is_log, own_path};
use frames::traces;
use hackleak_image::layout::{Kind, Live};
use lines::Lines;
use std::sync::OnceLock;

/// Where the log goes; set once, before the gate opens.
static LOG: OnceLock<Log> = OnceLock::new();

/// How it is written.
pub struct Log {
    /// The file; null for stderr, which cannot be opened again.
    pub path: AtomicPtr<c_char>,
    /// The path with `%p`, if it has that: each process has a file of its own.
    pub pattern: Option<String>,
    /// Other processes may write to the same file.
    pub shared: bool,
    /// Other output may stand at the start of the line.
    pub mixed: bool,
    /// Stacks are wanted.
    pub traces: bool,
    pub pid: AtomicU32,
}

impl Log {
    fn pid(&self) -> u32 {
        self.pid.load(Relaxed)
    }
}

/// Takes the log, and the descriptor, the device and the file that it is open as.
pub fn init(log: Log, descriptor: c_int, device: u64, inode: u64) {
    DEVICE.store(device, Relaxed);
    INODE.store(inode, Relaxed);
    DESCRIPTOR.store(descriptor, Release);
    let _ = LOG.set(log);
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

/// In a forked child of the program `exe`, once it has an image: its lines are its own, and so is
/// its file where each process has one.
pub fn left_parent(exe: &[u8]) {
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
    start(exe);
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
