use super::super::java_frames::tests::Stack;
use super::*;
use std::alloc::{Layout as Room, alloc_zeroed};

/// The words of the stack: Java code that was called by a call stub, whose wrapper says that no
/// Java code comes before.
const CALLEE: usize = 0;
const UNKNOWN: usize = 6;
const CALL_STUB: usize = 30;
const BASE: usize = 40;
const PLACE: usize = BASE - 6;
const WRAPPER: usize = 50;
const ANCHOR: usize = WRAPPER + 4;

fn stack() -> Stack {
    let mut stack = Stack::new(64);
    stack.returns_to_compiled(CALLEE);
    stack.words[CALL_STUB] = stack.layout.call_stub_return;
    stack.words[CALL_STUB - 1] = stack.at(BASE);
    stack.words[PLACE] = stack.at(WRAPPER);
    stack.words[ANCHOR] = 0;
    stack
}

fn zeroed<T>() -> Box<T> {
    // SAFETY: a new place of the right size; the type is valid when zero.
    unsafe { Box::from_raw(alloc_zeroed(Room::new::<T>()).cast()) }
}

fn read_stack(stack: &Stack) -> Option<Box<Remembered>> {
    let mut remembered = zeroed::<Remembered>();
    let read = remembered.read_stack(stack.range(), &stack.layout);
    read.map(|()| remembered)
}

#[test]
fn a_stack_is_known_again_as_long_as_no_word_that_decides_it_changes() {
    let mut stack = stack();
    let remembered = read_stack(&stack).expect("it can be read");
    assert!(remembered.holds());
    for word in 0..stack.words.len() {
        // The frame that was followed is known by its return address alone; from the first word
        // that leads to code which is not known, each counts up to the call stub's, and then what
        // says where its wrapper lies.
        let decides = word == CALLEE
            || (UNKNOWN - 1..=CALL_STUB).contains(&word)
            || word == PLACE
            || word == ANCHOR;
        let before = stack.words[word];
        stack.words[word] ^= 8;
        // A wrapper's place that has changed leads elsewhere on the same stack, which can be read.
        assert_eq!(remembered.holds(), !decides, "{word}");
        stack.words[word] = before;
        assert!(remembered.holds(), "{word}");
    }
}

#[test]
fn a_stack_is_not_taken_down_where_java_code_may_come_before() {
    // Java code comes before the call stub.
    let mut other = stack();
    other.words[ANCHOR] = other.at(60);
    assert!(read_stack(&other).is_none());
    // No call stub, or words that only look like one: the base is crooked, or the wrapper lies
    // elsewhere.
    for (word, value) in [(CALL_STUB, 7), (CALL_STUB - 1, 7), (PLACE, 0)] {
        let mut other = stack();
        other.words[word] = value;
        assert!(read_stack(&other).is_none(), "{word}");
    }
    // A virtual thread's stack: part of it may lie in the heap.
    let mut other = stack();
    let returns: &'static usize = Box::leak(Box::new(other.layout.code.end - 8));
    other.layout.continues_at(returns);
    assert!(read_stack(&other).is_some());
    other.words[CALL_STUB - 9] = *returns;
    assert!(read_stack(&other).is_none());
}

#[test]
fn what_is_too_long_is_not_taken_down() {
    let mut long = Stack::new(MAX_WORDS + 200);
    long.words[MAX_WORDS + 100] = long.layout.call_stub_return;
    long.words[MAX_WORDS + 99] = long.at(MAX_WORDS + 120);
    long.words[MAX_WORDS + 114] = long.at(MAX_WORDS + 130);
    long.words[MAX_WORDS + 134] = 0;
    assert!(read_stack(&long).is_none());
}

#[test]
fn a_thread_whose_stacks_differ_learns_seldom() {
    let mut cache = zeroed::<JavaStackCache>();
    let learned = (0..16 + 640).filter(|_| cache.may_learn()).count();
    assert_eq!(learned, 16 + 10, "16 at first, then one in 64");
    // Two that were recalled pay for one.
    cache.hits += 20;
    cache.clear();
    assert!(
        (0..16).all(|_| cache.may_learn()),
        "another thread begins anew"
    );
    cache.hits = 100;
    assert!((0..50).all(|_| cache.may_learn()));
    assert!(!cache.may_learn());
}

#[test]
fn what_thunks_noted_further_out_counts_and_what_they_noted_further_in_does_not() {
    let entry = |slot: usize, cell: usize| Entry::new(slot, cell, 0, slot + 1);
    // The outermost comes first.
    let entries = [entry(3000, 32), entry(2000, 64), entry(1000, 96)];
    let outer_of = |entries: &[Entry]| outer(entries, 1500);
    let known = outer_of(&entries);
    assert_eq!(outer_of(&entries[..2]), known, "further in");
    assert_ne!(outer_of(&entries[..1]), known);
    assert_ne!(outer_of(&[entry(3000, 32), entry(2000, 128)]), known);
    assert_ne!(outer_of(&[entries[1], entries[0]]), known);
}
