//! Direct byte buffers that native code made over memory of its own (`NewDirectByteBuffer`).
//!
//! Once that memory is freed, whoever still holds the buffer reads and writes what belongs to
//! somebody else. Only a collection can tell whether somebody does. So the block under a buffer is
//! marked, and its free is noted. After the next forced collection a buffer that has survived is an
//! invalid free.
//!
//! The places are kept in lists by the block, because each free of a marked block looks for its
//! own; a place never leaves its list, so no lock is needed. A list grows when none of its places
//! is free and none of its buffers has been collected. So it is as long as the most buffers that
//! live at a time. The places lie in mappings of their own, where an address would look like
//! something that holds the block: so it stands there with all bits turned.
//!
//! A place goes through these states, each change made by whoever holds the place then:
//!
//! ```text
//! FREE ─made─► TAKEN ─► WATCHED ─block freed─► TAKEN ─► UNDER ─collection─► FREE
//!                          └────────buffer collected─────────────────────────┘
//! ```

use super::{jni_env, real_functions};
use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::{invalid_frees, origin};
use crate::hot::ground::control;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release as Publish},
};
use hackleak_image::layout::{Counter, Kind, Live, Release};
use once_cell::race::OnceRef;

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const WATCHED: u32 = 2;
const UNDER: u32 = 3;

struct Place {
    state: AtomicU32,
    /// The number of the next place of the same list, plus 1; 0 for the last.
    next: AtomicU32,
    /// Start of the block that the buffer lies in, with all bits turned.
    block: AtomicUsize,
    buffer: UnsafeCell<Buffer>,
}

#[derive(Clone, Copy)]
struct Buffer {
    /// With all bits turned.
    address: usize,
    capacity: u64,
    /// A weak global reference to the buffer.
    reference: *mut c_void,
    /// Stack and context of its making, and of the free.
    made: u64,
    freed: u64,
    release: u32,
}

// SAFETY: `buffer` is touched only by the one who has set the state to TAKEN.
unsafe impl Sync for Place {}

/// Places of one mapping, and the most mappings.
const PER_CHUNK: usize = 4096;
const MAX_CHUNKS: usize = 256;
const LISTS: usize = 1 << 14;

/// Mappings of [`PER_CHUNK`] places, all zeros at first, which is what a free place is.
static CHUNKS: [Chunk; MAX_CHUNKS] = [const { Chunk::new() }; MAX_CHUNKS];
type Chunk = OnceRef<'static, [Place; PER_CHUNK]>;
/// Places from here on have never been used.
static USED: AtomicUsize = AtomicUsize::new(0);
/// The first place of each list, plus 1; 0 for an empty list.
static FIRST: [AtomicU32; LISTS] = [const { AtomicU32::new(0) }; LISTS];
/// Buffers that have lost their memory.
static UNDER_COUNT: AtomicUsize = AtomicUsize::new(0);

fn place(number: usize) -> Option<&'static Place> {
    let chunk = CHUNKS.get(number / PER_CHUNK)?.get()?;
    chunk.get(number % PER_CHUNK)
}

fn all() -> impl Iterator<Item = &'static Place> {
    (0..USED.load(Acquire).min(PER_CHUNK * MAX_CHUNKS)).filter_map(place)
}

fn list_of(block: usize) -> &'static AtomicU32 {
    let hash = (block as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    &FIRST[(hash >> 50) as usize % LISTS]
}

