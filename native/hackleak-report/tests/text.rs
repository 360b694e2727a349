//! What people read.

mod support;

use std::path::Path;

use hackleak_image::layout::{CONTEXT_IGNORED, Counter, Kind, flags, state};
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_image::{Frame, Marker};
use hackleak_report::{Selection, Verdict, render};
use support::{BLOCK, SIZE, assert_golden, nested, report, report_since};

#[test]
fn java_is_printed_above_the_native_code_that_it_called() {
    let since = Selection {
        since: Some(2),
        scope: None,
    };
    let report = report_since(&nested(), since);
    assert_eq!(report.leaked(), (3 * SIZE + 17, 4));
    assert_golden(
        "nested.txt",
        &render::text(&report, Some(Path::new("/images/leaks-1.json"))),
    );
}

#[test]
fn lines_have_the_same_text() {
    let report = report_since(
        &nested(),
        Selection {
            since: Some(2),
            scope: None,
        },
    );
    assert_golden(
        "nested.lines",
        &render::lines(&report, Some(Path::new("/a\tb.json"))),
    );
}

#[test]
fn a_clean_process_says_what_was_not_seen() {
    let mut image = ImageBuilder::new();
    image.thread(4242, "java", 1_234_567, 1);
    for thread in 1..12 {
        image.thread(4242 + thread, "worker", 0, 0);
    }
    let report = report(&image);
    assert_eq!(report.verdict(), Verdict::Clean);
    assert_golden("clean.txt", &render::text(&report, None));
}

#[test]
fn nothing_recorded_at_all_is_said() {
    let report = report(&ImageBuilder::new());
    assert!(report.processes[0].notes[0].starts_with("no allocation was recorded at all"));
}

#[test]
fn losses_are_never_clean() {
    for damage in [
        |image: &mut ImageBuilder| image.counter(Counter::DroppedNoSegment, 3),
        |image: &mut ImageBuilder| image.counter(Counter::DroppedAddress, 1),
        |image: &mut ImageBuilder| image.header.flags |= flags::MEMORY_ONLY,
    ] {
        let mut image = ImageBuilder::new();
        image.thread(4242, "java", 1, 1);
        damage(&mut image);
        let report = report(&image);
        assert_eq!(report.verdict(), Verdict::Incomplete);
        assert!(!report.processes[0].notes.is_empty());
        let text = render::text(&report, None);
        assert!(text.starts_with("incomplete: "), "{text}");
    }
}

#[test]
fn every_note_is_shown() {
    let mut image = nested();
    image.header.state = state::RECORDING;
    image.header.flags = flags::MEMORY_ONLY;
    for (number, counter) in (1..).zip(Counter::ALL) {
        image.counter(*counter, number);
    }
    let ignored = image.context(2, 0, 0, CONTEXT_IGNORED);
    image.live(BLOCK + 0x200, 5, Kind::New, 0, ignored);
    image.live(BLOCK + 0x300, 6, Kind::New, 0, 0);
    image.live(BLOCK + 0x400, 7, Kind::New, u32::MAX, 0);
    let report = report_since(
        &image,
        Selection {
            since: Some(2),
            scope: None,
        },
    );
    assert_golden("notes.txt", &render::text(&report, None));
}

#[test]
fn more_than_twenty_sites_are_summed_up() {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "main", 23, 23);
    let context = image.context(1, 0, thread, 0);
    for site in 0..23 {
        let stack = image.stack(&[Frame::Address(0x1000 + site)]);
        image.live(BLOCK + site * 16, 1000 - site, Kind::New, stack, context);
    }
    let text = render::text(&report(&image), None);
    assert!(text.contains("20) 981 bytes"), "{text}");
    assert!(!text.contains("21) "), "{text}");
    assert!(
        text.contains("and 3 more sites with 2,937 bytes: see the JSON"),
        "{text}"
    );
}

#[test]
fn marks_stand_where_the_stack_lacks_something() {
    let mut image = ImageBuilder::new();
    let method = image.method("a.B", "c", "B.java", &[(0, 7)]);
    let stacks = [
        vec![Frame::Marker(Marker::Off)],
        vec![
            Frame::Address(1),
            Frame::Marker(Marker::Truncated),
            Frame::Java { method, bci: 1 },
        ],
        vec![Frame::Address(2), Frame::Marker(Marker::NoJavaStack)],
        vec![
            Frame::Java { method, bci: 1 },
            Frame::Marker(Marker::JavaTruncated),
        ],
    ];
    for (number, stack) in (0..).zip(&stacks) {
        let stack = image.stack(stack);
        image.live(BLOCK + number * 16, 100 - number, Kind::New, stack, 0);
    }
    assert_golden("marks.txt", &render::text(&report(&image), None));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let mut image = ImageBuilder::new();
    let method = image.method("a.B", "c\u{1b}[31m\n", "B.java", &[]);
    let stack = image.stack(&[Frame::Java { method, bci: 1 }]);
    image.live(BLOCK, 1, Kind::New, stack, 0);
    let text = render::text(&report(&image), None);
    assert!(text.contains(r"at a.B.c\u{1b}[31m\u{a}(B.java)"), "{text}");
}
