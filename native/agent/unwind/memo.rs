//! The walk up the native stack, and the memory that makes it short.
//!
//! Two allocations in a row mostly share all but the youngest frames. The thread remembers its
//! last walk: each frame with its stack position, its tree node, and every stack word that led
//! from it to its caller. A new walk goes up until it stands on a remembered frame, then checks
//! that all the words on the way from there to the root still hold what they held. If they do,
//! the unwinder would read the same words and find the same frames: the remembered node is the
//! stack. If one differs, everything on the root side of it is forgotten and the walk goes on.
//!
//! What makes this exact:
//! - a frame is recognised by return address, the word that holds it, stack pointer, and frame
//!   pointer where a rule on the root side depends on it;
//! - *every* word that decides the way is checked: return addresses, saved frame pointers that
//!   are used later, cells that hold a frame address, and the word at which the stack ended;
//! - words are checked from the leaf to the root, so each is only read when everything that says
//!   where it lies has been found unchanged: a coroutine's stack may have been unmapped meanwhile;
//! - walks through signal frames, frame-pointer fallbacks and cut stacks are not remembered.
//!
//! Return addresses are never patched: that breaks under a JIT and with exceptions.

use super::cursor::{Cursor, End};
use super::recent::{Recent, Walk};
use super::rules::{self, Rule, Shape};
use super::{Memory, intern, modules, slow};
use crate::arch::Position;
use crate::thread::ThreadState;
use crate::word::Word;
use crate::{IMAGE, control};
use hackleak_image::layout::Counter;
use hackleak_image::{Frame, Marker};
use hackleak_options::{MAX_DEPTH, Stacks};

pub const MAX_FRAMES: usize = MAX_DEPTH as usize;
/// Remembered frames: the walked ones and the end.
const MAX_REMEMBERED: usize = MAX_FRAMES + 1;
/// At most three words decide one step.
const MAX_WORDS: usize = 3 * MAX_REMEMBERED;

/// A frame that the walk stands on.
#[derive(Clone, Copy)]
struct Step {
    /// The word that holds the return address `pc`.
    slot: usize,
    pc: usize,
    sp: usize,
    fp: usize,
    rule: Rule,
    frame: u64,
}

/// A frame of the last walk. Entry 0 is the end of the stack.
#[derive(Clone, Copy)]
struct Remembered {
    slot: usize,
    pc: usize,
    sp: usize,
    fp: usize,
    frame: u64,
    node: u32,
    /// Words from the root up to and including those that lead from here to the caller.
    words: u16,
    /// Whether a rule from here on depends on `fp`.
    fp_matters: bool,
}

/// What one thread remembers of its last walk.
pub struct Memo {
    generation: usize,
    /// Remembered frames, from the end of the stack to the leaf.
    len: usize,
    words_len: usize,
    end: End,
    root: u32,
    frames: [Remembered; MAX_REMEMBERED],
    words: [Word; MAX_WORDS],
    /// Which remembered frame each word leads away from.
    owners: [u16; MAX_WORDS],
    steps: [Step; MAX_FRAMES],
    recent: Recent,
}

impl Memo {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.forget_last();
        self.recent.clear();
    }

    /// Forgets the last walk.
    #[inline(always)]
    pub fn forget_last(&mut self) {
        self.len = 0;
        self.words_len = 0;
    }

    /// Checks every word from remembered frame `index` to the root. Otherwise tells the youngest
    /// frame that no longer holds.
    #[inline(always)]
    fn verify(&self, index: usize) -> Result<(), usize> {
        if super::breaks(Memory::Last) {
            return Ok(());
        }
        let mut at = usize::from(self.frames[index].words);
        while at > 0 {
            at -= 1;
            // SAFETY: `at` is less than the words in use.
            let word = unsafe { self.words.get_unchecked(at) };
            // SAFETY: a word of this thread's stack: all that decides where it lies has been
            // checked by the words before it.
            if !unsafe { word.holds() } {
                return Err(usize::from(self.owners[at]) - 1);
            }
        }
        Ok(())
    }
}

