//! Walks before the last one, found again by their leaf.
//!
//! A loop that calls into native code allocates in the same few places each time round, below
//! frames at the same stack positions. A walk that ended well is kept here as the words that
//! decided it and the node that it led to. When all the words hold what they held, it would end
//! there again.
//!
//! What makes that exact is said in `walk_cache`: the same words are compared in the same order.

use super::Memory;
use super::cursor::{Cursor, End};
use super::worth::Worth;
use hackleak_platform::stack_word::{self, StackWord};

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
    words: [StackWord; MAX_WORDS],
}

struct Set {
    ways: [Kept; WAYS],
    /// The way that was filled last.
    newest: usize,
}

/// What one thread remembers. Valid when zero.
pub struct RecentWalks {
    worth: Worth,
    sets: [Set; SETS],
}

impl RecentWalks {
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
        self.worth.paid();
        Some(kept.walk)
    }

    /// Remembers a walk from the leaf at `slot`, decided by `words`, which run from the root to the
    /// leaf.
    #[inline(always)]
    pub fn learn(
        &mut self,
        (slot, pc): (usize, usize),
        fp: Option<usize>,
        words: &[StackWord],
        on_own: bool,
        walk: Walk,
    ) {
        if words.len() > MAX_WORDS || !self.worth.pays() {
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
        super::breaks(Memory::RecentWalks)
            // SAFETY: words of this thread's stack: all that decides where one lies has been
            // compared before it.
            || unsafe { stack_word::all_hold(&self.words[..self.words_len], self.on_own) }
    }
}

#[inline(always)]
fn set(slot: usize, pc: usize) -> usize {
    let hash = (slot ^ pc.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash >> (usize::BITS - SETS.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::CallSite;

    /// What a thread remembers at first.
    fn nothing() -> Box<RecentWalks> {
        // SAFETY: valid when zero.
        unsafe { Box::new_zeroed().assume_init() }
    }

    fn walk(node: u32) -> Walk {
        Walk {
            end: End::Outermost,
            outermost: 0,
            root: 0,
            node,
        }
    }

    fn words(memory: &[usize]) -> Vec<StackWord> {
        let word = |word: &usize| StackWord {
            at: (&raw const *word).addr(),
            value: *word,
        };
        memory.iter().map(word).collect()
    }

    /// The leaf whose return address is this word.
    fn leaf(word: &usize, frame_pointer: usize) -> Cursor {
        Cursor::new(CallSite {
            slot: (&raw const *word).addr(),
            frame_pointer,
        })
    }

    fn found(recent: &mut RecentWalks, leaf: &Cursor) -> Option<u32> {
        recent.find(leaf).map(|walk| walk.node)
    }

    #[test]
    fn a_walk_is_found_again_while_its_words_are_what_they_were() {
        let mut recent = nothing();
        let mut memory = [0x1000, 0x2000, 0x3000];
        let at = leaf(&memory[0], 7);
        assert_eq!(found(&mut recent, &at), None);
        recent.learn((at.slot, at.pc), None, &words(&memory[1..]), true, walk(5));
        assert_eq!(found(&mut recent, &at), Some(5));
        for word in 1..3 {
            let was = memory[word];
            memory[word] += 1;
            assert_eq!(found(&mut recent, &leaf(&memory[0], 7)), None, "{word}");
            memory[word] = was;
        }
        assert_eq!(found(&mut recent, &leaf(&memory[0], 7)), Some(5));
        // Another call at the same place of the stack, and kept at the same place here.
        let is_beside = |pc: &usize| set(at.slot, *pc) == set(at.slot, at.pc);
        memory[0] = (at.pc + 1..).find(is_beside).unwrap_or(0);
        assert_eq!(found(&mut recent, &leaf(&memory[0], 7)), None);
        memory[0] = at.pc;
        recent.clear();
        assert_eq!(found(&mut recent, &leaf(&memory[0], 7)), None);
    }

    #[test]
    fn the_frame_pointer_decides_where_a_rule_depends_on_it() {
        let mut recent = nothing();
        let memory = [0x1000, 0x2000];
        let at = leaf(&memory[0], 7);
        let words = words(&memory[1..]);
        recent.learn((at.slot, at.pc), Some(7), &words, true, walk(5));
        assert_eq!(found(&mut recent, &leaf(&memory[0], 7)), Some(5));
        assert_eq!(found(&mut recent, &leaf(&memory[0], 8)), None);
        recent.learn((at.slot, at.pc), None, &words, true, walk(6));
        assert_eq!(found(&mut recent, &leaf(&memory[0], 8)), Some(6));
    }

    #[test]
    fn two_walks_from_one_place_are_kept_and_the_older_one_goes() {
        let mut recent = nothing();
        let mut memory = [0x1000, 0];
        let mut learn = |recent: &mut RecentWalks, caller: usize| {
            memory[1] = caller;
            let at = leaf(&memory[0], 0);
            let words = words(&memory[1..]);
            recent.learn((at.slot, at.pc), None, &words, true, walk(caller as u32));
            move |memory: &mut [usize; 2], recent: &mut RecentWalks| {
                memory[1] = caller;
                found(recent, &leaf(&memory[0], 0))
            }
        };
        let first = learn(&mut recent, 1);
        let second = learn(&mut recent, 2);
        assert_eq!(first(&mut memory, &mut recent), Some(1));
        assert_eq!(second(&mut memory, &mut recent), Some(2));
        memory[1] = 3;
        let at = leaf(&memory[0], 0);
        recent.learn((at.slot, at.pc), None, &words(&memory[1..]), true, walk(3));
        assert_eq!(first(&mut memory, &mut recent), None);
        assert_eq!(second(&mut memory, &mut recent), Some(2));
    }

    #[test]
    fn a_walk_of_too_many_words_is_not_kept() {
        let memory = [1; MAX_WORDS + 2];
        let at = leaf(&memory[0], 0);
        for (len, expected) in [(MAX_WORDS + 1, None), (MAX_WORDS, Some(5))] {
            let mut recent = nothing();
            let words = words(&memory[1..=len]);
            recent.learn((at.slot, at.pc), None, &words, true, walk(5));
            assert_eq!(found(&mut recent, &at), expected, "{len} words");
        }
    }
}
