//! Threads that were started, which are live as blocks are until they have ended and somebody has
//! joined or detached them.
//!
//! A thread gets a place in a table of its own, and its record one of those that `places` tells.
//! The record is made before the thread is: whatever that does, and however soon it ends, its
//! record is there. Threads of code under test are recorded, and those that Java code starts.
//!
//! What is difficult: the C library hands out the identifier of a thread again as soon as that was
//! joined, or has ended and was detached. So a place is found before somebody is joined and emptied
//! afterwards, and a thread that finds its own identifier in another place empties that. Of a
//! thread that `clone` has made, the kernel's number alone is known. Each state has the number of
//! its use, so that nobody empties the next one's. And a process may end a thread without its
//! destructors: before anybody is told, the kernel is asked ([`look`]).

use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::places::THREADS;
use crate::hot::events::{names, origin, record, selection};
use crate::hot::ground::{boundary, control, gate};
use crate::hot::thread::own_tid;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use hackleak_image::layout::{Counter, Kind};
use hackleak_image::writer::KeepErrno;
use hackleak_options::Track;

/// The most threads that have a place at a time.
const MOST: usize = THREADS.most();

/// One thread. A state of 0 is a free place.
struct Place {
    /// The C library's identifier; 0 until the thread or its maker has told it.
    id: AtomicUsize,
    /// The flags below, then 24 bits that count the uses, then the kernel's number of the thread.
    state: AtomicU64,
    /// The last name that the image has for it: its index there plus one.
    name: AtomicU32,
}

/// Somebody has it.
const TAKEN: u64 = 1;
/// Nobody is going to join it.
const DETACHED: u64 = 2;
/// It has run its destructors.
const ENDED: u64 = 4;
/// Its name was told and is not to be looked up.
const NAMED: u64 = 8;
/// Somebody is about to make the place free.
const LEAVING: u64 = 16;
const USE: u64 = 1 << 8;
const USES: u64 = 0xffff_ff00;
const TID_SHIFT: u32 = 32;
/// All but the number of the thread.
const LOWER: u64 = (1 << TID_SHIFT) - 1;

static PLACES: [Place; MOST] = [const {
    Place {
        id: AtomicUsize::new(0),
        state: AtomicU64::new(0),
        name: AtomicU32::new(0),
    }
}; MOST];

/// No place at this index or beyond was ever taken.
static HIGHEST: AtomicUsize = AtomicUsize::new(0);
/// The number of the next use.
static NEXT_USE: AtomicU64 = AtomicU64::new(USE);
/// What tells that a thread ends.
static KEY: AtomicU32 = AtomicU32::new(0);
static HAS_KEY: AtomicBool = AtomicBool::new(false);

/// Whether Java code of the program's runs.
static JAVA_RUNS: AtomicBool = AtomicBool::new(false);

/// A place, as it was when its state was read.
#[derive(Clone, Copy)]
pub struct Started {
    index: usize,
    state: u64,
}

fn address(index: usize) -> usize {
    THREADS.address(index)
}

/// Called before the gate opens, if threads are tracked.
pub fn begin() {
    let mut key = 0;
    // SAFETY: `key` is a valid place; the destructor is a function of this library.
    if unsafe { libc::pthread_key_create(&mut key, Some(at_end)) } == 0 {
        KEY.store(key, Relaxed);
        HAS_KEY.store(true, Release);
    }
}

/// In a forked child: only one thread is there, and its image has nothing of the parent's.
pub fn left_parent() {
    for place in PLACES.iter().take(HIGHEST.swap(0, Relaxed)) {
        place.state.store(0, Relaxed);
        place.id.store(0, Relaxed);
        place.name.store(0, Relaxed);
    }
}

/// The JVM is there: what Java code starts from now on counts.
pub fn java_runs() {
    JAVA_RUNS.store(true, Relaxed);
}

/// Whether they are recorded.
pub fn is_tracked() -> bool {
    gate::is_open() && control::tracks(Track::THREAD)
}

/// Records a thread that the caller at `call_site` is about to make, if its threads count.
pub fn starting(is_detached: bool, call_site: CallSite) -> Option<Started> {
    // The first event of a forked child may be this one.
    if !gate::is_open_to_allocate() || !control::tracks(Track::THREAD) {
        return None;
    }
    let counts = || {
        origin::is_under_test(call_site)
            || JAVA_RUNS.load(Relaxed) && origin::is_java_call(call_site)
    };
    if !boundary::guarded(counts).unwrap_or(false) {
        return None;
    }
    let flags = TAKEN | if is_detached { DETACHED } else { 0 };
    let state = flags | NEXT_USE.fetch_add(USE, Relaxed) & USES;
    let Some(index) = free_place(state).or_else(|| {
        empty_the_ended();
        free_place(state)
    }) else {
        IMAGE.count(Counter::DroppedNoSegment);
        return None;
    };
    HIGHEST.fetch_max(index + 1, Relaxed);
    record::allocated(address(index), 0, Kind::Thread, call_site);
    Some(Started { index, state })
}

fn free_place(state: u64) -> Option<usize> {
    let take = |place: &Place| place.state.compare_exchange(0, state, AcqRel, Relaxed);
    PLACES.iter().position(|place| take(place).is_ok())
}

