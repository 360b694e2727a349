//! The nodes that one thread met lately: small enough for the processor's cache, and it forgets.
//!
//! An entry says all that is compared, so nodes themselves, which lie all over the image, are not
//! read.

use super::path::spread;

const LINES_BITS: u32 = 10;
const PER_LINE: usize = 4;

/// Nodes that one thread met lately. Valid when zero, and never out of date: nodes do not change.
pub struct NodeCache {
    lines: [Line; 1 << LINES_BITS],
}

/// What is met often moves to the front; what is new takes the last place.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([Entry; PER_LINE]);

#[derive(Clone, Copy)]
struct Entry {
    frame: u64,
    parent: u32,
    node: u32,
}

impl NodeCache {
    /// The node for `frame` below `parent`, whose path has this hash.
    #[inline(always)]
    pub(super) fn find(&mut self, hash: u32, parent: u32, frame: u64) -> Option<u32> {
        let Line(entries) = &mut self.lines[spread(hash, LINES_BITS)];
        for at in 0..PER_LINE {
            let Entry {
                frame: known,
                parent: below,
                node,
            } = entries[at];
            if known == frame && below == parent {
                if at > 0 {
                    entries.swap(at, at - 1);
                }
                return Some(node);
            }
        }
        None
    }

    #[inline(always)]
    pub(super) fn enter(&mut self, hash: u32, parent: u32, frame: u64, node: u32) {
        let Line(entries) = &mut self.lines[spread(hash, LINES_BITS)];
        let free = entries.iter().position(|entry| entry.node == 0);
        entries[free.unwrap_or(PER_LINE - 1)] = Entry {
            frame,
            parent,
            node,
        };
    }
}
