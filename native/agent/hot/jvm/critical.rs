//! Threads that hold an array by `GetPrimitiveArrayCritical`.
//!
//! Under most collectors a collection waits until none does, and so does the end of the JVM once a
//! collection has begun. The JVM itself would end with a daemon thread that never lets go; it must
//! do so with a collection that is forced before its end, too. So no collection is forced while a
//! thread has held an array for long. A thread that takes and releases one again and again is no
//! obstacle: each time it does, its place changes.

use super::real_functions::{position, real, replace};
use core::ffi::c_void;
use core::mem::transmute;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;

/// Threads share a place by chance. One that loops then hides one that holds: the exit check has a
/// limit besides.
const PLACES: usize = 256;
/// How many arrays are held, and above that a count of changes.
static HELD: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];
const CHANGE: u64 = 1 << 16;
const COUNT: u64 = CHANGE - 1;

fn place() -> &'static AtomicU64 {
    // SAFETY: no arguments, no failure.
    let thread = unsafe { libc::pthread_self() } as usize;
    // Descriptors of threads lie at multiples of 64 at least, at the end of their stacks.
    &HELD[(thread >> 6 ^ thread >> 12 ^ thread >> 20) % PLACES]
}

/// The thread has taken an array.
pub fn entered() {
    place().fetch_add(CHANGE + 1, Relaxed);
}

/// The thread has released an array, which another one may have taken.
pub fn left() {
    let place = place();
    let now = place.fetch_add(CHANGE, Relaxed);
    if now & COUNT != 0 {
        place.fetch_sub(1, Relaxed);
    }
}

/// Changes whenever an array is taken or released.
pub fn changes() -> u64 {
    HELD.iter().fold(0, |sum, place| {
        sum.wrapping_add(place.load(Relaxed) / CHANGE)
    })
}

/// What each place has: it has changed if an array was taken or released there.
pub fn places() -> [u64; PLACES] {
    HELD.each_ref().map(|place| place.load(Relaxed))
}

/// Whether such a place says that an array is held.
pub fn is_held(place: u64) -> bool {
    place & COUNT != 0
}

const GET: usize = position!(GetPrimitiveArrayCritical);
const RELEASE: usize = position!(ReleasePrimitiveArrayCritical);

type Get = unsafe extern "system" fn(*mut c_void, *mut c_void, *mut u8) -> *mut c_void;
type Release = unsafe extern "system" fn(*mut c_void, *mut c_void, *mut c_void, i32);

/// Has both functions call back here, where `resources` does not replace them.
///
/// # Safety
///
/// `table` is a complete function table that nobody else uses.
pub unsafe fn watch(table: *mut Functions) {
    // SAFETY: the caller's; positions of functions of the table.
    unsafe {
        replace(table, GET, get as *const () as usize);
        replace(table, RELEASE, release as *const () as usize);
    }
}

unsafe extern "system" fn get(
    env: *mut c_void,
    array: *mut c_void,
    is_copy: *mut u8,
) -> *mut c_void {
    // SAFETY: the JVM's own function of this name and type, with the caller's arguments; so below.
    let at = unsafe { transmute::<usize, Get>(real(GET))(env, array, is_copy) };
    if !at.is_null() {
        entered();
    }
    at
}

unsafe extern "system" fn release(
    env: *mut c_void,
    array: *mut c_void,
    at: *mut c_void,
    mode: i32,
) {
    // SAFETY: see `get`.
    unsafe { transmute::<usize, Release>(real(RELEASE))(env, array, at, mode) };
    left();
}
