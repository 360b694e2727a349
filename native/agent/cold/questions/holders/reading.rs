//! Every word of many blocks, or of an area: blocks that lie near each other are read in one go.

use super::memory::{Memory, WORD};
use super::nodes::{self, Node, Parent};
use core::ops::Range;

/// Blocks with less between them are read together.
const GAP: usize = 4096;
/// The most that is read together.
const RUN: usize = 1 << 20;

/// Whoever is told the words.
pub trait Reader {
    /// The blocks, by address.
    fn blocks(&self) -> &[Node];

    /// The word at `via`, which is in `parent`.
    fn found(&mut self, memory: &Memory, word: u64, parent: Parent, via: usize);
}

/// Area `index` without the blocks in it, which are read when they are reached themselves.
pub fn area(reader: &mut impl Reader, memory: &Memory, index: u32, range: Range<usize>) {
    let Range { start, end } = range;
    let mut at = start;
    let blocks = nodes::in_range(reader.blocks(), &range);
    for block in blocks.chain([usize::MAX]) {
        let block = reader.blocks().get(block).copied();
        let stop = block.map_or(end, |block| block.start);
        memory.runs(at..stop.max(at), |at, words| {
            for (position, word) in words.iter().enumerate() {
                let via = at + position * WORD;
                reader.found(memory, *word, Parent::Area(index), via);
            }
        });
        at = block.map_or(end, |block| block.start + block.len());
    }
}

/// The blocks with these indices, by address.
pub fn blocks(reader: &mut impl Reader, memory: &Memory, indices: &[u32]) {
    let mut rest = indices;
    while let Some(first) = rest.first() {
        let Range { start, mut end } = memory_of(reader, *first);
        let near = rest[1..].iter().take_while(|index| {
            let next = memory_of(reader, **index);
            let joins = next.start < end + GAP && next.end - start <= RUN;
            end = end.max(if joins { next.end } else { end });
            joins
        });
        let (group, others) = rest.split_at(1 + near.count());
        one_run(reader, memory, group, start..end);
        rest = others;
    }
}

/// Blocks that lie near each other. A run of words may begin and end anywhere in them.
fn one_run(reader: &mut impl Reader, memory: &Memory, group: &[u32], range: Range<usize>) {
    let mut blocks = group.iter().copied();
    let mut current = blocks.next();
    memory.runs(range, |at, words| {
        let copied = at..at + words.len() * WORD;
        while let Some(index) = current {
            let block = memory_of(reader, index);
            let part = block.start.max(copied.start)..block.end.min(copied.end);
            if !part.is_empty() {
                let first = (part.start - at).div_ceil(WORD);
                let last = (part.end - at) / WORD;
                for (position, word) in words.iter().enumerate().take(last).skip(first) {
                    let via = at + position * WORD;
                    reader.found(memory, *word, Parent::Node(index), via);
                }
            }
            if block.end > copied.end {
                break;
            }
            current = blocks.next();
        }
    });
}

fn memory_of(reader: &impl Reader, index: u32) -> Range<usize> {
    reader.blocks()[index as usize].memory()
}
