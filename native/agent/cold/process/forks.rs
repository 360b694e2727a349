//! Children that go on without `exec` (`follow=all`): each has an image of its own.
//!
//! A child begins at its first allocation, not at the fork: most children call `exec` soon, and an
//! image of each would be one of nothing. What its parent allocated is not the child's, so a free
//! of that is none of its events.
//!
//! What is difficult: the recorder's memory is a copy of the parent's, at any moment of it. Its
//! words name places of an image that the child does not have. Everything that does so is dropped
//! first. Other threads of the parent are gone and may have left anything half done, locks taken
//! among it. So only plain memory and system calls are used here.
//!
//! Where a child cannot be recorded, its parent's image counts it.

use crate::IMAGE;
use crate::cold::loading::module_copies;
use crate::cold::process::image;
use crate::hot::events::{descriptors, inherited, libraries, log, mapped, started, timeline};
use crate::hot::ground::gate::{self, Children};
use crate::hot::ground::{boundary, control, module_policy, sandbox};
use crate::hot::{thread, unwind};
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::Counter;
use hackleak_image::writer::{KeepErrno, Ledger};
use hackleak_platform::loader_lock;

/// Forked children of this process are to be recorded, with the gate at these bits.
pub fn follow(bits: u32) {
    static CHILDREN: Children = Children {
        begin: || boundary::guarded(begin).flatten(),
        missed,
    };
    gate::follow_children(bits, &CHILDREN);
}

/// Makes this forked child's own image. What the gate is to be; `None` when the child passes
/// through.
fn begin() -> Option<u32> {
    let _errno = KeepErrno::new();
    // A signal handler that forked inside of the recorder and returns there would find another
    // image.
    if thread::is_busy() || sandbox::is_deadly() {
        unrecorded(IMAGE.window().ledger());
        return None;
    }
    // SAFETY: the gate was wiped, so this process was forked since the image was made, and no
    // thread of it is in the recorder but this one, at its first allocation.
    let parents = unsafe {
        inherited::list();
        IMAGE.leave()
    };
    if start(parents).is_none() {
        unrecorded(parents);
        IMAGE.keep_ledger(parents);
        return None;
    }
    // SAFETY: `leave` gave the only copy.
    unsafe { parents.close() };
    Some(gate::children_bits())
}

/// Tells the nearest process above that has an image.
fn unrecorded(parents: Ledger) {
    if let Some(counter) = parents.counter(Counter::ForksUnrecorded) {
        counter.fetch_add(1, Relaxed);
    }
}

fn start(parent: Ledger) -> Option<()> {
    if parent.threads() > 1 {
        loader_lock::may_be_taken_for_good();
    }
    boundary::left_parent();
    control::left_parent();
    thread::left_parent();
    unwind::left_parent();
    module_policy::left_parent();
    descriptors::left_parent();
    mapped::left_parent();
    started::left_parent();
    libraries::left_parent();
    timeline::left_parent();
    module_copies::left_parent();
    let unseen = parent.counter(Counter::PoolFunctionsUnseen);
    let unseen = unseen.map_or(0, |counter| counter.load(Relaxed));
    image::create_again().ok()?;
    unwind::enter_again();
    IMAGE
        .counter(Counter::PoolFunctionsUnseen)
        .store(unseen, Relaxed);
    log::left_parent(image::executable());
    Some(())
}

/// Counts allocations that came before the image was there.
fn missed(allocations: u64) {
    IMAGE
        .counter(Counter::DroppedNoSegment)
        .fetch_add(allocations, Relaxed);
}
