//! What the recorder keeps for each thread.
//!
//! The state is reached through one initial-exec thread-local word and lives in its own mapping.
//! That is made at the thread's first recorded event and handed on to a later thread at its end.
//! Nothing in it is touched by another thread.
//!
//! What is difficult: a signal handler may allocate while the recorder works for its thread, so the
//! state has one user at a time. [`enter`] hands it out once; whoever comes second records without
//! it. And the thread's own stack may be tiny (a signal's, of 8 KiB). So whatever needs more than a
//! few words of stack runs on a stack that lies in front of the state ([`Guard::on_own_stack`]).

mod context;
mod free;
mod numbers;

use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::ground::{boundary, sandbox};
use crate::hot::jvm;
use crate::hot::jvm::entries::EntryStack;
use crate::hot::jvm::local_frames::LocalFrames;
use crate::hot::unwind::WalkCache;
use crate::{IMAGE, arch};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::*, compiler_fence};
use free::FreeStates;
use hackleak_image::layout::{self, Counter};
use std::sync::OnceLock;

/// The state of one thread. The entry stack comes first: the thunk knows it by the state's
/// address.
#[repr(C)]
pub struct ThreadState {
    pub entries: EntryStack,
    /// The stack position of the guard that has been handed out; 0 for none.
    busy: usize,
    /// The recorder works on the stack in front of this state.
    is_on_own_stack: bool,
    pub bounds: StackBounds,
    /// The context of allocations made now, and what it was interned for.
    context: u32,
    context_epoch: u32,
    scope: u32,
    /// The thread was started in the scope; it did not enter it.
    inherited: bool,
    ignoring: u32,
    /// The routine that the thread began with, where the recorder stood in for it; else 0.
    pub routine: usize,
    record: *mut layout::Thread,
    /// Bytes allocated and freed at which the timeline is looked at again.
    next_look: u64,
    next_look_freed: u64,
    record_index: u32,
    /// The block that the real `realloc` is at work on; 0 for none.
    pub reallocating: usize,
    spare_record: layout::Thread,
    /// Frames for local references.
    pub frames: LocalFrames,
    next_free: *mut ThreadState,
    pub walks: WalkCache,
    pub java: jvm::stacks::Buffers,
}

static KEY: AtomicU32 = AtomicU32::new(u32::MAX);
static FREE: FreeStates = FreeStates::new();

/// What is told of each thread that gets a state.
static BEGAN: OnceLock<fn(usize)> = OnceLock::new();

/// Prepares the end-of-thread notice. Called once, before the gate opens. `began` is called on each
/// thread that gets a state, with its address; it runs in hooks.
pub fn init(began: fn(usize)) {
    let _ = BEGAN.set(began);
    let mut key = 0;
    // SAFETY: `key` is a valid place; the destructor is a function of this library.
    if unsafe { libc::pthread_key_create(&mut key, Some(at_thread_end)) } == 0 {
        KEY.store(key, Relaxed);
    }
}

/// Where a state has its `routine`.
pub const ROUTINE: usize = core::mem::offset_of!(ThreadState, routine);

