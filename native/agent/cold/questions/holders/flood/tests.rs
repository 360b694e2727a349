use super::super::memory::own as memory;
use super::super::nodes::tests::{block, nodes, of_kind};
use super::*;
use hackleak_image::layout::Kind;

/// Memory of the test's own, of which parts are blocks.
struct Built {
    words: Vec<u64>,
}

/// Words between the beginnings of two blocks.
const APART: usize = 64;
const SIZE: usize = 32 * WORD;

impl Built {
    fn new(blocks: usize) -> Built {
        Built {
            words: vec![0; blocks * APART],
        }
    }

    fn address(&self, block: usize) -> usize {
        self.words.as_ptr().addr() + block * APART * WORD
    }

    /// In this word of the block lies a pointer into another one.
    fn point(&mut self, from: usize, word: usize, to: usize, inside: usize) -> usize {
        self.words[from * APART + word] = (self.address(to) + inside) as u64;
        self.address(from) + word * WORD
    }

    fn marks(&self, blocks: core::ops::Range<usize>, areas: &[usize]) -> Marks {
        let blocks: Vec<_> = blocks.map(|at| block(self.address(at), SIZE)).collect();
        let mut found = Table::new();
        for area in areas {
            let start = self.address(*area);
            let area = Area {
                start,
                end: start + SIZE,
                parent: Parent::None,
                via: 0,
                asked: 0,
            };
            assert!(found.push(area).is_ok());
        }
        marks(nodes(&blocks), found)
    }

    /// The first words are a root.
    fn root(&self, trust: Trust) -> Root {
        Root::of(self.address(0)..self.address(0) + SIZE, trust)
    }
}

fn marks(nodes: Nodes, areas: Table<Area>) -> Marks {
    let (Ok(spans), Ok(stale)) = (Spans::read(&nodes), Stale::of_now()) else {
        panic!("there is memory");
    };
    Marks::new(nodes, areas, spans, stale)
}

fn flood(marks: &mut Marks, root: &Root) {
    let memory = memory();
    marks.root(&memory, 9, root);
    assert!(marks.flood(&memory).is_ok());
}

fn parents(marks: &Marks) -> Vec<Parent> {
    marks.nodes.all.iter().map(|node| node.parent).collect()
}

#[test]
fn a_chain_is_held_link_by_link_and_a_circle_that_nobody_points_at_is_lost() {
    let mut built = Built::new(8);
    let first = built.point(0, 3, 1, 0);
    let second = built.point(1, 31, 2, SIZE - 1);
    built.point(2, 0, 3, 8);
    built.point(3, 0, 1, 0);
    built.point(5, 0, 6, 0);
    built.point(6, 0, 5, 0);
    let mut marks = built.marks(1..7, &[]);
    assert_eq!(marks.open, 6);
    flood(&mut marks, &built.root(Trust::All));
    let expected = [
        Parent::Root(9),
        Parent::Node(0),
        Parent::Node(1),
        Parent::None,
        Parent::None,
        Parent::None,
    ];
    assert_eq!(parents(&marks), expected);
    assert_eq!(marks.open, 3);
    assert_eq!(marks.nodes.all[0].via, first);
    assert_eq!(marks.nodes.all[1].via, second);
}

#[test]
fn words_beside_a_block_hold_nothing_although_they_are_read_with_it() {
    let mut built = Built::new(5);
    built.point(0, 0, 1, 0);
    built.point(0, 1, 2, 0);
    // The first word behind the first of two blocks that are read together.
    built.point(1, SIZE / WORD, 3, 0);
    built.point(2, SIZE / WORD - 1, 4, 0);
    let mut marks = built.marks(1..5, &[]);
    flood(&mut marks, &built.root(Trust::All));
    let expected = [
        Parent::Root(9),
        Parent::Root(9),
        Parent::None,
        Parent::Node(1),
    ];
    assert_eq!(parents(&marks), expected);
}

