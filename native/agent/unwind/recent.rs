//! Walks before the last one, found again by their leaf.
//!
//! A loop that calls into native code allocates in the same few places each time round, below frames at
//! the same stack positions. A walk that ended well is kept here as the words that decided it and the
//! node that it led to. When all the words hold what they held, it would end there again.
//!
//! What makes that exact is said in `memo`: the same words are compared in the same order.

use super::Memory;
use super::cursor::{Cursor, End};
use crate::word::{self, Word};

const SETS: usize = 16;
const WAYS: usize = 2;
/// The most words of a walk that is kept: some 60 frames.
const MAX_WORDS: usize = 96;

/// Where a walk led.
#[derive(Clone, Copy)]
pub struct Walk {
    /// How the native stack ended.
    pub end: End,
    /// An address in the outermost native frame.
    pub outermost: usize,
    /// The node of the Java stack that the native one hangs under.
    pub root: u32,
    /// The node of the whole stack.
    pub node: u32,
}

#[derive(Clone, Copy)]
struct Kept {
    /// Of the leaf; 0 for an empty place.
    slot: usize,
    pc: usize,
    /// The leaf's frame pointer, if a rule depends on it.
    fp: Option<usize>,
    words_len: usize,
    /// Whether all words lie on the thread's own stack.
    on_own: bool,
    walk: Walk,
    /// From the root to the leaf.
    words: [Word; MAX_WORDS],
}

struct Set {
    ways: [Kept; WAYS],
    /// The way that was filled last.
    newest: usize,
}

/// What one thread remembers. Valid when zero.
pub struct Recent {
    /// Keeping a walk costs about as much as making a short one, so it has to pay: see
    /// [`Recent::pays`].
    hits: u32,
    kept: u32,
    refused: u32,
    sets: [Set; SETS],
}

impl Recent {
    /// Forgets everything.
    pub fn clear(&mut self) {
        for set in &mut self.sets {
            for kept in &mut set.ways {
                kept.slot = 0;
            }
        }
    }

    /// Where the walk leads that begins at this leaf, if it is remembered and unchanged.
    #[inline(always)]
    pub fn find(&mut self, leaf: &Cursor) -> Option<Walk> {
        let set = &self.sets[set(leaf.slot, leaf.pc)];
        let kept = set
            .ways
            .iter()
            .find(|kept| kept.begins_at(leaf) && kept.holds())?;
        self.hits = self.hits.saturating_add(1);
        Some(kept.walk)
    }

    /// A thread that goes through more places than are kept finds few again: then one walk in sixteen is
    /// enough.
    #[inline(always)]
    fn pays(&mut self) -> bool {
        const FREE: u32 = 256;
        if self.kept > self.hits.saturating_add(FREE) {
            self.refused += 1;
            if !self.refused.is_multiple_of(16) {
                return false;
            }
        }
        if self.kept.max(self.hits) > 1 << 16 {
            self.kept /= 2;
            self.hits /= 2;
        }
        self.kept += 1;
        true
    }

    /// Remembers a walk from the leaf at `slot`, decided by `words`, which run from the root to the leaf.
    #[inline(always)]
    pub fn learn(
        &mut self,
        (slot, pc): (usize, usize),
        fp: Option<usize>,
        words: &[Word],
        on_own: bool,
        walk: Walk,
    ) {
        if words.len() > MAX_WORDS || !self.pays() {
            return;
        }
        let set = &mut self.sets[set(slot, pc)];
        set.newest = (set.newest + 1) % WAYS;
        let kept = &mut set.ways[set.newest];
        kept.slot = slot;
        kept.pc = pc;
        kept.fp = fp;
        kept.walk = walk;
        kept.on_own = on_own;
        kept.words_len = words.len();
        kept.words[..words.len()].copy_from_slice(words);
    }
}

impl Kept {
    #[inline(always)]
    fn begins_at(&self, leaf: &Cursor) -> bool {
        self.slot == leaf.slot && self.pc == leaf.pc && self.fp.is_none_or(|fp| fp == leaf.fp)
    }

    #[inline(always)]
    fn holds(&self) -> bool {
        super::breaks(Memory::Recent)
            // SAFETY: words of this thread's stack: all that decides where one lies has been compared
            // before it.
            || unsafe { word::all_hold(&self.words[..self.words_len], self.on_own) }
    }
}

#[inline(always)]
fn set(slot: usize, pc: usize) -> usize {
    let hash = (slot ^ pc.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash >> (usize::BITS - SETS.trailing_zeros())
}