/// The state of the calling thread, for as long as the guard lives.
pub struct Guard(&'static mut ThreadState);

impl Deref for Guard {
    type Target = ThreadState;

    #[inline(always)]
    fn deref(&self) -> &ThreadState {
        self.0
    }
}

impl DerefMut for Guard {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut ThreadState {
        self.0
    }
}

impl Drop for Guard {
    #[inline(always)]
    fn drop(&mut self) {
        // A handler must see `busy` set until nothing else changes any more.
        compiler_fence(SeqCst);
        self.0.busy = 0;
    }
}

/// The state of the calling thread; `None` while it is in use already (by the code that a signal
/// handler interrupted), or when there is no memory for it.
#[inline(always)]
pub fn enter() -> Option<Guard> {
    let at = arch::thread_word() as *mut ThreadState;
    if at.is_null() {
        return create();
    }
    take(at)
}

/// The same for a thread that has a state already.
#[inline(always)]
pub fn enter_existing() -> Option<Guard> {
    let at = arch::thread_word() as *mut ThreadState;
    if at.is_null() { None } else { take(at) }
}

#[inline(always)]
fn take(at: *mut ThreadState) -> Option<Guard> {
    // SAFETY: the thread's word holds this thread's own state, which stays mapped. The word is read
    // through the pointer, so that no second reference comes into being while one is out.
    let busy = unsafe { (&raw const (*at).busy).read_volatile() };
    if busy != 0 && !is_left(at, busy) {
        return None;
    }
    // SAFETY: as above. No guard is out, so nothing else refers to the state.
    let state = unsafe { &mut *at };
    if busy != 0 {
        state.is_on_own_stack = false;
    }
    state.busy = arch::stack_pointer();
    // A handler must see `busy` set before anything else changes.
    compiler_fence(SeqCst);
    Some(Guard(state))
}

/// Whether the guard was left behind: a signal handler jumped out of the recorder with
/// `siglongjmp`, and the thread stands above the place where it was taken.
#[cold]
#[inline(never)]
fn is_left(at: *mut ThreadState, busy: usize) -> bool {
    let here = arch::stack_pointer();
    // SAFETY: plain numbers of this thread's own state.
    let bounds = unsafe { (&raw const (*at).bounds).read_volatile() };
    if here <= busy || !bounds.is_own(here) || !bounds.is_own(busy) {
        return false;
    }
    // A handler's stack may be a variable of a function further out.
    let mut stack = MaybeUninit::<libc::stack_t>::uninit();
    // SAFETY: a place for the answer, which is there when the call succeeds.
    unsafe {
        libc::sigaltstack(ptr::null(), stack.as_mut_ptr()) == 0
            && stack.assume_init().ss_flags & libc::SS_ONSTACK == 0
    }
}

/// Does work that needs more than a few words of stack: on the recorder's own stack, unless that is
/// in use. Not while a guard is out.
pub fn on_own_stack<R>(work: impl FnOnce(&mut StackBounds) -> R) -> R {
    match enter() {
        Some(mut thread) => thread.on_own_stack(|thread| work(&mut thread.bounds)),
        None => work(&mut StackBounds::of_this_thread()),
    }
}

/// Whether the recorder is at work on the calling thread, below the frame that asks.
pub fn is_busy() -> bool {
    let at = arch::thread_word() as *const ThreadState;
    // SAFETY: the thread's word holds null or this thread's own state, which stays mapped.
    !at.is_null() && unsafe { (&raw const (*at).busy).read_volatile() } != 0
}

/// In a forked child: its one thread begins anew, because every word of its state that names a
/// place in an image names one of the parent's. The states of the parent's other threads are not
/// touched.
pub fn left_parent() {
    FREE.forget();
    let state = arch::thread_word() as *mut c_void;
    if state.is_null() {
        return;
    }
    arch::set_thread_word(0);
    let key = KEY.load(Relaxed);
    if key != u32::MAX {
        // SAFETY: the key was created.
        unsafe { libc::pthread_setspecific(key, ptr::null()) };
    }
    // SAFETY: the child's copy of a mapping of `map_state`; neither word nor key leads there any
    // more, and the thread is not at work in it: `is_busy`.
    unsafe { libc::munmap(state.byte_sub(STATE_OFFSET), MAPPED) };
}

#[cold]
#[inline(never)]
fn create() -> Option<Guard> {
    if sandbox::is_deadly() {
        IMAGE.count(Counter::ThreadsFull);
        return None;
    }
    let mut at = FREE.take();
    let is_new = at.is_null();
    if is_new {
        at = map_state();
        if at.is_null() {
            IMAGE.count(Counter::ThreadsFull);
            return None;
        }
    }
    // SAFETY: a state from the free list or a new mapping belongs to this thread alone now; all
    // its fields are valid when zero, and those that a former thread left are reset here.
    let state = unsafe { &mut *at };
    state.busy = arch::stack_pointer();
    state.is_on_own_stack = false;
    compiler_fence(SeqCst);
    arch::set_thread_word(at as usize);
    let mut guard = Guard(state);
    guard.on_own_stack(|state| {
        boundary::may_panic();
        state.bounds = StackBounds::of_this_thread();
        state.entries.len = 0;
        state.context_epoch = 0;
        state.scope = 0;
        state.inherited = false;
        state.ignoring = 0;
        state.routine = 0;
        state.reallocating = 0;
        // To clear what is new would fill its pages with zeros once more, which costs more than all
        // the rest.
        if !is_new {
            state.frames.clear();
            state.walks.clear();
            state.java.clear();
        }
        state.register();
        if let Some(began) = BEGAN.get() {
            began(at as usize);
        }
        let key = KEY.load(Relaxed);
        if key != u32::MAX {
            // SAFETY: the key was created. A key below 32 has its place in the thread's descriptor.
            unsafe { libc::pthread_setspecific(key, ptr::from_mut(state).cast()) };
        }
    });
    Some(guard)
}

/// Bytes of the recorder's stack. Handlers of the program that interrupt it run there, too.
pub const STACK_LEN: usize = 256 << 10;
/// No page of it is ever readable: who runs over the end of the stack stops there.
const STACK_GUARD: usize = arch::LARGEST_PAGE;
/// Where the state lies in its mapping.
const STATE_OFFSET: usize = STACK_GUARD + STACK_LEN;
/// Bytes of the mapping.
const MAPPED: usize = STATE_OFFSET + size_of::<ThreadState>();

fn map_state() -> *mut ThreadState {
    // SAFETY: a new anonymous mapping, of which the first page is taken away.
    unsafe {
        let at = libc::mmap(
            ptr::null_mut(),
            MAPPED,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        if at == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        // Without the guard page, for want of mappings, the stack is still large enough.
        libc::mprotect(at, STACK_GUARD, libc::PROT_NONE);
        at.byte_add(STATE_OFFSET).cast()
    }
}

unsafe extern "C" fn at_thread_end(value: *mut c_void) {
    let state: *mut ThreadState = value.cast();
    arch::set_thread_word(0);
    if !crate::hot::ground::gate::is_open() {
        return;
    }
    boundary::guarded(boundary::may_panic);
    // SAFETY: the value that `create` set for this thread; the thread's word is cleared, so
    // nothing else reaches the state any more.
    unsafe {
        (*(*state).record).running = 0;
        (*(*state).record).ended = IMAGE.epoch().load(Relaxed);
        // A later thread may have the same record, and another state.
        (*state).routine = 0;
        if !FREE.put(state) {
            libc::munmap(value.byte_sub(STATE_OFFSET), MAPPED);
        }
    }
}

/// The kernel's number of the calling thread.
pub fn own_tid() -> u32 {
    // SAFETY: no arguments, no failure.
    unsafe { libc::syscall(libc::SYS_gettid) as u32 }
}

impl ThreadState {
    /// Does work that needs more than a few words of stack on the recorder's own; at once, if the
    /// thread is on it already. A panic of the work goes on in the caller.
    #[inline(always)]
    pub fn on_own_stack<R>(&mut self, work: impl FnOnce(&mut ThreadState) -> R) -> R {
        if self.is_on_own_stack {
            work(self)
        } else {
            self.change_stack(work)
        }
    }

    fn change_stack<R, W: FnOnce(&mut ThreadState) -> R>(&mut self, work: W) -> R {
        /// What goes over to the other stack and comes back.
        struct Errand<'a, W, R> {
            state: &'a mut ThreadState,
            work: Option<W>,
            result: std::thread::Result<R>,
        }
        unsafe extern "C" fn run<R, W: FnOnce(&mut ThreadState) -> R>(errand: *mut c_void) {
            // SAFETY: the errand that `change_stack` made, of these types, and waits for.
            let errand = unsafe { &mut *errand.cast::<Errand<'_, W, R>>() };
            if let Some(work) = errand.work.take() {
                let state = &mut *errand.state;
                let work = std::panic::AssertUnwindSafe(|| work(state));
                errand.result = std::panic::catch_unwind(work);
            }
        }
        let top = ptr::from_mut(self) as usize & !15;
        self.is_on_own_stack = true;
        let mut errand = Errand {
            state: self,
            work: Some(work),
            result: Err(Box::new(())),
        };
        // SAFETY: the stack ends where the state begins. The guard makes this thread its only user.
        unsafe { arch::call_on_stack((&raw mut errand).cast(), run::<R, W>, top) };
        errand.state.is_on_own_stack = false;
        match errand.result {
            Ok(result) => result,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }
}
