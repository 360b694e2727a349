//! Threads that native code attaches to the JVM, and the frames for local references that it
//! pushes.
//!
//! Neither has an address, so `places` has some for them. A thread's is made of the kernel's
//! number, for the thread's state may be gone when a destructor detaches it; a frame's of the
//! thread's place in the image, which no other thread ever has.
//!
//! A thread that ends does not detach: the JVM keeps what it has for it, and so does the table.

use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::places::{ATTACHED, FRAMES};
use crate::hot::events::{names, origin, record, references};
use crate::hot::ground::{boundary, control, gate};
use crate::hot::thread::{self, ThreadState};
use core::sync::atomic::AtomicU32;
use hackleak_image::layout::{Counter, Kind};
use hackleak_options::Track;

/// Threads of one number, of which all but the last one have ended while they were attached.
const SAME_NUMBER: usize = 16;
/// The most frames of one thread that have a place.
const MOST_FRAMES: u32 = 1 << 12;

/// The last name that the image has for each thread: its index there plus one. A few may share a
/// place.
static NAMES: [AtomicU32; 1 << 12] = [const { AtomicU32::new(0) }; 1 << 12];

/// Whether they are recorded.
pub fn is_tracked() -> bool {
    gate::is_open() && control::tracks(Track::ATTACH)
}

/// The places of threads of this number, the oldest first.
fn places(tid: u32) -> impl DoubleEndedIterator<Item = usize> {
    let first = tid as usize * SAME_NUMBER;
    (first..first + SAME_NUMBER).map(|number| ATTACHED.address(number))
}

/// The place of the frame of this depth; `None` where it has none.
fn place_of_frame(thread: &ThreadState, depth: u32) -> Option<usize> {
    let is_placed = thread.has_record() && depth < MOST_FRAMES;
    let number = thread.index() as usize * MOST_FRAMES as usize + depth as usize;
    is_placed.then_some(FRAMES.address(number))
}

/// The calling thread was attached, and was not before. `name` is the name that it got, if it got
/// one.
pub fn began(name: Option<&[u8]>, call_site: CallSite) {
    if !is_tracked() {
        return;
    }
    boundary::guarded(|| {
        boundary::may_panic();
        if !origin::is_under_test(call_site) {
            return;
        }
        let tid = thread::own_tid();
        let Some(place) = places(tid).find(|place| IMAGE.live.live_at(*place).is_none()) else {
            IMAGE.count(Counter::DroppedAddress);
            return;
        };
        record::allocated(place, 0, Kind::Attach, call_site);
        if let Some(mut thread) = thread::enter() {
            thread.frames.is_attached = true;
        }
        if let (Some(name), Some(live)) = (name, IMAGE.live.live_at(place)) {
            names::keep(NAMES.get(tid as usize % NAMES.len()), place, live, name);
        }
    });
}

/// The calling thread was detached, or had been before. With it goes all that it has.
pub fn detached() {
    if !is_tracked() {
        return;
    }
    boundary::guarded(|| {
        boundary::may_panic();
        let mut latest = places(thread::own_tid()).rev();
        if latest.any(|place| IMAGE.live.remove(place).is_ok()) {
            record::removed(0);
        }
        let Some(mut thread) = thread::enter_existing() else {
            return;
        };
        references::detached(&mut thread);
        thread.frames.is_attached = false;
        let depth = core::mem::take(&mut thread.frames.depth);
        for depth in 0..depth.min(MOST_FRAMES) {
            let place = place_of_frame(&thread, depth);
            if place.is_some_and(|place| IMAGE.live.remove(place).is_ok()) {
                thread.count_free(0);
            }
        }
    });
}

/// The calling thread has pushed a frame.
pub fn pushed(call_site: CallSite) {
    if !is_tracked() {
        return;
    }
    boundary::guarded(|| {
        boundary::may_panic();
        let Some(mut thread) = thread::enter() else {
            return;
        };
        let depth = thread.frames.depth;
        let place = place_of_frame(&thread, depth);
        references::frame_pushed(&mut thread, call_site.slot, depth);
        thread.frames.depth += 1;
        // Recording needs the thread's state.
        drop(thread);
        if !origin::is_under_test(call_site) {
            // Frames of the JDK's are only counted, to tell whose a frame is that is popped.
            place.into_iter().for_each(record::allocated_unrecorded);
        } else if let Some(place) = place {
            record::allocated(place, 0, Kind::LocalFrame, call_site);
        } else {
            IMAGE.count(Counter::DroppedAddress);
        }
    });
}

/// The calling thread has popped a frame, or had none.
pub fn popped(call_site: CallSite) {
    if !is_tracked() {
        return;
    }
    boundary::guarded(|| {
        boundary::may_panic();
        let Some(mut thread) = thread::enter_existing() else {
            return;
        };
        let Some(depth) = thread.frames.depth.checked_sub(1) else {
            return;
        };
        thread.frames.depth = depth;
        references::frame_popped(&mut thread, call_site.slot, depth);
        let place = place_of_frame(&thread, depth);
        if place.is_some_and(|place| IMAGE.live.remove(place).is_ok()) {
            thread.count_free(0);
        }
    });
}
