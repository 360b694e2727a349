//! One free, and `realloc`, which frees and allocates.

use super::{allocated, dropped, log_line};
use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::{inherited, invalid_frees, log, peaks};
use crate::hot::ground::{boundary, gate};
use crate::hot::jvm;
use crate::hot::thread;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::{Counter, Kind, Live, Release, UnattributedTotals};

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

/// Takes the block out of the table before `realloc`; its record, if it has one.
#[inline(always)]
pub fn realloc_began(address: usize) -> Option<Live> {
    let live = IMAGE.live.remove(address).ok();
    if live.is_none() {
        inherited::freed(address);
    }
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
            inherited::freed(address);
            if left.block != 0 || matches!(release, Release::Delete | Release::DeleteArray) {
                freed_no_block(address, left, release, call_site);
            }
        }
    }
}

/// A block was freed that is logged or counted, lies under a buffer, belongs to the JVM, or whose
/// free is invalid.
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
fn freed_no_block(address: usize, left: Live, release: Release, call_site: CallSite) {
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

/// Takes out of the table what a JNI function gives back; whether it was there, or an invalid free
/// of its own.
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
