//! The stack of an allocation, as a node of the stack tree.
//!
//! - `rules`: how to get from one frame to its caller, compiled from the unwind tables.
//! - `modules`: which loaded module an address belongs to.
//! - `older_loader`: the same where the C library does not say (glibc before 2.35).
//! - `namespaces`: the modules that `dlmopen` loads apart from the others.
//! - `cursor`: one step of a walk.
//! - `walk_cache`: the walk, and what it remembers so that the next one is short; its `branches`:
//!   walks that parted from the one before them.
//! - `recent_walks`: whole walks before the last one; `worth`: whether it pays to keep one.
//! - `slow`: libgcc's unwinder, for the rare frame whose rule is not one of the common shapes.
//! - `verify` (feature, tests only): every stack is compared with libgcc's.

mod cursor;
pub mod modules;
mod namespaces;
mod older_loader;
mod recent_walks;
pub mod rules;
mod slow;
#[cfg(feature = "verify")]
pub mod verify;
mod walk_cache;
mod worth;

pub use crate::arch::Registers;
pub use cursor::End;
pub use modules::{Closing, LinkMap};
pub use slow::{Call, end_of, frames, intern_call, java_caller};
pub use walk_cache::{MAX_FRAMES, WalkCache};

use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::ground::control;
use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::jvm;
use crate::hot::thread::{self, ThreadState};
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::Marker;
use hackleak_image::layout::Counter;
use hackleak_image::writer::NodeCache;
use hackleak_options::Stacks;

/// The node for the stack of an allocation made at `call_site`.
#[inline(always)]
pub fn stack(thread: &mut ThreadState, call_site: CallSite) -> u32 {
    if control::stacks() == Stacks::Off {
        return Marker::Off as u32;
    }
    let node = walk_cache::stack(thread, call_site);
    #[cfg(feature = "verify")]
    verify::compare(node, call_site);
    node
}

/// The node for the stack of an allocation made at `call_site`, if it is the one that the thread's
/// last walk found. Nothing in it can panic.
#[inline(always)]
pub fn remembered(thread: &mut ThreadState, call_site: CallSite) -> Option<u32> {
    if control::stacks() == Stacks::Off {
        return Some(Marker::Off as u32);
    }
    let node = walk_cache::remembered(thread, call_site);
    #[cfg(feature = "verify")]
    if let Some(node) = node {
        crate::hot::ground::boundary::guarded(|| verify::compare(node, call_site));
    }
    node
}

/// The frame of the caller at `call_site`, if it is known. Nothing in it can panic.
#[inline(always)]
pub fn known_caller(call_site: CallSite) -> Option<u64> {
    let (_, frame) = rules::known(cursor::Cursor::new(call_site).lookup_pc)?;
    Some(frame)
}

/// The frame of the caller at `call_site`.
pub fn caller(call_site: CallSite) -> u64 {
    match known_caller(call_site) {
        Some(frame) => frame,
        None => new_frame(cursor::Cursor::new(call_site).lookup_pc),
    }
}

/// The frame of an address in code.
pub fn frame_at(address: usize) -> u64 {
    rules::known(address).map_or_else(|| new_frame(address), |(_, frame)| frame)
}

/// The frame of an address that is not known yet.
#[cold]
#[inline(never)]
fn new_frame(lookup: usize) -> u64 {
    thread::on_own_stack(|_| rules::at(lookup).1)
}

/// What remembers stacks.
#[derive(Clone, Copy)]
pub enum Memory {
    /// The last walk.
    Last = 1,
    /// Walks before it.
    RecentWalks,
    /// Walks that parted from it.
    Branches,
    /// Java stacks.
    Java,
    /// The method that a thread's Java stacks end with.
    Outermost,
}

/// Whether the tests have switched off the memory's checks.
#[inline(always)]
pub fn breaks(memory: Memory) -> bool {
    #[cfg(feature = "verify")]
    return verify::breaks(memory);
    #[cfg(not(feature = "verify"))]
    {
        let _ = memory;
        false
    }
}

