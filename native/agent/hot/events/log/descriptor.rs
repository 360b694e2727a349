//! The log's file: its descriptor, and how a batch is written to it.
//!
//! The program may close the descriptor or use its number anew, and must not notice the writes.

use super::Log;
use crate::IMAGE;
use core::ffi::{c_char, c_int};
use core::fmt::Write;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use hackleak_image::layout::Counter;
use hackleak_image::writer::KeepErrno;
use hackleak_image::writer::quiet::{self, quietly};
use hackleak_platform::paper::Paper;

/// The descriptor in use.
pub(super) static DESCRIPTOR: AtomicI32 = AtomicI32::new(-1);
/// The device and the file behind the descriptor, to know it again.
pub(super) static DEVICE: AtomicU64 = AtomicU64::new(0);
pub(super) static INODE: AtomicU64 = AtomicU64::new(0);
/// The reader of the pipe has gone away: what follows is only counted.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// The path for a process; null when there is no room for it.
pub(super) fn own_path(pattern: &str, pid: u32) -> *mut c_char {
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

/// How often a batch is tried whose descriptor another thread of the program closes meanwhile.
const ATTEMPTS: usize = 4;

/// Writes a batch in one piece, and leaves `errno` as it was.
pub(super) fn write(log: &Log, bytes: &[u8]) {
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

pub(super) fn is_log(descriptor: c_int) -> bool {
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

/// Writes `bytes`, in one call except where a disk is almost full, and leaves in it what could not
/// be written; true when that is because the descriptor was closed.
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
                // SAFETY: one descriptor, and no limit of time.
                unsafe { libc::syscall(libc::SYS_ppoll, &raw mut wait, 1, 0, 0, 0) };
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
