//! The walk up the native stack, and the memory that makes it short.
//!
//! Two allocations in a row mostly share all but the youngest frames. The thread remembers its last
//! walk: each frame with its stack position, its tree node, and every stack word that led from it
//! to its caller. A new walk goes up until it stands on a remembered frame. Then it checks that all
//! the words on the way from there to the root still hold what they held. If they do, the unwinder
//! would read the same words and find the same frames: the remembered node is the stack. If one
//! differs, everything on the root side of it is forgotten and the walk goes on.
//!
//! What makes this exact:
//! - a frame is recognised by return address, the word that holds it, and the stack pointer, which
//!   is what a call leaves; by the frame pointer as well where a rule on the root side depends on
//!   it;
//! - *every* word that decides the way is checked: return addresses, saved frame pointers that
//!   are used later, cells that hold a frame address, and the word at which the stack ended;
//! - words are checked from the leaf to the root, so each is only read when everything that says
//!   where it lies has been found unchanged: a coroutine's stack may have been unmapped meanwhile;
//! - walks through signal frames, frame-pointer fallbacks and cut stacks are not remembered;
//! - on another stack than the thread's own (a coroutine's), words are read one at a time: the rest
//!   of it may be unmapped by the next look.
//!
//! A stack of more frames than `depth` is cut on the root side. All that a walk and what is
//! remembered have together must fit into that.
//!
//! Return addresses are never patched: that breaks under a JIT and with exceptions.

mod branches;
mod learn;

use super::cursor::{Cursor, End};
use super::recent_walks::{RecentWalks, Walk};
use super::rules::{self, Rule, Shape};
use super::{Memory, intern, modules, slow};
use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::ground::{boundary, control};
use crate::hot::{jvm, thread::ThreadState};
use branches::{Branches, branch, recent};
use hackleak_image::{Frame, Marker, layout::Counter, writer::NodeCache};
use hackleak_options::MAX_DEPTH;
use hackleak_platform::stack_word::{self, StackWord};
use learn::{append, keep, rebase_under};

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
    fp: usize,
    rule: Rule,
}

impl Step {
    /// The stack pointer after the return, in a walk that may be remembered.
    #[inline(always)]
    fn sp(&self) -> usize {
        self.slot + size_of::<usize>()
    }
}

/// A frame of the last walk. Entry 0 is the end of the stack.
#[derive(Clone, Copy)]
struct Remembered {
    slot: usize,
    pc: usize,
    fp: usize,
    frame: u64,
    node: u32,
    /// Words from the root up to and including those that lead from here to the caller.
    words: u16,
    /// Whether a rule from here on depends on `fp`.
    fp_matters: bool,
}

impl Remembered {
    /// Whether a walk that stands here stands on this frame.
    #[inline(always)]
    fn is_at(&self, at: &Cursor) -> bool {
        self.slot == at.slot
            && self.pc == at.pc
            && at.is_called()
            && (!self.fp_matters || self.fp == at.fp)
    }
}

/// What one thread remembers of its last walk.
pub struct WalkCache {
    generation: usize,
    /// Remembered frames, from the end of the stack to the leaf.
    len: usize,
    words_len: usize,
    end: End,
    root: u32,
    /// Whether all of it lies on the thread's own stack.
    on_own: bool,
    frames: [Remembered; MAX_REMEMBERED],
    words: [StackWord; MAX_WORDS],
    /// The walk that is being made, from the leaf on, with the frame of each step and its node.
    steps: [Step; MAX_FRAMES],
    pub(super) step_frames: [u64; MAX_FRAMES],
    nodes: [u32; MAX_FRAMES],
    cache: NodeCache,
    recent: RecentWalks,
    branches: Branches,
    /// Whether the last walk that was found again is of `branches`.
    is_branching: bool,
}

