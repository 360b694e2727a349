mod tables;

use super::*;
use core::ops::Range;
use std::path::Path;
use tables::*;

/// A rule of this shape. `saved` says where the caller's frame pointer is, in words.
pub fn made(shape: Shape, offset: i32, saved: Option<i16>) -> Rule {
    let restores = u64::from(saved.is_some());
    let words = u64::from(saved.unwrap_or(0) as u16);
    Rule(shape as u64 | restores << 4 | words << 8 | u64::from(offset as u32) << 24)
}

/// The rule of a function whose only row these instructions make, after those of a call.
fn rule(body: &[&[u8]]) -> Rule {
    Built::new(b"zR", DATA_ALIGN, &CALLED, &body.concat()).rule_at(0)
}

fn shape_of(body: &[&[u8]]) -> &'static str {
    name(rule(body))
}

fn name(rule: Rule) -> &'static str {
    match rule.shape() {
        Shape::StackPointer => "rsp",
        Shape::FramePointer => "rbp",
        Shape::StackPointerCell => "word at rsp",
        Shape::FramePointerCell => "word at rbp",
        Shape::Signal => "signal",
        Shape::Outermost => "outermost",
        Shape::Foreign => "foreign",
        Shape::NoTables => "no tables",
        Shape::Other => "other",
    }
}

/// Stack position and frame pointer of a frame, such that no offset makes one of the other.
const SP: usize = 0x7000_0000;
const FP: usize = 0x7100_0000;

/// The CFA, and where the caller's frame pointer is saved.
fn computed(rule: Rule) -> (&'static str, usize, Option<usize>) {
    let cfa = rule.cfa(SP, FP);
    let saved = rule.restores_frame_pointer();
    (
        name(rule),
        cfa,
        saved.then(|| rule.saved_frame_pointer(cfa, FP)),
    )
}

#[test]
fn each_row_of_a_function_with_a_frame_pointer_has_its_own_rule() {
    // push rbp; mov rbp, rsp; …; leave; ret
    let body = [
        advance(1),
        CFA_OFFSET,
        16,
        offset(RBP),
        2,
        advance(3),
        CFA_REGISTER,
        RBP,
        advance(40),
        restored(RBP),
        CFA,
        RSP,
        8,
    ];
    let built = Built::new(b"zR", DATA_ALIGN, &CALLED, &body);
    let expected = [
        (0, ("rsp", SP + 8, None)),
        (1, ("rsp", SP + 16, Some(SP))),
        (3, ("rsp", SP + 16, Some(SP))),
        (4, ("rbp", FP + 16, Some(FP))),
        (43, ("rbp", FP + 16, Some(FP))),
        (44, ("rsp", SP + 8, None)),
        (CODE_LEN - 1, ("rsp", SP + 8, None)),
    ];
    for (at, expected) in expected {
        let rule = built.rule_at(at);
        assert_eq!(computed(rule), expected, "{at} bytes into the function");
        assert_eq!(rule.uses_frame_pointer(), expected.0 == "rbp", "{at}");
        assert!(rule.is_common() && rule.cfa_cell(SP, FP).is_none(), "{at}");
    }
}

#[test]
fn a_large_frame_keeps_its_offsets() {
    let frame: usize = 1 << 30;
    let far = uleb(frame as u64);
    let saved = uleb(0x7fff);
    let rule = rule(&[&[CFA_OFFSET], &far, &[offset(RBP)], &saved]);
    let cfa = SP + frame;
    assert_eq!(computed(rule), ("rsp", cfa, Some(cfa - 0x7fff * 8)));
    // A CFA below the register: an epilogue that has popped more than the row's base.
    let below = sleb(2);
    let rule = self::rule(&[&[0x12, RBP], &below]);
    assert_eq!(computed(rule), ("rbp", FP - 16, None));
}

