//! What people read.

mod support;

use std::path::Path;

use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::{CONTEXT_IGNORED, Counter, Kind, flags, state};
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_image::{Frame, Marker, Shortage};
use hackleak_report::{Selection, Verdict, render};
use support::{BLOCK, SIZE, assert_golden, nested, report, report_since};

#[test]
fn java_is_printed_above_the_native_code_that_it_called() {
    let since = Selection {
        since: Some(2),
        scope: None,
        ..Selection::default()
    };
    let report = report_since(&nested(), since);
    assert_eq!(report.leaked(), (3 * SIZE + 17, 4));
    assert_golden(
        "nested.txt",
        &render::text(&report, Some(Path::new("/images/leaks-1.json"))),
    );
}

#[test]
fn lines_have_the_message_for_the_process_itself() {
    let report = report_since(
        &nested(),
        Selection {
            since: Some(2),
            scope: None,
            ..Selection::default()
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
        image.thread(4242 + thread, "worker", u64::from(thread < 8), 0);
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
        |image: &mut ImageBuilder| image.counter(Counter::ForksUnrecorded, 1),
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
fn a_reason_other_than_a_full_file_system_is_said() {
    for (reason, code, words) in [
        (
            Shortage::Limit,
            "file-limit",
            "the file-size limit of the process",
        ),
        (Shortage::Gone, "not-in-file", "the program closed the file"),
        (
            Shortage::InsertError,
            "not-in-file",
            "the file system refused",
        ),
    ] {
        let mut image = ImageBuilder::new();
        image.header.flags |= reason.flags();
        image.counter(Counter::SegmentsInMemory, 4);
        let report = report(&image);
        let notes = &report.processes[0].notes;
        let said = |start: String| notes.iter().any(|note| note.starts_with(&start));
        assert!(said(format!("incomplete ({code}): ")), "{notes:?}");
        assert!(
            said(format!("4 segments in memory only: {words}")),
            "{notes:?}"
        );
        assert!(!notes.join("").contains("was full"), "{notes:?}");
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
            ..Selection::default()
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
        text.contains("... 3 more sites with 2,937 bytes in 3 blocks: see the JSON"),
        "{text}"
    );
}

#[test]
fn a_java_stack_is_printed_once_for_all_that_leaks_below_it() {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "java", 20, 20);
    let other = image.thread(4243, "worker", 1, 1);
    let library = image.module("/tmp/gone/librocks.so", &[0xab, 0xcd], 0);
    let open = image.method("demo.Store", "open0", "Store.java", &[]);
    let test = image.method(
        "demo.StoreTest",
        "leaks",
        "StoreTest.java",
        &[(0, 17), (5, 18)],
    );
    let scope = image.scope("part");
    let context = image.context(1, scope, thread, 0);
    let elsewhere = image.context(1, scope, other, 0);
    let mut next = BLOCK;
    let mut live = |image: &mut ImageBuilder, native: Option<u64>, line, bytes, context| {
        let vaddr = native.map(|vaddr| Frame::Native {
            module: library,
            vaddr,
        });
        let java = [
            Frame::Java {
                method: open,
                bci: BCI_NATIVE,
            },
            Frame::Java {
                method: test,
                bci: line,
            },
        ];
        let frames: Vec<Frame> = vaddr.into_iter().chain(java).collect();
        let stack = image.stack(&frames);
        image.live(next, bytes, Kind::New, stack, context);
        next += 16;
    };
    live(&mut image, Some(0x9001), 5, 450, context);
    for site in 0..7 {
        live(&mut image, Some(0x1001 + site), 0, 100 - site, context);
    }
    live(&mut image, None, 0, 300, context);
    live(&mut image, Some(0x1001), 0, 100, elsewhere);
    let whole_scope = Selection {
        since: Some(0),
        scope: Some(scope),
        ..Selection::default()
    };
    let report = report_since(&image, whole_scope);
    assert_golden("grouped.txt", &render::message(&report, None));
}

#[test]
fn a_failing_test_reads_forty_lines_with_the_likeliest_leak_first() {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "java", 90, 90);
    let library = image.module("/tmp/gone/librocks.so", &[0xab, 0xcd], 0);
    let start = image.method("demo.Store", "<clinit>", "Store.java", &[(0, 3)]);
    let open = image.method("demo.Store", "open0", "Store.java", &[]);
    let context = image.context(1, 0, thread, 0);
    let mut next = BLOCK;
    let mut live = |image: &mut ImageBuilder, stack: &[Frame], bytes| {
        let native = Frame::Native {
            module: library,
            vaddr: 0x1001,
        };
        let called = Frame::Java {
            method: open,
            bci: BCI_NATIVE,
        };
        let stack = image.stack(&[&[native, called], stack].concat());
        image.live(next, bytes, Kind::New, stack, context);
        next += 16;
    };
    for _ in 0..2 {
        let in_start = Frame::Java {
            method: start,
            bci: 0,
        };
        live(&mut image, &[in_start], 70_000);
    }
    for number in 0..30 {
        let test = image.method(
            "demo.StoreTest",
            &format!("once{number}"),
            "StoreTest.java",
            &[(0, 5)],
        );
        live(
            &mut image,
            &[Frame::Java {
                method: test,
                bci: 0,
            }],
            5_000 + number,
        );
    }
    let again = image.method("demo.StoreTest", "again", "StoreTest.java", &[(0, 44)]);
    for _ in 0..3 {
        live(
            &mut image,
            &[Frame::Java {
                method: again,
                bci: 0,
            }],
            8,
        );
    }
    let everything = Selection {
        held: Some(hackleak_options::Held::Fail),
        ..Selection::default()
    };
    let text = render::message(&report_since(&image, everything), None);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() <= 36, "{} lines: {text}", lines.len());
    assert!(
        lines[0].starts_with("290,459 bytes leaked in 35 blocks at 32 sites"),
        "{text}"
    );
    assert!(
        lines[0].ends_with(": 284 KiB of new, by demo.StoreTest.again(StoreTest.java:44)"),
        "{text}"
    );
    assert_eq!(lines[2], "1) 24 bytes in 3 blocks, new", "{text}");
    assert!(
        text.contains("\n2) 5,029 bytes in 1 block, new\n"),
        "{text}"
    );
    assert!(
        text.contains("\nwhile `demo.Store` was initialised: 140,000 bytes in 2 blocks\n"),
        "{text}"
    );
    assert!(!text.contains("demo.Store.<clinit>"), "{text}");
    assert!(text.contains(" more sites with "), "{text}");
}

#[test]
fn the_middle_of_a_deep_recursion_is_left_out() {
    let mut image = ImageBuilder::new();
    let method = image.method("a.B", "c", "B.java", &[(0, 7)]);
    let mut frames: Vec<Frame> = (0..61).map(|n| Frame::Address(0x1000 + n)).collect();
    frames.extend((0..2_000).map(|_| Frame::Java { method, bci: 0 }));
    let stack = image.stack(&frames);
    image.live(BLOCK, 1, Kind::New, stack, 0);
    let text = render::text(&report(&image), None);
    assert!(text.contains("    ... 1,945 more frames\n"), "{text}");
    let native = "#39 0x1027 (no module)\n      ... 6 more frames\n      #46 0x102e (no module)\n";
    assert!(text.contains(native), "{text}");
    assert_eq!(text.matches("at a.B.c(B.java:7)").count(), 55);
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
