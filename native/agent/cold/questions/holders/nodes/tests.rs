use super::*;

/// A block that was allocated with `malloc`.
pub fn block(start: usize, size: usize) -> Node {
    of_kind(start, size, Kind::Malloc)
}

pub fn of_kind(start: usize, size: usize, kind: Kind) -> Node {
    Node {
        start,
        live: Live::new(0, 0, size as u64, kind),
        parent: Parent::None,
        via: 0,
        suspect: true,
        doubtful: false,
        tagged: false,
    }
}

pub fn nodes(blocks: &[Node]) -> Nodes {
    let mut all = Table::new();
    for block in blocks {
        assert!(all.push(*block).is_ok());
    }
    let nodes = Nodes::of(all);
    nodes.unwrap_or_else(|_| panic!("there is memory"))
}

const MIB: usize = 1 << MIB_BITS;
const PAGE: usize = 1 << PAGE_BITS;
const BASE: usize = 0x7f00_0000_0000;

/// Where the block begins that the address lies in.
fn found(nodes: &Nodes, address: usize) -> Option<usize> {
    let index = nodes.find(address, |_| false)?;
    Some(nodes.all[index].start)
}

#[test]
fn a_block_is_found_from_its_first_byte_to_its_last() {
    let layouts = [
        (BASE, 24),
        (BASE + PAGE - 8, 16),
        (BASE + MIB - 16, 32),
        (BASE + MIB - 16, 16),
        (BASE + MIB - PAGE, 3 * MIB),
        (BASE + 16, 1),
        (0x1000, 64),
        ((1 << 47) - 4096, 4096),
    ];
    for (start, size) in layouts {
        let nodes = nodes(&[block(start, size)]);
        for inside in [start, start + size / 2, start + size - 1] {
            assert_eq!(found(&nodes, inside), Some(start), "{start:#x} {size}");
        }
        for outside in [
            start - 1,
            start + size,
            start + size + PAGE,
            start + 64 * MIB,
        ] {
            assert_eq!(found(&nodes, outside), None, "{start:#x} {size}");
        }
    }
}

#[test]
fn each_of_many_blocks_is_found_as_by_looking_at_all() {
    // Small ones side by side, with gaps, and large ones over borders of pages and MiB.
    let mut blocks = Vec::new();
    let mut at = BASE + MIB - 3 * PAGE;
    for number in 0..2000 {
        let size = match number % 97 {
            0 => 40_000,
            1 => 0,
            other => 8 * (other % 5) + 3,
        };
        blocks.push(block(at, size));
        at = (at + size.max(1)).next_multiple_of(8) + 8 * (number % 3);
    }
    blocks.push(block(at + 5 * MIB, 2 * MIB));
    let nodes = nodes(&blocks.iter().rev().copied().collect::<Vec<_>>());
    let mut next = blocks.iter().peekable();
    for address in (BASE + MIB - 4 * PAGE..at + 64).step_by(3) {
        while next
            .peek()
            .is_some_and(|block| block.start + block.len() <= address)
        {
            next.next();
        }
        let expected = next.peek().filter(|block| block.start <= address);
        let expected = expected.map(|block| block.start);
        assert_eq!(found(&nodes, address), expected, "{address:#x}");
    }
    assert_eq!(found(&nodes, at + 7 * MIB - 1), Some(at + 5 * MIB));
    assert_eq!(found(&nodes, at + 4 * MIB), None);
}

#[test]
fn a_page_full_of_the_smallest_blocks_has_all_of_them() {
    // The end of the one before it reaches into the page.
    let before = block(BASE - 8, 8);
    let small = (0..PAGE / 8).map(|number| block(BASE + number * 8, 8));
    let blocks: Vec<Node> = [before].into_iter().chain(small).collect();
    let nodes = nodes(&blocks);
    for block in &blocks {
        assert_eq!(found(&nodes, block.start), Some(block.start));
    }
}

#[test]
fn blocks_far_from_each_other_are_told_apart() {
    let start = |number: usize| BASE + number * number * 3 * MIB + number * 64;
    let blocks: Vec<Node> = (0..500).map(|number| block(start(number), 48)).collect();
    let nodes = nodes(&blocks);
    for block in &blocks {
        assert_eq!(found(&nodes, block.start + 47), Some(block.start));
        assert_eq!(found(&nodes, block.start + MIB), None);
    }
}

#[test]
fn the_end_of_a_cookie_is_a_pointer_to_its_block() {
    let border = BASE + MIB - 8;
    let nodes = nodes(&[block(BASE, 8), block(border, 8), block(BASE + 64, 16)]);
    for start in [BASE, border] {
        let with = |cookie: usize| nodes.find(start + 8, |at| at == cookie).is_some();
        assert!(with(start), "{start:#x}");
        assert!(!with(start + 8), "{start:#x}: its word is no count of zero");
        assert!(nodes.find(start + 9, |_| true).is_none());
    }
    // A longer block has objects behind its count.
    assert!(nodes.find(BASE + 80, |_| true).is_none());
    let short = self::nodes(&[block(BASE, 3), block(BASE + 64, 8)]);
    assert!(short.find(BASE + 8, |_| true).is_none());
    // Where the next block begins right there, the pointer is to that.
    let beside = self::nodes(&[block(BASE, 8), block(BASE + 8, 8)]);
    assert_eq!(found(&beside, BASE + 8), Some(BASE + 8));
}

#[test]
fn a_handle_is_its_address_alone() {
    for kind in [Kind::GlobalRef, Kind::WeakGlobalRef, Kind::Mmap] {
        let handle = of_kind(BASE, 1 << 20, kind);
        let nodes = nodes(&[handle]);
        assert_eq!(found(&nodes, BASE + 7), Some(BASE));
        assert_eq!(found(&nodes, BASE + 8), None);
        assert!(handle.memory().is_empty());
    }
    let empty = block(BASE, 0);
    assert_eq!(
        found(&nodes(&[empty]), BASE),
        Some(BASE),
        "malloc(0) is a block"
    );
    assert!(empty.memory().is_empty());
}

#[test]
fn marks_in_the_upper_bits_do_not_hide_a_pointer() {
    let block = block(BASE, 32);
    for word in [BASE, BASE + 32, BASE | 0xabcd << 48] {
        assert!(block.is_meant_by(word as u64), "{word:#x}");
    }
    for word in [BASE - 1, BASE + 33, BASE | 1 << 47 | 1 << 33] {
        assert!(!block.is_meant_by(word as u64), "{word:#x}");
    }
}

#[test]
fn nothing_is_found_where_there_are_no_blocks() {
    let nodes = nodes(&[]);
    assert!(nodes.bounds().is_empty());
    assert_eq!(found(&nodes, BASE), None);
}

#[test]
fn blocks_are_given_by_where_they_begin() {
    let nodes = nodes(&[block(BASE, 64), block(BASE + 64, 64), block(BASE + 128, 64)]);
    assert_eq!(in_range(&nodes.all, &(BASE + 1..BASE + 128)), 1..2);
    assert_eq!(in_range(&nodes.all, &(BASE..BASE + 129)), 0..3);
    assert_eq!(nodes.bounds(), BASE..BASE + 128 + 65);
}
