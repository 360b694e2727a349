//! One allocation, and in `frees` one free.
//!
//! An allocation is recorded after the real call and a free before it: at any other moment the
//! address may already belong to another thread.

mod frees;

pub use frees::{
    allocated_unrecorded, freed, given_up, is_of_runtime, realloc_began, realloc_failed,
    realloc_freed, realloc_succeeded, released, removed, resized,
};

use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::origin::Requester;
use crate::hot::events::{log, origin, peaks};
use crate::hot::ground::{boundary, gate};
use crate::hot::thread::{self, ThreadState};
use crate::hot::unwind;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::Marker;
use hackleak_image::layout::{Counter, Kind, Live, PIN_SHIFT, UnattributedTotals};
use hackleak_image::writer::{InsertError, LiveTable};

/// Records a block that was just handed out. `address` is not null.
#[inline(always)]
pub fn allocated(address: usize, size: usize, kind: Kind, call_site: CallSite) {
    if gate::is_open() {
        let size = size as u64;
        if !record_at_once(&IMAGE.live, address, size, kind, call_site) {
            allocated_slowly(address, size, kind, call_site);
        }
    }
}

#[cold]
#[inline(never)]
fn allocated_slowly(address: usize, size: u64, kind: Kind, call_site: CallSite) {
    record(size, kind, call_site, |live, epoch, thread| {
        IMAGE.live.insert(IMAGE.window(), address, live, epoch)?;
        if gate::is_counted() {
            peaks::allocated(live);
        }
        if gate::is_logged() {
            log_line(thread, || log::allocated(address, live));
        }
        Ok(())
    });
}

/// Makes and stores the record if everything that it needs is known: the thread, a remembered
/// stack, the context, the table's segment. Tells whether it did; else nothing has been done. This
/// is the way of nearly all allocations, so nothing in it can panic, and there is nothing to guard.
#[inline(always)]
fn record_at_once(
    table: &LiveTable,
    address: usize,
    size: u64,
    kind: Kind,
    call_site: CallSite,
) -> bool {
    if gate::is_watched() {
        return false;
    }
    let Some(mut thread) = thread::enter_existing() else {
        return false;
    };
    let Some((context, epoch)) = thread.known_context() else {
        return false;
    };
    let Some(stack) = unwind::remembered(&mut thread, call_site) else {
        return false;
    };
    let stored = table.try_insert(address, Live::new(stack, context, size, kind), epoch);
    if stored {
        thread.count_allocation(size);
    }
    stored
}

/// Makes the record of what was just handed out and lets `put` store it.
#[inline(never)]
fn record(
    size: u64,
    kind: Kind,
    call_site: CallSite,
    put: impl FnOnce(Live, u32, Option<&mut ThreadState>) -> Result<(), InsertError>,
) {
    let stored = boundary::guarded(|| match thread::enter() {
        Some(mut thread) => {
            boundary::may_panic();
            // On the program's stack, what so deep a call leaves, the address among it, would look
            // like what holds the block of a thread that runs.
            thread.on_own_stack(|thread| {
                let stack = unwind::stack(thread, call_site);
                let (context, epoch) = thread.context();
                let live = Live::new(stack, context, size, kind);
                put(live, epoch, Some(thread))?;
                thread.count_allocation(size);
                Ok(())
            })
        }
        None => interrupted(size, kind, put),
    });
    if let Some(Err(refused)) = stored {
        dropped(refused);
    }
}

/// The recorder itself was interrupted on this thread, or the thread could have no state: the
/// record is kept, its stack is not.
#[cold]
#[inline(never)]
fn interrupted(
    size: u64,
    kind: Kind,
    put: impl FnOnce(Live, u32, Option<&mut ThreadState>) -> Result<(), InsertError>,
) -> Result<(), InsertError> {
    IMAGE.count(Counter::StackInterrupted);
    let live = Live::new(Marker::Interrupted as u32, 0, size, kind);
    put(live, IMAGE.epoch().load(Relaxed), None)?;
    IMAGE.add_unattributed(UnattributedTotals {
        allocations: 1,
        bytes: size,
        freed_bytes: 0,
    });
    Ok(())
}

/// Writes to the text log, on the recorder's stack where that is free.
#[cold]
#[inline(never)]
fn log_line(thread: Option<&mut ThreadState>, write: impl FnOnce()) {
    match thread {
        Some(thread) => thread.on_own_stack(|_| write()),
        None => write(),
    }
}

#[cold]
#[inline(never)]
fn dropped(refused: InsertError) {
    IMAGE.count(match refused {
        InsertError::Address => Counter::DroppedAddress,
        InsertError::NoSegment => Counter::DroppedNoSegment,
    });
}

