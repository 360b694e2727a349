//! The text log (`log=FILE|stderr`): a line per allocation and free, in the format that HackLeak's
//! forerunner wrote and its `find_leak.py` reads. `docs/log.md` describes it.
//!
//! ```text
//! TRACK <tab> ADDRESS <tab> MALLOC <tab> SIZE <tab> PID:TID
//! TRACE <tab> INDEX <tab> FRAME <tab> PID:TID           with HACK_TRACE or LEAK_DETECT_TRACE
//! TRACK <tab> ADDRESS <tab> FREE
//! ```
//!
//! What is difficult: this runs in hooks, on any thread, so nothing here allocates or locks, and
//! the program must not notice (`errno`, SIGPIPE, SIGXFSZ, descriptors that it closes and uses anew; a
//! thread that shall be cancelled must not end here, so nothing here is a cancellation point). Many
//! threads and processes share one file: each batch of whole lines is one `write` to a descriptor
//! in append mode, of at most as many bytes as pipes take at once. A `FREE` line has no place for
//! its process, so where a file is shared a line that readers of the old format skip goes before
//! it.

use crate::paper::Paper;
use crate::thread::own_tid;
use crate::{IMAGE, boundary, image};
use core::ffi::{c_char, c_int};
use core::fmt::Write;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::{Counter, Kind, Live};
use hackleak_image::writer::KeepErrno;
use hackleak_image::writer::quiet::{self, FIRST_DESCRIPTOR, quietly};
use hackleak_image::{Frame, Marker};
use hackleak_options::Options;
use std::ffi::CString;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::OnceLock;

/// What a pipe takes in one piece (`PIPE_BUF` on Linux).
const BATCH: usize = 4096;

/// Where the log goes; set once, before the gate opens.
static LOG: OnceLock<Log> = OnceLock::new();
/// The descriptor in use.
static DESCRIPTOR: AtomicI32 = AtomicI32::new(-1);
/// The device and the file behind the descriptor, to know it again.
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);
/// The reader of the pipe has gone away: what follows is only counted.
static CLOSED: AtomicBool = AtomicBool::new(false);

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

/// The path for a process; null when there is no room for it.
fn own_path(pattern: &str, pid: u32) -> *mut c_char {
    let path = Paper::map().and_then(|paper| {
        for (index, part) in pattern.split("%p").enumerate() {
            if index > 0 {
                write!(paper, "{pid}").ok()?;
            }
            paper.write_str(part).ok()?;
        }
        paper.path()
    });
    path.map_or(ptr::null_mut(), |path| path.as_ptr().cast_mut())
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

/// The process reached its normal exit.
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

/// The frames of a node and of all below it, as `backtrace_symbols` writes them without symbols.
fn traces(lines: &mut Lines<'_>, node: u32, thread: u32) {
    let mut next = node;
    let mut index = 0;
    while next != 0 {
        let node = IMAGE.node(next);
        next = node.parent;
        let Some(frame) = Frame::decode(node.frame) else {
            return;
        };
        lines.put(b"TRACE\t");
        lines.decimal(index);
        lines.put(b"\t");
        match frame {
            Frame::Native { module, vaddr } => native(lines, module, vaddr),
            Frame::Java { method, bci } => java(lines, method, bci),
            Frame::Address(address) => {
                lines.put(b"[");
                lines.hexadecimal(address);
                lines.put(b"]");
            }
            Frame::Marker(marker) => lines.put(match marker {
                Marker::FramePointers => b"(found by frame pointers from here on)",
                Marker::Off => b"(stacks are switched off)",
                Marker::NoJavaStack => b"(no Java stack)",
                _ => b"(frames are missing)",
            }),
        }
        lines.by(thread);
        index += 1;
    }
}

fn native(lines: &mut Lines<'_>, module: u32, vaddr: u64) {
    let place = IMAGE.modules.get(module);
    // SAFETY: a module that a frame names was written before the frame was interned.
    let bias = match unsafe { place.as_ref() } {
        Some(module) => {
            lines.text(IMAGE.slice(module.path));
            module.bias
        }
        None => 0,
    };
    lines.put(b"(+");
    lines.hexadecimal(vaddr);
    lines.put(b") [");
    lines.hexadecimal(bias.wrapping_add(vaddr));
    lines.put(b"]");
}

/// As a Java stack trace has it: `a.b.C.method(C.java:12)`.
fn java(lines: &mut Lines<'_>, method: u32, bci: u16) {
    // SAFETY: a method that a frame names was written before the frame was interned.
    let Some(method) = (unsafe { IMAGE.methods.get(method).as_ref() }) else {
        lines.put(b"(a Java method)");
        return;
    };
    lines.text(IMAGE.slice(method.class));
    lines.put(b".");
    lines.text(IMAGE.slice(method.name));
    if bci == BCI_NATIVE {
        lines.put(b"(Native Method)");
        return;
    }
    let number = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
    let table = IMAGE.slice(method.lines).chunks_exact(4);
    let entry = table.take_while(|entry| number(entry) <= bci).last();
    lines.put(b"(");
    match IMAGE.slice(method.file) {
        [] => lines.put(b"Unknown Source"),
        file => lines.text(file),
    }
    if let Some(entry) = entry {
        lines.put(b":");
        lines.decimal(u64::from(number(&entry[2..])));
    }
    lines.put(b")");
}

/// Lines on their way to the log; only whole ones are written.
struct Lines<'a> {
    log: &'a Log,
    bytes: [MaybeUninit<u8>; BATCH],
    /// Bytes that are filled.
    len: usize,
    /// Bytes of whole lines.
    whole: usize,
}

