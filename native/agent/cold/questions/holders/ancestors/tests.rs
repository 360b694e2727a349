use super::super::memory::{WORD, own as memory};
use super::super::nodes::tests::{block, of_kind};
use super::*;
use core::ops::Range;

/// Words of each block, and between the beginnings of two.
const SIZE: usize = 32 * WORD;
const APART: usize = 64;

/// Memory of the test's own, of which parts are blocks, and what is found of them.
struct Built {
    words: Vec<u64>,
    blocks: Vec<Node>,
    areas: Vec<Range<usize>>,
}

impl Built {
    /// As many blocks, none of which is in question.
    fn new(count: usize) -> Built {
        let words = vec![0; count * APART];
        let at = |index: usize| words.as_ptr().addr() + index * APART * WORD;
        let blocks = (0..count).map(|index| Node {
            suspect: false,
            ..block(at(index), SIZE)
        });
        Built {
            blocks: blocks.collect(),
            areas: Vec::new(),
            words,
        }
    }

    fn at(&self, block: usize) -> usize {
        self.words.as_ptr().addr() + block * APART * WORD
    }

    /// The first word of one points into the other.
    fn point(&mut self, from: usize, to: usize) {
        self.words[from * APART] = (self.at(to) + 8) as u64;
    }

    fn search(&self, most: usize) -> Option<Vec<usize>> {
        let areas: Vec<Area> = self.areas.iter().map(area).collect();
        let limits = Limits { few: 0, most };
        let Ok(found) = with(&memory(), &self.blocks, &areas, limits) else {
            panic!("there is memory")
        };
        let index = |node: &Node| (node.start - self.at(0)) / WORD / APART;
        Some(found?.iter().map(index).collect())
    }

    fn found(&self) -> Option<Vec<usize>> {
        self.search(usize::MAX)
    }
}

fn area(range: &Range<usize>) -> Area {
    Area {
        start: range.start,
        end: range.end,
        parent: Parent::None,
        via: 0,
        asked: 0,
    }
}

#[test]
fn what_points_at_a_suspect_is_found_and_what_points_at_that_and_nothing_else() {
    let mut built = Built::new(8);
    built.blocks[3].suspect = true;
    built.point(5, 3);
    built.point(1, 5);
    // What a suspect points at is of no account, nor is what points elsewhere.
    built.point(3, 6);
    built.point(7, 6);
    assert_eq!(built.found(), Some(vec![1, 3, 5]));
}

#[test]
fn a_circle_is_found_once() {
    let mut built = Built::new(4);
    built.blocks[0].suspect = true;
    built.point(1, 0);
    built.point(2, 1);
    built.point(0, 2);
    assert_eq!(built.found(), Some(vec![0, 1, 2]));
}

#[test]
fn too_long_a_way_and_too_many_suspects_are_left_to_whoever_looks_at_everything() {
    let mut built = Built::new(ROUNDS + 2);
    built.blocks[0].suspect = true;
    for index in 1..ROUNDS {
        built.point(index, index - 1);
    }
    assert_eq!(built.found().map(|found| found.len()), Some(ROUNDS));
    assert_eq!(built.search(ROUNDS), built.found());
    assert_eq!(built.search(ROUNDS - 1), None, "too many");
    built.point(ROUNDS, ROUNDS - 1);
    assert_eq!(built.found(), None, "too long");
}

#[test]
fn a_way_through_mapped_memory_is_found() {
    let mut built = Built::new(6);
    built.blocks[1].suspect = true;
    // Block 3 is an area, no block; block 4 lies in one.
    built.point(3, 1);
    built.point(5, 3);
    built.areas.push(built.at(3)..built.at(5));
    built.blocks.remove(3);
    assert_eq!(built.found(), Some(vec![1, 4, 5]));
}

#[test]
fn what_begins_in_a_block_that_is_found_or_right_behind_it_stays_beside_it() {
    let mut built = Built::new(4);
    built.blocks[1].suspect = true;
    built.blocks[1] = Node {
        suspect: true,
        ..block(built.at(1), 2 * APART * WORD)
    };
    assert_eq!(built.found(), Some(vec![1, 2, 3]));
}

#[test]
fn recorded_mappings_stay_and_hold_nothing_by_themselves() {
    let mut built = Built::new(4);
    built.blocks[0].suspect = true;
    built.blocks[2] = Node {
        suspect: false,
        ..of_kind(built.at(2), SIZE, Kind::Mmap)
    };
    built.point(2, 0);
    built.point(3, 2);
    assert_eq!(built.found(), Some(vec![0, 2]));
}

#[test]
fn few_blocks_are_not_worth_it() {
    let built = Built::new(3);
    let few = Limits { few: 4, most: 3 };
    assert!(matches!(with(&memory(), &built.blocks, &[], few), Ok(None)));
}
