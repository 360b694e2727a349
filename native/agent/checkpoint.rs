//! Checkpoints, and what is still live since one.

use crate::{IMAGE, boundary, gate, keep, pools, thread, timeline};
use core::ffi::{CStr, c_char};
use core::sync::atomic::Ordering::{AcqRel, Relaxed};
use hackleak_image::Whose;
use hackleak_image::layout::{
    Assertion, Blob, CONTEXT_IGNORED, Cause, Check, Checkpoint, Context, Counter, Finding, Kind,
    Live, Outcome, Scope,
};

/// Takes a checkpoint and returns its epoch: allocations made from now on have it or a later one.
pub fn take(label: &[u8]) -> u32 {
    pools::look();
    keep::modules();
    let epoch = IMAGE.epoch().fetch_add(1, AcqRel) + 1;
    let thread = thread::enter().map_or(0, |thread| thread.index());
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

/// What is looked at: since an epoch, in a scope (0 is any), whose doing.
#[derive(Clone, Copy)]
pub struct Choice {
    pub epoch: u32,
    pub scope: u32,
    pub whose: Whose,
}

impl Choice {
    /// All that was ever recorded.
    pub const EVERYTHING: Choice = Choice {
        epoch: 0,
        scope: 0,
        whose: Whose::Any,
    };

    /// Whether the live block is looked at: it was not left there on purpose.
    pub fn suspects(self, live: Live) -> bool {
        let context = context(live.context());
        live.kind() != Kind::Runtime as u8
            && context.flags & CONTEXT_IGNORED == 0
            && self.takes(live.context(), &context)
    }

    /// Whether what was done in context `index` is looked at. What has lost its context could be
    /// anyone's: it counts, except for a single scope among those that run in parallel.
    fn takes(self, index: u32, context: &Context) -> bool {
        if index == 0 {
            return !matches!(self.whose, Whose::Owned | Whose::Claimed);
        }
        context.epoch >= self.epoch
            && self
                .whose
                .takes(self.scope, context, self::scope, thread_ended)
    }
}

/// Calls `each` with every live block that counts as a leak.
pub fn leaks(choice: Choice, mut each: impl FnMut(usize, Live)) {
    let mut consider = |address, live: Live| {
        if choice.suspects(live) {
            each(address, live);
        }
    };
    for table in [&IMAGE.live, &IMAGE.pool] {
        table.for_each_since(IMAGE.window(), choice.epoch, &mut consider);
    }
}

/// How many wrong frees were made.
pub fn findings(choice: Choice) -> u64 {
    let mut count = 0;
    for index in 0..IMAGE.findings.len(IMAGE.window()) {
        let place = IMAGE.findings.get(index);
        if place.is_null() {
            continue;
        }
        // SAFETY: a record below the arena's length; one that is still being written is zero.
        let finding: Finding = unsafe { place.read_volatile() };
        let freed_in = (finding.freed >> 32) as u32;
        count += u64::from(finding.wrong != 0 && choice.takes(freed_in, &context(freed_in)));
    }
    count
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

fn scope(index: u32) -> Option<Scope> {
    let place = IMAGE.scopes.get(index);
    if place.is_null() {
        return None;
    }
    // SAFETY: a scope of the image; only its `closed` ever changes.
    Some(unsafe { place.read_volatile() })
}

fn thread_ended(index: u32) -> u32 {
    let place = IMAGE.threads.get(index);
    if index == 0 || place.is_null() {
        return 0;
    }
    // SAFETY: a record of the image that its thread writes once at its end.
    unsafe { (&raw const (*place).ended).read_volatile() }
}

/// The context of this number; of an older epoch than any where there is none.
pub fn context(index: u32) -> Context {
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

/// The epoch of a context; 0 where that was lost.
pub fn epoch_of(index: u32) -> u32 {
    context(index).epoch
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
