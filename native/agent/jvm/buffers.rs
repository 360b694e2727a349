//! Direct byte buffers that native code made over memory of its own (`NewDirectByteBuffer`).
//!
//! Once that memory is freed, whoever still holds the buffer reads and writes what belongs to
//! somebody else. Only a collection can tell whether somebody does: so the block under a buffer
//! is marked, its free is noted, and after the next forced collection a buffer that has survived
//! is a finding. The table has a fixed size; buffers that find no place are counted.
//!
//! A place goes through these states, each change made by whoever holds the place then:
//!
//! ```text
//! FREE ─made─► TAKEN ─► WATCHED ─block freed─► TAKEN ─► UNDER ─collection─► FREE
//!                          └────────buffer collected─────────────────────────┘
//! ```

use super::{jni_env, resources};
use crate::arch::Position;
use crate::{IMAGE, control, findings, record};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release as Publish},
};
use hackleak_image::layout::{Counter, Kind, Live, Release};

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const WATCHED: u32 = 2;
const UNDER: u32 = 3;

struct Place {
    state: AtomicU32,
    /// Start of the block that the buffer lies in.
    block: AtomicUsize,
    buffer: UnsafeCell<Buffer>,
}

#[derive(Clone, Copy)]
struct Buffer {
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

const MAX_BUFFERS: usize = 4096;
static PLACES: [Place; MAX_BUFFERS] = [const {
    Place {
        state: AtomicU32::new(FREE),
        block: AtomicUsize::new(0),
        buffer: UnsafeCell::new(Buffer {
            address: 0,
            capacity: 0,
            reference: core::ptr::null_mut(),
            made: 0,
            freed: 0,
            release: 0,
        }),
    }
}; MAX_BUFFERS];
/// Places from here on have never been used.
static USED: AtomicUsize = AtomicUsize::new(0);

fn used() -> &'static [Place] {
    &PLACES[..USED.load(Acquire).min(MAX_BUFFERS)]
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
    position: Position,
) {
    if !crate::gate::is_open() || !control::wants_findings() {
        return;
    }
    let Some(block) = IMAGE.live.mark(address) else {
        return;
    };
    let Some((place, entry)) = free_place() else {
        IMAGE.count(Counter::BuffersFull);
        return;
    };
    let reference = resources::weak_reference(env, buffer);
    *entry = Buffer {
        address,
        capacity,
        reference,
        made: record::origin(position),
        freed: 0,
        release: 0,
    };
    place.block.store(block, Relaxed);
    place.put(if reference.is_null() { FREE } else { WATCHED });
}

fn free_place() -> Option<(&'static Place, &'static mut Buffer)> {
    for place in used() {
        if let Some(entry) = place.take(FREE) {
            return Some((place, entry));
        }
    }
    let place = PLACES.get(USED.fetch_add(1, Acquire))?;
    place.take(FREE).map(|entry| (place, entry))
}

/// The marked block at `address` is being freed.
#[cold]
#[inline(never)]
pub fn freed_under(address: usize, release: Release, position: Position) {
    let mut freed = None;
    for place in used() {
        if place.block.load(Relaxed) != address {
            continue;
        }
        if let Some(entry) = place.take(WATCHED) {
            entry.freed = *freed.get_or_insert_with(|| record::origin(position));
            entry.release = release as u32;
            place.put(UNDER);
        }
    }
}

/// How many buffers lost their memory since the last collection.
pub fn in_doubt() -> usize {
    let under = |place: &&Place| place.state.load(Relaxed) == UNDER;
    used().iter().filter(under).count()
}

/// After a collection: buffers that it has taken are forgotten, and those that are left though
/// their memory was freed are findings.
pub fn after_collection() {
    let env: *mut c_void = jni_env().cast();
    if env.is_null() {
        return;
    }
    for place in used() {
        let state = place.state.load(Relaxed);
        if state != WATCHED && state != UNDER {
            continue;
        }
        let Some(entry) = place.take(state) else {
            continue;
        };
        if state == WATCHED && !resources::is_collected(env, entry.reference) {
            place.put(WATCHED);
            continue;
        }
        if !resources::is_collected(env, entry.reference)
            && let Some(release) = Release::from_number(entry.release)
        {
            let (stack, context) = (entry.made as u32, (entry.made >> 32) as u32);
            let buffer = Live::new(stack, context, entry.capacity, Kind::DirectBuffer);
            findings::under_buffer(entry.address, buffer, release, entry.freed);
        }
        resources::drop_weak_reference(env, entry.reference);
        place.put(FREE);
    }
}
