//! The second look at the ways to suspects: what was held by chance a moment ago is in doubt.

use super::Marks;
use crate::IMAGE;
use crate::holders::Stop;
use crate::holders::memory::Memory;
use crate::holders::nodes::{ADDRESS, Parent};
use crate::holders::table::Table;

impl Marks {
    /// Looks once more at the ways to suspects. A block that came and went meanwhile, or a word that has changed,
    /// is of no account: its place may have been in use only by chance, or what it held has moved on. Gives the
    /// number of such suspects.
    pub fn doubt(&mut self, memory: &Memory) -> Result<usize, Stop> {
        const UNKNOWN: u8 = 0;
        const SURE: u8 = 1;
        const BROKEN: u8 = 2;
        let mut known = Table::filled(self.nodes.all.len(), UNKNOWN)?;
        let mut way: Table<u32> = Table::new();
        let mut count = 0;
        for index in 0..self.nodes.all.len() {
            if !self.nodes.all[index].suspect || !self.nodes.all[index].is_held() {
                continue;
            }
            let mut at = index as u32;
            way.clear();
            let state = loop {
                let node = &self.nodes.all[at as usize];
                if known[at as usize] != UNKNOWN {
                    break known[at as usize];
                }
                way.push(at)?;
                let word = memory.word(node.via);
                let is_there = IMAGE.live.live_at(node.start) == Some(node.live);
                // Java's values have no place of their own; nobody saw them move.
                let points = node.via == 0 || word.is_some_and(|word| self.means(word, at));
                match node.parent {
                    _ if !is_there || !points => break BROKEN,
                    Parent::Node(parent) => at = parent,
                    Parent::Root(_) | Parent::Area(_) => break SURE,
                    Parent::None => break BROKEN,
                }
            };
            for step in way.iter() {
                known[*step as usize] = state;
            }
            self.nodes.all[index].doubtful = state == BROKEN;
            count += usize::from(state == BROKEN);
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
