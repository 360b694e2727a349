//! Where recorded mappings lie, and which record each part has.
//!
//! What a mapping contains holds others as an area does, whether the mapping is recorded or not
//! (`areas`). Here is only asked who holds the mapping: whatever points anywhere into it. A block
//! of an allocator may lie in it, and is a block of its own.

use super::Stop;
use super::nodes::Nodes;
use super::table::Table;
use crate::hot::events::mapped;
use core::ops::Range;

/// A part of a mapping, and the index of its record among the nodes.
#[derive(Clone, Copy)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub node: u32,
}

/// All of them, by address.
pub struct Spans(Table<Span>);

impl Spans {
    pub fn read(nodes: &Nodes) -> Result<Spans, Stop> {
        let mut all = Table::new();
        for (range, record) in mapped::all() {
            // One that was made since the nodes were read is not in question.
            if let Ok(node) = nodes.all.binary_search_by_key(&record, |node| node.start) {
                all.push(Span {
                    start: range.start,
                    end: range.end,
                    node: node as u32,
                })?;
            }
        }
        all.sort_unstable_by_key(|span| span.start);
        Ok(Spans(all))
    }

    /// No address outside of these points into one.
    pub fn bounds(&self) -> Range<usize> {
        let low = self.0.first().map_or(usize::MAX, |span| span.start);
        low..self.0.last().map_or(0, |span| span.end)
    }

    /// The part that the address lies in.
    #[inline]
    pub fn find(&self, address: usize) -> Option<Span> {
        let after = self.0.partition_point(|span| span.start <= address);
        let span = self.0.get(after.checked_sub(1)?)?;
        (address < span.end).then_some(*span)
    }
}
