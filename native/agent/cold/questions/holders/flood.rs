//! From the roots to all that they reach.
//!
//! Blocks that were found are read in waves. What a chain looks like is known from each block's
//! parent.

use super::Stop;
use super::areas::{self, Area};
use super::memory::{Memory, WORD};
use super::nodes::{Node, Nodes, Parent};
use super::objects::Trust;
use super::reading::{self, Reader};
use super::spans::Spans;
use super::stale::Stale;
use super::table::Table;
use crate::hot::events::reuse::ADDRESS;
use core::ops::Range;
use std::collections::HashSet;

/// A range of memory that holds what it points at.
#[derive(Clone, Copy)]
pub struct Root {
    pub start: usize,
    pub end: usize,
    pub trust: Trust,
}

impl Root {
    pub fn of(range: Range<usize>, trust: Trust) -> Root {
        Root {
            start: range.start,
            end: range.end,
            trust,
        }
    }
}

/// How far from the start or the end of a block `Trust::Edges` reaches, in bytes: over what an
/// allocation with a large alignment has before its start, and what a stack of a fiber has at its
/// end.
const EDGE: usize = 64 << 10;

/// Where a word leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Points {
    /// To nothing, or to what is held already.
    Nowhere,
    /// To a block.
    ToBlock,
    /// To memory that the program has mapped.
    ToArea,
}

/// A block or an area, by its index.
#[derive(Clone, Copy)]
enum Reached {
    Node(u32),
    Area(u32),
}

/// Whether a pointer to this address holds the block that it lies in.
fn is_trusted(trust: Trust, node: &Node, address: usize) -> bool {
    let offset = address.wrapping_sub(node.start);
    match trust {
        Trust::All => true,
        Trust::Starts => offset == 0,
        Trust::Edges => offset <= EDGE || node.len().saturating_sub(offset) <= EDGE,
        Trust::None => false,
    }
}

/// What was reached so far.
pub struct Marks {
    pub nodes: Nodes,
    areas: Table<Area>,
    spans: Spans,
    stale: Stale,
    /// Addresses of words that hold nothing, in order: see `streams`.
    pub links: Table<usize>,
    /// Blocks and areas that were reached and not read yet.
    next: Table<u32>,
    next_areas: Table<u32>,
    /// What was reached since [`Marks::watch`], in that order.
    watched: Option<Table<Reached>>,
    /// No word outside of these bounds points at anything.
    bounds: Range<usize>,
    /// Suspects that nothing holds so far.
    pub open: usize,
    failed: Option<Stop>,
}

impl Marks {
    pub fn new(nodes: Nodes, areas: Table<Area>, spans: Spans, stale: Stale) -> Marks {
        let low = areas.first().map_or(usize::MAX, |area| area.start);
        let high = areas.last().map_or(0, |area| area.end);
        let (all, mapped) = (nodes.bounds(), spans.bounds());
        Marks {
            bounds: low.min(all.start).min(mapped.start)..high.max(all.end).max(mapped.end),
            watched: None,
            open: nodes.all.iter().filter(|node| node.suspect).count(),
            nodes,
            areas,
            spans,
            stale,
            links: Table::new(),
            next: Table::new(),
            next_areas: Table::new(),
            failed: None,
        }
    }

    /// A word at `via`, which is in `parent`, was found to be `word`.
    #[inline]
    pub fn word(&mut self, memory: &Memory, word: u64, parent: Parent, via: usize, trust: Trust) {
        let address = (word & ADDRESS) as usize;
        if !self.bounds.contains(&address) {
            return;
        }
        let counts = self.span(address, word, parent, via, trust);
        let is_cookie = |start| memory.word(start) == Some(0);
        match self.nodes.find(address, is_cookie) {
            Some(found) => {
                let node = self.nodes.all[found];
                if node.is_held() || !is_trusted(trust, &node, address) {
                    return;
                }
                let blocks = match parent {
                    Parent::Node(block) => Some((self.nodes.all[block as usize].live, node.live)),
                    _ => None,
                };
                if blocks.is_some() && chunks::has_left(memory, via, address)
                    || self.links.binary_search(&via).is_ok()
                {
                    return;
                }
                if self.stale.contains(via, word, blocks) {
                    return;
                }
                let node = &mut self.nodes.all[found];
                node.parent = parent;
                node.via = via;
                self.open -= usize::from(node.suspect);
                let pushed = self.next.push(found as u32);
                self.failed = self.failed.take().or(pushed.err());
                self.note(Reached::Node(found as u32));
            }
            None if counts => self.area(address, parent, via),
            None => {}
        }
    }

    /// The same for the mapping that the address lies in. What is in it is read as a part of an
    /// area. Data of the C library hold none: its allocator and the loader keep the ends of what
    /// they have, where the kernel may well put the next mapping. Nor does a mapping hold itself,
    /// which may be read as a part of an area that others reach. Gives whether the word holds what
    /// is there.
    #[inline]
    fn span(
        &mut self,
        address: usize,
        word: u64,
        parent: Parent,
        via: usize,
        trust: Trust,
    ) -> bool {
        let Some(span) = self.spans.find(address) else {
            return true;
        };
        let node = &mut self.nodes.all[span.node as usize];
        if node.is_held() {
            return true;
        }
        let is_own = self.spans.find(via).is_some_and(|of| of.node == span.node);
        if is_own || trust == Trust::Starts || self.stale.contains(via, word, None) {
            return false;
        }
        node.parent = parent;
        node.via = via;
        self.open -= usize::from(node.suspect);
        self.note(Reached::Node(span.node));
        true
    }

    /// Whether the word may point at something: a check that costs next to nothing.
    #[inline(always)]
    pub fn may_point(&self, word: u64) -> bool {
        self.bounds.contains(&((word & ADDRESS) as usize))
    }

