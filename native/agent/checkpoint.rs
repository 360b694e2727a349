//! Checkpoints, and what is still live since one.

use crate::{IMAGE, gate, keep, thread};
use core::ffi::{CStr, c_char};
use core::sync::atomic::Ordering::{AcqRel, Relaxed};
use hackleak_image::layout::{Blob, CONTEXT_IGNORED, Checkpoint, Context, Finding, Live};
use std::time::{SystemTime, UNIX_EPOCH};

/// Takes a checkpoint and returns its epoch: allocations made from now on have it or a later one.
pub fn take(label: &[u8]) -> u32 {
    keep::modules();
    let epoch = IMAGE.epoch().fetch_add(1, AcqRel) + 1;
    let thread = thread::current().map_or(0, |thread| thread.index());
    let label = if label.is_empty() {
        Blob::default()
    } else {
        IMAGE.blob(label)
    };
    IMAGE.checkpoints.push(
        IMAGE.window(),
        Checkpoint {
            epoch,
            thread,
            label,
            unix_ns: now(),
        },
    );
    epoch
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64)
}

/// Calls `each` with every live block that counts as a leak since `epoch`; `scope` 0 is any.
pub fn leaks(epoch: u32, scope: u32, mut each: impl FnMut(usize, Live)) {
    IMAGE
        .live
        .for_each_since(IMAGE.window(), epoch, |address, live| {
            let context = context(live.context());
            // A block whose context was lost could be anyone's: it counts.
            let known = live.context() != 0;
            let wanted = !known
                || context.epoch >= epoch
                    && (scope == 0 || context.scope == scope)
                    && context.flags & CONTEXT_IGNORED == 0;
            if wanted {
                each(address, live);
            }
        });
}

/// How many wrong frees were made since `epoch`; `scope` 0 is any.
pub fn findings(epoch: u32, scope: u32) -> u64 {
    let mut count = 0;
    for index in 0..IMAGE.findings.len(IMAGE.window()) {
        let place = IMAGE.findings.get(index);
        if place.is_null() {
            continue;
        }
        // SAFETY: a record below the arena's length; one that is still being written is zero and
        // counts, since its context is unknown.
        let finding: Finding = unsafe { place.read_volatile() };
        let known = (finding.freed >> 32) as u32;
        let context = context(known);
        let wanted = known == 0 || context.epoch >= epoch && (scope == 0 || context.scope == scope);
        count += u64::from(wanted);
    }
    count
}

fn context(index: u32) -> Context {
    let place = IMAGE.contexts.get(index);
    if place.is_null() {
        return Context {
            epoch: 0,
            scope: 0,
            thread: 0,
            flags: 0,
        };
    }
    // SAFETY: contexts never change once their index was handed out.
    unsafe { place.read() }
}

/// Allocations and frees of recorded blocks so far, over all threads.
pub fn totals() -> (u64, u64) {
    let mut totals = (0, 0);
    for index in 0..IMAGE.threads.len(IMAGE.window()) {
        let place = IMAGE.threads.get(index);
        if !place.is_null() {
            // SAFETY: a record of the image that its thread may be counting up meanwhile.
            let thread = unsafe { place.read_volatile() };
            totals.0 += thread.allocations;
            totals.1 += thread.frees;
        }
    }
    totals.1 += IMAGE
        .counter(hackleak_image::layout::Counter::FreesWithoutThread)
        .load(Relaxed);
    totals
}

/// For native tests: takes a checkpoint and returns its epoch, or 0 when the process is not
/// recorded. `label` may be null.
///
/// # Safety
///
/// `label` is null or ends in a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hackleak_checkpoint(label: *const c_char) -> u32 {
    if !gate::is_open() {
        return 0;
    }
    let label = if label.is_null() {
        &[]
    } else {
        // SAFETY: the caller's.
        unsafe { CStr::from_ptr(label) }.to_bytes()
    };
    take(label)
}
