use super::learn::remember;
use super::*;
use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::unwind::rules::tests::made;

const WORD: usize = size_of::<usize>();

/// Functions whose frame is found by the stack pointer alone, by the frame pointer, or by a word.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Saves nothing.
    Plain,
    /// Saves the frame pointer of its caller, and does not use one.
    Saves,
    /// Has a frame pointer, and saves that of its caller.
    Points,
    /// Realigns its stack: a word by the frame pointer has the CFA.
    Realigns,
}
use Kind::*;

/// Every frame has so many words, of which the last one is the return address.
const FRAME: usize = 8;

impl Kind {
    fn rule(self) -> Rule {
        let len = (FRAME * WORD) as i32;
        match self {
            Plain => made(Shape::StackPointer, len, None),
            Saves => made(Shape::StackPointer, len, Some(-2)),
            Points => made(Shape::FramePointer, 2 * WORD as i32, Some(-2)),
            Realigns => made(Shape::FramePointerCell, -(WORD as i32), Some(0)),
        }
    }
}

/// A stack of frames, the leaf first, and a walk over it.
struct Built {
    words: Vec<usize>,
    kinds: Vec<Kind>,
    walks: Box<WalkCache>,
}

/// Words of a frame: the CFA, the saved frame pointer, the return address, and a local.
const CFA: usize = FRAME - 3;
const SAVED: usize = FRAME - 2;
const RETURN: usize = FRAME - 1;
const LOCAL: usize = 1;

impl Built {
    fn new(kinds: &[Kind]) -> Built {
        // SAFETY: valid when zero.
        let walks: Box<WalkCache> = unsafe { Box::new_zeroed().assume_init() };
        let mut built = Built {
            words: vec![0; 1 + FRAME * kinds.len() + 8],
            kinds: kinds.to_vec(),
            walks,
        };
        built.words[0] = 0x1000;
        for (number, kind) in kinds.iter().enumerate() {
            let cfa = built.address(number + 1, 0);
            *built.word(number, RETURN) = 0x2000 + number;
            // The frame pointer of the next one out that has one.
            let outer = built.frame_pointer(number + 1);
            if *kind != Plain {
                *built.word(number, SAVED) = outer;
            }
            if *kind == Realigns {
                *built.word(number, CFA) = cfa;
            }
        }
        built.walk();
        built
    }

    fn address(&self, frame: usize, word: usize) -> usize {
        self.words.as_ptr().addr() + (1 + frame * FRAME + word) * WORD
    }

    fn word(&mut self, frame: usize, word: usize) -> &mut usize {
        &mut self.words[1 + frame * FRAME + word]
    }

    /// The register in the function of this number.
    fn frame_pointer(&self, number: usize) -> usize {
        let uses = |kind: &Kind| matches!(kind, Points | Realigns);
        let Some(after) = self.kinds[number.min(self.kinds.len())..]
            .iter()
            .position(uses)
        else {
            return 0x7777;
        };
        self.address(number + after, SAVED)
    }

    fn leaf(&self) -> Cursor {
        Cursor::new(CallSite {
            slot: self.words.as_ptr().addr(),
            frame_pointer: self.frame_pointer(0),
        })
    }

    /// Walks and remembers, as `walk_cache::walk` does where nothing is known.
    fn walk(&mut self) {
        let mut at = self.leaf();
        let mut reach = StackBounds::of_this_thread().reach(at.slot);
        for (number, kind) in self.kinds.iter().enumerate() {
            let Cursor { slot, pc, fp, .. } = at;
            let rule = kind.rule();
            self.walks.steps[number] = Step { slot, pc, fp, rule };
            self.walks.nodes[number] = 10 + number as u32;
            assert!(at.step(rule, &mut reach).is_ok(), "step {number}");
            assert_eq!(at.fp, self.frame_pointer(number + 1), "step {number}");
        }
        self.walks.frames[0] = Remembered {
            slot: at.slot,
            pc: at.pc,
            fp: 0,
            frame: 0,
            node: 0,
            words: 0,
            fp_matters: false,
        };
        self.walks.len = 1;
        remember(&mut self.walks, self.kinds.len());
    }

    /// What is left of the walk: `None` for all of it, else how many of its frames.
    fn left(&self) -> Option<usize> {
        self.walks.verify(self.walks.len - 1).err()
    }

