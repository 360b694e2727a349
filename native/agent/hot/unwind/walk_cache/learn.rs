//! What is remembered of a walk: its steps are added, and hung under another root.

use super::{Remembered, WalkCache};
use crate::arch::CALL_PUSHES_RETURN;
use crate::hot::ground::control;
use crate::hot::unwind::rules::Shape;
use crate::hot::unwind::{intern, intern_all};
use hackleak_image::{Frame, Marker};
use hackleak_options::Stacks;
use hackleak_platform::stack_word::{StackWord, read};

/// Puts what is remembered under another root.
#[inline(never)]
pub(super) fn rebase_under(walks: &mut WalkCache, root: u32) {
    walks.root = root;
    let only_java = control::stacks() == Stacks::Java;
    let mut node = root;
    for known in &mut walks.frames[..walks.len] {
        if known.frame != 0 && !only_java {
            node = intern(node, known.frame);
        }
        known.node = node;
    }
}

/// Adds the steps, which run from the leaf to what is remembered, and gives the leaf's node.
#[inline(always)]
pub(super) fn append(walks: &mut WalkCache, steps: usize, plain: bool) -> u32 {
    let only_java = control::stacks() == Stacks::Java;
    let mut node = walks.frames[walks.len - 1].node;
    if !plain {
        for (step, frame) in walks.steps[..steps].iter().zip(&walks.step_frames).rev() {
            if only_java {
                break;
            }
            if step.rule.shape() == Shape::NoTables {
                node = intern(node, Frame::Marker(Marker::FramePointers).encode());
            }
            node = intern(node, *frame);
        }
        walks.forget_last();
        return node;
    }
    if steps == 0 {
        return node;
    }
    if only_java {
        walks.nodes[..steps].fill(node);
    } else {
        let frames = &walks.step_frames[..steps];
        intern_all(&mut walks.cache, node, frames, &mut walks.nodes[..steps]);
    }
    remember(walks, steps);
    walks.nodes[0]
}

/// Adds the steps, of which frames and nodes are known, to what is remembered.
#[inline(always)]
pub(super) fn remember(walks: &mut WalkCache, steps: usize) {
    let mut len = walks.len;
    let mut words = walks.words_len;
    let mut caller = walks.frames[len - 1];
    let new = walks.steps[..steps].iter().zip(&walks.step_frames);
    for ((step, frame), node) in new.zip(&walks.nodes).rev() {
        let mut add = |at, value| {
            walks.words[words] = StackWord { at, value };
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
            if CALL_PUSHES_RETURN {
                add(caller.slot, caller.pc);
            } else {
                let at = rule.return_slot(cfa);
                // SAFETY: the word of this thread's stack that the walk has just read there.
                add(at, unsafe { read(at) });
            }
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
        walks.frames[len] = caller;
        len += 1;
    }
    walks.len = len;
    walks.words_len = words;
}

/// Keeps the last walk for when another has taken its place.
#[inline(always)]
pub(super) fn keep(walks: &mut WalkCache) {
    let leaf = walks.frames[walks.len - 1];
    let walk = walks.last_walk();
    walks.recent.learn(
        (leaf.slot, leaf.pc),
        leaf.fp_matters.then_some(leaf.fp),
        &walks.words[..walks.words_len],
        walks.on_own,
        walk,
    );
}