/// Records a block of the malloc family, if it is one whose caller's memory counts.
#[inline(always)]
pub fn allocated_by_caller(address: usize, size: usize, call_site: CallSite) {
    match origin::requester(call_site) {
        Requester::UnderTest => allocated(address, size, Kind::Malloc, call_site),
        Requester::Zlib => allocated_slowly(address, size as u64, Kind::Zip, call_site),
        Requester::Runtime => {
            if !holds_at_once(address, size, call_site) {
                allocated_unrecorded(address);
            }
        }
    }
}

/// A block of the malloc family was handed out, which is not tracked. What zlib takes for Java may
/// be.
#[inline(always)]
pub fn allocated_untracked(address: usize, size: usize, call_site: CallSite) {
    if gate::is_open_for_zip() && origin::requester(call_site) == Requester::Zlib {
        allocated_slowly(address, size as u64, Kind::Zip, call_site);
    } else {
        allocated_unrecorded(address);
    }
}

/// The epoch of what is older than every checkpoint.
const FIRST_EPOCH: u32 = 1;

/// Keeps a block of the runtime's, if it may hold blocks of the program's: of no interest itself,
/// but what it points at is held. Tells whether it did.
#[inline(always)]
fn holds_at_once(address: usize, size: usize, call_site: CallSite) -> bool {
    if !gate::is_open() || !origin::may_hold(call_site) {
        return false;
    }
    let live = Live::of_runtime(size as u64);
    if !IMAGE.live.try_insert(address, live, FIRST_EPOCH) {
        keep_slowly(address, live);
    }
    true
}

/// One that is missing may make a block look lost that it holds; itself, it is nobody's leak.
#[cold]
#[inline(never)]
fn keep_slowly(address: usize, live: Live) {
    boundary::guarded(|| {
        boundary::may_panic();
        thread::on_own_stack(|_| {
            IMAGE
                .live
                .insert(IMAGE.window(), address, live, FIRST_EPOCH)
        })
    });
}

/// Records a resource that native code took from the JVM, if its caller's resources count.
#[inline(always)]
pub fn taken_by_caller(address: usize, size: usize, kind: Kind, call_site: CallSite) {
    if !gate::is_open() || address == 0 {
        return;
    }
    if origin::counts(call_site) {
        allocated(address, size, kind, call_site);
    } else {
        allocated_unrecorded(address);
    }
}

/// The same for a resource that can be taken several times at one address.
pub fn pinned_by_caller(address: usize, kind: Kind, call_site: CallSite) {
    if gate::is_open() && address != 0 && origin::counts(call_site) {
        record(0, kind, call_site, |live, epoch, _| {
            IMAGE.live.pin(IMAGE.window(), address, live, epoch)
        });
    }
}

/// Records a descriptor that a library of the JDK has opened for Java code, which its
/// [`Live::pins`] tell.
pub fn opened_for_java(address: usize, call_site: CallSite) {
    record(0, Kind::Fd, call_site, |live, epoch, _| {
        let live = Live {
            block: live.block | 1 << PIN_SHIFT,
            ..live
        };
        IMAGE.live.insert(IMAGE.window(), address, live, epoch)
    });
}

/// Records what is counted: the size of the record is the count, and it has no bytes.
pub fn counted(address: usize, count: u32, call_site: CallSite) {
    record(0, Kind::LocalRefs, call_site, |live, epoch, _| {
        let live = Live {
            block: live.block | u64::from(count),
            ..live
        };
        IMAGE.live.insert(IMAGE.window(), address, live, epoch)
    });
}

/// Records an object of a pool.
pub fn pooled(address: usize, size: usize, call_site: CallSite) {
    let size = size as u64;
    if gate::is_open_to_allocate()
        && !record_at_once(&IMAGE.pool, address, size, Kind::Pool, call_site)
    {
        record(size, Kind::Pool, call_site, |live, epoch, _| {
            IMAGE.pool.insert(IMAGE.window(), address, live, epoch)
        });
    }
}

/// Takes an object of a pool out of the table.
pub fn unpooled(address: usize) {
    if gate::is_open() {
        boundary::guarded(|| {
            if let Ok(live) = IMAGE.pool.remove(address) {
                removed(live.size());
            }
        });
    }
}

/// Ends one hold of a resource that can be taken several times; false when nobody holds it.
pub fn unpinned(address: usize) -> bool {
    if !gate::is_open() {
        return true;
    }
    let held = boundary::guarded(|| {
        let held = IMAGE.live.unpin(address);
        if held {
            removed(0);
        }
        held
    });
    held.unwrap_or(true)
}
