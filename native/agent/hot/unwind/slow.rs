//! Frames that the rules cannot describe.
//!
//! A row of the unwind tables that needs the full interpreter sends the whole stack to libgcc's
//! unwinder (through the `backtrace` crate). With glibc 2.35 or newer libgcc takes no lock for
//! that; before, it holds the loader's lock for a moment, as for every C++ exception. A module
//! without any tables is crossed by frame pointers, and its frames are marked.

use super::cursor::{Cursor, End};
use super::walk_cache::MAX_FRAMES;
use super::{intern, rules};
use crate::IMAGE;
use crate::arch::{CallSite, Registers};
use crate::hot::ground::control;
use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::thread::ThreadState;
use hackleak_image::layout::Counter;
use hackleak_image::{Frame, Marker};
use hackleak_options::Stacks;
use rules::Shape;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The frames of a stack as libgcc finds them, from the caller of the hook to the last one that a
/// module covers.
pub struct Reference {
    /// How many frames there are.
    pub len: usize,
    /// How the stack ends.
    pub end: End,
}

/// Walks with libgcc from this function up and calls `frame` from the caller of the hook on.
pub fn reference(call_site: CallSite, mut frame: impl FnMut(u64)) -> Reference {
    let mut found = Reference {
        len: 0,
        end: End::Outermost,
    };
    let mut started = false;
    let mut exact = false;
    let mut visit = |ip: usize, slot: usize| {
        started |= slot == call_site.slot;
        if !started {
            return true;
        }
        // After the frame of a signal handler's return, the address is that of the interrupted
        // instruction itself.
        let (rule, key) = rules::at(if exact { ip } else { ip.wrapping_sub(1) });
        if rule.shape() == Shape::Foreign {
            found.end = End::Foreign { slot, caller: ip };
            return false;
        }
        if found.len == control::depth().min(MAX_FRAMES) {
            found.end = End::Cut(Marker::Truncated);
            return false;
        }
        exact = rule.shape() == Shape::Signal;
        frame(key);
        found.len += 1;
        true
    };
    let mut panicked = None;
    // SAFETY: not synchronised with other users of the crate, of which this library has none.
    unsafe {
        backtrace::trace_unsynchronized(|at| {
            let slot = (at.sp() as usize).wrapping_sub(size_of::<usize>());
            let visit = AssertUnwindSafe(|| visit(at.ip() as usize, slot));
            // libgcc calls this: no panic may go through it.
            catch_unwind(visit).unwrap_or_else(|payload| {
                panicked = Some(payload);
                false
            })
        });
    }
    if let Some(payload) = panicked {
        resume_unwind(payload);
    }
    found
}

/// The node for the stack at `call_site`, found by libgcc. On the recorder's stack.
#[cold]
#[inline(never)]
pub fn stack(thread: &mut ThreadState, call_site: CallSite) -> u32 {
    thread.walks.forget_last();
    thread.record().full_walks += 1;
    let mut total = 0;
    let found = reference(call_site, |frame| {
        // As many as there can be: see `reference`.
        if let Some(place) = thread.walks.step_frames.get_mut(total) {
            *place = frame;
            total += 1;
        }
    });
    let root = super::root(thread, found.end, 0, call_site);
    if control::stacks() == Stacks::Java {
        return root;
    }
    let mut node = root;
    if let End::Cut(marker) = found.end {
        IMAGE.count(Counter::StackTruncated);
        node = intern(node, Frame::Marker(marker).encode());
    }
    for frame in thread.walks.step_frames[..total].iter().rev() {
        node = intern(node, *frame);
    }
    node
}

/// A call of native code that has not returned: where a walk can begin.
pub type Call = CallSite;

/// Walks from `call` to the end of its native stack and gives every frame's address and key to
/// `visit`; nothing is remembered of it. Tells how the stack ended. An error when `visit` wanted no
/// more.
pub fn frames(
    call: Call,
    bounds: &mut StackBounds,
    mut visit: impl FnMut(usize, u64) -> bool,
) -> Result<End, Stopped> {
    let mut at = Cursor::new(call);
    let mut reach = bounds.reach(call.slot);
    loop {
        let (rule, frame) = rules::at(at.lookup_pc);
        match rule.shape() {
            Shape::Foreign => {
                return Ok(End::Foreign {
                    slot: at.slot,
                    caller: at.pc,
                });
            }
            Shape::Other => return Ok(End::Cut(Marker::NoUnwindTables)),
            _ if !visit(at.lookup_pc, frame) => return Err(Stopped),
            _ => {}
        }
        if let Err(end) = at.step(rule, &mut reach) {
            return Ok(end);
        }
    }
}

/// A walk that was not wanted to the end.
pub struct Stopped;

/// How the native stack at `call` ends.
pub fn end_of(call: Call, bounds: &mut StackBounds) -> End {
    frames(call, bounds, |_, _| true).unwrap_or(End::Outermost)
}

/// The registers of the Java code whose call led to `call`, by way of a stub that the JVM made and
/// that keeps a frame pointer; `None` when the native stack does not end so.
pub fn java_caller(call: Call, bounds: &mut StackBounds) -> Option<Registers> {
    let mut at = Cursor::new(call);
    let mut reach = bounds.reach(call.slot);
    loop {
        let (rule, _) = rules::at(at.lookup_pc);
        match rule.shape() {
            Shape::Foreign => return at.by_frame_pointer(&mut reach),
            Shape::Other => return None,
            _ => at.step(rule, &mut reach).ok()?,
        }
    }
}

/// Interns the native frames from `call` to the end of its native stack under `node`. `frames` is
/// room for them.
pub fn intern_call(
    mut node: u32,
    call: Call,
    bounds: &mut StackBounds,
    found: &mut [u64; MAX_FRAMES],
) -> u32 {
    let limit = control::depth().min(MAX_FRAMES);
    let mut len = 0;
    let end = frames(call, bounds, |_, frame| {
        if len == limit {
            return false;
        }
        found[len] = frame;
        len += 1;
        true
    });
    let cut = match end {
        Err(Stopped) => Some(Marker::Truncated),
        Ok(End::Cut(marker)) => Some(marker),
        Ok(_) => None,
    };
    if let Some(marker) = cut {
        IMAGE.count(Counter::StackTruncated);
        node = intern(node, Frame::Marker(marker).encode());
    }
    for frame in found[..len].iter().rev() {
        node = intern(node, *frame);
    }
    node
}
