//! The states of threads that have ended, for those that begin later.
//!
//! Nobody waits: whoever comes while another thread is at the list does without it, and maps or
//! unmaps a state.

use super::ThreadState;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use hackleak_image::writer::sync::{AtomicBool, AtomicPtr};

/// States that belong to no thread.
pub(super) struct FreeStates {
    first: AtomicPtr<ThreadState>,
    taken: AtomicBool,
}

impl FreeStates {
    pub(super) const fn new() -> FreeStates {
        FreeStates {
            first: AtomicPtr::new(ptr::null_mut()),
            taken: AtomicBool::new(false),
        }
    }

    /// Forgets the states, which stay mapped. Nobody else uses the list.
    pub(super) fn forget(&self) {
        self.first.store(ptr::null_mut(), Relaxed);
        self.taken.store(false, Relaxed);
    }

    /// One state, or null when there is none or another thread is at the list.
    pub(super) fn take(&self) -> *mut ThreadState {
        if self.taken.swap(true, Acquire) {
            return ptr::null_mut();
        }
        let at = self.first.load(Relaxed);
        if !at.is_null() {
            // SAFETY: states on the free list are mapped and belong to the holder of `taken`.
            self.first.store(unsafe { (*at).next_free }, Relaxed);
        }
        self.taken.store(false, Release);
        at
    }

    /// Adds a state; false when another thread is at the list.
    ///
    /// # Safety
    ///
    /// The state is mapped, and nobody else uses it.
    pub(super) unsafe fn put(&self, state: *mut ThreadState) -> bool {
        if self.taken.swap(true, Acquire) {
            return false;
        }
        // SAFETY: the caller's.
        unsafe { (*state).next_free = self.first.load(Relaxed) };
        self.first.store(state, Relaxed);
        self.taken.store(false, Release);
        true
    }
}

#[cfg(all(test, feature = "interleavings"))]
mod interleaved {
    use super::*;
    use crate::hot::thread::{MAPPED, STATE_OFFSET, map_state};
    use hackleak_image::writer::sync::{alone, explore, together};
    use std::collections::HashSet;
    use std::sync::atomic::AtomicUsize;

    static FREE: FreeStates = FreeStates::new();
    /// States that are mapped.
    static STATES: AtomicUsize = AtomicUsize::new(0);

    /// What `create` does, as far as the list is concerned.
    fn begin(tid: usize) -> *mut ThreadState {
        let at = FREE.take();
        let at = if at.is_null() {
            STATES.fetch_add(1, Relaxed);
            map_state()
        } else {
            at
        };
        assert!(!at.is_null(), "there is memory");
        // SAFETY: a mapped state, which is this thread's alone, or the test fails.
        unsafe {
            assert_eq!((*at).routine, 0, "another thread has this state");
            (*at).routine = tid;
        }
        at
    }

    /// What the end of a thread does; other threads have begun and ended meanwhile.
    fn end(at: *mut ThreadState, tid: usize) {
        // SAFETY: as above; the state is given away at the end of this.
        unsafe {
            assert_eq!((*at).routine, tid, "another thread has this state");
            (*at).routine = 0;
            if !FREE.put(at) {
                unmap(at);
            }
        }
    }

    /// # Safety
    ///
    /// From `map_state`, and in nobody's use.
    unsafe fn unmap(at: *mut ThreadState) {
        STATES.fetch_sub(1, Relaxed);
        // SAFETY: the caller's.
        unsafe { libc::munmap(at.byte_sub(STATE_OFFSET).cast(), MAPPED) };
    }

    /// Threads that begin and end at once have a state each, and the list has each state once.
    #[test]
    fn no_two_threads_have_one_state() {
        explore(|| {
            let thread = |number: usize| {
                Box::new(move || {
                    for turn in 1..=3 {
                        let tid = number * 10 + turn;
                        end(begin(tid), tid);
                    }
                }) as Box<dyn FnOnce() + Send>
            };
            together((1..=3).map(thread).collect());
            alone(|| {
                let mut seen = HashSet::new();
                loop {
                    let at = FREE.take();
                    if at.is_null() {
                        break;
                    }
                    assert!(seen.insert(at), "a state is on the list twice");
                }
                assert_eq!(seen.len(), STATES.load(Relaxed), "a state is on no list");
                for at in seen {
                    // SAFETY: it is on no list any more, and its threads have ended.
                    unsafe { unmap(at) };
                }
            });
        });
    }
}