impl WalkCache {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.forget_last();
        self.recent.clear();
        self.branches.clear();
    }

    /// Forgets the last walk.
    #[inline(always)]
    pub fn forget_last(&mut self) {
        self.len = 0;
        self.words_len = 0;
    }

    /// Forgets the walk but for its first `len` frames.
    #[inline(always)]
    fn keep_first(&mut self, len: usize) {
        self.len = len;
        self.words_len = usize::from(self.frames[len - 1].words);
    }

    /// Checks every word from remembered frame `index` to the root. Otherwise tells the youngest
    /// frame that no longer holds.
    #[inline(always)]
    fn verify(&self, index: usize) -> Result<(), usize> {
        if super::breaks(Memory::Last) {
            return Ok(());
        }
        let words = &self.words[..usize::from(self.frames[index].words)];
        // SAFETY: words of this thread's stack: all that decides where one lies is checked before
        // it.
        if unsafe { stack_word::all_hold(words, self.on_own) } {
            Ok(())
        } else {
            self.stale(words)
        }
    }

    #[inline(never)]
    fn stale(&self, words: &[StackWord]) -> Result<(), usize> {
        // SAFETY: as in `verify`.
        let changed = words.iter().rposition(|word| !unsafe { word.holds() });
        changed.map_or(Ok(()), |at| {
            // The frame that it leads away from is the first one that has it.
            let owner = self.frames[..self.len].partition_point(|f| usize::from(f.words) <= at);
            Err(owner - 1)
        })
    }
}

/// The node for the stack at `call_site`, if all of it is the last walk's, and the Java stack below
/// it still the one that was asked for. Changes nothing otherwise. Nothing in it can panic.
#[inline(always)]
pub fn remembered(thread: &mut ThreadState, call_site: CallSite) -> Option<u32> {
    let leaf = Cursor::new(call_site);
    let walks = &mut thread.walks;
    if walks.generation != modules::generation() {
        return None;
    }
    let mut at = walks.len.checked_sub(1)?;
    let mut frame = walks.frames.get(at)?;
    while frame.slot < leaf.slot {
        at = at.checked_sub(1)?;
        frame = walks.frames.get(at)?;
    }
    if at == 0 || !frame.is_at(&leaf) {
        return None;
    }
    let words = walks.words.get(..usize::from(frame.words))?;
    // SAFETY: words of this thread's stack: all that decides where one lies is checked before it.
    if !super::breaks(Memory::Last) && !unsafe { stack_word::all_hold(words, walks.on_own) } {
        return None;
    }
    let (node, words_len) = (frame.node, words.len());
    if let End::Foreign { slot, caller } = walks.end
        && control::wants_java()
    {
        let (root, outermost) = (walks.root, walks.frames.get(1)?.pc.wrapping_sub(1));
        if !jvm::stacks::is_root(thread, (slot, caller), outermost, root, call_site) {
            return None;
        }
    }
    let walks = &mut thread.walks;
    walks.words_len = words_len;
    walks.len = at + 1;
    thread.record().remembered_walks += 1;
    Some(node)
}

/// The node for the stack at `call_site`.
#[inline(always)]
pub fn stack(thread: &mut ThreadState, call_site: CallSite) -> u32 {
    let generation = modules::generation();
    if thread.walks.generation != generation {
        thread.walks.clear();
        thread.walks.generation = generation;
    }
    let leaf = Cursor::new(call_site);
    let walks = &mut thread.walks;
    let mut candidates = walks.len;
    while candidates > 1 && walks.frames[candidates - 1].slot < leaf.slot {
        candidates -= 1;
    }
    if candidates > 1 && walks.frames[candidates - 1].is_at(&leaf) {
        match walks.verify(candidates - 1) {
            Ok(()) => {
                walks.keep_first(candidates);
                rebase_onto_root(thread, 0, call_site);
                return thread.walks.frames[candidates - 1].node;
            }
            Err(stale) => candidates = stale,
        }
    }
    thread.on_own_stack(|thread| walk(thread, leaf, candidates, call_site))
}