    /// The same while another value is in the word.
    fn left_without(&mut self, frame: usize, word: usize) -> Option<usize> {
        let was = *self.word(frame, word);
        *self.word(frame, word) = was + 64;
        let left = self.left();
        *self.word(frame, word) = was;
        left
    }
}

#[test]
fn a_walk_that_nothing_has_changed_holds() {
    for kinds in [
        [Plain; 5],
        [Points; 5],
        [Realigns, Saves, Plain, Points, Realigns],
    ] {
        let mut built = Built::new(&kinds);
        assert_eq!(built.walks.len, 6);
        for index in 1..6 {
            assert!(built.walks.verify(index) == Ok(()), "{index}");
        }
        let leaf = built.walks.frames[5];
        assert!(leaf.node == 10 && leaf.is_at(&built.leaf()));
        // Locals and arguments are nobody's way.
        for frame in 0..5 {
            assert_eq!(built.left_without(frame, LOCAL), None, "{frame}");
        }
    }
}

#[test]
fn a_return_address_that_has_changed_leaves_the_frames_further_out() {
    let mut built = Built::new(&[Plain, Saves, Points, Plain, Points]);
    for frame in 0..5 {
        // Beyond it are as many frames as there are functions further out, but the one it led to.
        assert_eq!(
            built.left_without(frame, RETURN),
            Some(4 - frame),
            "{frame}"
        );
    }
    // Of two, the one nearer to the leaf counts.
    *built.word(1, RETURN) = 1;
    *built.word(3, RETURN) = 1;
    assert_eq!(built.left(), Some(3));
    // A frame beyond both still leads where it led.
    assert!(built.walks.verify(1) == Ok(()));
    assert!(built.walks.verify(2) == Err(1));
}

#[test]
fn a_saved_frame_pointer_counts_where_a_rule_further_out_needs_it() {
    let mut built = Built::new(&[Saves, Plain, Points, Saves, Plain]);
    assert_eq!(
        built.left_without(0, SAVED),
        Some(4),
        "the third one has a frame pointer"
    );
    assert_eq!(
        built.left_without(2, SAVED),
        None,
        "nobody further out has one"
    );
    assert_eq!(built.left_without(3, SAVED), None);
}

#[test]
fn a_word_that_has_the_frames_end_counts() {
    let mut built = Built::new(&[Plain, Realigns, Plain]);
    assert_eq!(built.left_without(1, CFA), Some(1));
    assert_eq!(built.left_without(2, CFA), None);
}

#[test]
fn a_frame_is_known_by_all_that_decides_what_follows() {
    let built = Built::new(&[Saves, Points, Plain]);
    let [_, outermost, points, saves] = [0, 1, 2, 3].map(|index| built.walks.frames[index]);
    let at = |frame: &Remembered, by: [usize; 3]| {
        // Where a walk stands whose stack pointer is what a call leaves.
        let word = frame.pc + by[1];
        let at = Cursor::new(CallSite {
            slot: (&raw const word).addr(),
            frame_pointer: frame.fp + by[2],
        });
        let moved = Remembered {
            slot: at.slot + by[0],
            ..*frame
        };
        moved.is_at(&at)
    };
    for frame in [&outermost, &points, &saves] {
        assert!(at(frame, [0, 0, 0]));
        assert!(!at(frame, [WORD, 0, 0]), "another place of the stack");
        assert!(!at(frame, [0, 1, 0]), "another return address");
    }
    assert!(
        !at(&points, [0, 0, WORD]),
        "its rule begins at the frame pointer"
    );
    // It is restored before anybody uses it, or nobody does.
    assert!(at(&saves, [0, 0, WORD]));
    assert!(at(&outermost, [0, 0, WORD]));
}

#[test]
fn what_is_kept_of_a_walk_has_the_words_of_its_frames_alone() {
    let mut built = Built::new(&[Plain, Plain, Points, Plain]);
    let words = built.walks.words_len;
    built.walks.keep_first(3);
    assert_eq!(built.walks.words_len, words - 2);
    assert_eq!(built.left(), None);
    assert_eq!(built.left_without(0, RETURN), None);
    assert_eq!(built.left_without(1, RETURN), None);
    assert_eq!(built.left_without(2, RETURN), Some(1));
    built.walks.forget_last();
    assert_eq!((built.walks.len, built.walks.words_len), (0, 0));
}
