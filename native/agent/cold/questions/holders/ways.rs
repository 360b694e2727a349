//! What is true of blocks by what is found on the ways to them.

use super::Stop;
use super::nodes::Parent;
use super::table::Table;
use core::ops::ControlFlow;

/// Answers by the index of a block. Chains are long, and many blocks have one in common, so the
/// answer for one is that for all on its way.
pub struct Ways<Answer: Copy> {
    known: Table<Option<Answer>>,
    way: Table<u32>,
}

impl<Answer: Copy> Ways<Answer> {
    /// For so many blocks.
    pub fn new(blocks: usize) -> Result<Ways<Answer>, Stop> {
        Ok(Ways {
            known: Table::filled(blocks, None)?,
            way: Table::new(),
        })
    }

    /// The answer for a block. `step` gives it for the block of an index, or the block that points
    /// at that one.
    pub fn of(
        &mut self,
        index: u32,
        mut step: impl FnMut(u32) -> ControlFlow<Answer, u32>,
    ) -> Result<Answer, Stop> {
        self.way.clear();
        let mut at = index;
        let answer = loop {
            if let Some(known) = self.known[at as usize] {
                break known;
            }
            self.way.push(at)?;
            match step(at) {
                ControlFlow::Break(answer) => break answer,
                ControlFlow::Continue(next) => at = next,
            }
        };
        for passed in self.way.iter() {
            self.known[*passed as usize] = Some(answer);
        }
        Ok(answer)
    }
}

/// On from what points at a block: to the next block, or to what `end` says.
pub fn onward<Answer>(
    parent: Parent,
    end: impl FnOnce(Parent) -> Answer,
) -> ControlFlow<Answer, u32> {
    match parent {
        Parent::Node(next) => ControlFlow::Continue(next),
        other => ControlFlow::Break(end(other)),
    }
}
