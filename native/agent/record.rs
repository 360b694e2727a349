//! One allocation, one free.
//!
//! An allocation is recorded after the real call and a free before it: at any other moment the
//! address may already belong to another thread.

use crate::arch::Position;
use crate::thread::{self, ThreadState};
use crate::{IMAGE, findings, gate, jvm, log, unwind};
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::Marker;
use hackleak_image::layout::{Counter, Kind, Live, Release, Strays};
use hackleak_image::writer::Refused;

/// Records a block that was just handed out. `address` is not null.
#[inline(always)]
pub fn allocated(address: usize, size: usize, kind: Kind, position: Position) {
    record(size, kind, position, |live, epoch| {
        let stored = IMAGE.live.insert(IMAGE.window(), address, live, epoch);
        if gate::is_logged() && stored.is_ok() {
            log::allocated(address, live);
        }
        stored
    });
}

/// Makes the record of what was just handed out and lets `put` store it.
#[inline(always)]
fn record(
    size: usize,
    kind: Kind,
    position: Position,
    put: impl FnOnce(Live, u32) -> Result<(), Refused>,
) {
    if !gate::is_open() {
        return;
    }
    let size = size as u64;
    let stored = match thread::current() {
        Some(thread) if !thread.busy => thread.work(|thread| {
            let stack = unwind::stack(thread, position);
            let (context, epoch) = thread.context();
            put(Live::new(stack, context, size, kind), epoch)?;
            thread.count_allocation(size);
            Ok(())
        }),
        thread => interrupted(thread, size, kind, put),
    };
    if let Err(refused) = stored {
        dropped(refused);
    }
}