/// The node for the stack at `position`.
#[inline(always)]
pub fn stack(thread: &mut ThreadState, position: Position) -> u32 {
    let generation = modules::generation();
    if thread.memo.generation != generation {
        thread.memo.clear();
        thread.memo.generation = generation;
    }
    let mut at = Cursor::new(position);
    let limit = control::depth();
    let mut steps = 0;
    let mut candidates = thread.memo.len;
    // Whether this walk may be remembered.
    let mut plain = true;
    let end = loop {
        let memo = &mut thread.memo;
        while candidates > 1 && memo.frames[candidates - 1].slot < at.slot {
            candidates -= 1;
        }
        if candidates > 1 {
            let known = &memo.frames[candidates - 1];
            if known.slot == at.slot
                && known.pc == at.pc
                && known.sp == at.sp
                && (!known.fp_matters || known.fp == at.fp)
            {
                match memo.verify(candidates - 1) {
                    Ok(()) => return remembered(thread, candidates, steps, plain, position),
                    Err(stale) => candidates = stale,
                }
                continue;
            }
        }
        if steps == 0
            && let Some(walk) = memo.recent.find(&at)
            && still_below(thread, &walk, position)
        {
            thread.record().memo_hits += 1;
            #[cfg(feature = "verify")]
            super::verify::count_recent();
            return walk.node;
        }
        let memo = &mut thread.memo;
        let (rule, frame) = rules::at(at.lookup);
        match rule.shape() {
            Shape::Foreign => break End::Foreign { slot: at.slot },
            Shape::Other => return slow::stack(thread, position),
            Shape::Signal | Shape::NoTables => plain = false,
            _ => {}
        }
        if steps == limit {
            IMAGE.count(Counter::StackTruncated);
            break End::Cut(Marker::Truncated);
        }
        let Cursor {
            slot, pc, sp, fp, ..
        } = at;
        memo.steps[steps] = Step {
            slot,
            pc,
            sp,
            fp,
            rule,
            frame,
        };
        steps += 1;
        if let Err(end) = at.step(rule) {
            break end;
        }
    };
    walked(thread, end, at.pc, steps, plain, position)
}

/// The walk met remembered frame `kept - 1`; the steps before it are new.
#[inline(always)]
fn remembered(
    thread: &mut ThreadState,
    kept: usize,
    steps: usize,
    plain: bool,
    position: Position,
) -> u32 {
    thread.record().memo_hits += 1;
    let memo = &mut thread.memo;
    memo.len = kept;
    memo.words_len = usize::from(memo.frames[kept - 1].words);
    let outermost = match memo.len {
        1 => steps.checked_sub(1).map_or(0, |last| memo.steps[last].pc),
        _ => memo.frames[1].pc,
    };
    let walk = Walk {
        end: memo.end,
        outermost: outermost.saturating_sub(1),
        root: memo.root,
        node: 0,
    };
    let root = root_of(thread, &walk, position);
    if root != walk.root {
        replant(&mut thread.memo, root);
    }
    append(&mut thread.memo, steps, plain)
}

/// Whether what was walked before still hangs under the same Java stack.
#[inline(always)]
fn still_below(thread: &mut ThreadState, walk: &Walk, position: Position) -> bool {
    root_of(thread, walk, position) == walk.root
}

/// The root of what was walked before.
#[inline(always)]
fn root_of(thread: &mut ThreadState, walk: &Walk, position: Position) -> u32 {
    let End::Foreign { slot } = walk.end else {
        return walk.root;
    };
    if !control::wants_java() {
        return walk.root;
    }
    match thread.entries.at(slot) {
        // The Java stack of this entry has been asked for and is the one remembered.
        Some(entry) if entry.detail == walk.root as usize + 1 && !entry.is_upcall() => walk.root,
        _ => super::root(thread, walk.end, walk.outermost, position),
    }
}

