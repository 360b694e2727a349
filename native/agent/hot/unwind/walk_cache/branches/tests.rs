use super::*;
use crate::arch::CallSite;

/// What a thread remembers at first.
fn nothing() -> Box<WalkCache> {
    // SAFETY: valid when zero.
    unsafe { Box::new_zeroed().assume_init() }
}

/// The end of a stack, two frames on its root side, and two that part from them; each but the end
/// with two words in `memory`.
struct Walked {
    memory: Box<[usize; 9]>,
    walks: Box<WalkCache>,
}

const JOINT: usize = 2;
const LEN: usize = 5;
const BEFORE: u32 = 77;

impl Walked {
    fn new() -> Walked {
        let mut walked = Walked {
            memory: Box::new([0x1000, 1, 2, 3, 4, 5, 6, 7, 8]),
            walks: nothing(),
        };
        let leaf = walked.leaf(9);
        for index in 0..LEN {
            walked.walks.frames[index] = Remembered {
                slot: 0x100 * (LEN - index),
                pc: 0x2000 + index,
                fp: 0x3000 + index,
                frame: 0x4000 + index as u64,
                node: 10 + index as u32,
                words: 2 * index as u16,
                fp_matters: false,
            };
        }
        let last = &mut walked.walks.frames[LEN - 1];
        (last.slot, last.pc, last.fp) = (leaf.slot, leaf.pc, leaf.fp);
        for index in 0..8 {
            let value = &raw const walked.memory[index + 1];
            walked.walks.words[index] = StackWord {
                at: value.addr(),
                value: walked.memory[index + 1],
            };
        }
        (walked.walks.len, walked.walks.words_len) = (LEN, 8);
        walked.walks.on_own = true;
        walked
    }

    fn leaf(&self, frame_pointer: usize) -> Cursor {
        Cursor::new(CallSite {
            slot: (&raw const self.memory[0]).addr(),
            frame_pointer,
        })
    }

    fn keep(&mut self, before: u32) {
        self.walks.keep_branch(before, JOINT);
    }

    fn is_found(&mut self, before: u32, frame_pointer: usize) -> bool {
        let leaf = self.leaf(frame_pointer);
        let walks = &mut *self.walks;
        let remembered = &walks.frames[..JOINT + 1];
        let found = walks.branches.find(before, &leaf, remembered);
        found.is_some_and(|branch| branch.joint == JOINT)
    }
}

#[test]
fn what_parted_from_the_same_stack_is_found_again() {
    let mut walked = Walked::new();
    assert!(!walked.is_found(BEFORE, 9));
    walked.keep(BEFORE);
    assert!(walked.is_found(BEFORE, 9));
    assert!(!walked.is_found(BEFORE + 1, 9), "another stack before");
    walked.memory[0] += 1;
    assert!(!walked.is_found(BEFORE, 9), "another return address");
    walked.memory[0] -= 1;
    assert!(walked.is_found(BEFORE, 9));
    walked.walks.clear();
    assert!(!walked.is_found(BEFORE, 9));
}

#[test]
fn each_word_that_leads_to_the_frame_where_both_meet_is_compared() {
    let mut walked = Walked::new();
    walked.keep(BEFORE);
    for index in 0..8 {
        walked.memory[index + 1] += 100;
        // Those on the root side are the last walk's own.
        assert_eq!(walked.is_found(BEFORE, 9), index < 4, "word {index}");
        walked.memory[index + 1] -= 100;
    }
    assert!(walked.is_found(BEFORE, 9));
}

#[test]
fn the_frame_where_both_meet_must_be_the_same() {
    let mut walked = Walked::new();
    walked.keep(BEFORE);
    let changes: [fn(&mut Remembered); 3] = [|f| f.slot += 8, |f| f.pc += 1, |f| f.node += 1];
    for (number, change) in changes.into_iter().enumerate() {
        let was = walked.walks.frames[JOINT];
        change(&mut walked.walks.frames[JOINT]);
        assert!(!walked.is_found(BEFORE, 9), "{number}");
        walked.walks.frames[JOINT] = was;
    }
    // Its frame pointer does not matter, unless a rule on the root side says so.
    walked.walks.frames[JOINT].fp += 8;
    assert!(walked.is_found(BEFORE, 9));
    walked.walks.clear();
    let mut walked = Walked::new();
    walked.walks.frames[JOINT].fp_matters = true;
    walked.keep(BEFORE);
    assert!(walked.is_found(BEFORE, 9));
    walked.walks.frames[JOINT].fp += 8;
    assert!(!walked.is_found(BEFORE, 9));
}

#[test]
fn the_leaf_frame_pointer_decides_where_a_rule_depends_on_it() {
    let mut walked = Walked::new();
    walked.keep(BEFORE);
    assert!(walked.is_found(BEFORE, 10));
    let mut walked = Walked::new();
    walked.walks.frames[LEN - 1].fp_matters = true;
    walked.keep(BEFORE);
    assert!(walked.is_found(BEFORE, 9));
    assert!(!walked.is_found(BEFORE, 10));
}

#[test]
fn what_is_taken_is_the_walk_that_was_kept() {
    let mut walked = Walked::new();
    walked.keep(BEFORE);
    let shown = |walks: &WalkCache| {
        let frames = walks.frames[..walks.len].iter();
        let frames: Vec<_> = frames
            .map(|f| (f.slot, f.pc, f.fp, f.frame, f.node, f.words))
            .collect();
        let words = walks.words[..walks.words_len].iter();
        (frames, words.map(|w| (w.at, w.value)).collect::<Vec<_>>())
    };
    let whole = shown(&walked.walks);
    // The walk in between shares the frames up to the joint, and has more words there.
    walked.walks.frames[JOINT + 1] = walked.walks.frames[0];
    walked.walks.len = JOINT + 2;
    let leaf = walked.leaf(9);
    let walks = &mut *walked.walks;
    let found = walks
        .branches
        .find(BEFORE, &leaf, &walks.frames[..walks.len])
        .expect("it is kept");
    assert_eq!(walks.take(found), 10 + LEN as u32 - 1);
    assert_eq!(shown(walks), whole);
}

#[test]
fn many_are_found_in_the_order_in_which_they_were_kept_and_in_any_other() {
    let mut walked = Walked::new();
    let all = 0..200;
    all.clone().for_each(|before| walked.keep(before));
    for before in all.clone().chain(all.clone().rev()).chain([3, 150, 4, 5]) {
        assert!(walked.is_found(before, 9), "{before}");
    }
    assert!(!walked.is_found(200, 9));
}

#[test]
fn where_there_is_no_more_room_all_of_it_is_forgotten_and_learned_anew() {
    let mut walked = Walked::new();
    for before in 0..2 * HEADS as u32 {
        // Without hits only some would be kept.
        walked.walks.branches.worth.paid();
        walked.keep(before);
        assert!(walked.is_found(before, 9), "{before}");
        assert!(usize::from(walked.walks.branches.heads_len) <= HEADS);
    }
    assert!(!walked.is_found(0, 9));
}
