//! Blocks that are leaked like others of their call site, and that a word on the stack of a waiting thread
//! points at.
//!
//! Frames have places that nothing was written to since another frame had them, so an old word may lie in
//! a stack that is in use. A worker that has leaked a block and now waits for work names that block still.
//! Where others of the same call site are lost, and the thread has not run while they were looked for,
//! such a word is taken for an old one: the block is lost like the others. What a thread in the middle of its work has is left alone,
//! and so is a block that no other of its call site is lost with.

use super::nodes::Parent;
use super::stillness::turns;
use super::table::Table;
use super::{NativeRoot, Pass, Stop, threads};
use std::collections::HashSet;

/// The threads that waited when this was made, with their time and their turns on a processor.
pub struct Waiting(Table<(u32, (u64, u64))>);

impl Waiting {
    /// # Errors
    ///
    /// The threads of this process cannot be listed.
    pub fn now() -> Result<Waiting, Stop> {
        let mut waiting = Table::new();
        for tid in threads::tasks()?.iter().copied() {
            if threads::waits_in(tid).is_some()
                && let Some(turns) = turns(tid)
            {
                waiting.push((tid, turns))?;
            }
        }
        Ok(Waiting(waiting))
    }

    /// Those that have not run since.
    pub fn still(&self) -> HashSet<u32> {
        let not_run = |(tid, before): &&(u32, (u64, u64))| turns(*tid) == Some(*before);
        self.0.iter().filter(not_run).map(|(tid, _)| *tid).collect()
    }
}

/// What is needed to tell such blocks from others.
pub struct Leftovers {
    /// The threads that have only waited.
    pub waiting: HashSet<u32>,
    /// The stacks of blocks that are lost.
    pub lost: HashSet<u32>,
}

impl Leftovers {
    /// Whether the block of this index is lost like others of its call site.
    pub fn contains(&self, pass: &Pass, index: usize) -> bool {
        let nodes = &pass.marks.nodes.all;
        let mut node = &nodes[index];
        loop {
            if !node.suspect || !self.lost.contains(&node.live.stack()) {
                return false;
            }
            match node.parent {
                Parent::Node(parent) => node = &nodes[parent as usize],
                Parent::Root(root) => {
                    let native = pass.native.get(root as usize);
                    return matches!(native, Some(NativeRoot::Stack(tid)) if self.waiting.contains(tid));
                }
                Parent::Area(_) | Parent::None => return false,
            }
        }
    }
}