/// Puts what is remembered under another root.
fn replant(memo: &mut Memo, root: u32) {
    memo.root = root;
    let only_java = control::stacks() == Stacks::Java;
    let mut node = root;
    for known in &mut memo.frames[..memo.len] {
        if known.frame != 0 && !only_java {
            node = intern(node, known.frame);
        }
        known.node = node;
    }
}

/// The walk reached the end of the stack.
#[inline(never)]
fn walked(
    thread: &mut ThreadState,
    end: End,
    end_pc: usize,
    steps: usize,
    plain: bool,
    position: Position,
) -> u32 {
    thread.record().full_walks += 1;
    let outermost = steps
        .checked_sub(1)
        .map_or(0, |last| thread.memo.steps[last].pc - 1);
    let root = super::root(thread, end, outermost, position);
    let memo = &mut thread.memo;
    memo.forget_last();
    memo.end = end;
    memo.root = root;
    let mut node = root;
    let mut plain = plain;
    if let End::Cut(marker) = end {
        node = intern(root, Frame::Marker(marker).encode());
        plain = false;
    }
    let mut slot = usize::MAX;
    if let End::Foreign { slot: at } = end {
        slot = at;
    }
    memo.frames[0] = Remembered {
        slot,
        pc: end_pc,
        sp: 0,
        fp: 0,
        frame: 0,
        node,
        words: 0,
        fp_matters: false,
    };
    memo.len = 1;
    append(memo, steps, plain)
}

/// Adds the steps, which run from the leaf to what is remembered, and gives the leaf's node.
#[inline(always)]
fn append(memo: &mut Memo, steps: usize, plain: bool) -> u32 {
    let only_java = control::stacks() == Stacks::Java;
    let mut node = memo.frames[memo.len - 1].node;
    for index in (0..steps).rev() {
        let step = memo.steps[index];
        if !only_java {
            if step.rule.shape() == Shape::NoTables {
                node = intern(node, Frame::Marker(Marker::FramePointers).encode());
            }
            node = intern(node, step.frame);
        }
        if plain {
            remember(memo, &step, node);
        }
    }
    if !plain {
        memo.forget_last();
    } else if steps > 0 {
        keep(memo);
    }
    node
}

/// Keeps the last walk for when another has taken its place.
#[inline(always)]
fn keep(memo: &mut Memo) {
    let leaf = memo.frames[memo.len - 1];
    let walk = Walk {
        end: memo.end,
        outermost: memo.frames[1].pc - 1,
        root: memo.root,
        node: leaf.node,
    };
    memo.recent.learn(
        (leaf.slot, leaf.pc),
        leaf.fp_matters.then_some(leaf.fp),
        &memo.words[..memo.words_len],
        walk,
    );
}

#[inline(always)]
fn remember(memo: &mut Memo, step: &Step, node: u32) {
    let caller = memo.frames[memo.len - 1];
    let mut words = memo.words_len;
    let mut add = |at, value| {
        memo.words[words] = Word { at, value };
        memo.owners[words] = memo.len as u16;
        words += 1;
    };
    let rule = step.rule;
    if rule.shape() != Shape::Outermost {
        // Checked in the reverse order: the cell that holds the frame address, then the return
        // address that lies by it, then the frame pointer.
        if rule.restores_frame_pointer() && caller.fp_matters {
            let cfa = caller.slot.wrapping_add(size_of::<usize>());
            add(rule.saved_frame_pointer(cfa, step.fp), caller.fp);
        }
        add(caller.slot, caller.pc);
        if let Some(cell) = rule.cfa_cell(step.sp, step.fp) {
            add(cell, caller.slot.wrapping_add(size_of::<usize>()));
        }
    }
    memo.words_len = words;
    let fp_matters =
        rule.uses_frame_pointer() || caller.fp_matters && !rule.restores_frame_pointer();
    memo.frames[memo.len] = Remembered {
        slot: step.slot,
        pc: step.pc,
        sp: step.sp,
        fp: step.fp,
        frame: step.frame,
        node,
        words: words as u16,
        fp_matters,
    };
    memo.len += 1;
}