/// Whether the tests want the way of an older C library.
pub fn has_older_loader() -> bool {
    #[cfg(feature = "verify")]
    return verify::has_older_loader();
    #[cfg(not(feature = "verify"))]
    false
}

/// A `dlopen` begins.
pub fn opening() {
    modules::opening();
}

/// A `dlmopen` into another namespace begins.
pub fn opening_namespace() {
    namespaces::opening();
}

/// Enters in the image what is loaded in other namespaces. Not for hooks but those of the loader.
pub fn enter_other_namespaces() {
    namespaces::enter_all();
}

/// In a forked child: whatever names a module names one of the parent's image.
pub fn left_parent() {
    rules::forget_all();
    modules::left_parent();
}

/// In a forked child that has an image: enters the modules that its parent knew.
pub fn enter_again() {
    modules::enter_again();
}

/// Prepares the tables. Called once, before the gate opens.
pub fn init() {
    modules::init();
    rules::init();
}

/// The node for `frame` under `parent`, or the marker of a full tree.
#[inline(always)]
pub fn intern(parent: u32, frame: u64) -> u32 {
    match IMAGE.intern(parent, frame) {
        Some(node) => node,
        None => tree_full(),
    }
}

/// The nodes for `frames` under `parent`, or the marker of a full tree; the leaf first in both.
#[inline(always)]
fn intern_all(cache: &mut NodeCache, parent: u32, frames: &[u64], nodes: &mut [u32]) {
    if !IMAGE.intern_all(cache, parent, frames, nodes) {
        nodes.fill(tree_full());
    }
}

#[cold]
#[inline(never)]
fn tree_full() -> u32 {
    IMAGE.counter(Counter::StackTreeFull).fetch_add(1, Relaxed);
    Marker::TreeFull as u32
}

/// The root of a native stack that ends where Java begins, or of one that Java has no part in.
/// `outermost` is an address in the frame that Java called; 0 when there is none.
#[inline(always)]
fn root(thread: &mut ThreadState, end: cursor::End, outermost: usize, call_site: CallSite) -> u32 {
    match end {
        cursor::End::Foreign { slot, caller } if control::wants_java() => {
            jvm::stacks::root(thread, (slot, caller), outermost, call_site)
        }
        _ => 0,
    }
}

/// Whether any native frame from `call_site` to the end of its native stack lies in `range`.
#[cold]
#[inline(never)]
pub fn passes_through(
    call_site: CallSite,
    bounds: &mut StackBounds,
    range: core::ops::Range<usize>,
) -> bool {
    slow::frames(call_site, bounds, |pc, _| !range.contains(&pc)).is_err()
}

/// Start of the function that the address lies in, as the unwind tables have it.
pub fn function_start(address: usize) -> Option<usize> {
    rules::function_range(address).map(|function| function.start)
}

/// Where the function that the address lies in begins and ends.
pub fn function_range(address: usize) -> Option<core::ops::Range<usize>> {
    rules::function_range(address)
}

/// Where the module that the address lies in is mapped.
pub fn module_range(address: usize) -> Option<core::ops::Range<usize>> {
    modules::range(address)
}

/// Enters the module at `address` in the image and gives its index.
pub fn enter_module(address: usize) -> Option<u32> {
    modules::find(address)?.module
}

/// The index of the module at `address` in the image, if it was entered. Reads nothing of the
/// loader's.
pub fn known_module(address: usize) -> Option<u32> {
    modules::known(address)
}

/// Enters every module that is loaded now in the image, if the loader can be asked. Not for hooks.
pub fn enter_all_modules() {
    if hackleak_platform::loader_lock::can_be_taken() {
        modules::enter_all();
        namespaces::enter_all();
    }
}

/// Sets the path of the executable, which the loader does not know.
pub fn set_executable(path: hackleak_image::layout::Blob) {
    modules::set_executable(path);
}
