//! Where the code of the JVM lies.

use core::ops::Range;
use hackleak_platform::this_library;
use std::sync::OnceLock;

static JVM: OnceLock<Range<usize>> = OnceLock::new();

/// Where the JVM's own code is mapped.
pub fn jvm() -> Range<usize> {
    JVM.get().map_or(0..0, Range::clone)
}

/// Whether the address lies in the JVM's own code.
#[inline(always)]
pub fn is_jvm_code(address: usize) -> bool {
    match JVM.get() {
        Some(jvm) => jvm.contains(&address),
        None => false,
    }
}

/// Whether a native method there gets no thunk: the JVM's own, which use no allocator that is
/// hooked, and the bridge's. `None` before that is known.
pub fn is_left_alone(address: usize) -> Option<bool> {
    let jvm = JVM.get()?;
    Some(jvm.contains(&address) || this_library::has(address))
}

/// Takes where the JVM is mapped.
pub fn init(jvm: Range<usize>) {
    let _ = JVM.set(jvm);
}