/// The places of a list.
fn places(list: &'static AtomicU32) -> impl Iterator<Item = &'static Place> {
    let mut next = list.load(Acquire);
    core::iter::from_fn(move || {
        let found = place((next as usize).checked_sub(1)?)?;
        next = found.next.load(Relaxed);
        Some(found)
    })
}

impl Place {
    /// Takes the place if it is in `state`.
    #[expect(clippy::mut_from_ref, reason = "only one caller can have set TAKEN")]
    fn take(&self, state: u32) -> Option<&mut Buffer> {
        let taken = self.state.compare_exchange(state, TAKEN, Acquire, Relaxed);
        // SAFETY: the state is TAKEN, by this call.
        taken.ok().map(|_| unsafe { &mut *self.buffer.get() })
    }

    fn put(&self, state: u32) {
        self.state.store(state, Publish);
    }
}

/// A buffer was made. Nothing is done about one over memory that is not recorded.
pub fn made(
    env: *mut c_void,
    buffer: *mut c_void,
    address: usize,
    capacity: u64,
    call_site: CallSite,
) {
    if !crate::hot::ground::gate::is_open() || !control::wants_invalid_frees() {
        return;
    }
    let Some(block) = IMAGE.live.mark(address) else {
        return;
    };
    let Some((place, entry)) = free_place(env, list_of(block)) else {
        IMAGE.count(Counter::BuffersFull);
        return;
    };
    let reference = real_functions::weak_reference(env, buffer);
    *entry = Buffer {
        address: !address,
        capacity,
        reference,
        made: origin::of(call_site),
        freed: 0,
        release: 0,
    };
    place.block.store(!block, Relaxed);
    place.put(if reference.is_null() { FREE } else { WATCHED });
}

/// A place in the list: a free one, one whose buffer has been collected, or a new one.
fn free_place(
    env: *mut c_void,
    list: &'static AtomicU32,
) -> Option<(&'static Place, &'static mut Buffer)> {
    for place in places(list) {
        if let Some(entry) = place.take(FREE) {
            return Some((place, entry));
        }
    }
    for place in places(list) {
        let state = place.state.load(Relaxed);
        if (state == WATCHED || state == UNDER)
            && let Some(entry) = place.take(state)
        {
            if real_functions::is_collected(env, entry.reference) {
                forget(env, state, entry);
                return Some((place, entry));
            }
            place.put(state);
        }
    }
    let (number, place) = new_place()?;
    let entry = place.take(FREE)?;
    let mut first = list.load(Relaxed);
    loop {
        place.next.store(first, Relaxed);
        match list.compare_exchange_weak(first, number as u32 + 1, AcqRel, Relaxed) {
            Ok(_) => return Some((place, entry)),
            Err(other) => first = other,
        }
    }
}

fn new_place() -> Option<(usize, &'static Place)> {
    let number = USED.load(Relaxed);
    if number >= PER_CHUNK * MAX_CHUNKS {
        return None;
    }
    let number = USED.fetch_add(1, AcqRel);
    let chunk = CHUNKS.get(number / PER_CHUNK)?;
    if chunk.get().is_none() {
        map(chunk);
    }
    place(number).map(|place| (number, place))
}

/// Makes the mapping of a chunk, unless another thread has made it meanwhile.
#[cold]
fn map(chunk: &Chunk) {
    let len = PER_CHUNK * size_of::<Place>();
    // SAFETY: a new mapping of this process alone.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return;
    }
    // SAFETY: a mapping of so many places, which is never given back once it is a chunk.
    if chunk.set(unsafe { &*at.cast() }).is_err() {
        // SAFETY: the mapping that was just made, which nobody else knows.
        unsafe { libc::munmap(at, len) };
    }
}

/// Lets go of the buffer in a place that the caller has taken out of `state`.
fn forget(env: *mut c_void, state: u32, entry: &Buffer) {
    if state == UNDER {
        UNDER_COUNT.fetch_sub(1, Relaxed);
    }
    real_functions::drop_weak_reference(env, entry.reference);
}

/// The marked block at `address` is being freed.
#[cold]
#[inline(never)]
pub fn freed_under(address: usize, release: Release, call_site: CallSite) {
    let mut freed = None;
    for place in places(list_of(address)) {
        if place.block.load(Relaxed) != !address {
            continue;
        }
        if let Some(entry) = place.take(WATCHED) {
            entry.freed = *freed.get_or_insert_with(|| origin::of(call_site));
            entry.release = release as u32;
            UNDER_COUNT.fetch_add(1, Relaxed);
            place.put(UNDER);
        }
    }
}

/// How many buffers lost their memory since the last collection.
pub fn in_doubt() -> usize {
    UNDER_COUNT.load(Relaxed)
}

/// After a collection: buffers that it has taken are forgotten, and those that are left though
/// their memory was freed are invalid frees.
pub fn after_collection() {
    let env: *mut c_void = jni_env().cast();
    if env.is_null() {
        return;
    }
    for place in all() {
        let state = place.state.load(Relaxed);
        if state != WATCHED && state != UNDER {
            continue;
        }
        let Some(entry) = place.take(state) else {
            continue;
        };
        if state == WATCHED && !real_functions::is_collected(env, entry.reference) {
            place.put(WATCHED);
            continue;
        }
        if !real_functions::is_collected(env, entry.reference)
            && let Some(release) = Release::from_number(entry.release)
        {
            let (stack, context) = (entry.made as u32, (entry.made >> 32) as u32);
            let buffer = Live::new(stack, context, entry.capacity, Kind::DirectBuffer);
            invalid_frees::under_buffer(!entry.address, buffer, release, entry.freed);
        }
        forget(env, state, entry);
        place.put(FREE);
    }
}
