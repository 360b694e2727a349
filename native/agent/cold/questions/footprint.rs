//! What the process has in memory at its end, and what of that the C library's allocator keeps: so
//! that a report can tell a leak from free memory that is not given back.
//!
//! What is difficult: `mallinfo2` takes the lock of each arena, and walks what is free there. No
//! signal handler that calls `exit` may hang for it, nor a process of which another thread holds a
//! lock for good: a handler may have interrupted `malloc` there, and wait.
//!
//! - A process with one thread asks directly, unless a signal interrupted that thread. Then nobody
//!   has a lock.
//! - Where there are several threads, a thread of the kernel's alone asks, and is waited for no
//!   longer than [`LIMIT`]. It lives beside the C library's threads, so that nothing is allocated
//!   to make it. One that gets no answer ends with the process.
//! - A forked child is never asked: others of its parent's threads may have held any lock at the
//!   fork.
//!
//! None of this runs in hooks.

use crate::IMAGE;
use crate::cold::process::objects;
use crate::hot::ground::{interrupted, real};
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use hackleak_image::layout::{Footprint, flags, footprint_flags};
use hackleak_image::resident::{Process, Tally};
use hackleak_image::writer::KeepErrno;
use hackleak_platform::{clock, maps, this_library};
use std::time::Duration;

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_millis(500);

type Current = unsafe extern "C" fn() -> libc::mallinfo2;
/// Before glibc 2.33: all numbers have 32 bits.
type Older = unsafe extern "C" fn() -> libc::mallinfo;

static CURRENT: AtomicUsize = AtomicUsize::new(0);
static OLDER: AtomicUsize = AtomicUsize::new(0);
static OTHER_ALLOCATOR: AtomicBool = AtomicBool::new(false);

/// Finds whom to ask. Called once, before the gate opens.
pub fn init() {
    let base = |address: *const c_void| objects::object_at(address).map(|(base, _)| base);
    let library = base(real::next(c"gnu_get_libc_version"));
    // SAFETY: a look-up by name.
    let first = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) };
    let is_own = this_library::has(first.addr())
        && library.is_some()
        && base(real::malloc() as *const c_void) == library;
    OTHER_ALLOCATOR.store(!is_own, Relaxed);
    let of_library = |name: &CStr| {
        let found = real::next(name);
        let is_there = is_own && !found.is_null() && base(found) == library;
        if is_there { found.addr() } else { 0 }
    };
    interrupted::init(of_library);
    CURRENT.store(of_library(c"mallinfo2"), Relaxed);
    OLDER.store(of_library(c"mallinfo"), Relaxed);
}

/// Writes into the image what the process has in memory now. `is_interrupted` tells whether a
/// signal may have interrupted the calling thread. Not for hooks.
pub fn take(is_interrupted: bool) {
    let _errno = KeepErrno::new();
    let mut tally = Tally::new(Own, IMAGE.java_heap());
    let whole = maps::lines_of(c"/proc/self/smaps", |line| {
        tally.line(line);
        true
    });
    let parts = tally.finish();
    if !whole || parts.resident == 0 {
        return;
    }
    let is_other = OTHER_ALLOCATOR.load(Relaxed);
    let mut footprint = Footprint {
        unix_ns: clock::now(),
        parts,
        mapped: 0,
        free: 0,
        flags: if is_other {
            footprint_flags::OTHER_ALLOCATOR
        } else {
            0
        },
    };
    if !is_other && let Some(answer) = ask(parts.taken, is_interrupted) {
        footprint.mapped = answer.mapped;
        footprint.free = answer.free;
        footprint.flags |= footprint_flags::ASKED;
    }
    IMAGE.set_footprint(footprint);
}

struct Own;

impl Process for Own {
    fn word(&self, address: u64) -> Option<u64> {
        let mut word = 0u64;
        let local = libc::iovec {
            iov_base: (&raw mut word).cast(),
            iov_len: size_of::<u64>(),
        };
        let remote = libc::iovec {
            iov_base: address as *mut c_void,
            iov_len: size_of::<u64>(),
        };
        // SAFETY: the kernel writes one word; where there is nothing to read it gives an error.
        let read = unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
        (read == size_of::<u64>() as isize).then_some(word)
    }
}

/// What the allocator says of itself, in bytes.
#[derive(Clone, Copy)]
struct Answer {
    mapped: u64,
    free: u64,
}

/// Asks the allocator, whose heaps have taken so many bytes, if that cannot hang.
fn ask(taken: u64, is_interrupted: bool) -> Option<Answer> {
    let function = function(taken)?;
    if IMAGE.flags().load(Relaxed) & flags::FORKED != 0 {
        return None;
    }
    match threads()? {
        1 => (!is_interrupted).then(|| function.call()),
        _ => beside(function),
    }
}

#[derive(Clone, Copy)]
enum Function {
    Current(usize),
    Older(usize),
}

fn function(taken: u64) -> Option<Function> {
    match (CURRENT.load(Relaxed), OLDER.load(Relaxed)) {
        (0, 0) => None,
        (0, older) => (taken <= u64::from(u32::MAX)).then_some(Function::Older(older)),
        (current, _) => Some(Function::Current(current)),
    }
}

