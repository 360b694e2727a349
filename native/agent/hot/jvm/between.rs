//! Native code between the Java frames of a stack, by the calls back into Java that have not
//! returned.

use super::entries::EntryStack;
use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::unwind;
use core::ops::Range;
use std::sync::OnceLock;

/// Code of the `java` launcher, whose own call of `main` is of no interest.
static LAUNCHER: OnceLock<Range<usize>> = OnceLock::new();

/// Calls back from this code are of no interest.
pub fn leave_out(launcher: Range<usize>) {
    let _ = LAUNCHER.set(launcher);
}

/// For each Java frame, from the leaf to the root, the native code inside of it that called back
/// into Java; the last one is for a thread that native code began.
pub struct Between {
    /// Index of the Java frame (one past the last for the thread's own beginning), and where.
    places: [(usize, unwind::Call); MAX_PLACES],
    len: usize,
}

const MAX_PLACES: usize = 32;

impl Between {
    /// Finds which of the `len` Java frames (leaf first; `native` gives the method id of a native
    /// one) called back, further out than the native method at `slot`.
    ///
    /// Calls back that are noted have not returned. Where native code began is proven by walking
    /// from each to where its native stack ends: the native method that was called there has to be
    /// the frame's.
    pub fn of(
        entries: &EntryStack,
        bounds: &mut StackBounds,
        slot: usize,
        len: usize,
        native: impl Fn(usize) -> Option<usize>,
    ) -> Between {
        let nowhere = unwind::Call {
            slot: 0,
            frame_pointer: 0,
        };
        let mut between = Between {
            places: [(0, nowhere); MAX_PLACES],
            len: 0,
        };
        let mut frame = 0;
        for upcall in entries.upcalls(slot) {
            let call = unwind::Call {
                slot: upcall.slot,
                frame_pointer: upcall.detail,
            };
            if is_launcher(upcall.caller) || bounds.end_of_own(call.slot).is_none() {
                continue;
            }
            let unwind::End::Foreign {
                slot: began,
                caller,
            } = unwind::end_of(call, bounds)
            else {
                between.add(len, call);
                continue;
            };
            let Some(entry) = entries.native_outside(began, caller) else {
                continue;
            };
            let method = entry.cell().method;
            if let Some(found) = (frame..len).find(|at| native(*at) == Some(method)) {
                between.add(found, call);
                frame = found + 1;
            }
        }
        between
    }

    fn add(&mut self, frame: usize, call: unwind::Call) {
        if let Some(place) = self.places.get_mut(self.len) {
            *place = (frame, call);
            self.len += 1;
        }
    }

    /// Whether no native code called back.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where native code inside of Java frame `frame` called back.
    pub fn at(&self, frame: usize) -> Option<unwind::Call> {
        let places = &self.places[..self.len];
        places
            .iter()
            .find(|place| place.0 == frame)
            .map(|place| place.1)
    }
}

fn is_launcher(address: usize) -> bool {
    LAUNCHER.get().is_some_and(|range| range.contains(&address))
}
