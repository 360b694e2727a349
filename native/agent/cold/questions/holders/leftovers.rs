//! Blocks that are leaked like others of their call site, and that a word on the stack of a waiting
//! thread points at.
//!
//! Frames have places that nothing was written to since another frame had them. So an old word may
//! lie in a stack that is in use. A worker that has leaked a block and now waits for work names
//! that block still. Such a word is taken for an old one where others of the same call site are
//! lost, and the thread has not run meanwhile. Then the block is lost like the others. What a
//! thread in the middle of its work has is left alone. So is a block that no other of its call site
//! is lost with.

use super::nodes::Parent;
use super::ways::{self, Ways};
use super::{NativeRoot, Pass, Stop};
use core::ops::ControlFlow;
use std::collections::HashSet;

/// The blocks of a pass that are lost like others of their call sites.
pub struct Leftovers<'pass> {
    pass: &'pass Pass,
    waiting: &'pass HashSet<u32>,
    lost: &'pass HashSet<u32>,
    /// Whether a block is one of them; of none where no thread has only waited.
    ways: Ways<bool>,
}

impl<'pass> Leftovers<'pass> {
    /// `waiting` are threads that have only waited, and `lost` the stacks of blocks that are lost.
    pub fn of(
        pass: &'pass Pass,
        waiting: &'pass HashSet<u32>,
        lost: &'pass HashSet<u32>,
    ) -> Result<Leftovers<'pass>, Stop> {
        let nodes = match waiting.is_empty() {
            true => 0,
            false => pass.marks.nodes.all.len(),
        };
        Ok(Leftovers {
            ways: Ways::new(nodes)?,
            pass,
            waiting,
            lost,
        })
    }

    /// Whether the block of this index is one of them.
    pub fn contains(&mut self, index: usize) -> Result<bool, Stop> {
        if self.waiting.is_empty() {
            return Ok(false);
        }
        let (pass, waiting, lost) = (self.pass, self.waiting, self.lost);
        let is_left = |root| match root {
            Parent::Root(root) => matches!(
                pass.native.get(root as usize),
                Some(NativeRoot::Stack(tid)) if waiting.contains(tid)
            ),
            Parent::Area(_) | Parent::None | Parent::Node(_) => false,
        };
        self.ways.of(index as u32, |at| {
            let node = &pass.marks.nodes.all[at as usize];
            match node.suspect && lost.contains(&node.live.stack()) {
                true => ways::onward(node.parent, is_left),
                false => ControlFlow::Break(false),
            }
        })
    }
}
