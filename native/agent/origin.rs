//! Where an event comes from: whether its caller counts, and its stack and context.

use crate::arch::Position;
use crate::callers::Counts;
use crate::stack_bounds::StackBounds;
use crate::{boundary, callers, lent, thread, unwind};
use hackleak_image::{Frame, Marker};

/// Whether what the caller at `position` allocates is recorded.
#[inline(always)]
pub fn counts(position: Position) -> bool {
    // Where the module of the caller is known already, nothing can panic.
    match counts_at_once(position) {
        Some(counts) => counts,
        None => counts_slowly(position),
    }
}

#[cold]
#[inline(never)]
fn counts_slowly(position: Position) -> bool {
    boundary::guarded(|| counts_by_modules(position)).unwrap_or(false)
}

/// Whether what the caller at `position` allocates with `malloc` is recorded, if its module alone
/// decides that and is known. Nothing in it can panic.
#[inline(always)]
fn counts_at_once(position: Position) -> Option<bool> {
    match Frame::decode(unwind::known_caller(position)?) {
        Some(Frame::Native { module, .. }) => match callers::counts(module) {
            Counts::Yes => Some(true),
            Counts::No => Some(false),
            _ => None,
        },
        _ => Some(true),
    }
}

/// Whether what the caller at `position` allocates with `malloc` is recorded.
fn counts_by_modules(position: Position) -> bool {
    frame_counts(unwind::caller(position), position)
}

/// Whether the descriptors that the caller at `position` opens are recorded.
pub fn opens(position: Position) -> bool {
    module_counts(position, callers::opens)
}

/// Whether the caller at `position` is code under test, and none of the JDK's.
pub fn is_under_test(position: Position) -> bool {
    module_counts(position, callers::counts)
}

fn module_counts(position: Position, counts: fn(u32) -> Counts) -> bool {
    match Frame::decode(unwind::caller(position)) {
        Some(Frame::Native { module, .. }) => match counts(module) {
            Counts::Yes => true,
            Counts::LikeItsCaller => {
                thread::on_own_stack(|bounds| others_caller_counts(position, bounds, counts))
            }
            // The C library closes what it opens for itself.
            Counts::No | Counts::LikeItsCallerIfLent => false,
        },
        _ => true,
    }
}

/// What counts for the first module that does not work for its caller.
#[cold]
#[inline(never)]
fn others_caller_counts(
    position: Position,
    bounds: &mut StackBounds,
    counts: fn(u32) -> Counts,
) -> bool {
    let mut decided = true;
    let _ = unwind::frames(position, bounds, |_, frame| {
        let Some(Frame::Native { module, .. }) = Frame::decode(frame) else {
            return true;
        };
        let counts = counts(module);
        decided = counts == Counts::Yes;
        counts == Counts::LikeItsCaller
    });
    decided
}

#[inline(always)]
fn frame_counts(frame: u64, position: Position) -> bool {
    match Frame::decode(frame) {
        Some(Frame::Native { module, .. }) => match callers::counts(module) {
            Counts::Yes => true,
            Counts::No => false,
            _ => thread::on_own_stack(|bounds| callers_caller_counts(position, bounds)),
        },
        // Code of no module: Java's own compiled code calls no `malloc`, so it is somebody's.
        _ => true,
    }
}

/// Whether an unrecorded block of the caller at `position` may hold others. Asked only about callers
/// whose frame has just been looked up, so it is known. Nothing in it can panic.
#[inline(always)]
pub fn may_hold(position: Position) -> bool {
    match unwind::known_caller(position).and_then(Frame::decode) {
        Some(Frame::Native { module, .. }) => callers::may_hold(module),
        _ => false,
    }
}

/// Looks past modules that work for their caller.
#[cold]
#[inline(never)]
fn callers_caller_counts(position: Position, bounds: &mut StackBounds) -> bool {
    // What the C library's frames tell so far; a call of another module begins anew.
    let mut in_c_library = lent::Run::default();
    let mut decided = None;
    let _ = unwind::frames(position, bounds, |pc, frame| {
        let Some(Frame::Native { module, .. }) = Frame::decode(frame) else {
            return true;
        };
        match callers::counts(module) {
            Counts::LikeItsCallerIfLent => in_c_library.enter(pc),
            other => {
                if core::mem::take(&mut in_c_library).is_kept() {
                    decided = Some(false);
                } else if other != Counts::LikeItsCaller {
                    decided = Some(other == Counts::Yes);
                }
            }
        }
        decided.is_none()
    });
    decided.unwrap_or(!in_c_library.is_kept())
}

/// The calling thread's stack and context, for a finding; marked when the recorder is at work.
pub fn of(position: Position) -> u64 {
    match thread::enter() {
        Some(mut thread) => {
            let stack = unwind::stack(&mut thread, position);
            let (context, _) = thread.context();
            u64::from(stack) | u64::from(context) << 32
        }
        None => u64::from(Marker::Interrupted as u32),
    }
}
