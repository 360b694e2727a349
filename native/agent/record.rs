//! One allocation, one free.
//!
//! An allocation is recorded after the real call and a free before it: at any other moment the
//! address may already belong to another thread.

use crate::arch::Position;
use crate::thread::{self, ThreadState};
use crate::{IMAGE, findings, gate, unwind};
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::{Ordering::Relaxed, compiler_fence};
use hackleak_image::Marker;
use hackleak_image::layout::{Counter, Kind, Live, Release};

/// Records a block that was just handed out. `address` is not null.
#[inline(always)]
pub fn allocated(address: usize, size: usize, kind: Kind, position: Position) {
    if !gate::is_open() {
        return;
    }
    match thread::current() {
        Some(thread) if !thread.busy => recorded(thread, address, size, kind, position),
        thread => interrupted(thread, address, size, kind),
    }
}

/// Records a block of the malloc family, if it is one whose caller's memory counts.
#[inline(always)]
pub fn allocated_by_caller(address: usize, size: usize, position: Position) {
    if unwind::caller_counts(position) {
        allocated(address, size, Kind::Malloc, position);
    } else {
        passed(address);
    }
}

/// Records a resource that native code took from the JVM, if its caller's resources count.
#[inline(always)]
pub fn taken_by_caller(address: usize, size: usize, kind: Kind, position: Position) {
    if gate::is_open() && address != 0 && unwind::caller_counts(position) {
        allocated(address, size, kind, position);
    }
}

/// The same for a resource that can be taken several times at one address.
pub fn pinned_by_caller(address: usize, kind: Kind, position: Position) {
    if !gate::is_open() || address == 0 || !unwind::caller_counts(position) {
        return;
    }
    let Some(thread) = thread::current().filter(|thread| !thread.busy) else {
        return;
    };
    thread.busy = true;
    compiler_fence(SeqCst);
    let stack = unwind::stack(thread, position);
    let (context, epoch) = thread.context();
    let live = Live::new(stack, context, 0, kind);
    if let Err(refused) = IMAGE.live.pin(IMAGE.window(), address, live, epoch) {
        dropped(refused);
    }
    thread.record().allocations += 1;
    compiler_fence(SeqCst);
    thread.busy = false;
}

/// Records an object of a pool.
pub fn pooled(address: usize, size: usize, position: Position) {
    if !gate::is_open() {
        return;
    }
    let Some(thread) = thread::current().filter(|thread| !thread.busy) else {
        return;
    };
    thread.busy = true;
    compiler_fence(SeqCst);
    let stack = unwind::stack(thread, position);
    let (context, epoch) = thread.context();
    let live = Live::new(stack, context, size as u64, Kind::Pool);
    if let Err(refused) = IMAGE.pool.insert(IMAGE.window(), address, live, epoch) {
        dropped(refused);
    }
    let record = thread.record();
    record.allocations += 1;
    record.bytes += size as u64;
    compiler_fence(SeqCst);
    thread.busy = false;
}

/// Takes an object of a pool out of the table.
pub fn unpooled(address: usize) {
    if gate::is_open() && IMAGE.pool.remove(address).is_ok() {
        match thread::existing() {
            Some(thread) => thread.record().frees += 1,
            None => count_free(),
        }
    }
}

/// Ends one hold of a resource that can be taken several times.
pub fn unpinned(address: usize) {
    if gate::is_open()
        && IMAGE.live.unpin(address)
        && let Some(thread) = thread::current()
    {
        thread.record().frees += 1;
    }
}

/// Takes the block out of the table before `realloc`; its record, if it has one.
#[inline(always)]
pub fn retired(address: usize) -> Option<Live> {
    IMAGE.live.remove(address).ok()
}

/// `realloc` failed: the block is still what it was.
#[cold]
pub fn restored(address: usize, old: Live) {
    insert(address, old, IMAGE.epoch().load(Relaxed));
}

/// `realloc` to nothing freed the block.
#[cold]
pub fn ended(_old: Live) {
    if let Some(thread) = thread::current() {
        thread.record().frees += 1;
    }
}

/// `realloc` gave the block a new size, and perhaps another address.
pub fn moved(old: Live, address: usize, size: usize, position: Position) {
    ended(old);
    let kind = Kind::from_number(old.kind()).unwrap_or(Kind::Malloc);
    allocated(address, size, kind, position);
}

#[inline(always)]
fn recorded(thread: &mut ThreadState, address: usize, size: usize, kind: Kind, position: Position) {
    thread.busy = true;
    // A signal handler on this thread must see `busy` set before anything else changes.
    compiler_fence(SeqCst);
    let stack = unwind::stack(thread, position);
    let (context, epoch) = thread.context();
    insert(address, Live::new(stack, context, size as u64, kind), epoch);
    let record = thread.record();
    record.allocations += 1;
    record.bytes += size as u64;
    compiler_fence(SeqCst);
    thread.busy = false;
}

/// The recorder itself was interrupted on this thread, or the thread could have no state: the
/// block is kept, its stack is not.
#[cold]
#[inline(never)]
fn interrupted(thread: Option<&mut ThreadState>, address: usize, size: usize, kind: Kind) {
    IMAGE.count(Counter::StackInterrupted);
    if let Some(thread) = thread {
        let record = thread.record();
        record.allocations += 1;
        record.bytes += size as u64;
    }
    let stack = Marker::Interrupted as u32;
    insert(
        address,
        Live::new(stack, 0, size as u64, kind),
        IMAGE.epoch().load(Relaxed),
    );
}

#[inline(always)]
fn insert(address: usize, live: Live, epoch: u32) {
    if let Err(refused) = IMAGE.live.insert(IMAGE.window(), address, live, epoch) {
        dropped(refused);
    }
}

#[cold]
#[inline(never)]
fn dropped(refused: hackleak_image::writer::Refused) {
    use hackleak_image::writer::Refused;
    IMAGE.count(match refused {
        Refused::Address => Counter::DroppedAddress,
        Refused::NoSegment => Counter::DroppedNoSegment,
    });
}

/// Takes a block out of the live table before it is freed. An address that was never recorded is
/// none of ours.
#[inline(always)]
pub fn freed(address: usize, release: Release, told: Option<usize>, position: Position) {
    if !gate::is_open() {
        return;
    }
    match IMAGE.live.remove(address) {
        Ok(live) => {
            if release == Release::Java {
                // The JVM frees the memory behind it by its own means, which pass here as well.
                IMAGE.live.forget(address);
            }
            match thread::existing() {
                Some(thread) => thread.record().frees += 1,
                None => count_free(),
            }
            let fits = Kind::from_number(live.kind()).is_some_and(|kind| release.fits(kind));
            if !fits {
                findings::mismatch(address, live, release, position);
            } else if let Some(told) = told
                && told as u64 != live.size()
            {
                findings::wrong_size(address, live, release, told, position);
            }
        }
        Err(left) => {
            if left.block != 0 {
                findings::double_free(address, left, release, position);
            } else if matches!(release, Release::Delete | Release::DeleteArray) {
                findings::not_a_start(address, release, position);
            }
        }
    }
}

/// A block was handed out that is not recorded: what was known of the address is void.
#[inline(always)]
pub fn passed(address: usize) {
    if gate::is_open() {
        IMAGE.live.forget(address);
    }
}

/// A thread whose first recorded event is a free gets its state here; one that is ending does not
/// get another.
#[cold]
#[inline(never)]
fn count_free() {
    match thread::current() {
        Some(thread) => thread.record().frees += 1,
        None => IMAGE.count(Counter::FreesWithoutThread),
    }
}
