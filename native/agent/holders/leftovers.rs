//! Blocks that are leaked like others of their call site, and that a word on the stack of a waiting thread
//! points at.
//!
//! Frames have places that nothing was written to since another frame had them. So an old word may
//! lie in a stack that is in use. A worker that has leaked a block and now waits for work names
//! that block still. Such a word is taken for an old one where others of the same call site are
//! lost, and the thread has not run meanwhile. Then the block is lost like the others. What a
//! thread in the middle of its work has is left alone. So is a block that no other of its call site
//! is lost with.

use super::nodes::Parent;
use super::table::Table;
use super::{NativeRoot, Pass, Stop};
use std::collections::HashSet;

/// The blocks of a pass that are lost like others of their call sites.
pub struct Leftovers<'pass> {
    pass: &'pass Pass,
    waiting: &'pass HashSet<u32>,
    lost: &'pass HashSet<u32>,
    /// By index of a block; none where no thread has only waited.
    known: Table<Known>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Leftover,
    Held,
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
            known: Table::filled(nodes, Known::Nothing)?,
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
        let nodes = &self.pass.marks.nodes.all;
        // Chains are long, and many blocks have one in common.
        let mut way = Table::new();
        let mut at = index;
        let state = loop {
            if self.known[at] != Known::Nothing {
                break self.known[at];
            }
            way.push(at)?;
            let node = &nodes[at];
            if !node.suspect || !self.lost.contains(&node.live.stack()) {
                break Known::Held;
            }
            match node.parent {
                Parent::Node(parent) => at = parent as usize,
                Parent::Root(root) => break self.of_root(root),
                Parent::Area(_) | Parent::None => break Known::Held,
            }
        };
        for step in way.iter() {
            self.known[*step] = state;
        }
        Ok(state == Known::Leftover)
    }

    fn of_root(&self, root: u32) -> Known {
        match self.pass.native.get(root as usize) {
            Some(NativeRoot::Stack(tid)) if self.waiting.contains(tid) => Known::Leftover,
            _ => Known::Held,
        }
    }
}
