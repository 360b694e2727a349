//! The stack tree under schedules.

use super::*;

/// Four stacks of one, two and three frames, the leaf first. The first two share their outer
/// frames; the hashes of the last two are the same.
fn stacks() -> [Vec<u64>; 4] {
    [
        vec![1 << 60 | 3, 1 << 60 | 2, 1 << 60 | 1],
        vec![1 << 60 | 4, 1 << 60 | 2, 1 << 60 | 1],
        vec![colliding(1)],
        vec![colliding(2)],
    ]
}

/// A frame of which the hash is the same for every `low`.
fn colliding(low: u64) -> u64 {
    // The inverse of the odd factor, by Newton's iteration.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let inverse = (0..6).fold(FACTOR, |inverse, _| {
        inverse.wrapping_mul(2u64.wrapping_sub(FACTOR.wrapping_mul(inverse)))
    });
    (0x1234_5678u64 << 32 | low).wrapping_mul(inverse)
}

fn cache() -> Box<NodeCache> {
    // SAFETY: a cache is valid when zero.
    unsafe { Box::new_zeroed().assume_init() }
}

/// The node of a stack, as a thread that meets it for the first time gets it.
fn intern(writer: &Writer, stack: &[u64]) -> u32 {
    let mut nodes = [0; 4];
    let known = writer.intern_all(&mut cache(), 0, stack, &mut nodes[..stack.len()]);
    assert!(known, "there is room");
    nodes[0]
}

fn assert_reads_back(writer: &Writer, mut at: u32, stack: &[u64]) {
    for frame in stack {
        let node = writer.node(at);
        assert_eq!(node.frame, *frame, "node {at}");
        at = node.parent;
    }
    assert_eq!(at, 0, "the stack ends at the root");
}

/// A node means its stack as soon as a thread has it, whoever made it; and once all threads have
/// ended, none of the stacks is made again.
#[test]
fn a_node_means_its_stack() {
    static WRITER: Writer = Writer::new();
    on_empty(&WRITER, |_| {
        // Of each thread alone: a stack that wants the same place as the other threads' in the
        // table, and a frame below a stack that all have.
        let own = |number: usize| [colliding(10 + number as u64)];
        let below = |number: usize| {
            let parent = intern(&WRITER, &stacks()[0]);
            WRITER.intern(parent, 99 + number as u64).expect("room")
        };
        each_of(3, move |number| {
            assert_reads_back(&WRITER, intern(&WRITER, &own(number)), &own(number));
            for turn in 0..4 {
                // Two threads begin with the same.
                let stack = &stacks()[(turn + number / 2 * 2) % 4];
                assert_reads_back(&WRITER, intern(&WRITER, stack), stack);
            }
            assert_eq!(WRITER.node(below(number)).frame, 99 + number as u64);
        });
        alone(|| {
            let nodes = SegmentKind::Nodes.arena().expect("an arena");
            let before = WRITER.window().length(nodes).load(Relaxed);
            for stack in &stacks() {
                assert_reads_back(&WRITER, intern(&WRITER, stack), stack);
            }
            for number in 0..3 {
                assert_reads_back(&WRITER, intern(&WRITER, &own(number)), &own(number));
                below(number);
            }
            let after = WRITER.window().length(nodes).load(Relaxed);
            assert_eq!(before, after, "a stack was made again");
        });
    });
}

/// The table of whole stacks grows while threads look into it: what was known before is known
/// afterwards.
#[test]
fn a_table_that_grows_keeps_what_it_had() {
    static WRITER: Writer = Writer::new();
    // The 41st entry makes a table of 64 places grow.
    const BEFORE: u64 = 39;
    let frame = |number: u64| 1 << 60 | 7 << 40 | number;
    on_empty(&WRITER, move |_| {
        let known: Vec<u32> = alone(|| {
            let intern = |number| WRITER.intern(0, frame(number)).expect("room");
            (0..BEFORE).map(intern).collect()
        });
        each_of(3, move |number| {
            for turn in 0..2 {
                let new = frame(BEFORE + number as u64 * 2 + turn);
                let node = WRITER.intern(0, new).expect("room");
                assert_reads_back(&WRITER, node, &[new]);
            }
        });
        alone(|| {
            for (number, node) in known.iter().enumerate() {
                assert_eq!(WRITER.intern(0, frame(number as u64)), Some(*node));
            }
        });
    });
}
