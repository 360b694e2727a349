//! Writing to a file without a signal to the program.
//!
//! What is difficult: growing a file beyond `RLIMIT_FSIZE` raises SIGXFSZ, and writing to a pipe
//! that nobody reads SIGPIPE; either ends a program that does not expect it. Asking first is not
//! enough, because anyone may lower the limit at any moment. Both signals go to the thread that
//! writes, so they are blocked there meanwhile, and what came is taken back. A blocked signal waits
//! even when the program ignores it; one that waited before is the program's own and stays.
//!
//! All of it is plain system calls: the C library's functions are places where a thread may be
//! cancelled.

use core::ffi::{c_char, c_int};
use core::ptr;

/// Signals as the kernel has them: bit `n - 1` is signal `n`.
type Set = u64;

const fn set(signal: i32) -> Set {
    1 << (signal - 1)
}

/// What a write may raise.
const RAISED: Set = set(libc::SIGXFSZ) | set(libc::SIGPIPE);

/// Opens a file; a new one may be read by everybody.
///
/// # Safety
///
/// `path` ends in a zero byte.
pub unsafe fn open(path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller's.
    unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags, 0o644) as c_int }
}

/// The first number that descriptors of the recorder's get: programs expect the low ones for
/// themselves, a daemon that closes all and opens its standard streams anew among them.
pub const FIRST_DESCRIPTOR: c_int = 512;

/// Gives a descriptor a high number; where fewer are allowed it keeps its own.
///
/// # Safety
///
/// `fd` is the caller's, who goes on with what this gives.
pub unsafe fn move_up(fd: c_int) -> c_int {
    // SAFETY: the caller's descriptor, which is closed when another one stands for it.
    unsafe {
        let dup = libc::F_DUPFD_CLOEXEC;
        let high = libc::syscall(libc::SYS_fcntl, fd, dup, FIRST_DESCRIPTOR) as c_int;
        if high < 0 {
            return fd;
        }
        close(fd);
        high
    }
}

/// Reads as much as there is room for; negative when nothing can be read.
///
/// # Safety
///
/// `fd` is a descriptor of the caller's.
pub unsafe fn read(fd: c_int, into: &mut [u8]) -> isize {
    // SAFETY: the caller's; the slice has as much room as the call is told.
    unsafe { libc::syscall(libc::SYS_read, fd, into.as_mut_ptr(), into.len()) as isize }
}

/// Closes a descriptor.
///
/// # Safety
///
/// `fd` is the caller's, and nobody uses it any more.
pub unsafe fn close(fd: c_int) {
    // SAFETY: the caller's.
    unsafe { libc::syscall(libc::SYS_close, fd) };
}

/// Writes to a place in a file; whether all of it was.
///
/// # Safety
///
/// `fd` is a descriptor of the caller's.
pub unsafe fn write_at(fd: c_int, bytes: &[u8], offset: u64) -> bool {
    quietly(|| {
        // SAFETY: the caller's; the slice is as long as the call is told.
        let written =
            unsafe { libc::syscall(libc::SYS_pwrite64, fd, bytes.as_ptr(), bytes.len(), offset) };
        written == bytes.len() as i64
    })
}

/// Calls `write`, whose signals do not reach the program; it returns whether everything was
/// written. Changes `errno`.
pub fn quietly(write: impl FnOnce() -> bool) -> bool {
    let before = mask(libc::SIG_BLOCK, RAISED);
    let pending = pending();
    let written = write();
    if !written {
        take(RAISED & !pending);
    }
    mask(libc::SIG_SETMASK, before);
    written
}

/// Changes the calling thread's mask; what it was before.
fn mask(how: i32, signals: Set) -> Set {
    let mut before: Set = 0;
    // SAFETY: both sets are as long as the call is told.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            how,
            &raw const signals,
            &raw mut before,
            size_of::<Set>(),
        );
    }
    before
}

/// Signals that wait for this thread or for the process.
fn pending() -> Set {
    let mut signals: Set = 0;
    // SAFETY: the set is as long as the call is told.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut signals, size_of::<Set>()) };
    signals
}

/// Takes each of these signals that waits, and does not wait for any.
fn take(signals: Set) {
    let at_once = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    for _ in 0..signals.count_ones() {
        // SAFETY: set and time lie on this stack; nobody wants to know more of the signal.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigtimedwait,
                &raw const signals,
                ptr::null_mut::<libc::siginfo_t>(),
                &raw const at_once,
                size_of::<Set>(),
            );
        }
    }
}
