//! Which memory is stack: what a walk may read.
//!
//! A walk follows words that other code wrote. Stale words, a frame pointer that is none, or wrong
//! tables could lead it anywhere, so it reads only what is known to be stack:
//!
//! - of the thread's own stack, everything from the deepest place that was ever looked at to the
//!   end, which glibc says: the thread's control block, or `__libc_stack_end` for the first thread.
//!   It stays mapped for as long as the thread runs, so it is found out once, page by page;
//! - of another stack that the thread runs on for a while (a signal's, a coroutine's), the pages
//!   from where it stands to the first gap. They may be gone at the next look, so nothing is kept
//!   of it.
//!
//! Whether a page can be read is asked of the kernel, by a system call that fails instead of
//! faulting, and that no sandbox forbids.

use crate::arch;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use hackleak_image::writer::KeepErrno;

const PAGE: usize = 4096;
/// How far beyond the known part of its own stack a thread is looked for: farther away is another
/// stack.
const FARTHEST: usize = 1 << 30;

/// The end of the first thread's stack.
static FIRST_END: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    /// The loader's: where the first thread's stack began.
    static __libc_stack_end: usize;
}

/// Finds the end of the first thread's stack. Called once, before the gate opens.
pub fn init() {
    // SAFETY: a word of the loader's that is set before any library's code runs.
    FIRST_END.store(unsafe { __libc_stack_end }, Relaxed);
}

/// What is known of the own stack of one thread. Valid when zero: nothing is known.
#[derive(Clone, Copy, Default)]
pub struct StackBounds {
    /// The lowest address that is known to be readable.
    low: usize,
    /// One past the highest.
    high: usize,
    /// The stack does not reach below this: a page was missing there. Else a thread that often runs
    /// on other stacks would ask about each page of its own, every time.
    gap: usize,
}

impl StackBounds {
    /// The bounds of the calling thread, of which nothing is known yet but the end.
    pub fn of_this_thread() -> StackBounds {
        // SAFETY: no arguments, no failure.
        let is_first =
            unsafe { libc::syscall(libc::SYS_gettid) == libc::c_long::from(libc::getpid()) };
        let high = if is_first {
            FIRST_END.load(Relaxed)
        } else {
            arch::thread_control_block()
        };
        StackBounds {
            low: high,
            high,
            gap: 0,
        }
    }

    /// Whether the address lies in the known part of the thread's own stack.
    #[inline(always)]
    pub fn is_own(&self, address: usize) -> bool {
        address >= self.low && address < self.high
    }

    /// One past the thread's own stack, if `address` lies on it.
    pub fn end_of_own(&mut self, address: usize) -> Option<usize> {
        (self.is_own(address) || self.grow(address)).then_some(self.high)
    }

    /// What may be read from `address` on.
    #[inline(always)]
    pub fn reach(&mut self, address: usize) -> Reach {
        if self.is_own(address) || self.grow(address) {
            return Reach {
                low: address,
                high: self.high,
                own: *self,
            };
        }
        Reach {
            low: address,
            high: address & !(PAGE - 1),
            own: *self,
        }
    }

    /// Whether the thread's own stack reaches down to `address`: no page on the way is missing.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, address: usize) -> bool {
        let from = address & !(PAGE - 1);
        if address >= self.low || address < self.gap || self.low - from > FARTHEST {
            return false;
        }
        let mut at = self.low & !(PAGE - 1);
        while at > from {
            at -= PAGE;
            if !is_readable(at) {
                // If it grows down to here after all, the deeper part is read as another stack is.
                self.gap = at + PAGE;
                return false;
            }
        }
        self.low = from;
        true
    }
}

/// What a walk may read.
#[derive(Clone, Copy)]
pub struct Reach {
    low: usize,
    high: usize,
    own: StackBounds,
}

impl Reach {
    /// Whether all of it is the thread's own stack, which stays mapped.
    #[inline(always)]
    pub fn is_own(&self) -> bool {
        self.own.is_own(self.low)
    }

    /// Whether the word at `at` may be read.
    #[inline(always)]
    pub fn covers(&mut self, at: usize) -> bool {
        at >= self.low && at < self.high && at & 7 == 0 || self.extend(at)
    }

    /// The word at `at`, if it may be read.
    #[inline(always)]
    pub fn word(&mut self, at: usize) -> Option<usize> {
        // SAFETY: a word of stack that can be read: just checked.
        self.covers(at)
            .then(|| unsafe { hackleak_platform::stack_word::read(at) })
    }

    /// Beyond what is known of another stack: the pages up to `at`, or the thread's own stack,
    /// where code goes that changes stacks.
    #[cold]
    #[inline(never)]
    fn extend(&mut self, at: usize) -> bool {
        /// No other stack is read further than that from where the walk began.
        const FARTHEST: usize = 64 << 20;
        if at & 7 != 0 {
            return false;
        }
        if self.own.is_own(at) {
            if !self.is_own() {
                (self.low, self.high) = (self.own.low, self.own.high);
            }
            return at >= self.low;
        }
        if self.is_own() || at < self.low || at - self.low > FARTHEST {
            return false;
        }
        while self.high <= at {
            if !is_readable(self.high) {
                return false;
            }
            self.high += PAGE;
        }
        true
    }

    /// The same for a walk that goes on at `at`, where a signal interrupted the thread. A function
    /// may keep words below the stack pointer, and tables name a register that was just popped
    /// there.
    pub fn interrupted_at(self, at: usize) -> Reach {
        let mut own = self.own;
        let mut reach = own.reach(at.wrapping_sub(arch::signal_frame::RED_ZONE));
        // Another stack may begin right there.
        if reach.covers(at & !7) {
            reach
        } else {
            own.reach(at)
        }
    }
}

/// Whether the page at `page` can be read. The kernel reads the new signal set before it looks at
/// what shall be done with it, so a call that asks for nothing known tells.
fn is_readable(page: usize) -> bool {
    const NOTHING_KNOWN: usize = usize::MAX;
    const SET_LEN: usize = 8;
    let _errno = KeepErrno::new();
    // SAFETY: the call changes nothing: it is refused, for one of two reasons, which the C
    // library's own place for the error of this thread tells.
    unsafe {
        let none = core::ptr::null_mut::<u8>();
        libc::syscall(libc::SYS_rt_sigprocmask, NOTHING_KNOWN, page, none, SET_LEN);
        *libc::__errno_location() != libc::EFAULT
    }
}
