//! Texts in the constant data of a stripped library that tell what was linked into it.

use memchr::memmem;

use super::facts::Allocator;

/// What only the C++ runtime library itself defines: the names of a type and of its exception.
const CPP_RUNTIME: [&[u8]; 2] = [b"St9bad_alloc", b"std::bad_alloc"];

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
        .filter(|(text, _)| starts(constants, text).next().is_some())
        .map(|(_, allocator)| *allocator)
}

/// Whether `constants` has what only a statically linked C++ runtime has.
pub(super) fn has_cpp_runtime(constants: &[u8]) -> bool {
    CPP_RUNTIME
        .iter()
        .any(|text| starts(constants, text).any(|at| constants.get(at + text.len()) == Some(&0)))
}

/// Where texts begin with `start`. C's texts follow a zero byte, which also tells them from the
/// tables of a program that, like this one, looks for them.
fn starts<'a>(constants: &'a [u8], start: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memmem::find_iter(constants, start).filter(|at| {
        let before = at.checked_sub(1).and_then(|before| constants.get(before));
        before.is_none_or(|before| *before == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_at_their_start_only() {
        for (constants, found) in [
            (&b"std::bad_alloc\0"[..], true),
            (b"\0St9bad_alloc\0", true),
            (b"_ZTISt9bad_alloc\0", false),
            (b"not std::bad_alloc\0std::bad_alloc\0", true),
            (b"", false),
        ] {
            assert_eq!(has_cpp_runtime(constants), found, "{constants:?}");
        }
        let found: Vec<Allocator> =
            allocators(b"x\0<jemalloc>: Error\0see <mimalloc: warning: ").collect();
        assert_eq!(found, [Allocator::Jemalloc]);
    }
}
