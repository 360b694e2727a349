//! Memory that old words name, and what is done before it is handed out again.
//!
//! A word that was written before a block is no evidence that somebody has the block, and one that
//! was written since is. Where the allocator hands out an address again both look alike. So what a
//! checkpoint has noted (`holders/stale`) is told here, and from then on
//!
//! - memory that such a word points at is not handed out: it is put aside, and another block is
//!   taken. A program that writes the address of its new block where the old one stood then writes
//!   another address;
//! - words in freed memory are wiped when a block there is handed out: whatever is read in it later
//!   was written by its owner. What a block has at first is anybody's guess, so no program can
//!   tell. These are the words that were noted, and in a small block all that may be addresses,
//!   because more was freed since: the allocator itself leaves the addresses of free blocks.
//!
//! Everything here is used by hooks. Nothing waits: who comes while the words are told anew may
//! miss one, and that block is older than the checkpoint. All is bounded, and where a bound is
//! reached it is as it was without this.

mod allocator;
mod aside;
mod granules;

use crate::hot::ground::real;
use aside::Aside;
use core::ffi::c_void;
use core::ops::Range;
use core::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{AcqRel, Relaxed},
};
use granules::{Granules, WORD};

/// The part of a word that may be an address: those have 47 or 48 bits, and programs keep marks of
/// their own in the upper sixteen.
pub const ADDRESS: u64 = (1 << 48) - 1;
/// Larger blocks are handed out as they are.
const LARGEST: usize = 64 << 10;
/// What was not written to, up to this size, has no addresses when it is handed out: most nodes of
/// containers are not larger. So many bytes take about 140 ns; 64 bytes take 3 ns.
const SMALL: usize = 4 << 10;
/// So many blocks are put aside for one, at most.
const TRIES: usize = 8;

struct Watch {
    words: Granules,
    aside: Aside,
    is_on: AtomicBool,
    /// What was allocated in a later epoch was handed out with all of this in place.
    epoch: AtomicU32,
}

static WATCH: Watch = Watch {
    words: Granules::new(),
    aside: Aside::new(),
    is_on: AtomicBool::new(false),
    epoch: AtomicU32::new(0),
};

/// Whether something is looked for before a block is handed out. For `realloc`; the other functions
/// are replaced by those of [`allocator`] then, so that nobody pays before.
#[inline(always)]
pub fn is_on() -> bool {
    WATCH.is_on.load(Relaxed)
}

/// Whether a word in a block of this size and epoch, which was wiped if it was noted, has been
/// written since.
pub fn is_wiped(at: usize, size: u64, epoch: u32) -> bool {
    let is_younger = epoch > WATCH.epoch.load(Relaxed);
    is_younger && size <= LARGEST as u64 && WATCH.words.has(at, |entry| &entry.places)
}

/// What is handed out of a new block of the allocator's, and others that `another` gets.
/// `unwritten` is the part of it that has no value yet.
fn instead(
    block: *mut c_void,
    size: usize,
    unwritten: Range<usize>,
    another: &dyn Fn() -> *mut c_void,
) -> *mut c_void {
    let chosen = WATCH.choose(block, size, another);
    // SAFETY: a block of this size that nobody has yet.
    unsafe { WATCH.wipe(chosen as usize, size, unwritten.clone(), unwritten) };
    chosen
}

/// Wipes what may be an address in a part of a block. Other values stay: who has the allocator fill
/// new blocks, to find out who reads them, finds its pattern.
///
/// # Safety
///
/// The part lies in a block that nobody has yet, or there is no block.
unsafe fn wipe_addresses(block: usize, part: Range<usize>) {
    if block == 0 {
        return;
    }
    let (first, end) = (part.start.div_ceil(WORD), part.end / WORD);
    for index in first..end {
        // SAFETY: a whole word of the part.
        unsafe {
            let place = (block as *mut u64).add(index);
            let word = place.read();
            let kept = if word & !ADDRESS == 0 { 0 } else { word };
            place.write(kept);
        }
    }
}

