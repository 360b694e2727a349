//! Memory that old words name, and what is done before it is handed out again.
//!
//! A word that was written before a block is no evidence that somebody has the block, and one that was written
//! since is. Where the allocator hands out an address again both look alike. So what a checkpoint has noted
//! (`holders/stale`) is told here, and from then on
//!
//! - memory that such a word points at is not handed out: it is put aside, and another block is taken. A program
//!   that writes the address of its new block where the old one stood then writes another address;
//! - words in freed memory are wiped when a block there is handed out: whatever is read in it later was written
//!   by its owner. What a block has at first is anybody's guess, so no program can tell.
//!
//! Everything here is used by hooks. Nothing waits: who comes while the words are told anew may miss one, and that
//! block is older than the checkpoint. All is bounded, and where a bound is reached it is as it was without this.

mod allocator;

use crate::real;
use core::ffi::c_void;
use core::ops::Range;
use core::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// Larger blocks are handed out as they are.
const LARGEST: usize = 64 << 10;
const WORD: usize = 8;
/// What one entry tells of: a bit for each word.
const GRANULE: usize = 64 * WORD;
/// Granules next to each other have entries next to each other, in groups.
const GROUP: usize = 64;
/// A power of two.
const GROUPS: usize = 1 << 11;
/// An entry is looked for in so many groups, and a place for a block in so many places.
const PROBES: usize = 8;
/// The most blocks and bytes that are put aside at a time.
const ASIDE: usize = 4096;
const ASIDE_BYTES: usize = 16 << 20;
/// A place for one that somebody is about to fill.
const TAKEN: usize = 1;
/// So many blocks are put aside for one, at most.
const TRIES: usize = 8;
const PAGE: usize = 4096;
/// The most addresses in former mappings that are kept.
const GONE: usize = 1024;

/// What is known of the words of one granule.
struct Entry {
    /// The number of the granule; 0 where there is none.
    granule: AtomicUsize,
    /// Words to be wiped.
    places: AtomicU64,
    /// Words that an old one points at.
    targets: AtomicU64,
}

struct Watch {
    entries: [Entry; GROUPS * GROUP],
    is_on: AtomicBool,
    /// What was allocated in a later epoch was handed out with all of this in place.
    epoch: AtomicU32,
    aside: [AtomicUsize; ASIDE],
    sizes: [AtomicU32; ASIDE],
    bytes: AtomicUsize,
    next: AtomicUsize,
    /// Where old words point to what was mapped.
    gone: [AtomicUsize; GONE],
    gone_len: AtomicUsize,
}

static WATCH: Watch = Watch::new();

impl Watch {
    const fn new() -> Watch {
        Watch {
            entries: [const {
                Entry {
                    granule: AtomicUsize::new(0),
                    places: AtomicU64::new(0),
                    targets: AtomicU64::new(0),
                }
            }; GROUPS * GROUP],
            is_on: AtomicBool::new(false),
            epoch: AtomicU32::new(0),
            aside: [const { AtomicUsize::new(0) }; ASIDE],
            sizes: [const { AtomicU32::new(0) }; ASIDE],
            bytes: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            gone: [const { AtomicUsize::new(0) }; GONE],
            gone_len: AtomicUsize::new(0),
        }
    }
}

/// Whether something is looked for before a block is handed out. For `realloc`; the other functions are replaced by
/// those of [`allocator`] then, so that nobody pays before.
#[inline(always)]
pub fn is_on() -> bool {
    WATCH.is_on.load(Relaxed)
}

/// Whether a word in a block of this size and epoch, which was wiped if it was noted, has been written since.
pub fn is_wiped(at: usize, size: u64, epoch: u32) -> bool {
    let is_younger = epoch > WATCH.epoch.load(Relaxed);
    is_younger && size <= LARGEST as u64 && WATCH.bits(at, |entry| &entry.places) & bit(at) != 0
}

/// What is handed out of a new block of the allocator's, and others that `another` gets. `unwritten` is the part of it
/// that has no value yet.
fn instead(
    block: *mut c_void,
    size: usize,
    unwritten: Range<usize>,
    another: &dyn Fn() -> *mut c_void,
) -> *mut c_void {
    let chosen = WATCH.choose(block, size, another);
    // SAFETY: a block of this size that nobody has yet.
    unsafe { WATCH.wipe(chosen as usize, size, unwritten) };
    chosen
}

