//! The blocks that Java's objects have, garbage or not: what a check that does not settle counts as
//! leaked where nobody but garbage has it.
//!
//! Only a collection tells which objects are garbage, and after one their cleaners free what they
//! had. So it is noted before, and what has gone by the time that holders are looked for was left
//! to the collector.
//!
//! What is difficult: others free as well, what they have used and closed meanwhile. So what has
//! gone counts only where no thread has run that may have done that.

use super::nodes::Parent;
use super::stillness::Stillness;
use super::table::Table;
use super::verdicts::JAVA;
use super::ways::{self, Ways};
use super::{Pass, Stop};
use crate::IMAGE;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use hackleak_image::layout::Live;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// A block of which an object of Java's has the address.
type Owned = (usize, Live);

/// What was noted at one moment.
pub struct Noted {
    blocks: Table<Owned>,
    /// The threads at that moment, but for those that free what garbage had.
    others: Stillness,
}

/// What was noted and not asked for yet, by its number. Whoever never asks is forgotten.
static NOTED: Mutex<Vec<(u32, Noted)>> = Mutex::new(Vec::new());
static NEXT: AtomicU32 = AtomicU32::new(1);
/// The most that are kept.
const MOST: usize = 16;

/// Whether a thread of this name frees what garbage had.
fn works_off(name: &str) -> bool {
    ["Finalizer", "Reference Handl", "Secondary final"].contains(&name) || name.contains("leaner")
}

/// The threads that matter, before a pass.
pub(super) fn others() -> Result<Stillness, Stop> {
    Stillness::but_for(works_off)
}

/// Keeps what the pass has found, and gives its number; 0 where Java's objects have nothing.
pub(super) fn note(pass: &Pass, others: Stillness) -> Result<u32, Stop> {
    let blocks = of(pass)?;
    if blocks.is_empty() {
        return Ok(0);
    }
    let number = NEXT.fetch_add(1, Relaxed).max(1);
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.len() == MOST {
        noted.remove(0);
    }
    noted.push((number, Noted { blocks, others }));
    Ok(number)
}

/// What was noted under the number, which is then free.
pub(super) fn take(number: u32) -> Option<Noted> {
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    let at = noted.iter().position(|(other, _)| *other == number)?;
    Some(noted.remove(at).1)
}

impl Noted {
    /// What has gone, without what was `counted` before it went.
    pub(super) fn gone<'all>(
        &'all self,
        counted: &'all HashSet<u64>,
    ) -> impl Iterator<Item = Live> + 'all {
        let blocks: &[Owned] = match self.others.holds() {
            true => &self.blocks,
            false => &[],
        };
        let gone = blocks.iter().filter(|(start, live)| {
            IMAGE.live.live_at(*start) != Some(*live) && !counted.contains(&!(*start as u64))
        });
        gone.map(|(_, live)| *live)
    }
}

/// The suspects of a pass that were reached from Java's objects.
fn of(pass: &Pass) -> Result<Table<Owned>, Stop> {
    let nodes = &pass.marks.nodes.all;
    let mut ways = Ways::new(nodes.len())?;
    let is_of_java = |parent| matches!(parent, Parent::Root(root) if root >= JAVA);
    let mut owned = Table::new();
    for (index, node) in (0..).zip(nodes.iter()) {
        if node.suspect
            && node.is_held()
            && ways.of(index, |at| {
                let node = &nodes[at as usize];
                let (parent, _) = pass.marks.over_areas(node.parent, node.via);
                ways::onward(parent, is_of_java)
            })?
        {
            owned.push((node.start, node.live))?;
        }
    }
    Ok(owned)
}

#[cfg(test)]
mod tests {
    use super::works_off;

    #[test]
    fn threads_that_work_off_garbage_are_told_from_those_that_work() {
        for name in [
            "Finalizer",
            "Reference Handl",
            "Common-Cleaner",
            "Cleaner-0",
            "JNA Cleaner",
        ] {
            assert!(works_off(name), "{name}");
        }
        for name in ["main", "pool-1-thread-1", "Finalizers", "worker"] {
            assert!(!works_off(name), "{name}");
        }
    }
}