/// The recorder itself was interrupted on this thread, or the thread could have no state: the
/// record is kept, its stack is not.
#[cold]
#[inline(never)]
fn interrupted(
    thread: Option<&mut ThreadState>,
    size: u64,
    kind: Kind,
    put: impl FnOnce(Live, u32) -> Result<(), Refused>,
) -> Result<(), Refused> {
    IMAGE.count(Counter::StackInterrupted);
    let stack = Marker::Interrupted as u32;
    put(Live::new(stack, 0, size, kind), IMAGE.epoch().load(Relaxed))?;
    match thread {
        Some(thread) => thread.count_allocation(size),
        None => IMAGE.add_strays(Strays {
            allocations: 1,
            bytes: size,
            freed_bytes: 0,
        }),
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn dropped(refused: Refused) {
    IMAGE.count(match refused {
        Refused::Address => Counter::DroppedAddress,
        Refused::NoSegment => Counter::DroppedNoSegment,
    });
}

/// Records a block of the malloc family, if it is one whose caller's memory counts.
#[inline(always)]
pub fn allocated_by_caller(address: usize, size: usize, position: Position) {
    if unwind::caller_counts(position) {
        allocated(address, size, Kind::Malloc, position);
    } else if gate::is_open() && unwind::caller_may_hold(position) {
        held(address, size);
    } else {
        passed(address);
    }
}

/// The epoch of what is older than every checkpoint.
const FIRST_EPOCH: u32 = 1;

/// A block of the runtime's: of no interest itself, but what it points at is held.
fn held(address: usize, size: usize) {
    let live = Live::new(0, 0, size as u64, Kind::Runtime);
    // One that is missing may make a block look lost that it holds; of its own it is nobody's leak.
    let _ = IMAGE
        .live
        .insert(IMAGE.window(), address, live, FIRST_EPOCH);
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
    if gate::is_open() && address != 0 && unwind::caller_counts(position) {
        record(0, kind, position, |live, epoch| {
            IMAGE.live.pin(IMAGE.window(), address, live, epoch)
        });
    }
}

/// Records an object of a pool.
pub fn pooled(address: usize, size: usize, position: Position) {
    record(size, Kind::Pool, position, |live, epoch| {
        IMAGE.pool.insert(IMAGE.window(), address, live, epoch)
    });
}

/// Takes an object of a pool out of the table.
pub fn unpooled(address: usize) {
    if gate::is_open()
        && let Ok(live) = IMAGE.pool.remove(address)
    {
        ended(live.size());
    }
}

/// Ends one hold of a resource that can be taken several times; false when nobody holds it.
pub fn unpinned(address: usize) -> bool {
    if !gate::is_open() {
        return true;
    }
    let held = IMAGE.live.unpin(address);
    if held {
        ended(0);
    }
    held
}

/// Takes the block out of the table before `realloc`; its record, if it has one.
#[inline(always)]
pub fn retired(address: usize) -> Option<Live> {
    let live = IMAGE.live.remove(address).ok();
    if live.is_some_and(is_of_runtime) {
        IMAGE.live.forget(address);
        return None;
    }
    if gate::is_logged()
        && let Some(live) = live
    {
        log::freed(address, live);
    }
    live
}

#[inline(always)]
fn is_of_runtime(live: Live) -> bool {
    live.kind() == Kind::Runtime as u8
}

/// `realloc` failed: the block is still what it was.
#[cold]
pub fn restored(address: usize, old: Live) {
    let epoch = IMAGE.epoch().load(Relaxed);
    match IMAGE.live.insert(IMAGE.window(), address, old, epoch) {
        Ok(()) if gate::is_logged() => log::allocated(address, old),
        Ok(()) => {}
        Err(refused) => dropped(refused),
    }
}

/// Counts a record of so many bytes that was taken out of its table.
#[inline(always)]
pub fn ended(bytes: u64) {
    match thread::existing() {
        Some(thread) => thread.count_free(bytes),
        None => count_free(bytes),
    }
}

/// `realloc` gave the block at `before` a new size, and perhaps another address.
pub fn moved(old: Live, before: usize, address: usize, size: usize, position: Position) {
    ended(old.size());
    if old.pins() != 0 && address != before {
        jvm::buffers::freed_under(before, Release::Free, position);
    }
    let kind = Kind::from_number(old.kind()).unwrap_or(Kind::Malloc);
    allocated(address, size, kind, position);
}

/// Takes a block out of the live table before it is freed. An address that was never recorded is
/// none of ours.
#[inline(always)]
pub fn freed(address: usize, release: Release, told: Option<usize>, position: Position) {
    if !gate::is_open() {
        return;
    }
    match IMAGE.live.remove(address) {
        Ok(live) if is_of_runtime(live) => IMAGE.live.forget(address),
        Ok(live) => {
            if gate::is_logged() {
                log::freed(address, live);
            }
            if release.is_java() {
                // The JVM frees the memory behind it by its own means, which pass here as well.
                IMAGE.live.forget(address);
            }
            ended(live.size());
            if live.pins() != 0 {
                jvm::buffers::freed_under(address, release, position);
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

/// Takes out of the table what a JNI function gives back; whether it was there, or a finding of
/// its own.
pub fn given_back(address: usize, release: Release, position: Position) -> bool {
    if !gate::is_open() {
        return true;
    }
    let known = IMAGE.live.is_known(address);
    freed(address, release, None, position);
    known
}

/// The calling thread's stack and context, for a finding; marked when the recorder is at work.
pub fn origin(position: Position) -> u64 {
    match thread::current().filter(|thread| !thread.busy) {
        Some(thread) => thread.work(|thread| {
            let stack = unwind::stack(thread, position);
            let (context, _) = thread.context();
            u64::from(stack) | u64::from(context) << 32
        }),
        None => u64::from(Marker::Interrupted as u32),
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
fn count_free(bytes: u64) {
    match thread::current() {
        Some(thread) => thread.count_free(bytes),
        None => {
            IMAGE.count(Counter::FreesWithoutThread);
            IMAGE.add_strays(Strays {
                freed_bytes: bytes,
                ..Strays::default()
            });
        }
    }
}