#[test]
fn a_function_that_realigns_its_stack_keeps_the_cfa_in_a_word() {
    // lea r10, [rsp + 8]; and rsp, -64; push [r10 - 8]; push rbp; mov rbp, rsp; push r10
    let cell = block(&[&[register(RBP)], &sleb(-8), &[DEREF]]);
    let saved = block(&[&[register(RBP)], &sleb(0)]);
    let rule = rule(&[&[CFA_EXPRESSION], &cell, &[EXPRESSION, RBP], &saved]);
    assert_eq!(name(rule), "word at rbp");
    assert!(rule.is_common() && rule.uses_frame_pointer());
    assert_eq!(rule.cfa_cell(SP, FP), Some(FP - 8));
    // The frame pointer's place is told from the frame pointer, not from the CFA.
    assert!(rule.restores_frame_pointer());
    assert_eq!(rule.saved_frame_pointer(0xdead, FP), FP);

    let cell = block(&[&[register(RSP)], &sleb(200), &[DEREF]]);
    let rule = self::rule(&[&[CFA_EXPRESSION], &cell, &[offset(RBP), 2]]);
    assert_eq!(name(rule), "word at rsp");
    assert!(!rule.uses_frame_pointer());
    assert_eq!(rule.cfa_cell(SP, FP), Some(SP + 200));
    assert_eq!(rule.saved_frame_pointer(0x8000, FP), 0x8000 - 16);
}

#[test]
fn a_row_that_no_rule_can_say_is_left_to_the_interpreter() {
    let at = |register_of: u8| block(&[&[register(register_of)], &sleb(-16)]);
    let word_at = |register_of: u8| block(&[&[register(register_of)], &sleb(-8), &[DEREF]]);
    let twice = block(&[&[register(RBP)], &sleb(-8), &[DEREF, DEREF]]);
    let narrow = block(&[&[register(RBP)], &sleb(-8), &[0x94, 4]]);
    // A lazy stub: rsp + 8, and 8 more from a certain byte of it on.
    let stub = [0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
    let stub = block(&[&stub]);
    let rows: [(&str, Vec<u8>); 15] = [
        ("a CFA from another register", vec![CFA, RBX, 8]),
        (
            "a CFA without a word",
            [&[CFA_EXPRESSION][..], &at(RBP)].concat(),
        ),
        (
            "a word at another register",
            [&[CFA_EXPRESSION][..], &word_at(RBX)].concat(),
        ),
        ("a word of a word", [&[CFA_EXPRESSION][..], &twice].concat()),
        ("half a word", [&[CFA_EXPRESSION][..], &narrow].concat()),
        ("a lazy stub", [&[CFA_EXPRESSION][..], &stub].concat()),
        ("a return address elsewhere", vec![offset(RA), 2]),
        ("a return address in a register", vec![IN_REGISTER, RA, RBX]),
        ("a return address as before", vec![SAME_VALUE, RA]),
        ("a frame pointer in a register", vec![IN_REGISTER, RBP, RBX]),
        (
            "a frame pointer that is an address",
            vec![VALUE_OFFSET, RBP, 2],
        ),
        (
            "a frame pointer by an expression",
            [&[EXPRESSION, RBP][..], &at(RBP)].concat(),
        ),
        (
            "a CFA too far",
            [&[CFA_OFFSET][..], &uleb(1 << 31)].concat(),
        ),
        (
            "a frame pointer too far",
            [&[offset(RBP)][..], &uleb(0x8001)].concat(),
        ),
        ("no instruction", vec![0x3f]),
    ];
    for (what, body) in rows {
        assert_eq!(shape_of(&[&body]), "other", "{what}");
    }
    // A realigned stack, but the frame pointer where other functions have it.
    let cell = word_at(RBP);
    let row: [&[u8]; 3] = [&[CFA_EXPRESSION], &cell, &[offset(RBP), 2]];
    assert_eq!(shape_of(&row), "other");
    // Half a word from the CFA.
    let odd = Built::new(b"zR", -4, &[CFA, RSP, 8, offset(RA), 2], &[offset(RBP), 3]);
    assert_eq!(name(odd.rule_at(0)), "other");
}

#[test]
fn a_frame_pointer_that_was_not_touched_is_the_callers() {
    for body in [&[UNDEFINED, RBP][..], &[SAME_VALUE, RBP]] {
        assert_eq!(computed(rule(&[body])), ("rsp", SP + 8, None));
    }
}

#[test]
fn a_function_without_a_return_address_is_the_outermost() {
    assert_eq!(shape_of(&[&[UNDEFINED, RA]]), "outermost");
    let none = Built::new(b"zR", DATA_ALIGN, &[CFA, RSP, 8], &[]);
    assert_eq!(name(none.rule_at(0)), "outermost");
    // Whatever its CFA is.
    assert_eq!(shape_of(&[&[UNDEFINED, RA, CFA, RBX, 8]]), "outermost");
}

/// The row of a signal handler's return, if the kernel's frame is so.
fn trampoline(kind: &[u8], sp: i64, pc: i64, fp: i64) -> &'static str {
    let at = |offset: i64| block(&[&[register(RSP)], &sleb(offset)]);
    let cfa = block(&[&[register(RSP)], &sleb(sp), &[DEREF]]);
    let body = [
        &[CFA_EXPRESSION][..],
        &cfa,
        &[EXPRESSION, RA],
        &at(pc),
        &[EXPRESSION, RBP],
        &at(fp),
    ];
    name(Built::new(kind, DATA_ALIGN, &CALLED, &body.concat()).rule_at(0))
}

