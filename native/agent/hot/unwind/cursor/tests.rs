use super::*;
use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::unwind::rules;
use crate::hot::unwind::rules::tests::made;
use core::arch::asm;

const WORD: usize = size_of::<usize>();

/// Walks from here and gives the stack position of each frame with its return address.
#[inline(never)]
extern "C" fn walk(slot: usize, frame_pointer: usize, found: &mut Vec<(usize, usize)>) {
    let mut at = Cursor::new(CallSite {
        slot,
        frame_pointer,
    });
    let mut reach = StackBounds::of_this_thread().reach(slot);
    loop {
        assert!(at.is_called());
        found.push((at.sp, at.pc));
        let (rule, _) = rules::at(at.lookup_pc);
        match at.step(rule, &mut reach) {
            Ok(()) => {}
            Err(End::Outermost) => return,
            Err(_) => panic!("the walk went astray at {:#x}", at.pc),
        }
    }
}

#[inline(never)]
fn walk_from_here(found: &mut Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    // SAFETY: a call of a function of C's convention, with its arguments in place. The word below
    // the stack pointer is where the call puts its return address.
    unsafe {
        asm!(
            "lea rdi, [rsp - 8]",
            "mov rsi, rbp",
            "call {walk}",
            walk = sym walk,
            in("rdx") found,
            clobber_abi("C"),
        );
    }
    let mut expected = Vec::new();
    backtrace::trace(|frame| {
        expected.push((frame.sp() as usize, frame.ip() as usize));
        true
    });
    expected
}

/// Frames of many shapes: more arguments than registers, an array of a length known late, and an
/// alignment that the stack does not have.
#[inline(never)]
fn frames(depth: usize, more: [usize; 9], found: &mut Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    #[repr(align(64))]
    struct Aligned([usize; 8]);
    let aligned = Aligned([depth + more[8]; 8]);
    let expected = match depth {
        0 => walk_from_here(found),
        _ => frames(depth - 1, more, found),
    };
    assert!(
        core::hint::black_box(&aligned)
            .0
            .contains(&(depth + more[8]))
    );
    expected
}

#[test]
fn a_walk_finds_the_frames_that_libgcc_finds() {
    crate::hot::unwind::init();
    crate::hot::ground::stack_bounds::init();
    let mut found = Vec::new();
    let expected = frames(9, [1; 9], &mut found);
    // The first frame is that of `walk_from_here` itself, at two different places of it.
    let ours = &found[1..];
    let first = expected.iter().position(|frame| *frame == ours[0]);
    let theirs = &expected[first.expect("libgcc has seen the caller")..];
    assert!(ours.len() > 10, "{}", ours.len());
    assert_eq!(ours, &theirs[..ours.len()]);
    // libgcc may give one more, without an address.
    assert!(theirs[ours.len()..].iter().all(|(_, pc)| *pc == 0));
}

/// A stack that is none: words that a walk may read, filled by the test.
struct Built {
    words: Vec<usize>,
}

impl Built {
    fn new() -> Built {
        Built {
            words: vec![0; (1 << 17) + 512],
        }
    }

    fn at(&self, word: usize) -> usize {
        self.words.as_ptr().addr() + word * WORD
    }

    /// Where a walk stands whose return address is in this word.
    fn cursor(&self, word: usize, fp: usize) -> (Cursor, Reach) {
        let slot = self.at(word);
        let reach = StackBounds::of_this_thread().reach(slot);
        let call_site = CallSite {
            slot,
            frame_pointer: fp,
        };
        (Cursor::new(call_site), reach)
    }
}

fn registers(at: &Cursor) -> [usize; 5] {
    [at.slot, at.pc, at.sp, at.fp, at.lookup_pc]
}

fn is_cut(end: Result<(), End>) -> bool {
    matches!(end, Err(End::Cut(Marker::NoUnwindTables)))
}

#[test]
fn a_step_goes_where_the_rule_says() {
    let mut stack = Built::new();
    // The first frame is four words long and saves the frame pointer at its end.
    stack.words[0] = 0x1111;
    stack.words[3] = 0x5555;
    stack.words[4] = 0x2222;
    let (mut at, mut reach) = stack.cursor(0, 0x77);
    let rule = made(Shape::StackPointer, 32, Some(-2));
    assert!(at.step(rule, &mut reach) == Ok(()));
    let slot = stack.at(4);
    assert_eq!(registers(&at), [slot, 0x2222, slot + WORD, 0x5555, 0x2221]);

    // The next one has a frame pointer, and keeps the caller's.
    at.fp = stack.at(6);
    stack.words[7] = 0x3333;
    let rule = made(Shape::FramePointer, 16, None);
    assert!(at.step(rule, &mut reach) == Ok(()));
    let slot = stack.at(7);
    let fp = stack.at(6);
    assert_eq!(registers(&at), [slot, 0x3333, slot + WORD, fp, 0x3332]);

    // This one has its end in a word, and the frame pointer at the frame pointer.
    stack.words[5] = stack.at(20);
    stack.words[6] = 0x6666;
    stack.words[19] = 0x4444;
    let rule = made(Shape::FramePointerCell, -8, Some(0));
    assert!(at.step(rule, &mut reach) == Ok(()));
    let slot = stack.at(19);
    assert_eq!(registers(&at), [slot, 0x4444, slot + WORD, 0x6666, 0x4443]);
}