/// The same where the stack is not on the last walk. Of that, only the first `candidates` frames
/// may be on this one.
#[inline(never)]
fn walk(thread: &mut ThreadState, leaf: Cursor, mut candidates: usize, call_site: CallSite) -> u32 {
    boundary::may_panic();
    let before = thread.walks.last_node();
    // The memory that had the last such walk is asked first.
    for branches in [thread.walks.is_branching, !thread.walks.is_branching] {
        let found = match branches {
            true => branch(thread, &leaf, before, call_site),
            false => recent(thread, &leaf, call_site),
        };
        if let Some(node) = found {
            thread.walks.is_branching = branches;
            return node;
        }
    }
    let mut reach = thread.bounds.reach(leaf.slot);
    let walks = &mut thread.walks;
    let mut at = leaf;
    let limit = control::depth();
    let mut steps = 0;
    // Whether this walk may be remembered.
    let mut plain = true;
    let end = loop {
        // What is remembered beyond so many frames would make the stack longer than it may be.
        candidates = candidates.min(limit + 1 - steps);
        while candidates > 1 && walks.frames[candidates - 1].slot < at.slot {
            candidates -= 1;
        }
        if candidates > 1 && walks.frames[candidates - 1].is_at(&at) {
            match walks.verify(candidates - 1) {
                Ok(()) => {
                    walks.keep_first(candidates);
                    rebase_onto_root(thread, steps, call_site);
                    let walks = &mut thread.walks;
                    let node = append(walks, steps, plain);
                    if plain && steps > 0 {
                        walks.keep_branch(before, candidates - 1);
                        keep(walks);
                    }
                    return node;
                }
                Err(stale) => candidates = stale,
            }
            continue;
        }
        let (rule, frame) = rules::at(at.lookup_pc);
        if !rule.is_common() {
            match rule.shape() {
                Shape::Foreign => {
                    break End::Foreign {
                        slot: at.slot,
                        caller: at.pc,
                    };
                }
                Shape::Other => return slow::stack(thread, call_site),
                Shape::Signal | Shape::NoTables => plain = false,
                _ => {}
            }
        }
        if steps == limit {
            IMAGE.count(Counter::StackTruncated);
            break End::Cut(Marker::Truncated);
        }
        let Cursor { slot, pc, fp, .. } = at;
        walks.steps[steps] = Step { slot, pc, fp, rule };
        walks.step_frames[steps] = frame;
        steps += 1;
        if let Err(end) = at.step(rule, &mut reach) {
            break end;
        }
    };
    let remembers = plain.then_some(reach.is_own());
    walked(thread, end, at.pc, steps, remembers, call_site)
}

/// The root of what was walked before.
#[inline(always)]
fn root_of(thread: &mut ThreadState, walk: &Walk, call_site: CallSite) -> u32 {
    let End::Foreign { slot, caller } = walk.end else {
        return walk.root;
    };
    if !control::wants_java() {
        return walk.root;
    }
    match thread.entries.native_at(slot, caller) {
        // The Java stack of this entry has been asked for and is the one remembered.
        Some(entry)
            if entry.has_node(walk.root) && jvm::stacks::is_certain(entry, walk.outermost) =>
        {
            walk.root
        }
        _ => super::root(thread, walk.end, walk.outermost, call_site),
    }
}

/// What is remembered holds, and this many steps lead to it: it hangs under the root of now.
#[inline(always)]
fn rebase_onto_root(thread: &mut ThreadState, steps: usize, call_site: CallSite) {
    thread.record().remembered_walks += 1;
    let walks = &thread.walks;
    let outermost = match walks.len {
        1 => steps.checked_sub(1).map_or(0, |last| walks.steps[last].pc),
        _ => walks.frames[1].pc,
    };
    let walk = Walk {
        end: walks.end,
        outermost: outermost.saturating_sub(1),
        root: walks.root,
        node: 0,
    };
    let root = root_of(thread, &walk, call_site);
    if root != walk.root {
        rebase_under(&mut thread.walks, root);
    }
}

/// The walk reached the end of the stack. `remembers` tells whether it may be remembered, and
/// whether it stayed on the thread's own stack.
#[inline(never)]
fn walked(
    thread: &mut ThreadState,
    end: End,
    end_pc: usize,
    steps: usize,
    remembers: Option<bool>,
    call_site: CallSite,
) -> u32 {
    thread.record().full_walks += 1;
    let outermost = steps
        .checked_sub(1)
        .map_or(0, |last| thread.walks.steps[last].pc - 1);
    let root = super::root(thread, end, outermost, call_site);
    let walks = &mut thread.walks;
    walks.forget_last();
    walks.end = end;
    walks.root = root;
    walks.on_own = remembers == Some(true);
    let mut node = root;
    let mut plain = remembers.is_some();
    if let End::Cut(marker) = end {
        node = intern(root, Frame::Marker(marker).encode());
        plain = false;
    }
    let mut slot = usize::MAX;
    if let End::Foreign { slot: at, .. } = end {
        slot = at;
    }
    walks.frames[0] = Remembered {
        slot,
        pc: end_pc,
        fp: 0,
        frame: 0,
        node,
        words: 0,
        fp_matters: false,
    };
    walks.len = 1;
    let node = append(walks, steps, plain);
    if plain && steps > 0 {
        keep(walks);
    }
    node
}

#[cfg(test)]
mod tests;
