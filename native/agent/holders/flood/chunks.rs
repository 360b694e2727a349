//! Words that the C library's allocator has left in a block.
//!
//! A chunk that is free has up to four pointers in its first words, at the headers of other free
//! chunks or at its own. Whoever is given that memory and does not write there has them still. A
//! header begins eight bytes before the end of what the chunk before may use. So such a word points
//! into the last word of a block, if that is long enough: exactly there, where a program that has
//! nothing else of a block does not point.

use super::super::memory::{Memory, WORD};
use super::super::nodes::Node;

/// The allocator's granularity, the least length of a chunk, and what one costs beside its memory, in bytes.
const GRAIN: usize = 16;
const LEAST: usize = 32;
const COST: usize = 8;
/// What a free chunk has: the next one and the one before, of its list and of those of other lengths.
const POINTERS: usize = 4;
/// Chunks of such a length are mappings of their own.
const LONGEST: u64 = 1 << 30;
/// What the last bits of a chunk's length tell.
const FLAGS: u64 = 7;

/// Whether the word at `via` in `block`, which points at `address` in `target`, is one of them.
pub fn has_left(memory: &Memory, block: &Node, via: usize, target: &Node, address: usize) -> bool {
    let room = target.memory().len() + COST;
    let next = target.start + room.next_multiple_of(GRAIN).max(LEAST) - GRAIN;
    if address != next || target.memory().is_empty() {
        return false;
    }
    let is_length = |at: usize| {
        let length = memory.word(at).unwrap_or(0);
        let is_whole = (length & !FLAGS).is_multiple_of(GRAIN as u64);
        is_whole && (LEAST as u64..LONGEST).contains(&(length & !FLAGS))
    };
    // The block's own chunk, or one that has become a part of it: its length stands before its pointers.
    let is_first = via.wrapping_sub(block.start) < POINTERS * WORD;
    is_first
        || (1..=POINTERS).any(|words| {
            let at = via - words * WORD;
            at % GRAIN == WORD && is_length(at)
        })
}

#[cfg(test)]
mod tests {
    use super::super::super::memory::own;
    use super::super::super::nodes::tests::block;
    use super::*;

    /// Addresses as the allocator gives them.
    const TARGET: usize = 0x5555_0000_0010;

    fn left(words: &[u64; 16], word: usize, size: usize, offset: usize) -> bool {
        let start = words.as_ptr().addr();
        let holder = block(start, size_of_val(words));
        let target = block(TARGET, size);
        has_left(
            &own(),
            &holder,
            start + word * WORD,
            &target,
            TARGET + offset,
        )
    }

    #[test]
    fn the_header_behind_a_block_is_pointed_at_by_what_the_allocator_has_left() {
        let words = [0; 16];
        for word in 0..4 {
            assert!(left(&words, word, 1000, 992), "{word}");
            assert!(left(&words, word, 24, 16), "{word}");
        }
        // Other places in a block hold it, and so does any where the header lies behind it.
        for offset in [0, 8, 976, 984, 999] {
            assert!(!left(&words, 0, 1000, offset), "{offset}");
        }
        assert!(!left(&words, 0, 1008, 992));
        assert!(!left(&words, 0, 16, 8));
        assert!(!left(&words, 4, 1000, 992), "no chunk begins there");
    }

    #[test]
    fn a_chunk_that_has_become_a_part_of_a_block_has_its_length_before_its_pointers() {
        #[repr(align(16))]
        struct Aligned([u64; 16]);
        let mut words = Aligned([0; 16]);
        words.0[5] = 0x511;
        for word in 6..10 {
            assert!(left(&words.0, word, 1000, 992), "{word}");
        }
        assert!(!left(&words.0, 10, 1000, 992));
        words.0[5] = 0x518;
        assert!(!left(&words.0, 6, 1000, 992), "no length");
    }
}
