//! Local references, which are counted in each native call.
//!
//! They are freed when a native method returns, so what matters is how many one call has at once.
//! The count of a native method lies in its entry, where the thunk of each call writes a zero; that
//! of an attached thread, which is inside of no method, in the thread's state. A call that has more
//! than [`LOCAL_BOUND`] gets a record, with the stack that passed the bound, and the record counts
//! on. It goes when enough were deleted in that call. After the return it stays: so many were there
//! at once.

use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::places::CALLS;
use crate::hot::events::{origin, record};
use crate::hot::ground::{boundary, control, gate};
use crate::hot::jvm::local_frames::{ATTACHED, MOST_SAVED};
use crate::hot::thread::{self, ThreadState};
use hackleak_image::layout::{Counter, LOCAL_BOUND};
use hackleak_options::Track;

/// The most calls of one thread that have a place.
const MOST_CALLS: u32 = 1 << 12;

/// The place of the record of this number; `None` where it has none.
fn place(thread: &ThreadState, number: u32) -> Option<usize> {
    let is_placed = thread.has_record() && number < MOST_CALLS;
    let number = thread.index() as usize * MOST_CALLS as usize + number as usize;
    is_placed.then_some(CALLS.address(number))
}

/// The native call that the code at `slot` is in: the index of its entry, or [`ATTACHED`].
fn call(thread: &mut ThreadState, slot: usize) -> Option<usize> {
    let entries = thread.entries.all();
    // A call back into Java that is being made is of the method outside.
    let Some(index) = entries.iter().rposition(|entry| entry.slot > slot) else {
        return thread.frames.is_attached.then_some(ATTACHED);
    };
    let entry = &entries[index];
    let is_own = thread.bounds.is_own(slot) && thread.bounds.is_own(entry.slot);
    (is_own && !entry.is_upcall() && entry.is_called_from_there()).then_some(index)
}

/// So many references the call has.
fn count(thread: &ThreadState, call: usize) -> u32 {
    match thread.entries.all().get(call) {
        Some(entry) if call != ATTACHED => entry.references(),
        _ => thread.frames.references,
    }
}

fn set_count(thread: &mut ThreadState, call: usize, count: u32) {
    if call == ATTACHED {
        thread.frames.references = count;
    } else if let Some(entry) = thread.entries.items.get_mut(call) {
        entry.set_references(count);
    }
}

/// The call has fewer references than it had.
fn fewer(thread: &mut ThreadState, call: usize, before: u32, after: u32) {
    set_count(thread, call, after);
    if before <= LOCAL_BOUND {
        return;
    }
    let number = thread.frames.records[call];
    let Some(place) = place(thread, number) else {
        return;
    };
    if after > LOCAL_BOUND {
        IMAGE.live.resize(place, u64::from(before - after), 0);
    } else if IMAGE.live.remove(place).is_ok() {
        thread.count_free(0);
        if number + 1 == thread.frames.next_record {
            thread.frames.next_record = number;
        }
    }
}

fn is_tracked() -> bool {
    gate::is_open() && control::tracks(Track::ATTACH)
}

/// The caller at `call_site` got a local reference.
pub fn made(call_site: CallSite) {
    if !is_tracked() || !origin::counts(call_site) {
        return;
    }
    boundary::guarded(|| {
        boundary::may_panic();
        let Some(mut thread) = thread::enter() else {
            return;
        };
        let Some(call) = call(&mut thread, call_site.slot) else {
            return;
        };
        let count = count(&thread, call).saturating_add(1);
        set_count(&mut thread, call, count);
        if count <= LOCAL_BOUND {
            return;
        }
        let is_first = count == LOCAL_BOUND + 1;
        if is_first {
            thread.frames.records[call] = thread.frames.next_record;
            thread.frames.next_record = thread.frames.next_record.saturating_add(1);
        }
        let place = place(&thread, thread.frames.records[call]);
        // Recording needs the thread's state.
        drop(thread);
        match place {
            Some(place) if is_first => record::counted(place, count, call_site),
            Some(place) => drop(IMAGE.live.resize(place, 0, 1)),
            None => IMAGE.count(Counter::DroppedAddress),
        }
    });
}

/// The caller at `call_site` has deleted a local reference.
pub fn deleted(call_site: CallSite) {
    if !is_tracked() || !origin::counts(call_site) {
        return;
    }
    boundary::guarded(|| {
        boundary::may_panic();
        let Some(mut thread) = thread::enter_existing() else {
            return;
        };
        if let Some(call) = call(&mut thread, call_site.slot) {
            let before = count(&thread, call);
            fewer(&mut thread, call, before, before.saturating_sub(1));
        }
    });
}

/// A frame is pushed at `slot` that is `depth` frames deep: what the call has now is outside of it.
pub fn frame_pushed(thread: &mut ThreadState, slot: usize, depth: u32) {
    let now = call(thread, slot).map_or(0, |call| count(thread, call));
    if let Some(saved) = thread.frames.saved.get_mut(depth as usize) {
        *saved = now;
    }
}

/// The frame is popped, and with it goes what was made in it.
pub fn frame_popped(thread: &mut ThreadState, slot: usize, depth: u32) {
    if depth as usize >= MOST_SAVED {
        return;
    }
    let outside = thread.frames.saved[depth as usize];
    if let Some(call) = call(thread, slot) {
        let before = count(thread, call);
        fewer(thread, call, before, before.min(outside));
    }
}

/// The calling thread detaches, and with it goes all that it has outside of native methods.
pub fn detached(thread: &mut ThreadState) {
    let before = thread.frames.references;
    fewer(thread, ATTACHED, before, 0);
}
