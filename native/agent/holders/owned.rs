//! The blocks that Java's objects have, garbage or not: what a check that does not settle counts as leaked where
//! nobody but garbage has it.
//!
//! Only a collection tells which objects are garbage, and after one their cleaners free what they had. So it is
//! noted before, and what has gone by the time that holders are looked for was left to the collector.

use super::nodes::Parent;
use super::table::Table;
use super::verdicts::JAVA;
use super::{Pass, Stop};
use crate::IMAGE;
use hackleak_image::layout::Live;
use std::collections::HashSet;

/// A block of which an object of Java's has the address. It is written with all bits turned: whatever keeps this must
/// not look as if it held the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    pub not_start: u64,
    pub live: Live,
}

impl Owned {
    fn of(start: usize, live: Live) -> Owned {
        Owned {
            not_start: !(start as u64),
            live,
        }
    }

    /// Whether it was freed since.
    fn has_gone(&self) -> bool {
        IMAGE.live.live_at(!self.not_start as usize) != Some(self.live)
    }
}

/// What has gone of `owned`, without what was `counted` before it went.
pub fn gone<'all>(
    owned: &'all [Owned],
    counted: &'all HashSet<u64>,
) -> impl Iterator<Item = Live> + 'all {
    let owned = owned.iter();
    let gone = owned.filter(|owned| !counted.contains(&owned.not_start) && owned.has_gone());
    gone.map(|owned| owned.live)
}

/// The suspects of a pass that were reached from Java's objects.
pub(super) fn of(pass: &Pass) -> Result<Vec<Owned>, Stop> {
    #[derive(Clone, Copy, PartialEq)]
    enum Root {
        Unknown,
        Java,
        Other,
    }
    let nodes = &pass.marks.nodes.all;
    let mut known = Table::filled(nodes.len(), Root::Unknown)?;
    let mut way = Table::new();
    let mut owned = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        if !node.suspect || !node.is_held() {
            continue;
        }
        way.clear();
        let mut parent = Parent::Node(index as u32);
        // Chains are long, and many blocks have one in common.
        let root = loop {
            parent = match parent {
                Parent::Node(at) if known[at as usize] != Root::Unknown => {
                    break known[at as usize];
                }
                Parent::Node(at) => {
                    way.push(at)?;
                    nodes[at as usize].parent
                }
                Parent::Area(area) => pass.marks.parent_of_area(area).0,
                Parent::Root(root) if root >= JAVA => break Root::Java,
                Parent::Root(_) | Parent::None => break Root::Other,
            };
        };
        for step in way.iter() {
            known[*step as usize] = root;
        }
        if root == Root::Java {
            owned.push(Owned::of(node.start, node.live));
        }
    }
    Ok(owned)
}
