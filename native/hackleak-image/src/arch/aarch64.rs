//! AArch64.

/// Programs have addresses below two to this power.
pub const ADDRESS_BITS: u32 = 48;

/// Begins to bring the cache line of `place` closer. Reads nothing.
#[inline(always)]
pub fn prefetch<T>(place: &T) {
    // SAFETY: a hint, which cannot fault.
    unsafe {
        core::arch::asm!(
            "prfm pldl1keep, [{}]",
            in(reg) core::ptr::from_ref(place),
            options(nostack, preserves_flags, readonly),
        );
    }
}
