//! Walks that parted from the walk before them, found again.
//!
//! Code that goes through thousands of stacks in turn, such as a database that plans a query, makes
//! the same short walks in the same order each time: two or three frames from the leaf to a frame
//! of the walk before. Such a walk is kept by the stack that came before it and by its leaf: its
//! frames with their nodes, and the words that led from the leaf to the frame where it met the
//! other. No rule and no node is looked up when it is found again.
//!
//! What makes that exact is said in `walk_cache`: the same words are compared in the same order,
//! first those from the leaf to the frame where both met, which are kept here, and then those from
//! there to the root.

use super::{Cursor, Remembered, WalkCache, root_of};
use crate::arch::CallSite;
use crate::hot::thread::ThreadState;
use crate::hot::unwind::Memory;
use crate::hot::unwind::recent_walks::Walk;
use crate::hot::unwind::worth::Worth;
use core::ops::Range;
use hackleak_platform::stack_word::{self, StackWord};

const BUCKET_BITS: u32 = 11;
const WAYS: usize = 4;
const HEADS: usize = 4096;
const FRAMES: usize = 3 * HEADS;
const WORDS: usize = 5 * HEADS;
/// Longer ones are walked.
const MAX_FRAMES: usize = 64;

/// One that is kept.
#[derive(Clone, Copy)]
struct Head {
    slot: usize,
    pc: usize,
    fp: usize,
    /// The frame where it met the walk before.
    joint: Joint,
    /// The stack before.
    before: u32,
    first_frame: u16,
    first_word: u16,
    frames: u8,
    words: u8,
    fp_matters: bool,
    /// Whether all words lie on the thread's own stack.
    on_own: bool,
}

impl Head {
    /// Whether it is what begins at this leaf after this stack.
    #[inline(always)]
    fn begins_at(&self, before: u32, leaf: &Cursor) -> bool {
        self.slot == leaf.slot
            && self.pc == leaf.pc
            && self.before == before
            && (!self.fp_matters || self.fp == leaf.fp)
    }
}

/// A remembered frame.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Joint {
    slot: usize,
    pc: usize,
    /// 0 if it does not matter.
    fp: usize,
    node: u32,
    index: u16,
}

impl Joint {
    #[inline(always)]
    fn of(index: usize, frame: &Remembered) -> Joint {
        Joint {
            slot: frame.slot,
            pc: frame.pc,
            fp: if frame.fp_matters { frame.fp } else { 0 },
            node: frame.node,
            index: index as u16,
        }
    }
}

/// One that has been found again.
pub(super) struct Branch {
    /// The index of the frame where it meets the walk before.
    pub(super) joint: usize,
    frames: Range<usize>,
    words: Range<usize>,
}

/// A place in a bucket: the number of a head plus one in the low half, and a part of its hash.
type Place = u32;

/// What one thread keeps. Valid when zero. When it is full, all of it is forgotten.
pub(super) struct Branches {
    worth: Worth,
    /// The head after the one that was found or kept last.
    next: u16,
    heads_len: u16,
    frames_len: u16,
    words_len: u16,
    buckets: [[Place; WAYS]; 1 << BUCKET_BITS],
    heads: [Head; HEADS],
    /// From the root to the leaf. Their `words` count from the joint's.
    frames: [Remembered; FRAMES],
    words: [StackWord; WORDS],
}

impl Branches {
    pub(super) fn clear(&mut self) {
        if self.heads_len > 0 {
            self.buckets = [[0; WAYS]; 1 << BUCKET_BITS];
            (self.heads_len, self.frames_len, self.words_len) = (0, 0, 0);
            self.next = 0;
        }
    }

    /// What begins at this leaf after the stack `before`, of which `remembered` are the frames, if
    /// the words to where both meet are unchanged. Those from there to the root are not compared.
    #[inline(always)]
    pub(super) fn find(
        &mut self,
        before: u32,
        leaf: &Cursor,
        remembered: &[Remembered],
    ) -> Option<Branch> {
        // In the order in which they were kept, at first: then nothing is looked up.
        if let Some(branch) = self.try_head(usize::from(self.next), before, leaf, remembered) {
            return Some(branch);
        }
        let (bucket, tag) = place(before, leaf.slot, leaf.pc);
        let places = &self.buckets[bucket];
        let mut numbers = places
            .iter()
            .filter(|place| **place & TAG == tag)
            .filter_map(|place| ((place & !TAG) as usize).checked_sub(1));
        let number = numbers.find(|number| self.heads[*number].begins_at(before, leaf))?;
        self.try_head(number, before, leaf, remembered)
    }

    /// The same for one of what is kept.
    #[inline(always)]
    fn try_head(
        &mut self,
        number: usize,
        before: u32,
        leaf: &Cursor,
        remembered: &[Remembered],
    ) -> Option<Branch> {
        let head = self.heads[..usize::from(self.heads_len)].get(number)?;
        let joint = usize::from(head.joint.index);
        if !head.begins_at(before, leaf) || Joint::of(joint, remembered.get(joint)?) != head.joint {
            return None;
        }
        let words = run(head.first_word, head.words);
        // SAFETY: words of this thread's stack: all that decides where one lies is compared before
        // it.
        let hold = || unsafe { stack_word::all_hold(&self.words[words.clone()], head.on_own) };
        if !crate::hot::unwind::breaks(Memory::Branches) && !hold() {
            return None;
        }
        self.next = number as u16 + 1;
        Some(Branch {
            joint,
            frames: run(head.first_frame, head.frames),
            words,
        })
    }

