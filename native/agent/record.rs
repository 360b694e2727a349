//! One allocation, one free.
//!
//! An allocation is recorded after the real call and a free before it: at any other moment the
//! address may already belong to another thread.

use crate::arch::CallSite;
use crate::origin::Requester;
use crate::thread::{self, ThreadState};
use crate::{IMAGE, boundary, gate, invalid_frees, jvm, log, origin, peaks, unwind};
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::Marker;
use hackleak_image::layout::{Counter, Kind, Live, PIN_SHIFT, Release, UnattributedTotals};
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

/// Makes and stores the record if everything that it needs is known: the thread, a remembered stack,
/// the context, the table's segment. Tells whether it did; else nothing has been done. This is the
/// way of nearly all allocations, so nothing in it can panic, and there is nothing to guard.
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
            let stack = unwind::stack(&mut thread, call_site);
            let (context, epoch) = thread.context();
            let live = Live::new(stack, context, size, kind);
            put(live, epoch, Some(&mut thread))?;
            thread.count_allocation(size);
            Ok(())
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

/// Counts and logs the end of a record; the thread's state is not at hand.
#[cold]
#[inline(never)]
fn watch_free(address: usize, live: Live) {
    if gate::is_counted() {
        peaks::freed(live);
    }
    if gate::is_logged() {
        let mut thread = thread::enter();
        log_line(thread.as_deref_mut(), || log::freed(address, live));
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

/// A block of the malloc family was handed out, which is not tracked. What zlib takes for Java may be.
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
        IMAGE
            .live
            .insert(IMAGE.window(), address, live, FIRST_EPOCH)
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

/// Records a descriptor that a library of the JDK has opened for Java code, which its [`Live::pins`] tell.
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

/// Takes the block out of the table before `realloc`; its record, if it has one.
#[inline(always)]
pub fn realloc_began(address: usize) -> Option<Live> {
    let live = IMAGE.live.remove(address).ok();
    if let Some(live) = live {
        if is_of_runtime(live) {
            IMAGE.live.forget(address);
            return None;
        }
        set_reallocating(address);
        if gate::is_watched() {
            boundary::guarded(|| watch_free(address, live));
        }
    }
    live
}

/// Notes which block the real `realloc` is at work on. One that calls the exported `free` frees a
/// block that has no record any more, and that is no second free.
#[inline(always)]
fn set_reallocating(address: usize) {
    if let Some(mut thread) = thread::enter_existing() {
        thread.reallocating = address;
    }
}

#[inline(always)]
pub fn is_of_runtime(live: Live) -> bool {
    live.kind() == Kind::Runtime as u8
}

/// `realloc` failed: the block is still what it was.
#[cold]
pub fn realloc_failed(address: usize, old: Live) {
    let epoch = IMAGE.epoch().load(Relaxed);
    let stored = boundary::guarded(|| {
        set_reallocating(0);
        IMAGE.live.insert(IMAGE.window(), address, old, epoch)?;
        if gate::is_counted() {
            peaks::realloc_failed(old);
        }
        if gate::is_logged() {
            log_line(thread::enter().as_deref_mut(), || {
                log::allocated(address, old)
            });
        }
        Ok(())
    });
    if let Some(Err(refused)) = stored {
        dropped(refused);
    }
}

/// Counts a record of so many bytes that was taken out of its table.
#[inline(always)]
pub fn removed(bytes: u64) {
    match thread::enter_existing() {
        Some(mut thread) => thread.count_free(bytes),
        None => count_free(bytes),
    }
}

/// Takes the record of a handle without bytes out of the table, and what would be left of it.
pub fn given_up(address: usize) {
    if IMAGE.live.remove(address).is_ok() {
        removed(0);
        IMAGE.live.forget(address);
    }
}

/// Counts a record of which some bytes went, or to which some came. So does `realloc`.
pub fn resized(less: u64, more: u64) {
    removed(less);
    if let Some(mut thread) = thread::enter_existing() {
        thread.count_allocation(more);
    } else {
        IMAGE.add_unattributed(UnattributedTotals {
            allocations: 1,
            bytes: more,
            freed_bytes: 0,
        });
    }
}

/// `realloc` freed the block.
pub fn realloc_freed(old: Live) {
    set_reallocating(0);
    removed(old.size());
}

/// `realloc` gave the block at `before` a new size, and perhaps another address.
pub fn realloc_succeeded(
    old: Live,
    before: usize,
    address: usize,
    size: usize,
    call_site: CallSite,
) {
    set_reallocating(0);
    removed(old.size());
    if old.pins() != 0 && address != before {
        boundary::guarded(|| jvm::buffers::freed_under(before, Release::Free, call_site));
    }
    let kind = Kind::from_number(old.kind()).unwrap_or(Kind::Malloc);
    allocated(address, size, kind, call_site);
}

/// Takes a block out of the live table before it is freed. An address that was never recorded is
/// none of ours.
#[inline(always)]
pub fn freed(address: usize, release: Release, claimed_size: Option<usize>, call_site: CallSite) {
    if !gate::is_open() {
        return;
    }
    // As in `record_at_once`, nothing here can panic.
    match IMAGE.live.remove(address) {
        Ok(live) if is_of_runtime(live) => IMAGE.live.forget(address),
        Ok(live) => {
            let fits = Kind::from_number(live.kind()).is_some_and(|kind| release.is_for(kind));
            let right = fits && claimed_size.is_none_or(|claimed| claimed as u64 == live.size());
            if right && live.pins() == 0 && !release.is_java() && !gate::is_watched() {
                removed(live.size());
            } else {
                freed_oddly(address, live, release, claimed_size, call_site);
            }
        }
        Err(left) => {
            if left.block != 0 || matches!(release, Release::Delete | Release::DeleteArray) {
                freed_wrongly(address, left, release, call_site);
            }
        }
    }
}

/// A block was freed that is logged or counted, lies under a buffer, belongs to the JVM, or is freed in a wrong way.
#[cold]
#[inline(never)]
fn freed_oddly(
    address: usize,
    live: Live,
    release: Release,
    claimed_size: Option<usize>,
    call_site: CallSite,
) {
    boundary::guarded(|| {
        boundary::may_panic();
        if gate::is_watched() {
            watch_free(address, live);
        }
        if release.is_java() {
            // The JVM frees the memory behind it by its own means, which pass here as well.
            IMAGE.live.forget(address);
        }
        removed(live.size());
        if live.pins() != 0 {
            jvm::buffers::freed_under(address, release, call_site);
        }
        let fits = Kind::from_number(live.kind()).is_some_and(|kind| release.fits(kind));
        if !fits {
            invalid_frees::mismatch(address, live, release, call_site);
        } else if let Some(claimed_size) = claimed_size
            && claimed_size as u64 != live.size()
        {
            invalid_frees::size_mismatch(address, live, release, claimed_size, call_site);
        }
    });
}

/// What was freed is no block; `left` is what is known of the address.
#[cold]
#[inline(never)]
fn freed_wrongly(address: usize, left: Live, release: Release, call_site: CallSite) {
    boundary::guarded(|| {
        if left.block == 0 {
            invalid_frees::not_a_start(address, release, call_site);
            return;
        }
        // Handles of the JVM lie inside of memory that it took unrecorded: what is known of such an
        // address may be of a block that began there before.
        let same_sort = Kind::from_number(left.kind()).is_some_and(|kind| release.fits(kind));
        if release.is_of_handle() && !same_sort {
            IMAGE.live.forget(address);
            return;
        }
        let known = thread::enter_existing();
        if known.is_some_and(|thread| thread.reallocating == address) {
            return;
        }
        invalid_frees::double_free(address, left, release, call_site);
    });
}

/// Takes out of the table what a JNI function gives back; whether it was there, or an invalid free of
/// its own.
pub fn released(address: usize, release: Release, call_site: CallSite) -> bool {
    if !gate::is_open() {
        return true;
    }
    let known = IMAGE.live.is_known(address);
    freed(address, release, None, call_site);
    known
}

/// A block was handed out that is not recorded: what was known of the address is void.
#[inline(always)]
pub fn allocated_unrecorded(address: usize) {
    if gate::is_open() {
        IMAGE.live.forget(address);
    }
}

/// A thread whose first recorded event is a free gets its state here; one that is ending, or was
/// interrupted while the recorder worked for it, is counted without.
#[cold]
#[inline(never)]
fn count_free(bytes: u64) {
    match boundary::guarded(thread::enter).flatten() {
        Some(mut thread) => thread.count_free(bytes),
        None => {
            IMAGE.count(Counter::FreesWithoutThread);
            IMAGE.add_unattributed(UnattributedTotals {
                freed_bytes: bytes,
                ..UnattributedTotals::default()
            });
        }
    }
}