#[test]
fn the_return_from_a_signal_handler_is_known_by_all_it_says() {
    assert_eq!(trampoline(b"zRS", 160, 168, 120), "signal");
    assert_eq!(trampoline(b"zRS", 168, 168, 120), "other");
    assert_eq!(trampoline(b"zRS", 160, 160, 120), "other");
    assert_eq!(trampoline(b"zRS", 160, 168, 128), "other");
    // The same row of a function that is not marked as one.
    assert_eq!(trampoline(b"zR", 160, 168, 120), "other");
}

#[test]
fn code_without_a_row_ends_a_stack_only_in_the_c_library() {
    const C_LIBRARY: u32 = 77;
    module_policy::init(&hackleak_options::Options::default(), Path::new(""));
    module_policy::decide(C_LIBRARY, b"/lib/libc.so.6");
    let built = Built::new(b"zR", DATA_ALIGN, &CALLED, &[]);
    for outside in [CODE - 1, CODE + CODE_LEN] {
        let without = |module| name(built.rule_of(module, outside));
        assert_eq!(without(None), "no tables");
        assert_eq!(without(Some(C_LIBRARY - 1)), "no tables");
        assert_eq!(without(Some(C_LIBRARY)), "outermost");
    }
}

#[test]
fn tables_that_are_cut_off_or_of_another_version_are_no_ground_for_a_rule() {
    let built = Built::new(b"zR", DATA_ALIGN, &CALLED, &[]);
    let found = |end| Found {
        end,
        bias: 0,
        eh_frame_hdr: built.header(),
        module: None,
    };
    for len in 0..built.0.len() * 8 - 8 {
        let rule = compile(CODE, built.header(), &found(built.header() + len));
        assert!(!rule.is_common(), "cut to {len} bytes: {}", name(rule));
    }
    let mut newer = built;
    newer.0[0] += 1;
    assert_eq!(name(newer.rule_at(0)), "other");
}

#[test]
fn a_function_lies_where_its_entry_says() {
    super::super::init();
    let this = a_function_lies_where_its_entry_says as fn() as usize;
    let function = function_range(this + 1).expect("tests have unwind tables");
    let Range { start, end } = function.clone();
    assert_eq!(start, this);
    assert_eq!(function_range(end - 1), Some(function.clone()));
    // Beyond its end lies another one, or nothing that the tables know.
    assert_ne!(function_range(end), Some(function));
    assert_eq!(function_range(0x1000), None);
}

#[test]
fn rules_of_an_unloaded_range_are_forgotten_and_others_stay() {
    // Addresses that no walk of another test comes across.
    const FROM: usize = 0xf000_0000_0000;
    RULES.generation();
    let keep = [FROM - 1, FROM + 0x1000];
    let drop = [FROM, FROM + 0xfff];
    for lookup in keep.into_iter().chain(drop) {
        RULES.insert(
            RULES.generation(),
            lookup as u64,
            Rule::plain(Shape::NoTables).0,
            9,
        );
    }
    forget(FROM..FROM + 0x1000);
    assert!(keep.into_iter().all(|lookup| known(lookup).is_some()));
    assert!(drop.into_iter().all(|lookup| known(lookup).is_none()));
}