impl Started {
    fn place(self) -> &'static Place {
        &PLACES[self.index % MOST]
    }

    /// Its maker has got its identifier, or it has its own.
    pub fn has_id(self, id: usize) {
        let same_use = |state: u64| (state ^ self.state) & (USES | TAKEN) == 0;
        if same_use(self.place().state.load(Acquire)) {
            self.place().id.store(id, Relaxed);
        }
    }

    /// It was made without the C library's knowing, as this thread of the kernel's: nobody joins
    /// it, and when it ends is not told.
    pub fn has_tid(self, tid: u32) {
        self.change(|state| state & LOWER | u64::from(tid) << TID_SHIFT);
    }

    /// Called on the new thread, before the program's routine.
    pub fn begins(self) {
        // SAFETY: no arguments, no failure.
        let id = unsafe { libc::pthread_self() } as usize;
        // Whoever had the identifier before is gone.
        for other in all().filter(|other| other.index != self.index) {
            if other.place().id.load(Relaxed) == id {
                other.empty();
            }
        }
        self.has_id(id);
        self.has_tid(own_tid());
        if HAS_KEY.load(Acquire) {
            let value = ptr::without_provenance::<c_void>(self.index + 1);
            // SAFETY: a key that was made, and a value that is no pointer.
            unsafe { libc::pthread_setspecific(KEY.load(Relaxed), value) };
        }
    }

    /// Changes the state as long as it is that of the same use; the new one.
    fn change(self, change: impl Fn(u64) -> u64) -> Option<u64> {
        let same_use = |state: u64| (state ^ self.state) & USES == 0 && state & TAKEN != 0;
        let changed = self.place().state.fetch_update(AcqRel, Acquire, |state| {
            same_use(state).then(|| change(state))
        });
        changed.ok().map(change)
    }

    /// Nobody is going to join it.
    pub fn detached(self) {
        if self.change(|state| state | DETACHED).is_some_and(is_over) {
            self.empty();
        }
    }

    /// It was not made after all, was joined, or has ended and nobody is going to join it.
    pub fn empty(self) {
        // Who comes first does it: the place may be somebody else's right after.
        let place = self.place();
        let is_mine = |state: u64| {
            ((state ^ self.state) & USES == 0 && state & (TAKEN | LEAVING) == TAKEN)
                .then_some(state | LEAVING)
        };
        if place.state.fetch_update(AcqRel, Acquire, is_mine).is_err() {
            return;
        }
        record::given_up(address(self.index));
        place.id.store(0, Relaxed);
        place.state.store(0, Release);
    }

    fn tid(self) -> u32 {
        (self.state >> TID_SHIFT) as u32
    }

    /// Whether the kernel knows the thread no more.
    fn is_gone(self) -> bool {
        let _errno = KeepErrno::new();
        // SAFETY: asks whether a signal could be sent to the thread of this process, and sends
        // none.
        self.tid() != 0
            && unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.tid(), 0) } != 0
    }
}

/// Whether nothing is left of a thread in this state.
fn is_over(state: u64) -> bool {
    state & (ENDED | DETACHED) == ENDED | DETACHED
}

/// All that have a place.
fn all() -> impl Iterator<Item = Started> {
    let places = PLACES.iter().take(HIGHEST.load(Relaxed)).enumerate();
    places.filter_map(|(index, place)| {
        let state = place.state.load(Acquire);
        (state & TAKEN != 0).then_some(Started { index, state })
    })
}

/// The one that the program knows by this identifier.
pub fn known(id: usize) -> Option<Started> {
    if !is_tracked() || id == 0 {
        return None;
    }
    all().find(|started| started.place().id.load(Relaxed) == id)
}

/// The last that is known of a thread: its own destructors.
unsafe extern "C" fn at_end(value: *mut c_void) {
    let index = value.addr().wrapping_sub(1);
    let Some(place) = PLACES.get(index) else {
        return;
    };
    let state = place.state.load(Acquire);
    let started = Started { index, state };
    if state & TAKEN != 0 && started.tid() == own_tid() {
        end(started);
    }
}

fn end(started: Started) {
    if started.change(|state| state | ENDED).is_some_and(is_over) {
        started.empty();
    }
}

/// Empties the places of those that have ended in a way that is not seen.
fn empty_the_ended() {
    all().filter(|started| started.is_gone()).for_each(end);
}

/// Gives the calling thread the name that Java code knows it by, or takes its record back if it is
/// one of the JDK's own.
pub fn is_of_java(name: &[u8], is_of_the_jdk: bool) {
    // SAFETY: no arguments, no failure.
    let Some(started) = known(unsafe { libc::pthread_self() } as usize) else {
        return;
    };
    if is_of_the_jdk {
        started.empty();
    } else if let Some(live) = IMAGE.live.live_at(address(started.index))
        && started.change(|state| state | NAMED).is_some()
    {
        names::keep(
            Some(&started.place().name),
            address(started.index),
            live,
            name,
        );
    }
}

/// Looks at those that are recorded and as young as `epoch`: takes out what has ended, and keeps in
/// the image what the others are called. `name_of` is asked for the name of a thread that has this
/// number, and keeps it.
pub fn look(epoch: u32, name_of: impl Fn(u32, &dyn Fn(&str))) {
    if !is_tracked() {
        return;
    }
    empty_the_ended();
    for started in all() {
        let at = address(started.index);
        let Some(live) = selection::live_since(at, epoch) else {
            continue;
        };
        let keep = |name: &str| names::keep(Some(&started.place().name), at, live, name.as_bytes());
        if started.state & ENDED != 0 {
            keep("ended, never joined");
        } else if started.state & NAMED == 0 {
            name_of(started.tid(), &keep);
        }
    }
}