impl<'a> Lines<'a> {
    fn new(log: &'a Log) -> Lines<'a> {
        let mut lines = Lines {
            log,
            bytes: [const { MaybeUninit::uninit() }; BATCH],
            len: 0,
            whole: 0,
        };
        lines.begin();
        lines
    }

    /// Begins a batch. One after other output begins with a line end of its own.
    fn begin(&mut self) {
        self.len = 0;
        if self.log.mixed {
            self.bytes[0].write(b'\n');
            self.len = 1;
        }
        self.whole = self.len;
    }

    /// Adds to the line. One that is longer than a batch is cut; its end still fits.
    fn put(&mut self, text: &[u8]) {
        for byte in text {
            if self.len == BATCH - 1 && !self.make_room() {
                return;
            }
            self.bytes[self.len].write(*byte);
            self.len += 1;
        }
    }

    /// Adds what comes from elsewhere: it must not begin a field or a line.
    fn text(&mut self, text: &[u8]) {
        for byte in text {
            self.put(&[if byte.is_ascii_control() { b'?' } else { *byte }]);
        }
    }

    /// Writes the whole lines and moves the unfinished one to the front.
    fn make_room(&mut self) -> bool {
        let start = usize::from(self.log.mixed);
        if self.whole <= start {
            return false;
        }
        let (from, to) = (self.whole, self.len);
        write(self.log, self.filled(from));
        self.begin();
        self.bytes.copy_within(from..to, self.len);
        self.len += to - from;
        true
    }

    /// Ends the line.
    fn end(&mut self) {
        self.bytes[self.len].write(b'\n');
        self.len += 1;
        self.whole = self.len;
        if self.len == BATCH {
            self.flush();
        }
    }

    /// Ends the line with the thread.
    fn by(&mut self, thread: u32) {
        self.put(b"\t");
        self.decimal(u64::from(self.log.pid()));
        self.put(b":");
        self.decimal(u64::from(thread));
        self.end();
    }

    fn decimal(&mut self, number: u64) {
        self.number(number, 10);
    }

    fn hexadecimal(&mut self, number: u64) {
        self.put(b"0x");
        self.number(number, 16);
    }

    fn number(&mut self, mut number: u64, base: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b"0123456789abcdef"[(number % base) as usize];
            number /= base;
            if number == 0 {
                break;
            }
        }
        self.put(&digits[at..]);
    }