#[test]
fn the_end_of_a_block_holds_only_an_empty_array() {
    let mut built = Built::new(3);
    let at = built.address(1);
    let mut held = |count: u64, offset: usize| {
        built.words[APART] = count;
        built.words[0] = (at + offset) as u64;
        let mut marks = marks(nodes(&[block(at, 8)]), Table::new());
        flood(&mut marks, &built.root(Trust::All));
        marks.open == 0
    };
    assert!(held(0, 8), "new T[0] keeps a count of zero");
    assert!(!held(1, 8), "a pointer behind other eight bytes");
    assert!(held(1, 7));
    assert!(!held(0, 9));
}

#[test]
fn data_of_the_c_library_hold_what_they_point_at_the_start_of() {
    for (inside, expected) in [(0, Parent::Root(9)), (8, Parent::None)] {
        let mut built = Built::new(2);
        built.point(0, 0, 1, inside);
        let mut marks = built.marks(1..2, &[]);
        flood(&mut marks, &built.root(Trust::Starts));
        assert_eq!(parents(&marks), [expected], "{inside} bytes inside");
    }
}

#[test]
fn mapped_memory_holds_by_what_is_not_in_blocks_of_its_own() {
    let mut built = Built::new(5);
    built.point(0, 0, 1, 80);
    built.point(1, 30, 2, 0);
    // In the area lies a block that nobody points at.
    built.point(1, 4, 3, 0);
    let inner = built.address(1) + 4 * WORD;
    let blocks = [
        block(inner, 2 * WORD),
        block(built.address(2), SIZE),
        block(built.address(3), SIZE),
    ];
    let areas = built.marks(0..0, &[1]).areas;
    let mut marks = marks(nodes(&blocks), areas);
    flood(&mut marks, &built.root(Trust::All));
    assert_eq!(
        parents(&marks),
        [Parent::None, Parent::Area(0), Parent::None]
    );
    let via = built.address(0);
    assert_eq!(marks.parent_of_area(0), (Parent::Root(9), via));
}

#[test]
fn what_was_reached_on_trial_is_taken_back() {
    let mut built = Built::new(5);
    built.point(0, 0, 1, 0);
    built.point(1, 0, 2, 0);
    let memory = memory();
    let mut marks = built.marks(1..4, &[]);
    marks.watch();
    flood(&mut marks, &built.root(Trust::All));
    let roots = marks.roots_of_suspects().ok();
    assert_eq!(roots, Some(HashSet::from([9])));
    assert!(marks.points(&memory, built.address(2) as u64) == Points::Nowhere);
    marks.undo();
    assert_eq!(parents(&marks), [Parent::None; 3]);
    assert_eq!(marks.open, 3);
    assert!(marks.points(&memory, built.address(2) as u64) == Points::ToBlock);
    // It can be reached again.
    flood(&mut marks, &built.root(Trust::All));
    assert_eq!(marks.open, 1);
}

#[test]
fn a_handle_has_no_memory_that_holds() {
    let mut built = Built::new(3);
    built.point(0, 0, 1, 0);
    built.point(1, 0, 2, 0);
    let handle = of_kind(built.address(1), 64, Kind::GlobalRef);
    let all = nodes(&[handle, block(built.address(2), SIZE)]);
    let mut marks = marks(all, Table::new());
    flood(&mut marks, &built.root(Trust::All));
    assert_eq!(parents(&marks), [Parent::Root(9), Parent::None]);
}

#[test]
fn on_a_stack_only_what_points_near_an_end_of_a_block_holds_it() {
    let large = vec![0_u64; 40 * EDGE / WORD];
    let (start, len) = (large.as_ptr().addr(), large.len() * WORD);
    let held = |offset: usize, trust| {
        let words = [(start + offset) as u64];
        let mut marks = marks(nodes(&[block(start, len)]), Table::new());
        let at = words.as_ptr().addr();
        flood(&mut marks, &Root::of(at..at + WORD, trust));
        marks.nodes.all[0].is_held()
    };
    for offset in [0, EDGE, len - EDGE, len - 1] {
        assert!(held(offset, Trust::Edges), "{offset}");
    }
    for offset in [EDGE + 1, len / 2, len - EDGE - 1] {
        assert!(!held(offset, Trust::Edges), "{offset}");
        assert!(held(offset, Trust::All), "{offset}");
    }
}
