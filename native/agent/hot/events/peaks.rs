//! How much native memory a scope has live at once, and how often it allocates, for tests with a
//! limit.
//!
//! While any scope is counted, a bit of the gate sends every event the slow way, where it comes by
//! here. A block belongs to the scope of its record, and to those around it, whoever frees it.
//!
//! What is difficult: the rounds of a test are counted one by one, while threads of the test may go
//! on. So a count begins with an epoch that has not come yet. A block belongs for good to the count
//! of the epoch in which it was made, and a count is never freed or used again.

use crate::IMAGE;
use crate::hot::events::selection;
use crate::hot::ground::gate;
use core::ptr;
use core::sync::atomic::{
    AtomicI64, AtomicPtr, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use hackleak_image::layout::{Kind, Live};
use std::sync::{Mutex, PoisonError};

/// What a scope has had, since an epoch.
struct Count {
    since: u32,
    /// The count before this one, or null.
    before: *const Count,
    live: AtomicI64,
    peak: AtomicI64,
    allocations: AtomicU64,
}

const LOWER: usize = 1 << 12;
const UPPER: usize = 1 << 12;

type Lower = [AtomicPtr<Count>; LOWER];

/// The newest count of each scope.
static NEWEST: [AtomicPtr<Lower>; UPPER] = [const { AtomicPtr::new(ptr::null_mut()) }; UPPER];

/// How many scopes are counted now. Held while that changes, never in a hook.
static COUNTED: Mutex<u32> = Mutex::new(0);

/// What a scope has had: the most bytes that were live at once, and its allocations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Had {
    pub peak: u64,
    pub allocations: u64,
}

/// Begins to count what is allocated in the scope. A scope that is counted already is counted anew,
/// from the next checkpoint on. False if there are too many scopes. Not for hooks.
pub fn begin(scope: u32) -> bool {
    let mut counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    let (upper, lower) = (scope as usize / LOWER, scope as usize % LOWER);
    let Some(upper) = NEWEST.get(upper) else {
        return false;
    };
    if upper.load(Relaxed).is_null() {
        let fresh: Box<Lower> = Box::new([const { AtomicPtr::new(ptr::null_mut()) }; LOWER]);
        upper.store(Box::into_raw(fresh), Release);
    }
    // SAFETY: a table of this module, which is never freed.
    let newest = unsafe { &(&*upper.load(Relaxed))[lower] };
    let before = newest.load(Relaxed);
    let since = match before.is_null() {
        true => 0,
        false => IMAGE.epoch().load(Relaxed) + 1,
    };
    let count = Box::new(Count {
        since,
        before,
        live: AtomicI64::new(0),
        peak: AtomicI64::new(0),
        allocations: AtomicU64::new(0),
    });
    newest.store(Box::into_raw(count), Release);
    if before.is_null() {
        *counted += 1;
        gate::set_counted(true);
    }
    true
}

/// Ends the counting of a scope for which [`begin`] was called.
pub fn end() {
    let mut counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    *counted = counted.saturating_sub(1);
    if *counted == 0 {
        gate::set_counted(false);
    }
}

/// What the scope has had since [`begin`] was last called for it; nothing if it never was.
pub fn had(scope: u32) -> Had {
    newest(scope).map_or(Had::default(), |count| Had {
        peak: count.peak.load(Acquire).max(0) as u64,
        allocations: count.allocations.load(Acquire),
    })
}

/// A record was made.
#[cold]
pub fn allocated(live: Live) {
    if is_memory(live) {
        each_count(live, |count| {
            count.allocations.fetch_add(1, AcqRel);
            count.add(live.size());
        });
    }
}

/// A record ended.
#[cold]
pub fn freed(live: Live) {
    resized(live, live.size(), 0);
}

/// `realloc` failed, so what ended has not: the block is still what it was.
#[cold]
pub fn realloc_failed(live: Live) {
    resized(live, 0, live.size());
}

/// A record has so many bytes less, and so many more.
#[cold]
pub fn resized(live: Live, less: u64, more: u64) {
    if is_memory(live) {
        each_count(live, |count| {
            count.live.fetch_sub(less as i64, AcqRel);
            count.add(more);
        });
    }
}

impl Count {
    fn add(&self, bytes: u64) {
        let before = self.live.fetch_add(bytes as i64, AcqRel);
        self.peak.fetch_max(before + bytes as i64, AcqRel);
    }
}

/// Whether the block is native memory by itself: no handle, no part of another block, nothing of
/// the JVM's.
fn is_memory(live: Live) -> bool {
    matches!(
        Kind::from_number(live.kind()),
        Some(Kind::New | Kind::NewArray | Kind::Malloc | Kind::Unsafe | Kind::Zip | Kind::Mmap)
    )
}

/// Calls `each` with the counts that the block belongs to: its scope's, and those of the scopes
/// around that.
fn each_count(live: Live, each: impl Fn(&Count)) {
    let context = selection::context(live.context());
    let mut scope = context.scope;
    while scope != 0 {
        let mut at = newest(scope);
        while let Some(count) = at {
            if count.since <= context.epoch {
                each(count);
                break;
            }
            // SAFETY: null or a count, which is never freed.
            at = unsafe { count.before.as_ref() };
        }
        let parent = IMAGE.scopes.read(scope).map_or(0, |scope| scope.parent);
        scope = if parent < scope { parent } else { 0 };
    }
}

fn newest(scope: u32) -> Option<&'static Count> {
    let lower = NEWEST.get(scope as usize / LOWER)?.load(Acquire);
    // SAFETY: null or a table of this module, which is never freed.
    let lower = unsafe { lower.as_ref() }?;
    // SAFETY: null or a count, which is never freed.
    unsafe { lower.get(scope as usize % LOWER)?.load(Acquire).as_ref() }
}
