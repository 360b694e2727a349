//! What the recorder keeps for each thread.
//!
//! The state is reached through one initial-exec thread-local word and lives in its own mapping,
//! made at the thread's first recorded event and handed on to a later thread at its end. Nothing
//! in it is touched by another thread.

use crate::jvm::{self, entries::EntryStack};
use crate::unwind::Memo;
use crate::{IMAGE, arch, holders, timeline};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::*, compiler_fence};
use hackleak_image::layout::{self, CONTEXT_IGNORED, CONTEXT_INHERITED, Context, Counter};

/// The state of one thread. The entry stack comes first: the thunk knows it by the state's
/// address.
#[repr(C)]
pub struct ThreadState {
    pub entries: EntryStack,
    /// True while the recorder works for this thread: an allocation that comes then (from a
    /// signal handler) takes no stack.
    pub busy: bool,
    /// The context of allocations made now, and what it was interned for.
    context: u32,
    context_epoch: u32,
    scope: u32,
    /// The thread was started in the scope; it did not enter it.
    inherited: bool,
    ignoring: u32,
    record: *mut layout::Thread,
    /// Bytes allocated and freed at which the timeline is looked at again.
    next_look: u64,
    next_look_freed: u64,
    record_index: u32,
    spare_record: layout::Thread,
    next_free: *mut ThreadState,
    pub memo: Memo,
    pub java: jvm::stacks::Buffers,
}

static KEY: AtomicU32 = AtomicU32::new(u32::MAX);
static FREE: AtomicPtr<ThreadState> = AtomicPtr::new(ptr::null_mut());
static FREE_TAKEN: AtomicBool = AtomicBool::new(false);

/// Prepares the end-of-thread notice. Called once, before the gate opens.
pub fn init() {
    let mut key = 0;
    // SAFETY: `key` is a valid place; the destructor is a function of this library.
    if unsafe { libc::pthread_key_create(&mut key, Some(at_thread_end)) } == 0 {
        KEY.store(key, Relaxed);
    }
}

/// The state of the calling thread; `None` when there is no memory for it.
#[inline(always)]
pub fn current() -> Option<&'static mut ThreadState> {
    let at = arch::thread_slot() as *mut ThreadState;
    if at.is_null() {
        return create();
    }
    // SAFETY: the word holds null or this thread's own state, which stays mapped. A signal
    // handler may hold a second reference; it finds `busy` set and keeps off the rest.
    Some(unsafe { &mut *at })
}

/// The state of the calling thread, if it has one already.
#[inline(always)]
pub fn existing() -> Option<&'static mut ThreadState> {
    let at = arch::thread_slot() as *mut ThreadState;
    // SAFETY: as for `current`.
    unsafe { at.as_mut() }
}

#[cold]
#[inline(never)]
fn create() -> Option<&'static mut ThreadState> {
    let mut at = take_free();
    if at.is_null() {
        at = map_state();
        if at.is_null() {
            IMAGE.count(Counter::ThreadsFull);
            return None;
        }
    }
    // SAFETY: a state from the free list or a new mapping belongs to this thread alone now; all
    // its fields are valid when zero, and those that a former thread left are reset here.
    let state = unsafe { &mut *at };
    state.entries.len = 0;
    state.busy = true;
    state.context_epoch = 0;
    state.scope = 0;
    state.inherited = false;
    state.ignoring = 0;
    state.memo.clear();
    state.java.clear();
    arch::set_thread_slot(at as usize);
    state.register();
    holders::threads::began(at as usize);
    let key = KEY.load(Relaxed);
    if key != u32::MAX {
        // SAFETY: the key was created. A key below 32 has its place in the thread's descriptor.
        unsafe { libc::pthread_setspecific(key, at.cast()) };
    }
    state.busy = false;
    Some(state)
}

fn map_state() -> *mut ThreadState {
    // SAFETY: a new anonymous mapping.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size_of::<ThreadState>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        ptr::null_mut()
    } else {
        at.cast()
    }
}

/// One state from the free list, or null when it is empty or another thread is at it.
fn take_free() -> *mut ThreadState {
    if FREE_TAKEN.swap(true, Acquire) {
        return ptr::null_mut();
    }
    let at = FREE.load(Relaxed);
    if !at.is_null() {
        // SAFETY: states on the free list are mapped and belong to the holder of `FREE_TAKEN`.
        FREE.store(unsafe { (*at).next_free }, Relaxed);
    }
    FREE_TAKEN.store(false, Release);
    at
}

unsafe extern "C" fn at_thread_end(value: *mut libc::c_void) {
    let state: *mut ThreadState = value.cast();
    arch::set_thread_slot(0);
    if !crate::gate::is_open() {
        return;
    }
    // SAFETY: the value that `create` set for this thread; the thread's word is cleared, so
    // nothing else reaches the state any more.
    unsafe {
        (*(*state).record).running = 0;
        (*(*state).record).ended = IMAGE.epoch().load(Relaxed);
        if FREE_TAKEN.swap(true, Acquire) {
            libc::munmap(value, size_of::<ThreadState>());
            return;
        }
        (*state).next_free = FREE.load(Relaxed);
    }
    FREE.store(state, Relaxed);
    FREE_TAKEN.store(false, Release);
}