/// What a program did not ask for in a block of `kept` bytes, but may have written to. It is told
/// before the block gets another `size`, which is where it ends if the allocator does not tell.
///
/// # Safety
///
/// It is a block of the allocator's.
pub unsafe fn slack(block: *mut c_void, kept: usize, size: usize) -> Range<usize> {
    // SAFETY: the caller's block.
    kept..unsafe { allocator::usable_size(block) }.unwrap_or(size)
}

/// What is handed out of a block of `size` bytes that the real `realloc` has moved, or grown where
/// it is. What lies before [`slack`] is the program's.
#[cold]
#[inline(never)]
pub fn instead_of_moved(
    block: *mut c_void,
    size: usize,
    slack: Range<usize>,
    is_grown: bool,
) -> *mut c_void {
    let start = block as usize;
    let kept = slack.start;
    let from = if is_grown { kept.min(size) } else { 0 };
    let mut chosen = block;
    if WATCH.words.is_target(start + from..start + size) {
        // SAFETY: the allocator's function, which chooses already.
        chosen = unsafe { real::malloc()(size) };
        if chosen.is_null() {
            chosen = block;
        } else {
            // SAFETY: two blocks of this size; nobody has either of them yet.
            unsafe {
                chosen
                    .cast::<u8>()
                    .copy_from_nonoverlapping(block.cast(), size);
            }
            WATCH.aside.put_or_free(block, size);
        }
    }
    let unwritten = slack.end.min(size)..size;
    // SAFETY: as in `instead`.
    unsafe { WATCH.wipe(chosen as usize, size, kept.min(size)..size, unwritten) };
    chosen
}

/// Tells what words were noted: where those are that lie in freed memory, and where the others
/// point. What was put aside and is not pointed at any more goes back to the allocator. Blocks of
/// later epochs than this one come after.
pub fn watch(
    epoch: u32,
    places: impl Iterator<Item = usize>,
    targets: impl Iterator<Item = usize>,
) {
    WATCH.words.clear();
    for at in places {
        WATCH.words.set(at, |entry| &entry.places);
    }
    for target in targets {
        WATCH.words.set(target, |entry| &entry.targets);
    }
    WATCH.epoch.store(epoch, Relaxed);
    if !WATCH.is_on.swap(true, AcqRel) {
        allocator::replace();
    }
    WATCH.aside.release(|range| WATCH.words.is_target(range));
}

impl Watch {
    /// Wipes the words that were noted in one part of a block, whatever they are, and what may be
    /// an address in another one, if that is small.
    ///
    /// # Safety
    ///
    /// It is a block of this size, or none, and nobody else has it.
    unsafe fn wipe(&self, block: usize, size: usize, noted: Range<usize>, unwritten: Range<usize>) {
        // SAFETY: the caller's block, and parts of it.
        unsafe {
            self.words.wipe(block, size, noted);
            if unwritten.len() <= SMALL {
                wipe_addresses(block, unwritten);
            }
        }
    }

    /// The first block that no old word points at; the last one, if all of them are.
    fn choose(
        &self,
        block: *mut c_void,
        size: usize,
        another: &dyn Fn() -> *mut c_void,
    ) -> *mut c_void {
        let mut chosen = block;
        for _ in 0..TRIES {
            let start = chosen as usize;
            if chosen.is_null() || !self.words.is_target(start..start + size.max(1)) {
                break;
            }
            let next = another();
            if next.is_null() || !self.aside.put(chosen, size) {
                // Out of memory, or enough is put aside: as it was without this.
                if !next.is_null() {
                    // SAFETY: a block of the allocator's, which nobody has.
                    unsafe { real::free()(next) };
                }
                break;
            }
            chosen = next;
        }
        chosen
    }
}

#[cfg(test)]
mod tests;
