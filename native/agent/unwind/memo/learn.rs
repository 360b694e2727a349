//! What is remembered of a walk: its steps are added, and hung under another root.

use super::{Memo, Remembered};
use crate::control;
use crate::unwind::recent::Walk;
use crate::unwind::rules::Shape;
use crate::unwind::{intern, intern_all};
use crate::word::Word;
use hackleak_image::{Frame, Marker};
use hackleak_options::Stacks;

/// Puts what is remembered under another root.
#[inline(never)]
pub(super) fn replant_under(memo: &mut Memo, root: u32) {
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

/// Adds the steps, which run from the leaf to what is remembered, and gives the leaf's node.
#[inline(always)]
pub(super) fn append(memo: &mut Memo, steps: usize, plain: bool) -> u32 {
    let only_java = control::stacks() == Stacks::Java;
    let mut node = memo.frames[memo.len - 1].node;
    if !plain {
        for (step, frame) in memo.steps[..steps].iter().zip(&memo.step_frames).rev() {
            if only_java {
                break;
            }
            if step.rule.shape() == Shape::NoTables {
                node = intern(node, Frame::Marker(Marker::FramePointers).encode());
            }
            node = intern(node, *frame);
        }
        memo.forget_last();
        return node;
    }
    if steps == 0 {
        return node;
    }
    if only_java {
        memo.nodes[..steps].fill(node);
    } else {
        let frames = &memo.step_frames[..steps];
        intern_all(&mut memo.cache, node, frames, &mut memo.nodes[..steps]);
    }
    remember(memo, steps);
    keep(memo);
    memo.nodes[0]
}

/// Adds the steps, of which frames and nodes are known, to what is remembered.
#[inline(always)]
pub(super) fn remember(memo: &mut Memo, steps: usize) {
    let mut len = memo.len;
    let mut words = memo.words_len;
    let mut caller = memo.frames[len - 1];
    let new = memo.steps[..steps].iter().zip(&memo.step_frames);
    for ((step, frame), node) in new.zip(&memo.nodes).rev() {
        let mut add = |at, value| {
            memo.words[words] = Word { at, value };
            memo.owners[words] = len as u16;
            words += 1;
        };
        let rule = step.rule;
        if rule.is_common() {
            let cfa = caller.slot.wrapping_add(size_of::<usize>());
            // Checked in the reverse order: the cell that holds the frame address, then the return
            // address that lies by it, then the frame pointer.
            if rule.restores_frame_pointer() && caller.fp_matters {
                add(rule.saved_frame_pointer(cfa, step.fp), caller.fp);
            }
            add(caller.slot, caller.pc);
            if let Some(cell) = rule.cfa_cell(step.sp(), step.fp) {
                add(cell, cfa);
            }
        }
        let fp_matters =
            rule.uses_frame_pointer() || caller.fp_matters && !rule.restores_frame_pointer();
        caller = Remembered {
            slot: step.slot,
            pc: step.pc,
            fp: step.fp,
            frame: *frame,
            node: *node,
            words: words as u16,
            fp_matters,
        };
        memo.frames[len] = caller;
        len += 1;
    }
    memo.len = len;
    memo.words_len = words;
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
        memo.on_own,
        walk,
    );
}
