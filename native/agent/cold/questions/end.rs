//! The end of the program: its exit, `_exit`, `quick_exit`, or that it becomes another program
//! (`exec`).
//!
//! What is live then is judged, and the image is told how the program ended. A process that is
//! killed says nothing; its image stays as it was.
//!
//! What is difficult: `exit` may do whatever it likes, but `_exit` and `exec` may be called where
//! nearly nothing is allowed: in a handler of a signal, in a child of `vfork`, in the forked child
//! of a process with several threads. What looks at the rest allocates, and takes the loader's
//! lock. So there the program goes its way at once, and is judged like one that was killed.
//!
//! A program that calls `exec` returns to none of its callers, as at an exit. But it calls from
//! within them: what they have on the stack, the arguments of the new program first of all, is not
//! lost.
//!
//! None of this runs in hooks of the allocator.

use crate::cold::questions::{footprint, handles, holders};
use crate::hot::events::{descriptors, log, timeline};
use crate::hot::ground::{boundary, gate, interrupted, real, sandbox};
use crate::hot::{thread, unwind};
use crate::{IMAGE, arch};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};
use hackleak_image::layout::{Cause, flags, state};
use hackleak_image::writer::KeepErrno;
use hackleak_platform::loader_lock;

/// The process is at its exit: the handlers of the program have run.
pub fn at_exit() {
    if gate::is_open() {
        // Nobody takes back what the process told before a call that failed, where that passes no
        // hook.
        is_no_exec();
        // What looks at the rest allocates. A handler that calls `exit` inside of `malloc` must not
        // hang for it.
        finish(!sandbox::is_deadly() && !interrupted::in_allocator());
    }
}

/// The process ends without an exit.
pub fn at_once() {
    let _errno = KeepErrno::new();
    if may_look() {
        is_no_exec();
        finish(true);
    }
}

/// The process becomes another program, if `is_likely` says so. What may still be used of the
/// calling thread's stack begins at `position`. Gives whether the image says so.
pub fn by_exec(position: usize, is_likely: impl FnOnce() -> bool) -> bool {
    let _errno = KeepErrno::new();
    let is_told = may_look() && is_likely();
    if is_told {
        holders::threads::stands_at(position);
        IMAGE.flags().fetch_or(flags::EXEC, Relaxed);
        finish(true);
    }
    is_told
}

/// The process has not become another program.
pub fn goes_on() {
    is_no_exec();
    IMAGE.state().store(state::RECORDING, Release);
}

fn is_no_exec() {
    holders::threads::stands_at(0);
    IMAGE.flags().fetch_and(!flags::EXEC, Relaxed);
}

/// Called once, when the recording begins: `quick_exit` runs its handlers, the first of them last.
pub fn begin() {
    type Add = unsafe extern "C" fn(unsafe extern "C" fn(), *const c_void) -> c_int;
    let add = real::next(c"__cxa_at_quick_exit");
    if add.is_null() {
        return;
    }
    // SAFETY: the C library's function of this name and type. The handler belongs to no library
    // that is unloaded.
    unsafe { transmute::<*mut c_void, Add>(add)(quick_exit, core::ptr::null()) };
}

unsafe extern "C" fn quick_exit() {
    at_once();
}

/// Whether the calling thread can look at what is live. A JVM is judged by what it does at its own
/// exit, which this is none of.
fn may_look() -> bool {
    // What said that it becomes another program, and is still here, has failed to.
    let is_at_its_end = || {
        IMAGE.state().load(Relaxed) == state::FINISHED
            && IMAGE.flags().load(Relaxed) & flags::EXEC == 0
    };
    gate::is_open()
        && !sandbox::may_be_deadly()
        && descriptors::is_own_process()
        && !is_at_its_end()
        && IMAGE.flags().load(Relaxed) & flags::JAVA == 0
        && loader_lock::can_be_taken()
        && !thread::is_busy()
        && !interrupted::may_be()
}

/// How the program ends.
struct Ending {
    /// Whether anybody looks at what is live.
    looks: bool,
    is_interrupted: bool,
}

/// What looks needs more of a stack than threads and coroutines may have. It is a part of this
/// library's data, where nothing holds anything, and takes no memory before.
#[repr(C, align(4096))]
struct Stack(UnsafeCell<[u8; 512 << 10]>);
// SAFETY: one thread at a time has it: see `finish`.
unsafe impl Sync for Stack {}
static STACK: Stack = Stack(UnsafeCell::new([0; 512 << 10]));

/// Another thread that ends the process meanwhile has to do with what the first one has found.
fn finish(looks: bool) {
    static IS_TAKEN: AtomicBool = AtomicBool::new(false);
    if IS_TAKEN.swap(true, Acquire) {
        return;
    }
    let mut ending = Ending {
        looks,
        is_interrupted: looks && interrupted::may_be(),
    };
    // SAFETY: the stack is this thread's alone by now, and larger than what was measured; no panic
    // leaves `run`.
    unsafe {
        let top = STACK.0.get().add(1).addr();
        arch::call_on_stack((&raw mut ending).cast(), run, top);
    }
    IS_TAKEN.store(false, Release);
}

unsafe extern "C" fn run(ending: *mut c_void) {
    // SAFETY: what `finish` has, and waits with.
    let ending = unsafe { &*ending.cast::<Ending>() };
    let ended = boundary::guarded(|| {
        boundary::may_panic();
        if ending.looks {
            unwind::enter_all_modules();
            handles::look(0);
            holders::at_end();
            footprint::take(ending.is_interrupted);
        }
        timeline::now(Cause::End);
        log::finish();
    });
    if ended.is_some() {
        IMAGE.state().store(state::FINISHED, Release);
    }
}