    fn flush(&mut self) {
        if self.whole > usize::from(self.log.mixed) {
            write(self.log, self.filled(self.whole));
        }
        self.begin();
    }

    fn filled(&self, len: usize) -> &[u8] {
        // SAFETY: the first `self.len` bytes were written, and `len` is at most that.
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr().cast(), len) }
    }
}

/// How often a batch is tried whose descriptor another thread of the program closes meanwhile.
const ATTEMPTS: usize = 4;

/// Writes a batch in one piece, and leaves `errno` as it was.
fn write(log: &Log, bytes: &[u8]) {
    if CLOSED.load(Relaxed) {
        IMAGE.count(Counter::LogLost);
        return;
    }
    let _errno = KeepErrno::new();
    let mut rest = bytes;
    for _ in 0..ATTEMPTS {
        let closed = match descriptor(log) {
            Some(to) => quietly(|| write_all(to, &mut rest)),
            None => false,
        };
        if !closed {
            break;
        }
    }
    if !rest.is_empty() {
        IMAGE.count(Counter::LogLost);
    }
}

/// The log's descriptor. A program that closes all descriptors (a daemon does) may have another
/// file under its number by now: the file is then opened again, and stderr is given up.
fn descriptor(log: &Log) -> Option<c_int> {
    let found = DESCRIPTOR.load(Acquire);
    if is_log(found) {
        return Some(found);
    }
    let path = log.path.load(Relaxed);
    if path.is_null() {
        return None;
    }
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
    // SAFETY: the path ends in a zero byte; the new descriptor is moved to a high number, or kept
    // where fewer are allowed, and closed when another thread was faster.
    unsafe {
        let opened = libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags, 0o644);
        let opened = opened as c_int;
        if opened < 0 {
            return None;
        }
        let new = quiet::move_up(opened);
        let mut about = MaybeUninit::<libc::stat>::uninit();
        if libc::fstat(new, about.as_mut_ptr()) == 0 {
            let about = about.assume_init();
            DEVICE.store(about.st_dev, Relaxed);
            INODE.store(about.st_ino, Relaxed);
        }
        match DESCRIPTOR.compare_exchange(found, new, Release, Acquire) {
            Ok(_) => Some(new),
            Err(other) => {
                close(new);
                is_log(other).then_some(other)
            }
        }
    }
}

fn close(descriptor: c_int) {
    // SAFETY: a descriptor that was opened here and that nothing else knows.
    unsafe { libc::syscall(libc::SYS_close, descriptor) };
}

fn is_log(descriptor: c_int) -> bool {
    let mut about = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: a place for the answer, which is there when the call succeeds.
    unsafe {
        if libc::fstat(descriptor, about.as_mut_ptr()) != 0 {
            return false;
        }
        let about = about.assume_init();
        about.st_dev == DEVICE.load(Relaxed) && about.st_ino == INODE.load(Relaxed)
    }
}

/// Writes `bytes`, in one call except where a disk is almost full, and leaves in it what could not be
/// written; true when that is because the descriptor was closed.
fn write_all(to: c_int, bytes: &mut &[u8]) -> bool {
    while !bytes.is_empty() {
        // SAFETY: the slice's bytes.
        let written = unsafe { libc::syscall(libc::SYS_write, to, bytes.as_ptr(), bytes.len()) };
        if written > 0 {
            *bytes = &bytes[written as usize..];
            continue;
        }
        // SAFETY: as in `write`.
        match unsafe { *libc::__errno_location() } {
            libc::EINTR => {}
            libc::EAGAIN => {
                let mut wait = libc::pollfd {
                    fd: to,
                    events: libc::POLLOUT,
                    revents: 0,
                };
                // SAFETY: one descriptor.
                unsafe { libc::syscall(libc::SYS_poll, &raw mut wait, 1, -1) };
            }
            libc::EPIPE => {
                CLOSED.store(true, Relaxed);
                return false;
            }
            error => return error == libc::EBADF,
        }
    }
    false
}
