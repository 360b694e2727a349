//! Wrong frees: by the wrong function, twice, of a pointer inside a block, of another size.
//!
//! Everything here is rare, and off the path of a right free. A pointer that was never seen being
//! allocated is no finding.

use crate::arch::Position;
use crate::{IMAGE, control, thread, unwind};
use hackleak_image::Marker;
use hackleak_image::layout::{Finding, Live, Release, Wrong};

/// The block was freed by another family of functions than it was allocated by.
#[cold]
#[inline(never)]
pub fn mismatch(address: usize, live: Live, release: Release, position: Position) {
    note(Wrong::Mismatch, address, live, release, 0, position);
}

/// The block had been freed before, and nobody had the address since.
#[cold]
#[inline(never)]
pub fn double_free(address: usize, left: Live, release: Release, position: Position) {
    IMAGE.live.forget(address);
    note(Wrong::DoubleFree, address, left, release, 0, position);
}

/// There is no block at the address: perhaps it lies inside of one.
#[cold]
#[inline(never)]
pub fn not_a_start(address: usize, release: Release, position: Position) {
    if let Some((start, live)) = IMAGE.live.around(address) {
        note(
            Wrong::Interior,
            address,
            live,
            release,
            (address - start) as u64,
            position,
        );
    }
}

/// `operator delete` with a size: another one than the block's is a finding.
#[cold]
#[inline(never)]
pub fn wrong_size(address: usize, live: Live, release: Release, told: usize, position: Position) {
    note(Wrong::Size, address, live, release, told as u64, position);
}

fn note(
    wrong: Wrong,
    address: usize,
    allocated: Live,
    release: Release,
    detail: u64,
    position: Position,
) {
    if !control::wants_findings() {
        return;
    }
    let mut freed = u64::from(Marker::Interrupted as u32);
    if let Some(thread) = thread::current().filter(|thread| !thread.busy) {
        freed = thread.work(|thread| {
            let stack = unwind::stack(thread, position);
            let (context, _) = thread.context();
            u64::from(stack) | u64::from(context) << 32
        });
    }
    let finding = Finding {
        wrong: wrong as u32,
        release: release as u32,
        address: address as u64,
        detail,
        freed,
        allocated,
    };
    IMAGE.findings.push(IMAGE.window(), finding);
}
