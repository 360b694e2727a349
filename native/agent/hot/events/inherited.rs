//! What a forked child has from its parent: blocks that are none of its events, and yet may hold
//! its own.
//!
//! A child's record begins empty. But what it allocates may be known only to what it inherited: an
//! entry of a table that its parent filled, say. So the parent's live blocks are listed when the
//! child begins, and what the child frees of them is noted.
//!
//! The list is taken at the child's first allocation. What its parent frees between the fork and
//! that is missing. It lies in plain memory of the child, which a child of its own finds as it was
//! at the fork.
//!
//! Here runs in hooks: only plain memory and system calls are used.

use crate::IMAGE;
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use hackleak_image::layout::{Kind, Live};

/// More than this are not listed: that takes too long.
const MOST: usize = 1 << 20;
/// So many have room beside what was counted.
const SPARE: usize = 1 << 10;

/// Pairs of words, which take memory as they come.
struct Words {
    first: AtomicPtr<AtomicU64>,
    room: AtomicUsize,
    used: AtomicUsize,
}

impl Words {
    const fn new() -> Words {
        Words {
            first: AtomicPtr::new(ptr::null_mut()),
            room: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
        }
    }

    /// Makes room for so many more words. Whether there is memory for them. Nobody else uses them
    /// meanwhile.
    fn make_room(&self, more: usize) -> bool {
        let known = self.read();
        let room = known.len() + more;
        // SAFETY: a new mapping of plain memory.
        let found = unsafe {
            libc::mmap(
                ptr::null_mut(),
                room * size_of::<u64>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if found == libc::MAP_FAILED {
            return false;
        }
        let first: *mut AtomicU64 = found.cast();
        let used = known.len();
        // SAFETY: the new mapping has room for these, and the former one is of no more use.
        unsafe {
            ptr::copy_nonoverlapping(known.as_ptr(), first, used);
            let former = self.first.load(Relaxed);
            if !former.is_null() {
                libc::munmap(former.cast(), self.room.load(Relaxed) * size_of::<u64>());
            }
        }
        self.used.store(used, Relaxed);
        self.room.store(room, Relaxed);
        self.first.store(first, Release);
        true
    }

    /// Whether there is room for both.
    fn push_pair(&self, first: u64, second: u64) -> bool {
        let place = self.used.fetch_add(2, Relaxed);
        let is_free = place + 2 <= self.room.load(Relaxed);
        if is_free {
            // SAFETY: two words of the mapping, which stays.
            unsafe {
                let at = self.first.load(Acquire).add(place);
                (*at).store(first, Relaxed);
                (*at.add(1)).store(second, Relaxed);
            }
        }
        is_free
    }

    fn read(&self) -> &[AtomicU64] {
        let used = self.used.load(Relaxed).min(self.room.load(Relaxed));
        let first = self.first.load(Acquire);
        if first.is_null() {
            return &[];
        }
        // SAFETY: the first words of the mapping, as above.
        unsafe { core::slice::from_raw_parts(first, used) }
    }

    /// In pairs.
    fn pairs(&self) -> impl Iterator<Item = (usize, u64)> {
        let pairs = self.read().chunks_exact(2);
        pairs.map(|pair| (pair[0].load(Relaxed) as usize, pair[1].load(Relaxed)))
    }
}

/// Each block's address and size, those of grandparents first.
static BLOCKS: Words = Words::new();
/// The address of what was freed, and how many words [`BLOCKS`] had then.
static FREED: Words = Words::new();
/// Whether this is a child that has a list.
static IS_CHILD: AtomicBool = AtomicBool::new(false);
/// Whether all blocks are listed.
static IS_WHOLE: AtomicBool = AtomicBool::new(true);

/// Lists what is live in the image that the child is about to leave. Called once in each child.
///
/// # Safety
///
/// Nobody uses the image in this process.
pub unsafe fn list() {
    IS_CHILD.store(true, Relaxed);
    // SAFETY: the caller's promise.
    let is_listed = unsafe { IMAGE.window().read_parents(copy) };
    if is_listed != Some(true) {
        IS_WHOLE.store(false, Relaxed);
    }
}

/// Whether all live blocks have found room.
fn copy() -> bool {
    let mut count = 0;
    IMAGE.live.for_each(IMAGE.window(), |_, live| {
        count += usize::from(is_memory(live))
    });
    // The parent allocates meanwhile.
    let room = 2 * (count + count / 4 + SPARE);
    let frees = BLOCKS.read().len() + room;
    let mut is_whole = count <= MOST && BLOCKS.make_room(room) && FREED.make_room(frees);
    if is_whole {
        IMAGE.live.for_each(IMAGE.window(), |start, live| {
            is_whole &= !is_memory(live) || BLOCKS.push_pair(start as u64, live.size());
        });
    }
    is_whole
}

/// Notes that the child frees what is none of its own blocks.
#[inline(always)]
pub fn freed(address: usize) {
    if IS_CHILD.load(Relaxed) {
        note_freed(address);
    }
}

#[cold]
#[inline(never)]
fn note_freed(address: usize) {
    // What finds no room is taken for live: it may hold more than it should.
    if FREED.used.load(Relaxed) < FREED.room.load(Relaxed) {
        FREED.push_pair(address as u64, BLOCKS.used.load(Relaxed) as u64);
    }
}

fn is_memory(live: Live) -> bool {
    use Kind::*;
    matches!(
        Kind::from_number(live.kind()),
        Some(New | NewArray | Malloc | Zip | Unsafe | Runtime)
    )
}

/// What of the list may still be there: where each block begins, its size, and its place in the
/// list.
pub fn blocks() -> impl Iterator<Item = (usize, u64, u64)> {
    let places = (0..).step_by(2);
    BLOCKS
        .pairs()
        .zip(places)
        .map(|((start, size), place)| (start, size, place))
}

/// What was freed since: each address, and before which place of the list. Later blocks there are
/// others.
pub fn frees() -> impl Iterator<Item = (usize, u64)> {
    FREED.pairs()
}

/// Whether nothing is missing from the list, or there is none.
pub fn is_whole() -> bool {
    IS_WHOLE.load(Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_find_no_room_are_refused() {
        let words = Words::new();
        assert!(!words.push_pair(1, 1), "there is no memory yet");
        assert_eq!(words.pairs().count(), 0);
        assert!(words.make_room(4));
        assert!(words.push_pair(1, 2) && words.push_pair(3, 4));
        assert!(!words.push_pair(5, 6));
        assert_eq!(words.pairs().collect::<Vec<_>>(), [(1, 2), (3, 4)]);
        assert!(words.make_room(2));
        assert!(
            words.push_pair(7, 8),
            "what found no room has left none open"
        );
        assert_eq!(words.pairs().collect::<Vec<_>>(), [(1, 2), (3, 4), (7, 8)]);
    }
}
