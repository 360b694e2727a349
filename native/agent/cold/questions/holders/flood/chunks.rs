//! Words that the C library's allocator has left in a block.
//!
//! A large chunk that is free has four pointers in its first words, at other free chunks of its
//! list and at the next lengths. Where it is alone of its length, the latter two point at its own
//! header. Whoever is given that memory and does not write there has them still; and the header
//! begins in the last word of the block before, which they would hold. Both of them are asked for:
//! lists whose links are the last word of a node have one such pointer, and never two beside each
//! other.

use super::super::memory::{Memory, WORD};

/// What a chunk has before its memory, in bytes.
const HEADER: usize = 16;
/// Where a free chunk has the pointers to the next lengths, in its memory.
const LENGTHS: [usize; 2] = [2 * WORD, 3 * WORD];

/// Whether the word at `via`, which points at `address`, is one of them.
pub fn has_left(memory: &Memory, via: usize, address: usize) -> bool {
    // Nearly all words end here.
    let Some(place) = LENGTHS
        .into_iter()
        .position(|offset| address.wrapping_add(HEADER + offset) == via)
    else {
        return false;
    };
    let other = match place {
        0 => via + WORD,
        _ => via - WORD,
    };
    memory.word(other) == Some(address as u64)
}

#[cfg(test)]
mod tests {
    use super::super::super::memory::own;
    use super::*;

    /// Memory of a chunk behind its header.
    const AT: usize = 4;

    fn left(words: &[u64; 16], word: usize) -> bool {
        let via = words.as_ptr().addr() + word * WORD;
        has_left(&own(), via, words[word] as usize)
    }

    #[test]
    fn two_words_that_name_the_chunk_that_they_are_in_are_the_allocators() {
        let mut words = [0; 16];
        let header = (words.as_ptr().addr() + AT * WORD - HEADER) as u64;
        words[AT + 2] = header;
        words[AT + 3] = header;
        assert!(left(&words, AT + 2));
        assert!(left(&words, AT + 3));
        // The link of a list has one of them.
        words[AT + 3] = header + 8;
        assert!(!left(&words, AT + 2));
        assert!(!left(&words, AT + 3));
        words[AT + 3] = header;
        words[AT + 2] = 0;
        assert!(!left(&words, AT + 3));
        words[AT] = header;
        words[AT + 1] = header;
        assert!(!left(&words, AT) && !left(&words, AT + 1));
    }
}
