//! The second look at the ways to suspects: what was held by chance a moment ago is in doubt.

use super::Marks;
use crate::IMAGE;
use crate::cold::questions::holders::Stop;
use crate::cold::questions::holders::memory::Memory;
use crate::cold::questions::holders::nodes::Parent;
use crate::cold::questions::holders::runners::Runners;
use crate::cold::questions::holders::ways::{self, Ways};
use crate::hot::events::reuse::ADDRESS;
use core::ops::ControlFlow;

impl Marks {
    /// Looks once more at the ways to suspects. A block that came and went meanwhile, or a word
    /// that has changed, is of no account: its place may have been in use only by chance, or what
    /// it held has moved on. So is a word that its thread has left behind by now; see `runners`.
    /// Gives the number of such suspects.
    pub fn doubt(&mut self, memory: &Memory, runners: &mut Runners) -> Result<usize, Stop> {
        let mut ways = Ways::new(self.nodes.all.len())?;
        let mut count = 0;
        for index in 0..self.nodes.all.len() {
            if !self.nodes.all[index].suspect || !self.nodes.all[index].is_held() {
                continue;
            }
            let is_broken = ways.of(index as u32, |at| {
                let node = &self.nodes.all[at as usize];
                let word = memory.word(node.via);
                let is_there = IMAGE.live.live_at(node.start) == Some(node.live);
                // Java's values have no place of their own; nobody saw them move.
                let points = node.via == 0 || word.is_some_and(|word| self.means(word, at));
                if !is_there || !points {
                    return ControlFlow::Break(true);
                }
                let (parent, via) = self.over_areas(node.parent, node.via);
                ways::onward(parent, |end| match end {
                    Parent::Root(root) => runners.is_below(root, via),
                    end => end == Parent::None,
                })
            })?;
            self.nodes.all[index].doubtful = is_broken;
            count += usize::from(is_broken);
        }
        self.open += count;
        Ok(count)
    }

    /// Whether the word points at the node of this index.
    fn means(&self, word: u64, index: u32) -> bool {
        let mapped = self.spans.find((word & ADDRESS) as usize);
        mapped.is_some_and(|span| span.node == index)
            || self.nodes.all[index as usize].is_meant_by(word)
    }
}
