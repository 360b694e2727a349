//! x86-64.

/// Programs have addresses below two to this power.
pub const ADDRESS_BITS: u32 = 47;

use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Begins to bring the cache line of `place` closer. Reads nothing.
#[inline(always)]
pub fn prefetch<T>(place: &T) {
    // SAFETY: the instruction is part of every x86-64 processor and cannot fault.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(place).cast()) };
}
