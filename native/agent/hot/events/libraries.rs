//! Libraries that were opened with `dlopen` and not closed, which are live as blocks are until
//! `dlclose`.
//!
//! Each `dlopen` of code under test has a place in a table of its own, and its record one of those
//! that `places` tells. The loader counts how often a library was opened and gives one handle for
//! all of them, so a `dlclose` takes back the last one.
//!
//! What is difficult: the loader searches a library along the path of the code that asks for it,
//! and knows that by the return address. So what asks must stay the caller, except where that makes
//! no difference ([`is_found_by_name_alone`]); only then is anything known of the handle. What was
//! opened in another way is counted, and the report says so.

use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::places::LIBRARIES;
use crate::hot::events::{names, origin, record, selection};
use crate::hot::ground::{boundary, control, gate, search_path};
use crate::hot::unwind;
use core::ffi::{CStr, c_int, c_void};
use core::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use hackleak_image::layout::{Counter, Kind};
use hackleak_options::Track;
use hackleak_platform::loader_lock;

/// The most that have a place at a time.
const MOST: usize = LIBRARIES.most();

/// One `dlopen`.
struct Place {
    /// The loader's handle. 0 is a free place.
    handle: AtomicUsize,
    /// Where the library lies: an address in it.
    within: AtomicUsize,
    /// The later ones have the higher number.
    order: AtomicU64,
    /// The last name that the image has for it: its index there plus one.
    name: AtomicU32,
}

/// A handle is an address of the loader's, and even: somebody is about to fill the place, or to
/// empty it.
const BUSY: usize = 1;

static PLACES: [Place; MOST] = [const {
    Place {
        handle: AtomicUsize::new(0),
        within: AtomicUsize::new(0),
        order: AtomicU64::new(0),
        name: AtomicU32::new(0),
    }
}; MOST];

/// No place at this index or beyond was ever taken.
static HIGHEST: AtomicUsize = AtomicUsize::new(0);
static NEXT_ORDER: AtomicU64 = AtomicU64::new(1);

fn address(index: usize) -> usize {
    LIBRARIES.address(index)
}

/// The handle of the one at this place.
pub fn handle(address: usize) -> Option<u64> {
    let place = PLACES.get(LIBRARIES.number(address)?)?;
    let handle = place.handle.load(Relaxed);
    (handle > BUSY).then_some((handle & !BUSY) as u64)
}

/// Where the table has the libraries of this handle.
pub fn addresses(handle: u64) -> impl Iterator<Item = usize> {
    let taken = PLACES.iter().take(HIGHEST.load(Relaxed)).enumerate();
    let is_of = move |place: &Place| place.handle.load(Relaxed) as u64 == handle;
    taken
        .filter(move |(_, place)| handle > BUSY as u64 && is_of(place))
        .map(|(index, _)| address(index))
}

/// In a forked child: its image has nothing of the parent's.
pub fn left_parent() {
    for place in PLACES.iter().take(HIGHEST.swap(0, Relaxed)) {
        place.handle.store(0, Relaxed);
        place.name.store(0, Relaxed);
    }
}

/// Whether they are recorded.
pub fn is_tracked() -> bool {
    gate::is_open() && control::tracks(Track::MODULE)
}

/// Whether what the caller at `call_site` opens is recorded.
pub fn counts(call_site: CallSite) -> bool {
    // The first event of a forked child may be this one.
    gate::is_open_to_allocate()
        && control::tracks(Track::MODULE)
        && boundary::guarded(|| origin::is_under_test(call_site)).unwrap_or(false)
}

/// Records one that was just opened.
pub fn opened(handle: *mut c_void, call_site: CallSite) {
    let take = |place: &Place| place.handle.compare_exchange(0, BUSY, AcqRel, Relaxed);
    let Some(index) = PLACES.iter().position(|place| take(place).is_ok()) else {
        IMAGE.count(Counter::DroppedNoSegment);
        return;
    };
    HIGHEST.fetch_max(index + 1, Relaxed);
    let place = &PLACES[index];
    // SAFETY: the loader's description of a library that is open.
    let within = unsafe { (*handle.cast::<unwind::LinkMap>()).dynamic };
    place.within.store(within, Relaxed);
    place.order.store(NEXT_ORDER.fetch_add(1, Relaxed), Relaxed);
    record::allocated(address(index), 0, Kind::Module, call_site);
    place.handle.store(handle.addr(), Release);
}

/// A `dlclose` that is under way, of a library that was recorded.
pub struct Closing {
    index: usize,
    handle: usize,
}

/// `handle` is about to be closed.
pub fn closing(handle: *mut c_void) -> Option<Closing> {
    let handle = handle.addr();
    if handle <= BUSY || !is_tracked() {
        return None;
    }
    loop {
        let taken = PLACES.iter().take(HIGHEST.load(Relaxed)).enumerate();
        let (index, place) = taken
            .filter(|(_, place)| place.handle.load(Acquire) == handle)
            .max_by_key(|(_, place)| place.order.load(Relaxed))?;
        // Another thread may close the same library.
        if place
            .handle
            .compare_exchange(handle, handle | BUSY, AcqRel, Relaxed)
            .is_ok()
        {
            return Some(Closing { index, handle });
        }
    }
}

impl Closing {
    /// What the loader answered.
    pub fn answered(self, answer: c_int) {
        let place = &PLACES[self.index];
        if answer != 0 {
            place.handle.store(self.handle, Release);
            return;
        }
        record::given_up(address(self.index));
        place.handle.store(0, Release);
    }
}

/// Whether the loader finds the library of this name for everybody where it finds it for the code
/// at `caller`.
pub fn is_found_by_name_alone(name: &CStr, caller: usize) -> bool {
    let name = name.to_bytes();
    if name.contains(&b'/') {
        // `$ORIGIN` is the folder of the library that asks.
        return !name.contains(&b'$');
    }
    loader_lock::can_be_taken() && !search_path::may_lead_to(name, caller)
}

/// Keeps in the image what those are called that are recorded and as young as `epoch`. Not for
/// hooks.
pub fn look(epoch: u32) {
    if !is_tracked() {
        return;
    }
    unwind::enter_all_modules();
    for (index, place) in PLACES.iter().take(HIGHEST.load(Relaxed)).enumerate() {
        let at = address(index);
        if place.handle.load(Acquire) > BUSY
            && let Some(live) = selection::live_since(at, epoch)
            && let Some(module) = unwind::known_module(place.within.load(Relaxed))
            && let Some(module) = IMAGE.modules.read(module)
        {
            names::keep(Some(&place.name), at, live, IMAGE.slice(module.path));
        }
    }
}
