//! Checkpoints, and the ends of scopes and assertions.

use crate::IMAGE;
use crate::cold::loading::{module_copies, pools};
use crate::hot::events::timeline;
use crate::hot::ground::{boundary, gate};
use crate::hot::thread;
use core::ffi::{CStr, c_char};
use core::sync::atomic::Ordering::{AcqRel, Relaxed};
use hackleak_image::layout::{Assertion, Blob, Cause, Check, Checkpoint, Counter, Outcome};
use hackleak_platform::clock;

/// Takes a checkpoint and returns its epoch: allocations made from now on have it or a later one.
pub fn take(label: &[u8]) -> u32 {
    pools::look();
    module_copies::save_new();
    let epoch = IMAGE.epoch().fetch_add(1, AcqRel) + 1;
    let thread = thread::enter().map_or(0, |thread| thread.index());
    let label = if label.is_empty() {
        Blob::default()
    } else {
        IMAGE.blob(label)
    };
    let unix_ns = clock::now();
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
    let unix_ns = clock::now();
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
            thread: thread::enter().map_or(0, |thread| thread.index()),
            label: IMAGE.blob(ended.label.as_bytes()),
            detail: IMAGE.blob(ended.detail.as_bytes()),
        },
    );
    if kept.is_none() {
        IMAGE.count(Counter::AssertionsFull);
    }
    timeline::point(Cause::Assertion, IMAGE.epoch().load(Relaxed), unix_ns);
}

/// Closes a scope for good: what is done in it from now on is not its doing. Returns the epoch
/// that begins.
pub fn close_scope(index: u32) -> u32 {
    let epoch = take(b"");
    let place = IMAGE.scopes.get(index);
    if index != 0 && !place.is_null() {
        // SAFETY: a scope of the image; this word is written once, by whoever closes the scope.
        unsafe { (&raw mut (*place).closed).write_volatile(epoch) };
    }
    epoch
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
    if !gate::is_open_to_allocate() {
        return 0;
    }
    let label = if label.is_null() {
        &[]
    } else {
        // SAFETY: the caller's.
        unsafe { CStr::from_ptr(label) }.to_bytes()
    };
    boundary::guarded(|| take(label)).unwrap_or(0)
}