impl ThreadState {
    fn register(&mut self) {
        // SAFETY: zero is a valid thread record.
        let mut record: layout::Thread = unsafe { core::mem::zeroed() };
        // SAFETY: no arguments, no failure.
        record.tid = unsafe { libc::syscall(libc::SYS_gettid) } as u32;
        record.running = 1;
        record.name = thread_name();
        self.record = &raw mut self.spare_record;
        self.record_index = 0;
        self.spare_record = record;
        self.next_look = timeline::TRAFFIC;
        self.next_look_freed = timeline::TRAFFIC;
        match IMAGE.threads.push(IMAGE.window(), record) {
            Some(index) => {
                self.record = IMAGE.threads.get(index);
                self.record_index = index;
            }
            None => IMAGE.count(Counter::ThreadsFull),
        }
    }

    /// The thread's numbers in the image.
    #[inline(always)]
    pub fn record(&mut self) -> &mut layout::Thread {
        // SAFETY: points at this thread's record in the image, which only it writes, or at the
        // spare one; set when the state was made.
        unsafe { &mut *self.record }
    }

    /// Does the recorder's work for this thread: an allocation that a signal handler makes
    /// meanwhile finds `busy` set. Not to be nested.
    #[inline(always)]
    pub fn work<R>(&mut self, work: impl FnOnce(&mut ThreadState) -> R) -> R {
        self.busy = true;
        // The handler must see `busy` set before anything else changes, and to the end.
        compiler_fence(SeqCst);
        let result = work(self);
        compiler_fence(SeqCst);
        self.busy = false;
        result
    }

    /// Adds an allocation to the thread's numbers.
    #[inline(always)]
    pub fn count_allocation(&mut self, bytes: u64) {
        let record = self.record();
        record.allocations += 1;
        record.bytes += bytes;
        if record.bytes >= self.next_look {
            self.look_at_timeline();
        }
    }

    /// Adds the free of a recorded block to the thread's numbers.
    #[inline(always)]
    pub fn count_free(&mut self, bytes: u64) {
        let record = self.record();
        record.frees += 1;
        record.freed_bytes += bytes;
        if record.freed_bytes >= self.next_look_freed {
            self.look_at_timeline();
        }
    }

    #[cold]
    #[inline(never)]
    fn look_at_timeline(&mut self) {
        let (bytes, freed_bytes) = (self.record().bytes, self.record().freed_bytes);
        self.next_look = bytes.saturating_add(timeline::TRAFFIC);
        self.next_look_freed = freed_bytes.saturating_add(timeline::TRAFFIC);
        timeline::traffic();
    }

    /// The context of an allocation made now, and its epoch.
    #[inline(always)]
    pub fn context(&mut self) -> (u32, u32) {
        let epoch = IMAGE.epoch().load(Relaxed);
        if self.context_epoch != epoch {
            self.renew_context(epoch);
        }
        (self.context, epoch)
    }

    #[cold]
    #[inline(never)]
    fn renew_context(&mut self, epoch: u32) {
        let mut flags = 0;
        if self.ignoring > 0 {
            flags |= CONTEXT_IGNORED;
        }
        if self.inherited {
            flags |= CONTEXT_INHERITED;
        }
        let context = Context {
            epoch,
            scope: self.scope,
            thread: self.record_index,
            flags,
        };
        self.record().name = thread_name();
        self.context = match IMAGE.contexts.push(IMAGE.window(), context) {
            Some(index) => index,
            None => {
                IMAGE.count(Counter::ContextsFull);
                0
            }
        };
        self.context_epoch = epoch;
    }

    /// The thread's index in the image.
    pub fn index(&self) -> u32 {
        self.record_index
    }

    /// The thread's scope, which a child inherits.
    pub fn scope(&self) -> u32 {
        self.scope
    }

    /// The scope that the thread entered itself, or 0.
    pub fn entered_scope(&self) -> u32 {
        if self.inherited { 0 } else { self.scope }
    }

    /// Sets the scope, and whether the thread inherits it rather than entering it. Returns what
    /// they were before.
    pub fn set_scope(&mut self, scope: u32, inherited: bool) -> (u32, bool) {
        self.context_epoch = 0;
        (
            core::mem::replace(&mut self.scope, scope),
            core::mem::replace(&mut self.inherited, inherited),
        )
    }

    /// Begins or ends ignoring; calls nest.
    pub fn set_ignoring(&mut self, on: bool) {
        self.context_epoch = 0;
        self.ignoring = if on {
            self.ignoring + 1
        } else {
            self.ignoring.saturating_sub(1)
        };
    }
}

fn thread_name() -> [u8; 16] {
    let mut name = [0u8; 16];
    // SAFETY: the kernel writes at most sixteen bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}