    /// What the word points at, of what was not reached yet.
    pub fn points(&self, memory: &Memory, word: u64) -> Points {
        let address = (word & ADDRESS) as usize;
        if !self.bounds.contains(&address) {
            return Points::Nowhere;
        }
        let found = self.nodes.find(address, |at| memory.word(at) == Some(0));
        let mapped = self.spans.find(address);
        if mapped.is_some_and(|span| !self.nodes.all[span.node as usize].is_held()) {
            return Points::ToBlock;
        }
        match found {
            Some(found) if self.nodes.all[found].is_held() => Points::Nowhere,
            Some(_) => Points::ToBlock,
            None => match self.area_at(address) {
                Some(area) if area.parent == Parent::None => Points::ToArea,
                _ => Points::Nowhere,
            },
        }
    }

    fn area_at(&self, address: usize) -> Option<&Area> {
        let after = self.areas.partition_point(|area| area.start <= address);
        let area = self.areas.get(after.checked_sub(1)?)?;
        (address < area.end).then_some(area)
    }

    fn area(&mut self, address: usize, parent: Parent, via: usize) {
        let after = self.areas.partition_point(|area| area.start <= address);
        let Some(index) = after.checked_sub(1) else {
            return;
        };
        let area = self.areas[index];
        if address >= area.end || area.parent != Parent::None {
            return;
        }
        for part in areas::together(&self.areas, index) {
            if self.areas[part].parent == Parent::None {
                self.areas[part].parent = parent;
                self.areas[part].via = via;
                let pushed = self.next_areas.push(part as u32);
                self.failed = self.failed.take().or(pushed.err());
                self.note(Reached::Area(part as u32));
            }
        }
    }

    #[inline]
    fn note(&mut self, reached: Reached) {
        if let Some(watched) = &mut self.watched {
            let pushed = watched.push(reached);
            self.failed = self.failed.take().or(pushed.err());
        }
    }

    /// Notes what is reached from now on.
    pub fn watch(&mut self) {
        self.watched = Some(Table::new());
    }

    /// The roots by which suspects were reached since [`Marks::watch`]: for each suspect one.
    pub fn roots_of_suspects(&self) -> Result<HashSet<u32>, Stop> {
        let Some(watched) = &self.watched else {
            return Ok(HashSet::new());
        };
        let mut nodes = Table::filled(self.nodes.all.len(), 0)?;
        let mut areas = Table::filled(self.areas.len(), 0)?;
        let mut roots = HashSet::new();
        // What points at something was reached before it.
        for reached in watched.iter() {
            let parent = match reached {
                Reached::Node(node) => self.nodes.all[*node as usize].parent,
                Reached::Area(area) => self.areas[*area as usize].parent,
            };
            let root = match parent {
                Parent::Root(root) => root,
                Parent::Node(node) => nodes[node as usize],
                Parent::Area(area) => areas[area as usize],
                Parent::None => continue,
            };
            match reached {
                Reached::Node(node) => {
                    nodes[*node as usize] = root;
                    if self.nodes.all[*node as usize].suspect {
                        roots.insert(root);
                    }
                }
                Reached::Area(area) => areas[*area as usize] = root,
            }
        }
        Ok(roots)
    }

    /// Notes nothing more.
    pub fn unwatch(&mut self) {
        self.watched = None;
    }

    /// What was reached since [`Marks::watch`] was not.
    pub fn undo(&mut self) {
        for reached in self.watched.take().iter().flat_map(|all| all.iter()) {
            match reached {
                Reached::Node(node) => {
                    let node = &mut self.nodes.all[*node as usize];
                    node.parent = Parent::None;
                    node.via = 0;
                    self.open += usize::from(node.suspect);
                }
                Reached::Area(area) => self.areas[*area as usize].parent = Parent::None,
            }
        }
        self.next.clear();
        self.next_areas.clear();
    }

    /// What points at an area.
    pub fn parent_of_area(&self, index: u32) -> (Parent, usize) {
        let area = &self.areas[index as usize];
        (area.parent, area.via)
    }

    /// What points at the first of the areas on the way to something that `parent` points at with
    /// the word at `via`. Where no area is on the way, it is these.
    pub fn over_areas(&self, mut parent: Parent, mut via: usize) -> (Parent, usize) {
        while let Parent::Area(area) = parent {
            (parent, via) = self.parent_of_area(area);
        }
        (parent, via)
    }

    /// Looks at root `number`.
    pub fn root(&mut self, memory: &Memory, number: u32, root: &Root) {
        memory.runs(root.start..root.end, |at, words| {
            for (index, word) in words.iter().enumerate() {
                let via = at + index * WORD;
                self.word(memory, *word, Parent::Root(number), via, root.trust);
            }
        });
    }

    /// Goes on until nothing new is reached.
    pub fn flood(&mut self, memory: &Memory) -> Result<(), Stop> {
        let mut wave = Table::new();
        loop {
            if let Some(stop) = self.failed.take() {
                return Err(stop);
            }
            if let Some(area) = self.next_areas.pop() {
                let Area { start, end, .. } = self.areas[area as usize];
                reading::area(self, memory, area, start..end);
            } else if !self.next.is_empty() {
                core::mem::swap(&mut wave, &mut self.next);
                self.next.clear();
                wave.sort_unstable();
                reading::blocks(self, memory, &wave);
            } else {
                return Ok(());
            }
        }
    }
}

impl Reader for Marks {
    fn blocks(&self) -> &[Node] {
        &self.nodes.all
    }

    #[inline]
    fn found(&mut self, memory: &Memory, word: u64, parent: Parent, via: usize) {
        self.word(memory, word, parent, via, Trust::All);
    }
}

mod chunks;
mod doubt;
#[cfg(test)]
mod tests;
