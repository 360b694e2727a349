//! Atomics as what works without locks uses them, and the two accesses beside them that other
//! threads may meet.
//!
//! They are those of `core`, and what is defined here is nothing but another name for it. With the
//! feature `interleavings`, which only tests have, each access is a place where another thread may
//! go on (`explored`). The types have the same layout then, because many of them lie in mapped
//! memory.

#[cfg(feature = "interleavings")]
mod explored;
#[cfg(feature = "interleavings")]
mod pending;
#[cfg(feature = "interleavings")]
mod schedules;

#[cfg(not(feature = "interleavings"))]
pub use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
#[cfg(feature = "interleavings")]
pub use explored::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, read, write};
#[cfg(feature = "interleavings")]
pub use schedules::{alone, explore, given_back, keep, point, together};

/// Stores a record that no other thread knows yet.
///
/// # Safety
///
/// As for [`core::ptr::write`].
#[cfg(not(feature = "interleavings"))]
#[inline(always)]
pub unsafe fn write<T>(place: *mut T, value: T) {
    // SAFETY: the caller's.
    unsafe { place.write(value) }
}

/// A copy of a record that another thread may be writing.
///
/// # Safety
///
/// As for [`core::ptr::read_volatile`].
#[cfg(not(feature = "interleavings"))]
#[inline(always)]
pub unsafe fn read<T>(place: *const T) -> T {
    // SAFETY: the caller's.
    unsafe { place.read_volatile() }
}

/// Memory that stays mapped for good. Where interleavings are explored, it is given back with its
/// schedule.
#[cfg(not(feature = "interleavings"))]
#[inline(always)]
pub fn keep(_place: *mut u8, _len: usize) {}

/// Memory that does not stay mapped after all.
#[cfg(not(feature = "interleavings"))]
#[inline(always)]
pub fn given_back(_place: *mut u8) {}
