//! The same atomics, with a point before each access at which another thread may go on.
//!
//! Each is the one of `core` underneath, with its layout. Outside of a schedule they do what those
//! do. In one, relaxed stores may become visible late (`pending`); what a thread reads is always
//! the newest that it can see. So a missing `Release` shows, and a missing `Acquire` does not.

use super::pending;
use super::schedules::{point_before_load, point_before_store, task};
use core::sync::atomic::{self, Ordering};

/// Before whatever reads and writes at once, or stores without delay.
fn before_change(place: usize, order: Ordering) {
    point_before_store(place);
    if let Some(task) = task() {
        match order {
            Ordering::Relaxed | Ordering::Acquire => pending::settle(task, place..place + 1),
            _ => pending::settle_all(task),
        }
    }
}

macro_rules! atomics {
    ($($(#[doc = $doc:literal])+ $name:ident $(<$param:ident>)?, $value:ty, $to:expr, $from:expr;)*) => {$(
        $(#[doc = $doc])+
        #[repr(transparent)]
        pub struct $name $(<$param>)? (atomic::$name $(<$param>)?);

        #[allow(missing_docs, dead_code)]
        impl $(<$param>)? $name $(<$param>)? {
            pub const fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }
            fn place(&self) -> usize {
                self as *const Self as usize
            }
            pub fn load(&self, order: Ordering) -> $value {
                let Some(task) = task() else {
                    return self.0.load(order);
                };
                point_before_load(self.place());
                let own = pending::own(task, self.place());
                own.map_or_else(|| self.0.load(order), $from)
            }
            pub fn store(&self, value: $value, order: Ordering) {
                if order != Ordering::Relaxed || task().is_none() {
                    before_change(self.place(), order);
                    return self.0.store(value, order);
                }
                point_before_store(self.place());
                let store = |place: usize, value: u64| {
                    // SAFETY: the address of an atomic, which outlives the schedule's use of it.
                    let this = unsafe { &*(place as *const Self) };
                    this.0.store($from(value), Ordering::Relaxed);
                };
                pending::add(task().unwrap_or_default(), self.place(), $to(value), store);
            }
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                before_change(self.place(), order);
                self.0.swap(value, order)
            }
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                before_change(self.place(), success);
                self.0.compare_exchange(current, new, success, failure)
            }
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }
            pub fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                mut change: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut now = self.load(failure);
                while let Some(new) = change(now) {
                    match self.compare_exchange(now, new, success, failure) {
                        Ok(before) => return Ok(before),
                        Err(other) => now = other,
                    }
                }
                Err(now)
            }
        }
    )*};
}

macro_rules! numbers {
    ($($name:ident $value:ty;)*) => {$(
        #[allow(missing_docs, dead_code, clippy::missing_safety_doc)]
        impl $name {
            pub unsafe fn from_ptr<'place>(place: *mut $value) -> &'place Self {
                // SAFETY: the caller's, as for the atomic underneath, whose layout this has.
                unsafe { &*place.cast() }
            }
            pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                before_change(self.place(), order);
                self.0.fetch_add(value, order)
            }
            pub fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                before_change(self.place(), order);
                self.0.fetch_max(value, order)
            }
        }
    )*};
}

atomics! {
    /// As in `core`.
    AtomicBool, bool, u64::from, |value: u64| value != 0;
    /// As in `core`.
    AtomicU32, u32, u64::from, |value: u64| value as u32;
    /// As in `core`.
    AtomicU64, u64, |value: u64| value, |value: u64| value;
    /// As in `core`.
    AtomicUsize, usize, |value: usize| value as u64, |value: u64| value as usize;
    /// As in `core`.
    AtomicPtr<T>, *mut T, |value: *mut T| value as u64, |value: u64| value as *mut T;
}

numbers! {
    AtomicU32 u32;
    AtomicU64 u64;
    AtomicUsize usize;
}

/// Stores a record that no other thread knows yet: words that others may see late, in any order.
///
/// # Safety
///
/// As for [`core::ptr::write`]; the record has no padding.
pub unsafe fn write<T>(place: *mut T, value: T) {
    const WORD: usize = size_of::<u32>();
    if task().is_none() || !size_of::<T>().is_multiple_of(WORD) || align_of::<T>() < WORD {
        // SAFETY: the caller's.
        return unsafe { place.write(value) };
    }
    for at in 0..size_of::<T>() / WORD {
        // SAFETY: words of the record, which has no padding, and of its place, which is the
        // caller's.
        let (word, place) = unsafe {
            let word = (&raw const value).cast::<u32>().add(at).read();
            (word, &*place.cast::<AtomicU32>().add(at))
        };
        place.store(word, Ordering::Relaxed);
    }
}

/// A copy of a record that another thread may be writing.
///
/// # Safety
///
/// As for [`core::ptr::read_volatile`].
pub unsafe fn read<T>(place: *const T) -> T {
    if let Some(task) = task() {
        point_before_load(place as usize);
        let start = place as usize;
        pending::settle(task, start..start + size_of::<T>());
    }
    // SAFETY: the caller's.
    unsafe { place.read_volatile() }
}