/// What is handed out of a block of `size` bytes that the real `realloc` has moved, or grown where it is. The first
/// `kept` bytes are the program's.
#[cold]
#[inline(never)]
pub fn instead_of_moved(
    block: *mut c_void,
    size: usize,
    kept: usize,
    is_grown: bool,
) -> *mut c_void {
    let start = block as usize;
    let from = if is_grown { kept.min(size) } else { 0 };
    let mut chosen = block;
    if WATCH.is_target(start + from..start + size) {
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
            WATCH.give_back(block, size);
        }
    }
    // SAFETY: as in `instead`.
    unsafe { WATCH.wipe(chosen as usize, size, kept.min(size)..size) };
    chosen
}

/// Where something may be mapped that the kernel has put at `at`, and which `another` maps again, near an address: not
/// where old words point to what was mapped before.
pub fn mapped_instead(
    at: *mut c_void,
    len: usize,
    another: impl Fn(*mut c_void) -> *mut c_void,
) -> *mut c_void {
    let gone = WATCH.gone.iter().take(WATCH.gone_len.load(Acquire));
    let gone = gone.map(|address| address.load(Relaxed));
    let is_named = |at: *mut c_void| {
        let mut gone = gone.clone();
        gone.any(|address| address.wrapping_sub(at as usize) < len)
    };
    // What is free is found from above.
    let mut below = gone.clone().min().unwrap_or(0);
    let mut tried = [at; TRIES];
    let mut tries = 0;
    let mut chosen = at;
    while tries < TRIES && is_named(chosen) {
        below = below.saturating_sub(len) & !(PAGE - 1);
        let next = another(below as *mut c_void);
        if next == libc::MAP_FAILED {
            break;
        }
        if let Some(place) = tried.get_mut(tries) {
            *place = chosen;
        }
        tries += 1;
        chosen = next;
    }
    for other in tried.iter().take(tries) {
        // SAFETY: what was mapped here, and nobody has yet; the kernel's own call, which no hook sees.
        unsafe { libc::syscall(libc::SYS_munmap, *other, len) };
    }
    chosen
}

/// Tells what words were noted: where those are that lie in freed memory, where the others point, and which of these
/// places were mapped before and are not now. What was put aside and is not pointed at any more goes back to the
/// allocator. Blocks of later epochs than this one come after.
pub fn watch(
    epoch: u32,
    places: impl Iterator<Item = usize>,
    targets: impl Iterator<Item = usize>,
    is_gone: impl Fn(usize) -> bool,
) {
    WATCH.clear();
    WATCH.gone_len.store(0, Relaxed);
    let mut gone = WATCH.gone.iter();
    let mut len = 0;
    for at in places {
        WATCH.set(at, |entry| &entry.places);
    }
    for target in targets {
        WATCH.set(target, |entry| &entry.targets);
        if is_gone(target)
            && let Some(place) = gone.next()
        {
            place.store(target, Relaxed);
            len += 1;
        }
    }
    WATCH.gone_len.store(len, Release);
    WATCH.epoch.store(epoch, Relaxed);
    if !WATCH.is_on.swap(true, AcqRel) {
        allocator::replace();
    }
    WATCH.release();
}

fn bit(address: usize) -> u64 {
    1 << (address / WORD % 64)
}

/// The places where the entry of a granule may be.
fn places(granule: usize) -> impl Iterator<Item = usize> {
    // By the golden ratio: Knuth, The Art of Computer Programming, volume 3, 6.4.
    let mixed = (granule / GROUP).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let first = mixed >> (usize::BITS - GROUPS.trailing_zeros());
    (first..first + PROBES).map(move |group| group % GROUPS * GROUP + granule % GROUP)
}

impl Watch {
    fn entry(&self, granule: usize) -> Option<&Entry> {
        for place in places(granule) {
            let entry = &self.entries[place];
            match entry.granule.load(Relaxed) {
                0 => return None,
                found if found == granule => return Some(entry),
                _ => {}
            }
        }
        None
    }

    fn bits(&self, address: usize, of: impl Fn(&Entry) -> &AtomicU64) -> u64 {
        self.entry(address / GRANULE)
            .map_or(0, |entry| of(entry).load(Relaxed))
    }

