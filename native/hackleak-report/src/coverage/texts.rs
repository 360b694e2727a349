//! Texts in the constant data of a stripped library that tell what was linked into it.

use memchr::memmem;

use super::facts::Allocator;

/// The name of a type in the C++ runtime library; nobody else defines it.
const CPP_RUNTIME: &[u8] = b"St9bad_alloc\0";

/// What the allocators print before their messages.
const ALLOCATORS: [(&[u8], Allocator); 5] = [
    (b"<jemalloc>: ", Allocator::Jemalloc),
    (b"mimalloc: warning: ", Allocator::Mimalloc),
    (b"tcmalloc: large alloc ", Allocator::Tcmalloc),
    (b"TCMALLOC_SAMPLE_PARAMETER", Allocator::Tcmalloc),
    (b"snmalloc: ", Allocator::Snmalloc),
];

/// The allocators whose texts are in `constants`.
pub(super) fn allocators(constants: &[u8]) -> impl Iterator<Item = Allocator> {
    ALLOCATORS
        .iter()
        .filter(|(text, _)| memmem::find(constants, text).is_some())
        .map(|(_, allocator)| *allocator)
}

/// Whether `constants` has what only a statically linked C++ runtime has.
pub(super) fn has_cpp_runtime(constants: &[u8]) -> bool {
    memmem::find_iter(constants, CPP_RUNTIME).any(|at| {
        // Not the end of a longer name.
        let before = at.checked_sub(1).and_then(|before| constants.get(before));
        before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
    })
}
