//! Checkpoints, and what is still live since one.

use crate::{IMAGE, gate, keep, pools, thread, timeline};
use core::ffi::{CStr, c_char};
use core::sync::atomic::Ordering::{AcqRel, Relaxed};
use hackleak_image::layout::{
    Assertion, Blob, CONTEXT_IGNORED, Cause, Check, Checkpoint, Context, Counter, Finding, Live,
    Outcome,
};

/// Takes a checkpoint and returns its epoch: allocations made from now on have it or a later one.
pub fn take(label: &[u8]) -> u32 {
    pools::look();
    keep::modules();
    let epoch = IMAGE.epoch().fetch_add(1, AcqRel) + 1;
    let thread = thread::current().map_or(0, |thread| thread.index());
    let label = if label.is_empty() {
        Blob::default()
    } else {
        IMAGE.blob(label)
    };
    let unix_ns = now();
    IMAGE.checkpoints.push(
        IMAGE.window(),
        Checkpoint {
            epoch,
            thread,
            label,
            unix_ns,
        },
    );
    timeline::point(Cause::Checkpoint, epoch, unix_ns);
    epoch
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    clock(libc::CLOCK_REALTIME)
}

/// Nanoseconds of one of the system's clocks. May be called in hooks.
pub fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(clock, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000) + time.tv_nsec as u64
}

/// What an assertion came to.
pub struct Ended<'text> {
    pub check: Check,
    pub outcome: Outcome,
    pub since: u32,
    pub scope: u32,
    pub bytes: u64,
    pub blocks: u64,
    pub sites: u32,
    pub label: &'text str,
    pub detail: &'text str,
}

/// Keeps in the image what an assertion came to.
pub fn keep_assertion(ended: &Ended) {
    let unix_ns = now();
    let kept = IMAGE.assertions.push(
        IMAGE.window(),
        Assertion {
            outcome: ended.outcome as u32,
            check: ended.check as u32,
            since: ended.since,
            scope: ended.scope,
            unix_ns,
            bytes: ended.bytes,
            blocks: ended.blocks,
            sites: ended.sites,
            thread: thread::current().map_or(0, |thread| thread.index()),
            label: IMAGE.blob(ended.label.as_bytes()),
            detail: IMAGE.blob(ended.detail.as_bytes()),
        },
    );
    if kept.is_none() {
        IMAGE.count(Counter::AssertionsFull);
    }
    timeline::point(Cause::Assertion, IMAGE.epoch().load(Relaxed), unix_ns);
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
    let totals = timeline::totals();
    (totals.allocations, totals.frees)
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
