//! Texts in the constant data of a stripped library that tell what was linked into it.

use memchr::memmem;

use super::facts::Allocator;

/// A text as it starts, and the byte after that. They are apart so that this program, where the
/// starts are constants, too, is not taken for one that has the texts.
type Start = (&'static [u8], u8);

/// What only the C++ runtime library itself defines: the names of a type and of its exception.
const CPP_RUNTIME: [Start; 2] = [(b"St9bad_alloc", 0), (b"std::bad_alloc", 0)];

/// What the allocators print before their messages, or look for in the environment.
const ALLOCATORS: [(Start, Allocator); 5] = [
    ((b"<jemalloc", b'>'), Allocator::Jemalloc),
    ((b"mimalloc", b':'), Allocator::Mimalloc),
    ((b"tcmalloc", b':'), Allocator::Tcmalloc),
    ((b"TCMALLOC_SAMPLE_PARAMETER", 0), Allocator::Tcmalloc),
    ((b"snmalloc", b':'), Allocator::Snmalloc),
];

/// The allocators whose texts are in `constants`.
pub(super) fn allocators(constants: &[u8]) -> impl Iterator<Item = Allocator> {
    ALLOCATORS
        .iter()
        .filter(|(start, _)| has(constants, *start))
        .map(|(_, allocator)| *allocator)
}

/// Whether `constants` has what only a statically linked C++ runtime has.
pub(super) fn has_cpp_runtime(constants: &[u8]) -> bool {
    CPP_RUNTIME.iter().any(|start| has(constants, *start))
}

/// Whether a text with this start is in `constants`. C's texts follow a zero byte.
fn has(constants: &[u8], (start, next): Start) -> bool {
    memmem::find_iter(constants, start).any(|at| {
        let before = at.checked_sub(1).and_then(|before| constants.get(before));
        before.is_none_or(|before| *before == 0) && constants.get(at + start.len()) == Some(&next)
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
