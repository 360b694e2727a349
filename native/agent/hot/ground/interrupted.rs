//! What a signal interrupted, seen from its handler: from there the program may call `exit`.
//!
//! The kernel puts a frame on the stack that the handler runs on. It begins with the address that
//! the handler returns to, which is known to the kernel for each signal, or has a mark
//! (`signal_frame::MARK`); and it has the registers of what was interrupted. So the frames are
//! found without a walk: such a word, and a stack position that fits.
//!
//! An interrupted allocator has its lock, or is half way through its lists. Who calls it then may
//! wait for ever, or find it broken.

use crate::arch;
use crate::hot::ground::stack_bounds::StackBounds;
use arch::signal_frame;
use core::ffi::{CStr, c_int};
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use hackleak_platform::stack_word;

const WORD: usize = size_of::<usize>();
/// Functions of the C library's allocator. They were compiled as one piece with those that have no
/// names.
const FUNCTIONS: [&CStr; 9] = [
    c"malloc",
    c"calloc",
    c"realloc",
    c"free",
    c"memalign",
    c"malloc_trim",
    c"malloc_usable_size",
    c"malloc_info",
    c"mallopt",
];
/// How far before and behind them those without names may lie.
const UNNAMED: usize = 16 << 10;
/// How many words of the interrupted stack are looked at: the allocator's frames are short.
const FRAMES: usize = 128;

static START: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

/// Finds the allocator, whose functions `find` gives; 0 is none. Called once, before the gate
/// opens.
pub fn init(find: impl Fn(&CStr) -> usize) {
    let found = FUNCTIONS.iter().map(|name| find(name));
    let found = found.filter(|address| *address != 0);
    let bounds = found.fold(None, |bounds: Option<(usize, usize)>, address| {
        let (low, high) = bounds.unwrap_or((address, address));
        Some((low.min(address), high.max(address)))
    });
    if let Some((low, high)) = bounds {
        START.store(low.saturating_sub(UNNAMED), Relaxed);
        END.store(high.saturating_add(UNNAMED), Relaxed);
    }
}

/// Whether a signal may have interrupted what the calling thread is at. What is not known is taken
/// for a yes.
pub fn may_be() -> bool {
    frame(|_, _| true).unwrap_or(true)
}

/// Whether a signal interrupted the calling thread in the C library's allocator. What is not known
/// is taken for a no.
pub fn in_allocator() -> bool {
    let allocator = START.load(Relaxed)..END.load(Relaxed);
    let mut bounds = StackBounds::of_this_thread();
    let is_inside = |pc: usize, sp: usize| {
        if allocator.contains(&pc) {
            return true;
        }
        let from = sp.next_multiple_of(WORD);
        let end = bounds.end_of_own(from).unwrap_or(from);
        let words = (from..end).step_by(WORD).take(FRAMES);
        let mut words = words.filter(|at| at + WORD <= end);
        // SAFETY: words of the thread's own stack, which can be read up to its end.
        words.any(|at| allocator.contains(&unsafe { stack_word::read(at) }))
    };
    !allocator.is_empty() && frame(is_inside).unwrap_or(false)
}

