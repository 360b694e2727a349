//! Where the code of the JVM and of this library lies.

use core::ops::Range;
use std::sync::OnceLock;

/// Native methods that get no thunk: the JVM's own, which use no allocator that is hooked, and
/// the bridge's.
static LEFT_ALONE: OnceLock<[Range<usize>; 2]> = OnceLock::new();

/// Where the JVM's own code is mapped.
pub fn jvm() -> Range<usize> {
    LEFT_ALONE.get().map_or(0..0, |[jvm, _]| jvm.clone())
}

/// Whether the address lies in the JVM's own code.
#[inline(always)]
pub fn is_jvm_code(address: usize) -> bool {
    match LEFT_ALONE.get() {
        Some([jvm, _]) => jvm.contains(&address),
        None => false,
    }
}

/// Whether a native method there gets no thunk; `None` before that is known.
pub fn is_left_alone(address: usize) -> Option<bool> {
    let alone = LEFT_ALONE.get()?;
    Some(alone.iter().any(|range| range.contains(&address)))
}

/// Takes where the JVM and this library are mapped.
pub fn init(jvm: Range<usize>, own: Range<usize>) {
    let _ = LEFT_ALONE.set([jvm, own]);
}