    /// Keeps what was remembered beyond the frame at `joint` of a walk that came after the stack
    /// `before`.
    #[inline(always)]
    fn learn(
        &mut self,
        before: u32,
        joint: usize,
        walk: &[Remembered],
        words: &[StackWord],
        own: bool,
    ) {
        let (Some(from), Some(leaf)) = (walk.get(joint), walk.last()) else {
            return;
        };
        let frames = &walk[joint + 1..];
        let known = usize::from(from.words);
        let words = &words[known..];
        if frames.len() > MAX_FRAMES || words.len() > 3 * MAX_FRAMES || !self.worth.pays() {
            return;
        }
        if usize::from(self.heads_len) == HEADS
            || usize::from(self.frames_len) + frames.len() > FRAMES
            || usize::from(self.words_len) + words.len() > WORDS
        {
            self.clear();
        }
        let head = Head {
            slot: leaf.slot,
            pc: leaf.pc,
            fp: leaf.fp,
            joint: Joint::of(joint, from),
            before,
            first_frame: self.frames_len,
            first_word: self.words_len,
            frames: frames.len() as u8,
            words: words.len() as u8,
            fp_matters: leaf.fp_matters,
            on_own: own,
        };
        for (place, frame) in self.frames[run(head.first_frame, head.frames)]
            .iter_mut()
            .zip(frames)
        {
            *place = Remembered {
                words: frame.words - from.words,
                ..*frame
            };
        }
        self.words[run(head.first_word, head.words)].copy_from_slice(words);
        self.heads[usize::from(self.heads_len)] = head;
        self.heads_len += 1;
        self.next = self.heads_len;
        self.frames_len += frames.len() as u16;
        self.words_len += words.len() as u16;
        let (bucket, tag) = place(before, leaf.slot, leaf.pc);
        let bucket = &mut self.buckets[bucket];
        // The oldest one goes.
        bucket.rotate_right(1);
        bucket[0] = tag | u32::from(self.heads_len);
    }
}

/// The node for the stack at `leaf`, if a walk from there parted from the last one before, and is
/// still what it was.
#[inline(always)]
pub(super) fn branch(
    thread: &mut ThreadState,
    leaf: &Cursor,
    before: u32,
    call_site: CallSite,
) -> Option<u32> {
    let walks = &mut thread.walks;
    let found = walks
        .branches
        .find(before, leaf, &walks.frames[..walks.len])?;
    walks.verify(found.joint).ok()?;
    let walk = walks.last_walk();
    if root_of(thread, &walk, call_site) != walk.root {
        return None;
    }
    thread.record().remembered_walks += 1;
    #[cfg(feature = "verify")]
    crate::hot::unwind::verify::count_branch();
    Some(thread.walks.take(found))
}

/// The node for the stack at `leaf`, if it is that of a walk before the last one.
#[inline(always)]
pub(super) fn recent(thread: &mut ThreadState, leaf: &Cursor, call_site: CallSite) -> Option<u32> {
    let walk = thread.walks.recent.find(leaf)?;
    if root_of(thread, &walk, call_site) != walk.root {
        return None;
    }
    thread.record().remembered_walks += 1;
    #[cfg(feature = "verify")]
    crate::hot::unwind::verify::count_recent();
    Some(walk.node)
}

impl WalkCache {
    /// The node of the last walk's leaf; 0 where nothing is remembered.
    #[inline(always)]
    pub(super) fn last_node(&self) -> u32 {
        let last = self.len.checked_sub(1);
        last.map_or(0, |last| self.frames[last].node)
    }

    /// Where the last walk led. It has more than the end of the stack.
    #[inline(always)]
    pub(super) fn last_walk(&self) -> Walk {
        Walk {
            end: self.end,
            outermost: self.frames[1].pc - 1,
            root: self.root,
            node: self.last_node(),
        }
    }

    /// The last walk becomes the one that was found: its frames beyond the joint are others. Gives
    /// the leaf's node.
    #[inline(always)]
    pub(super) fn take(&mut self, branch: Branch) -> u32 {
        self.branches.worth.paid();
        self.keep_first(branch.joint + 1);
        let known = self.words_len as u16;
        let frames = &self.branches.frames[branch.frames];
        let len = self.len + frames.len();
        for (place, frame) in self.frames[self.len..len].iter_mut().zip(frames) {
            *place = Remembered {
                words: frame.words + known,
                ..*frame
            };
        }
        let words = &self.branches.words[branch.words];
        let words_len = self.words_len + words.len();
        self.words[self.words_len..words_len].copy_from_slice(words);
        (self.len, self.words_len) = (len, words_len);
        self.last_node()
    }

    /// Keeps the last walk, which met the one before it at the frame `joint`; that one's stack was
    /// `before`.
    #[inline(always)]
    pub(super) fn keep_branch(&mut self, before: u32, joint: usize) {
        let walk = &self.frames[..self.len];
        let words = &self.words[..self.words_len];
        self.branches.learn(before, joint, walk, words, self.on_own);
    }
}

/// The part of a place that is the hash's.
const TAG: Place = 0xffff_0000;

/// The bucket of a key, and the part of its hash that is kept there.
#[inline(always)]
fn place(before: u32, slot: usize, pc: usize) -> (usize, Place) {
    let key = slot as u64 ^ (pc as u64).rotate_left(32) ^ u64::from(before).rotate_left(16);
    let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bucket = hash >> (u64::BITS - BUCKET_BITS);
    (bucket as usize, (hash >> 16) as u32 & TAG)
}

#[inline(always)]
fn run(first: u16, len: u8) -> Range<usize> {
    let first = usize::from(first);
    first..first + usize::from(len)
}

#[cfg(test)]
mod tests;