/// Whether `is_meant` says so of any frame of a signal on the calling thread's stack: where it was
/// interrupted, and the stack position there. `None` when it cannot be told.
fn frame(mut is_meant: impl FnMut(usize, usize) -> bool) -> Option<bool> {
    let returns = Returns::read()?;
    let stack = current_stack()?;
    // From the word that tells of a frame to where the frame begins: right behind it, or before it.
    let begins = signal_frame::MARK.map_or(WORD, |(offset, _)| 0_usize.wrapping_sub(offset));
    let (of_sp, of_pc) = (
        begins.wrapping_add(signal_frame::STACK_POINTER as usize),
        begins.wrapping_add(signal_frame::PROGRAM_COUNTER as usize),
    );
    let segment = signal_frame::SEGMENT
        .map(|(offset, lowest)| (begins.wrapping_add(offset as usize), lowest));
    let mut at = stack.range.start + signal_frame::MARK.map_or(0, |(offset, _)| offset);
    let highest = segment.map_or(0, |(of_segment, _)| of_segment);
    let last = signal_frame::MARK.map_or(of_sp.max(of_pc).max(highest), |_| 0);
    while at + last + WORD <= stack.range.end {
        // SAFETY: words of the stack that the thread runs on, between its position and its end.
        let found = unsafe { stack_word::read(at) };
        let is_one = match signal_frame::MARK {
            Some((_, mark)) => found == mark,
            None => returns.0.contains(&found) && found != 0,
        };
        // SAFETY: as above.
        let is_code = |(offset, lowest): (usize, usize)| unsafe {
            stack_word::read(at + offset) & 0xff == lowest
        };
        if is_one && segment.is_none_or(is_code) {
            let (of_pc, of_sp) = (at.wrapping_add(of_pc), at.wrapping_add(of_sp));
            // SAFETY: as above.
            let (pc, sp) = unsafe { (stack_word::read(of_pc), stack_word::read(of_sp)) };
            // A frame on the same stack lies below what was interrupted.
            let fits = !stack.is_own || (at..=stack.range.end).contains(&sp);
            if fits && is_meant(pc, sp) {
                return Some(true);
            }
        }
        at += WORD;
    }
    Some(false)
}

struct Stack {
    range: Range<usize>,
    is_own: bool,
}

/// What the calling thread runs on, from its position to the end: its own stack, or that for
/// signals.
fn current_stack() -> Option<Stack> {
    let from = arch::stack_pointer() & !(WORD - 1);
    // SAFETY: plain old data, which the call fills; it changes nothing.
    let (failed, other) = unsafe {
        let mut other: libc::stack_t = core::mem::zeroed();
        (libc::sigaltstack(ptr::null(), &mut other) != 0, other)
    };
    if failed {
        return None;
    }
    let start = other.ss_sp.addr();
    let end = start.saturating_add(other.ss_size) & !(WORD - 1);
    if other.ss_flags & libc::SS_ONSTACK != 0 {
        return (start..end).contains(&from).then_some(Stack {
            range: from..end,
            is_own: false,
        });
    }
    let end = StackBounds::of_this_thread().end_of_own(from)?;
    Some(Stack {
        range: from..end,
        is_own: true,
    })
}

/// The addresses that handlers return to, mostly one.
struct Returns([usize; 4]);

impl Returns {
    /// `None` when there are too many.
    fn read() -> Option<Returns> {
        /// As the kernel has it.
        #[repr(C)]
        #[derive(Default)]
        struct Action {
            handler: usize,
            flags: u64,
            restorer: usize,
            mask: u64,
        }
        const SIGNALS: c_int = 64;
        let mut returns = [0; 4];
        let mut known = 0;
        for signal in 1..=SIGNALS {
            let mut action = Action::default();
            let (new, len) = (ptr::null::<Action>(), size_of::<u64>());
            let old = &raw mut action;
            // SAFETY: the call changes nothing, and fills the valid place.
            unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, new, old, len) };
            if action.restorer == 0 || returns.contains(&action.restorer) {
                continue;
            }
            *returns.get_mut(known)? = action.restorer;
            known += 1;
        }
        Some(Returns(returns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicU32;

    #[test]
    fn a_handler_is_known_by_what_it_returns_to() {
        static SEEN: AtomicU32 = AtomicU32::new(0);
        extern "C" fn handler(_signal: c_int) {
            SEEN.store(
                1 + u32::from(may_be()) + 2 * u32::from(in_allocator()),
                Relaxed,
            );
        }
        let handler: extern "C" fn(c_int) = handler;
        assert!(!may_be());
        // SAFETY: a handler that only looks at its own stack.
        unsafe {
            libc::signal(libc::SIGUSR2, handler as *const () as usize);
            libc::raise(libc::SIGUSR2);
        }
        assert_eq!(SEEN.load(Relaxed), 2);
        assert!(!in_allocator());
    }
}
