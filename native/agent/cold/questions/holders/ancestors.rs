//! The blocks by which suspects may be held: those that point at one, those that point at these,
//! and so on.
//!
//! Where a program has many blocks and a few are in question, almost none of them is on a way to a
//! suspect. To read the words of all, which lie one behind the other, takes far less time than to
//! go from block to block; and what Java's objects have of the other blocks need not be followed.
//! So a pass leaves out what does not matter.
//!
//! What is difficult: a pass without a block must not take a pointer at it for one at something
//! else. So blocks stay that begin in another one that was found, or right behind it, and all that
//! mappings have. And a pointer may move meanwhile, from a block that was not looked at yet to one
//! that was. So nobody relies on this who does not look at everything a second time, unless no
//! other thread has run.

use super::Stop;
use super::areas::{self, Area};
use super::flood::{Marks, Points};
use super::memory::Memory;
use super::nodes::{self, Node, Nodes, Parent};
use super::reading::{self, Reader};
use super::spans::Spans;
use super::stale::Stale;
use super::table::Table;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use hackleak_image::layout::Kind;

/// Fewer blocks are looked at as they are.
const FEW: usize = 50_000;
/// Suspects among the blocks, and blocks that point at them: one in so many.
const SHARE: usize = 8;
/// How often all words are read. A longer way costs more than it spares.
const ROUNDS: usize = 3;
/// More bytes than these are read once.
const LARGE: usize = 1 << 30;
/// How often it is left alone after it was in vain: the way to the next suspects is as long, as a
/// rule.
const PAUSE: u32 = 8;
static PAUSES: AtomicU32 = AtomicU32::new(0);
/// Does it with few blocks, too, for tests.
const SWITCH: &str = "HACKLEAK_TEST_ANCESTORS";

/// What it is worth while for.
struct Limits {
    /// The fewest blocks.
    few: usize,
    /// The most that are found.
    most: usize,
}

/// What of `all` matters to the suspects among them, by address; `None` where all may.
pub fn of(memory: &Memory, all: &[Node], areas: &[Area]) -> Result<Option<Table<Node>>, Stop> {
    if std::env::var_os(SWITCH).is_some() {
        let all_of_it = Limits {
            few: 0,
            most: usize::MAX,
        };
        return with(memory, all, areas, all_of_it);
    }
    // One pass at a time, so nobody else counts meanwhile.
    let pauses = PAUSES.load(Relaxed);
    if pauses > 0 {
        PAUSES.store(pauses - 1, Relaxed);
        return Ok(None);
    }
    let limits = Limits {
        few: FEW,
        most: all.len() / SHARE,
    };
    with(memory, all, areas, limits)
}

fn with(
    memory: &Memory,
    all: &[Node],
    areas: &[Area],
    limits: Limits,
) -> Result<Option<Table<Node>>, Stop> {
    if all.len() < limits.few {
        return Ok(None);
    }
    let mut search = Search {
        all,
        areas,
        targets: targets(all.iter().filter(|node| node.suspect), [].into_iter())?,
        known: Table::filled(all.len(), false)?,
        known_areas: Table::filled(areas.len(), false)?,
        next: Table::new(),
        next_areas: Table::new(),
        failed: None,
    };
    let mut every: Table<u32> = Table::new();
    let mut count = 0;
    let mut bytes: usize = areas.iter().map(|area| area.end - area.start).sum();
    for (index, node) in (0..).zip(all) {
        bytes = bytes.saturating_add(node.memory().len());
        search.known[index as usize] = node.suspect;
        count += usize::from(node.suspect);
        if !node.memory().is_empty() {
            every.push(index)?;
        }
    }
    let rounds = if bytes > LARGE { 1 } else { ROUNDS };
    for round in 1..=rounds {
        if count > limits.most {
            return Ok(None);
        }
        reading::blocks(&mut search, memory, &every);
        for (index, area) in (0..).zip(areas) {
            reading::area(&mut search, memory, index, area.start..area.end);
        }
        if let Some(stop) = search.failed.take() {
            return Err(stop);
        }
        if search.next.is_empty() && search.next_areas.is_empty() {
            return search.left().map(Some);
        }
        if round == rounds {
            break;
        }
        count += search.next.len();
        let blocks = search.next.iter().map(|index| &all[*index as usize]);
        let mapped = search.next_areas.iter();
        search.targets = targets(blocks, mapped.map(|index| areas[*index as usize]))?;
        search.next.clear();
        search.next_areas.clear();
    }
    PAUSES.store(PAUSE, Relaxed);
    Ok(None)
}

/// What these are, as something that a word may point at.
fn targets<'all>(
    blocks: impl Iterator<Item = &'all Node>,
    areas: impl Iterator<Item = Area>,
) -> Result<Marks, Stop> {
    let (mut all, mut mapped) = (Table::new(), Table::new());
    for block in blocks {
        all.push(*block)?;
    }
    for area in areas {
        mapped.push(area)?;
    }
    mapped.sort_unstable_by_key(|area| area.start);
    let nodes = Nodes::of(all)?;
    let spans = Spans::read(&nodes)?;
    Ok(Marks::new(nodes, mapped, spans, Stale::none()))
}

/// The words of all, and what is looked for among them.
struct Search<'all> {
    all: &'all [Node],
    areas: &'all [Area],
    /// What was found in the round before, at first the suspects.
    targets: Marks,
    /// What was found, by its index.
    known: Table<bool>,
    known_areas: Table<bool>,
    /// What was found in this round.
    next: Table<u32>,
    next_areas: Table<u32>,
    failed: Option<Stop>,
}

impl Reader for Search<'_> {
    fn blocks(&self) -> &[Node] {
        self.all
    }

    #[inline(always)]
    fn found(&mut self, memory: &Memory, word: u64, parent: Parent, _via: usize) {
        if !self.targets.may_point(word) || self.targets.points(memory, word) == Points::Nowhere {
            return;
        }
        match parent {
            Parent::Node(index) => self.push(index),
            Parent::Area(index) => {
                for part in areas::together(self.areas, index as usize) {
                    self.push_area(part as u32);
                }
            }
            Parent::Root(_) | Parent::None => {}
        }
    }
}

impl Search<'_> {
    fn push(&mut self, index: u32) {
        if !core::mem::replace(&mut self.known[index as usize], true) {
            self.failed = self.failed.take().or(self.next.push(index).err());
        }
    }

    fn push_area(&mut self, index: u32) {
        if !core::mem::replace(&mut self.known_areas[index as usize], true) {
            self.failed = self.failed.take().or(self.next_areas.push(index).err());
        }
    }

    /// What was found, and what must stay beside it.
    fn left(&self) -> Result<Table<Node>, Stop> {
        let mut in_area = Table::filled(self.all.len(), false)?;
        for area in self.areas {
            in_area[nodes::in_range(self.all, &(area.start..area.end))].fill(true);
        }
        let mut left = Table::new();
        // How far what was found reaches.
        let mut end = 0;
        for (index, node) in self.all.iter().enumerate() {
            let known = self.known[index];
            let is_mapping = Kind::from_number(node.live.kind()) == Some(Kind::Mmap);
            if known || is_mapping || in_area[index] || node.start <= end {
                left.push(*node)?;
            }
            end = end.max(if known { node.start + node.len() } else { 0 });
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests;