#[test]
fn no_step_leads_back_or_out_of_the_stack() {
    let mut stack = Built::new();
    let steps = [
        (Shape::StackPointer, 0, "the same frame again"),
        (Shape::StackPointer, -64, "down the stack"),
        (Shape::StackPointer, 12, "half a word"),
        (Shape::StackPointer, 1 << 29, "out of the stack"),
        (Shape::FramePointer, 16, "by a frame pointer that is none"),
        (Shape::StackPointerCell, 8, "by an empty word"),
        (Shape::StackPointerCell, 12, "by half a word"),
        (
            Shape::StackPointerCell,
            1 << 29,
            "by a word out of the stack",
        ),
    ];
    for (shape, offset, what) in steps {
        let (mut at, mut reach) = stack.cursor(8, 1);
        let end = at.step(made(shape, offset, None), &mut reach);
        assert!(is_cut(end), "{what}");
    }
    // The frame pointer is saved where nothing can be read.
    let (mut at, mut reach) = stack.cursor(8, 1);
    let rule = made(Shape::StackPointer, 16, Some(-0x7000));
    assert!(is_cut(at.step(rule, &mut reach)));

    let (mut at, mut reach) = stack.cursor(8, 1);
    let rule = made(Shape::Outermost, 0, None);
    assert!(at.step(rule, &mut reach) == Err(End::Outermost));
    stack.words[0] = 1;
}

#[test]
fn without_tables_a_frame_pointer_leads_on_if_it_can_be_one() {
    let mut stack = Built::new();
    let rule = made(Shape::NoTables, 0, None);
    (stack.words[6], stack.words[7]) = (stack.at(30), 0x40_1234);
    let (mut at, mut reach) = stack.cursor(0, stack.at(6));
    assert!(at.step(rule, &mut reach) == Ok(()));
    let slot = stack.at(7);
    let expected = [slot, 0x40_1234, slot + WORD, stack.at(30), 0x40_1233];
    assert_eq!(registers(&at), expected);

    let (at, mut reach) = stack.cursor(0, stack.at(6));
    let found = at.by_frame_pointer(&mut reach).expect("a frame pointer");
    assert_eq!(
        [found.pc, found.sp, found.fp],
        [0x40_1233, slot + WORD, stack.at(30)]
    );

    const FAR: usize = (1 << 17) + 4;
    stack.words[21] = 4095;
    stack.words[FAR + 1] = 0x40_1234;
    let refused = |fp: usize, what: &str| {
        let (mut at, mut reach) = stack.cursor(2, fp);
        assert!(is_cut(at.step(rule, &mut reach)), "{what}");
        assert!(at.by_frame_pointer(&mut reach).is_none(), "{what}");
    };
    refused(stack.at(2), "below the stack position");
    refused(stack.at(6) + 4, "half a word");
    refused(stack.at(FAR), "too far");
    refused(stack.at(20), "beside a word that is no address");
}

#[test]
fn from_a_signal_handler_the_walk_goes_on_where_it_interrupted() {
    let mut stack = Built::new();
    // The kernel's frame begins behind the word that the handler returns to.
    let (base, sp) = (1, stack.at(300));
    stack.words[base + 120 / WORD] = 0x5555;
    stack.words[base + 160 / WORD] = sp;
    stack.words[base + 168 / WORD] = 0x2222;
    let (mut at, mut reach) = stack.cursor(0, 0);
    let rule = made(Shape::Signal, 0, None);
    assert!(at.step(rule, &mut reach) == Ok(()));
    // The rule is that of the interrupted instruction itself.
    let slot = stack.at(base + 168 / WORD);
    assert_eq!(registers(&at), [slot, 0x2222, sp, 0x5555, 0x2222]);
    assert!(!at.is_called());
    // What lies in the red zone of the interrupted code may be read; what lies far below may not.
    assert!(reach.word(sp - 128).is_some());
    assert!(reach.word(sp - 128 - WORD).is_none());
}
