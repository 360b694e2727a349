//! Invalid frees: by the wrong function, twice, of a pointer inside a block, of another size, of
//! something that was never allocated, under a direct byte buffer.
//!
//! Everything here is rare, and off the path of a right free. A pointer that was never seen being
//! allocated is none.

use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::origin;
use crate::hot::ground::{boundary, control};
use crate::hot::jvm;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::{Counter, InvalidFree, InvalidFreeKind, Live, Release};

/// The block was freed by another family of functions than it was allocated by.
#[cold]
#[inline(never)]
pub fn mismatch(address: usize, live: Live, release: Release, call_site: CallSite) {
    note(
        InvalidFreeKind::Mismatch,
        address,
        live,
        release,
        0,
        call_site,
    );
}

/// The block had been freed before, and nobody had the address since.
#[cold]
#[inline(never)]
pub fn double_free(address: usize, left: Live, release: Release, call_site: CallSite) {
    IMAGE.live.forget(address);
    note(
        InvalidFreeKind::DoubleFree,
        address,
        left,
        release,
        0,
        call_site,
    );
}

/// There is no block at the address: perhaps it lies inside of one.
#[cold]
#[inline(never)]
pub fn not_a_start(address: usize, release: Release, call_site: CallSite) {
    if let Some((start, live)) = IMAGE.live.around(address) {
        note(
            InvalidFreeKind::Interior,
            address,
            live,
            release,
            (address - start) as u64,
            call_site,
        );
    }
}

/// A JNI function gave back what is not allocated. Not where holds may be missing from the table:
/// when the JNI boundary was not watched from the start, or something could not be recorded.
#[cold]
#[inline(never)]
pub fn not_allocated(address: usize, release: Release, call_site: CallSite) {
    let lost = Counter::DROPPED
        .iter()
        .any(|counter| IMAGE.counter(*counter).load(Relaxed) != 0);
    let counts = || origin::is_known(call_site) && origin::counts(call_site);
    if jvm::sees_all() && !lost && counts() {
        let nothing = Live {
            origin: 0,
            block: 0,
        };
        note(
            InvalidFreeKind::NotAllocated,
            address,
            nothing,
            release,
            0,
            call_site,
        );
    }
}

/// A descriptor was closed that had been closed before, and nobody has opened it since.
pub fn closed_twice(address: usize, left: Live, call_site: CallSite) {
    double_free(address, left, Release::Close, call_site);
}

/// A descriptor was closed that is not open and was not before, as far as is known.
pub fn not_open(number: i32, address: usize, call_site: CallSite) {
    let nothing = Live {
        origin: 0,
        block: 0,
    };
    note(
        InvalidFreeKind::NotAllocated,
        address,
        nothing,
        Release::Close,
        number as u64,
        call_site,
    );
}

/// The memory under a direct byte buffer was freed, as `freed` tells, and Java code can still reach
/// the buffer, which was made as `buffer` tells.
pub fn under_buffer(address: usize, buffer: Live, release: Release, freed: u64) {
    push(
        InvalidFreeKind::UnderBuffer,
        address,
        buffer,
        release,
        0,
        freed,
    );
}

/// `operator delete` with a size: another one than the block's.
#[cold]
#[inline(never)]
pub fn size_mismatch(
    address: usize,
    live: Live,
    release: Release,
    claimed_size: usize,
    call_site: CallSite,
) {
    note(
        InvalidFreeKind::Size,
        address,
        live,
        release,
        claimed_size as u64,
        call_site,
    );
}

fn note(
    problem: InvalidFreeKind,
    address: usize,
    allocated: Live,
    release: Release,
    detail: u64,
    call_site: CallSite,
) {
    if control::wants_invalid_frees() {
        boundary::guarded(|| {
            boundary::may_panic();
            let freed = origin::of(call_site);
            push(problem, address, allocated, release, detail, freed);
        });
    }
}

fn push(
    problem: InvalidFreeKind,
    address: usize,
    allocated: Live,
    release: Release,
    detail: u64,
    freed: u64,
) {
    let invalid_free = InvalidFree {
        problem: problem as u32,
        release: release as u32,
        address: address as u64,
        detail,
        freed,
        allocated,
    };
    IMAGE.invalid_frees.push(IMAGE.window(), invalid_free);
}