impl Function {
    fn call(self) -> Answer {
        match self {
            Function::Current(function) => {
                // SAFETY: the C library's function of this name has this type.
                let told = unsafe { transmute::<usize, Current>(function)() };
                Answer {
                    mapped: told.hblkhd as u64,
                    free: told.fordblks as u64,
                }
            }
            Function::Older(function) => {
                // SAFETY: as above.
                let told = unsafe { transmute::<usize, Older>(function)() };
                Answer {
                    mapped: u64::from(told.hblkhd as u32),
                    free: u64::from(told.fordblks as u32),
                }
            }
        }
    }
}

/// How many threads the process has.
fn threads() -> Option<u64> {
    // SAFETY: plain old data, which the call fills.
    let mut status: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: a path that ends in a zero byte, and a valid place.
    let failed = unsafe { libc::stat(c"/proc/self/task".as_ptr(), &mut status) } != 0;
    // The folder has two links of its own, and one for each thread.
    let threads = (status.st_nlink as u64).saturating_sub(2);
    (!failed && threads > 0).then_some(threads)
}

/// Lies at the start of the stack of the thread that asks.
struct Question {
    function: Function,
    answer: UnsafeCell<Answer>,
    /// 1 once there is an answer.
    answered: AtomicU32,
}

/// Asks on a thread that only the kernel knows.
fn beside(function: Function) -> Option<Answer> {
    const STACK: usize = 64 << 10;
    const BESIDE: c_int = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM;
    let question = Question {
        function,
        answer: UnsafeCell::new(Answer { mapped: 0, free: 0 }),
        answered: AtomicU32::new(0),
    };
    // SAFETY: a mapping of its own for the thread's stack, with the question at its low end. It is
    // never unmapped, as the thread may be about to end there still. The thread shares the calling
    // one's thread-local storage, of which `mallinfo2` changes nothing, and gets no signal, so no
    // other code runs on it.
    unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let own = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let stack = libc::mmap(ptr::null_mut(), STACK, access, own, -1, 0);
        if stack == libc::MAP_FAILED {
            return None;
        }
        let place = stack.cast::<Question>();
        place.write(question);
        let (every_signal, mut before) = (u64::MAX, 0u64);
        let len = size_of::<u64>();
        let (change, every) = (libc::SIG_SETMASK, &raw const every_signal);
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            change,
            every,
            &raw mut before,
            len,
        );
        let top = stack.byte_add(STACK);
        let started = libc::clone(answer, top, BESIDE, stack) > 0;
        let (none, before) = (ptr::null_mut::<u64>(), &raw const before);
        libc::syscall(libc::SYS_rt_sigprocmask, change, before, none, len);
        (started && is_answered(&(*place).answered)).then(|| *(*place).answer.get())
    }
}

fn is_answered(answered: &AtomicU32) -> bool {
    let end = clock::of(libc::CLOCK_MONOTONIC).saturating_add(LIMIT.as_nanos() as u64);
    while answered.load(Acquire) == 0 {
        let left = end.saturating_sub(clock::of(libc::CLOCK_MONOTONIC));
        if left == 0 {
            return false;
        }
        let limit = libc::timespec {
            tv_sec: 0,
            tv_nsec: left.min(LIMIT.as_nanos() as u64) as i64,
        };
        let wait = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: waits at most for the given time, while the word is 0.
        let woken = unsafe {
            libc::syscall(
                libc::SYS_futex,
                answered.as_ptr(),
                wait,
                0,
                &raw const limit,
            )
        };
        // The clock may stand still.
        let is_over = || std::io::Error::last_os_error().raw_os_error() == Some(libc::ETIMEDOUT);
        if woken != 0 && is_over() {
            return answered.load(Acquire) != 0;
        }
    }
    true
}

/// What the thread does: it asks, tells, and ends, with system calls that do not fail, since
/// `errno` is not its own.
extern "C" fn answer(question: *mut c_void) -> c_int {
    // SAFETY: the question at the start of this thread's stack, which nobody else writes to.
    unsafe {
        let question = question.cast::<Question>();
        *(*question).answer.get() = (*question).function.call();
        (*question).answered.store(1, Release);
        let wake = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        let word = (*question).answered.as_ptr();
        libc::syscall(libc::SYS_futex, word, wake, 1);
        libc::syscall(libc::SYS_exit, 0);
    }
    0
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    fn own() -> Function {
        // SAFETY: a look-up by name.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"mallinfo2".as_ptr()) };
        assert!(!found.is_null(), "glibc 2.33 or newer");
        Function::Current(found.addr())
    }

    #[test]
    fn another_thread_asks() {
        let answer = beside(own()).expect("an answer");
        assert!(answer.free > 0);
        assert!(threads().is_some_and(|threads| threads >= 2));
    }

    #[test]
    fn who_gets_no_answer_goes_on() {
        unsafe extern "C" fn never() -> libc::mallinfo2 {
            loop {
                // SAFETY: no arguments that matter; what it says is of no interest.
                unsafe { libc::syscall(libc::SYS_pause) };
            }
        }
        let never: Current = never;
        assert!(beside(Function::Current(never as usize)).is_none());
    }
}