    /// Only one thread at a time.
    fn set(&self, address: usize, of: impl Fn(&Entry) -> &AtomicU64) {
        let granule = address / GRANULE;
        for place in places(granule) {
            let entry = &self.entries[place];
            let found = entry.granule.load(Relaxed);
            if found == 0 || found == granule {
                of(entry).fetch_or(bit(address), Relaxed);
                entry.granule.store(granule, Relaxed);
                return;
            }
        }
    }

    fn clear(&self) {
        for entry in &self.entries {
            if entry.granule.load(Relaxed) != 0 {
                entry.granule.store(0, Relaxed);
                entry.places.store(0, Relaxed);
                entry.targets.store(0, Relaxed);
            }
        }
    }

    /// Calls `each` with the granules of a range that something is known of, and the bits of their words in it,
    /// until it says that this is enough.
    fn granules(&self, range: Range<usize>, mut each: impl FnMut(usize, &Entry, u64) -> bool) {
        if range.is_empty() || range.len() > LARGEST {
            return;
        }
        let (first, last) = (range.start / WORD, (range.end - 1) / WORD);
        for granule in first / 64..=last / 64 {
            let Some(entry) = self.entry(granule) else {
                continue;
            };
            let mut bits = u64::MAX;
            if granule == first / 64 {
                bits &= u64::MAX << (first % 64);
            }
            if granule == last / 64 {
                bits &= u64::MAX >> (63 - last % 64);
            }
            if each(granule, entry, bits) {
                return;
            }
        }
    }

    fn is_target(&self, range: Range<usize>) -> bool {
        let mut found = false;
        self.granules(range, |_, entry, bits| {
            found |= entry.targets.load(Relaxed) & bits != 0;
            found
        });
        found
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
            if chosen.is_null() || !self.is_target(start..start + size.max(1)) {
                break;
            }
            let next = another();
            if next.is_null() || !self.put_aside(chosen, size) {
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

    /// # Safety
    ///
    /// It is a block of this size, and nobody else has it.
    unsafe fn wipe(&self, block: usize, size: usize, part: Range<usize>) {
        if block == 0 || size > LARGEST {
            return;
        }
        // Whole words, as they are read.
        let words =
            (block + part.start).next_multiple_of(WORD)..(block + part.end.min(size)) / WORD * WORD;
        self.granules(words, |granule, entry, bits| {
            let mut places = entry.places.load(Relaxed) & bits;
            while places != 0 {
                let word = granule * GRANULE + places.trailing_zeros() as usize * WORD;
                // SAFETY: a whole word in the block.
                unsafe { (word as *mut u64).write(0) };
                places &= places - 1;
            }
            false
        });
    }

    fn put_aside(&self, block: *mut c_void, size: usize) -> bool {
        let size = size.max(1);
        if size > LARGEST {
            return false;
        }
        if self.bytes.fetch_add(size, Relaxed) + size > ASIDE_BYTES {
            self.bytes.fetch_sub(size, Relaxed);
            return false;
        }
        let first = self.next.fetch_add(1, Relaxed);
        for probe in 0..PROBES {
            let place = first.wrapping_add(probe) % ASIDE;
            let free = &self.aside[place];
            // Its size is read by who takes the block out of the place, after this.
            if free.compare_exchange(0, TAKEN, AcqRel, Relaxed).is_ok() {
                self.sizes[place].store(size as u32, Relaxed);
                free.store(block as usize, Release);
                return true;
            }
        }
        self.bytes.fetch_sub(size, Relaxed);
        false
    }

    fn give_back(&self, block: *mut c_void, size: usize) {
        if !self.put_aside(block, size) {
            // SAFETY: a block of the allocator's, which nobody has.
            unsafe { real::free()(block) };
        }
    }

    /// Gives the allocator what no old word points at any more.
    fn release(&self) {
        for (place, size) in self.aside.iter().zip(&self.sizes) {
            let block = place.load(Acquire);
            if block <= TAKEN {
                continue;
            }
            let size = size.load(Relaxed) as usize;
            if self.is_target(block..block + size) {
                continue;
            }
            if place.compare_exchange(block, 0, AcqRel, Relaxed).is_ok() {
                self.bytes.fetch_sub(size, Relaxed);
                // SAFETY: a block of the allocator's, which nobody has.
                unsafe { real::free()(block as *mut c_void) };
            }
        }
    }
}

#[cfg(test)]
mod tests;
