//! What a process found out about who holds its memory decides what of it is a leak.

mod support;

use hackleak_image::Frame;
use hackleak_image::layout::{CONTEXT_INHERITED, Judged, Kind, Link, Outcome, Root, judging_flags};
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_options::Held;
use hackleak_report::model::{Growth, HolderRoot, Judgement, Process};
use hackleak_report::render::{html, lines, text};
use hackleak_report::{Selection, Tests};
use support::{BLOCK, SIZE, report, report_since};

fn judged(stack: u32, context: u32, bytes: u64, count: u32, holder: u32) -> Judged {
    Judged {
        origin: u64::from(stack) | u64::from(context) << 32,
        bytes,
        count,
        kind: Kind::New as u32,
        holder,
        reserved: 0,
    }
}

/// Three blocks of one stack: one is lost, a Java object holds one, and one came after the judging.
fn image(flags: u32, options: &str) -> (ImageBuilder, Selection) {
    let mut image = ImageBuilder::new();
    image.header.options = image.text(options);
    let thread = image.thread(4242, "java", 3, 3 * SIZE);
    let context = image.context(2, 0, thread, 0);
    let stack = image.stack(&[Frame::Address(1)]);
    let between = image.stack(&[Frame::Address(2)]);
    for block in 0..3 {
        image.live(BLOCK + 16 * block, SIZE, Kind::New, stack, context);
    }
    let link = Link {
        size: 560,
        stack: between,
        kind: Kind::New as u32,
    };
    let holder = image.holder(Root::StaticField, "demo.Cache.handle", 0, &[link]);
    let number = image.judging(
        flags,
        &[
            judged(stack, context, SIZE, 1, 0),
            judged(stack, context, SIZE, 1, holder),
        ],
    );
    let selection = Selection {
        judging: Some(number),
        ..Selection::default()
    };
    (image, selection)
}

fn verdicts(process: &Process) -> Vec<(Judgement, u64)> {
    let sites = process.leaks.sites.iter();
    sites.map(|site| (site.verdict, site.blocks)).collect()
}

#[test]
fn what_is_held_is_noted_and_no_leak() {
    let (image, selection) = image(judging_flags::JAVA, "");
    let report = report_since(&image, selection);
    let process = &report.processes[0];
    // What came after the judging was not asked for.
    assert_eq!(verdicts(process), [(Judgement::Lost, 1)]);
    assert_eq!((process.held.bytes, process.held.blocks), (SIZE, 1));
    let holder = process.held.sites[0].holder.as_ref().expect("a holder");
    assert_eq!(holder.root, HolderRoot::StaticField);
    let way = "static demo.Cache.handle → 560 bytes of (no module)+0x2";
    assert_eq!(holder.sentence(), way);
    let note =
        format!("1,999,993 bytes in 1 block held, not lost: 1,999,993 bytes in 1 block by {way}");
    assert!(
        process.notes.iter().any(|found| found.starts_with(&note)),
        "{:#?}",
        process.notes
    );
    assert!(text(&report, None).contains(&note));
    let lines = lines(&report, None);
    assert!(
        lines.contains("\nsite\t1999993\t1\tnew\njudged\tlost\t\n"),
        "{lines}"
    );
    assert!(
        lines.contains(&format!("\nheld\t1999993\t1\tnew\njudged\theld\t{way}\n")),
        "{lines}"
    );
}

/// The process ended while they were at work: what they allocated between the last look and that
/// moment is not said to be lost. The thread that ends the process does not go on, and one that has
/// ended does nothing any more.
#[test]
fn what_threads_that_still_run_have_just_allocated_is_no_leak() {
    let report = |tid: u32, ended: u32| {
        let mut image = ImageBuilder::new();
        let thread = image.thread(tid, "worker", 2, 2 * SIZE);
        image.thread_ended(thread, ended);
        let context = image.context(2, 0, thread, 0);
        let stack = image.stack(&[Frame::Address(1)]);
        for block in 0..3 {
            image.live(BLOCK + 16 * block, SIZE, Kind::New, stack, context);
        }
        let found = [judged(stack, context, SIZE, 1, 0)];
        image.judging(judging_flags::AT_EXIT, &found);
        report_since(&image, Selection::default())
    };
    let said = "3,999,986 bytes in 2 blocks not counted: threads that still ran";
    for (tid, ended, expected, is_said) in [
        (4343, 0, vec![(Judgement::Lost, 1)], true),
        (
            4343,
            3,
            vec![(Judgement::Lost, 1), (Judgement::Unknown, 2)],
            false,
        ),
        (
            4242,
            0,
            vec![(Judgement::Lost, 1), (Judgement::Unknown, 2)],
            false,
        ),
    ] {
        let report = report(tid, ended);
        let process = &report.processes[0];
        let mut found = verdicts(process);
        found.sort_by_key(|(_, count)| *count);
        assert_eq!(found, expected, "{tid} {ended}");
        let notes = process.notes.join("\n");
        assert_eq!(notes.contains(said), is_said, "{notes}");
    }
}

/// A check may decide otherwise than the process was told at its start.
#[test]
fn what_becomes_of_what_is_held_is_the_readers_choice() {
    for (recorded, asked, leaked, held) in [
        ("held=fail", Some(Held::Note), 1, 1),
        ("held=fail", Some(Held::Ignore), 1, 0),
        ("held=note", Some(Held::Fail), 2, 0),
        ("held=ignore", None, 1, 0),
        ("held=fail", None, 2, 0),
    ] {
        let (image, selection) = image(judging_flags::JAVA, recorded);
        let report = report_since(
            &image,
            Selection {
                held: asked,
                ..selection
            },
        );
        let process = &report.processes[0];
        let found = (process.leaks.blocks, process.held.blocks);
        assert_eq!(found, (leaked, held), "{recorded} {asked:?}");
        assert_eq!(lines(&report, None).contains("\nheld\t"), held == 1);
    }
}

/// What a library or a class has made at its beginning is one line for each.
#[test]
fn what_is_held_since_a_library_was_loaded_is_one_line() {
    let mut image = ImageBuilder::new();
    let library = image.module("/opt/lib/libctor.so", &[7], 0);
    let loader = image.module("/lib64/ld-linux-x86-64.so.2", &[8], 0);
    let thread = image.thread(4242, "java", 4, 4 * SIZE);
    let context = image.context(2, 0, thread, 0);
    let initialiser = image.method("demo.Pool", "<clinit>", "Pool.java", &[]);
    let native = |module, vaddr| Frame::Native { module, vaddr };
    let stacks = [
        image.stack(&[native(library, 0x10), native(loader, 0x20)]),
        image.stack(&[native(library, 0x11), native(loader, 0x20)]),
        image.stack(&[
            native(library, 0x12),
            Frame::Java {
                method: initialiser,
                bci: 3,
            },
        ]),
        image.stack(&[native(library, 0x13)]),
    ];
    let holder = image.holder(Root::StaticField, "demo.Pool.all", 0, &[]);
    let found = stacks.map(|stack| judged(stack, context, 1_000, 2, holder));
    let number = image.judging(judging_flags::JAVA, &found);
    let selection = Selection {
        judging: Some(number),
        ..Selection::default()
    };
    let report = report_since(&image, selection);
    let notes = &report.processes[0].notes;
    for note in [
        "2,000 bytes in 4 blocks held since `libctor.so` was loaded",
        "1,000 bytes in 2 blocks held since `demo.Pool` was initialised",
    ] {
        assert!(notes.iter().any(|found| found == note), "{notes:#?}");
    }
    let rest = "1,000 bytes in 2 blocks held, not lost: ";
    assert!(
        notes.iter().any(|note| note.starts_with(rest)),
        "{notes:#?}"
    );
}

/// What is lost at such a beginning is lost once: it is told, and fails nothing. What a destructor
/// loses, a function that loading has nothing to do with, or the body of a program's `main` class,
/// counts.
#[test]
fn what_is_lost_when_a_library_is_loaded_fails_nothing() {
    let mut image = ImageBuilder::new();
    let library = image.module("/opt/lib/libctor.so", &[7], 0);
    let loader = image.module("/lib64/ld-linux-x86-64.so.2", &[8], 0);
    let thread = image.thread(4242, "java", 6, 6 * SIZE);
    let context = image.context(2, 0, thread, 0);
    let initialiser = image.method("demo.Pool", "<clinit>", "Pool.java", &[]);
    let body = image.method("demo.Main$", "<clinit>", "Main.scala", &[]);
    let main = image.method("demo.Main", "main", "Main.scala", &[]);
    let native = |vaddr| Frame::Native {
        module: library,
        vaddr,
    };
    let java = |method| Frame::Java { method, bci: 3 };
    let loading = Frame::Native {
        module: loader,
        vaddr: 0x20,
    };
    let beginnings = [
        image.stack(&[native(0x10), loading]),
        image.stack(&[native(0x12), java(initialiser), java(main)]),
    ];
    let others = [
        image.stack(&[native(0x13)]),
        image.stack(&[native(0x14), java(body), java(main)]),
        image.stack(&[loading, native(0x15)]),
    ];
    let found: Vec<Judged> = beginnings
        .into_iter()
        .chain(others)
        .map(|stack| judged(stack, context, 1_000, 2, 0))
        .collect();
    let number = image.judging(judging_flags::JAVA, &found);
    let selection = |held| Selection {
        judging: Some(number),
        held,
        ..Selection::default()
    };
    let report = report_since(&image, selection(None));
    let process = &report.processes[0];
    assert_eq!((process.leaks.blocks, process.held.blocks), (6, 4));
    for note in [
        "1,000 bytes in 2 blocks lost when `libctor.so` was loaded, once",
        "1,000 bytes in 2 blocks lost when `demo.Pool` was initialised, once",
    ] {
        assert!(
            process.notes.iter().any(|found| found == note),
            "{:#?}",
            process.notes
        );
    }
    let report = report_since(&image, selection(Some(Held::Fail)));
    assert_eq!(report.processes[0].leaks.blocks, 10);
}

#[test]
fn the_option_decides_whether_it_counts() {
    let (image_of_fail, selection) = image(judging_flags::JAVA, "held=fail");
    let report = report_since(&image_of_fail, selection.clone());
    let process = &report.processes[0];
    assert_eq!(
        verdicts(process),
        [(Judgement::Lost, 1), (Judgement::Held, 1)]
    );
    assert!(process.held.is_empty());
    assert!(text(&report, None).contains(", held by static demo.Cache.handle"));

    let (image_of_ignore, _) = image(judging_flags::JAVA, "held=ignore");
    let report = report_since(&image_of_ignore, selection);
    let process = &report.processes[0];
    assert_eq!(verdicts(process), [(Judgement::Lost, 1)]);
    assert!(process.held.is_empty());
}

/// A cache that is replaced has blocks of the last round only; a list that is added to has some of
/// each.
#[test]
fn what_is_held_and_grows_with_each_round_is_a_leak() {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "java", 4, 4 * SIZE);
    let contexts = [2, 3].map(|epoch| image.context(epoch, 0, thread, 0));
    let (grown, replaced) = (
        image.stack(&[Frame::Address(1)]),
        image.stack(&[Frame::Address(2)]),
    );
    let holder = image.holder(Root::Field, "demo.List.first", 0, &[]);
    let number = image.judging(
        judging_flags::JAVA,
        &[
            judged(grown, contexts[0], SIZE, 1, holder),
            judged(grown, contexts[1], SIZE, 1, holder),
            judged(replaced, contexts[1], 7, 1, holder),
        ],
    );
    let selection = Selection {
        judging: Some(number),
        since: Some(2),
        rounds: vec![2, 3, 4],
        ..Selection::default()
    };
    let report = report_since(&image, selection);
    let process = &report.processes[0];
    assert_eq!(verdicts(process), [(Judgement::Growing, 2)]);
    assert!(process.held.is_empty());
    let shown = text(&report, None);
    assert!(
        shown.contains("more with each round, held by live demo.List.first"),
        "{shown}"
    );
}

#[test]
fn without_a_judging_nobody_knows() {
    let (image, _) = image(judging_flags::JAVA, "");
    let report = report(&image);
    assert_eq!(verdicts(&report.processes[0]), [(Judgement::Unknown, 3)]);
}

#[test]
fn the_judging_at_the_end_counts_without_being_asked_for() {
    let (image, _) = image(judging_flags::AT_EXIT, "");
    let report = report(&image);
    let process = &report.processes[0];
    assert_eq!(
        verdicts(process),
        [(Judgement::Lost, 1), (Judgement::Unknown, 1)]
    );
    assert_eq!(process.held.blocks, 1);
    let later = "of some of it nobody knows who holds it: it came after the last look";
    assert!(
        process.notes.iter().any(|note| note == later),
        "{:#?}",
        process.notes
    );
}

/// A test that failed for a block that its successor frees, and for one that stays.
#[test]
fn what_was_reported_and_freed_later_is_said_at_the_end() {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "java", 4, 4 * SIZE);
    let context = image.context(2, 0, thread, 0);
    let (freed, kept, partly) = (
        image.stack(&[Frame::Address(1)]),
        image.stack(&[Frame::Address(2)]),
        image.stack(&[Frame::Address(3)]),
    );
    image.checkpoint(2, "StoreTest > first");
    image.live(BLOCK, SIZE, Kind::New, kept, context);
    image.live(BLOCK + 0x1000, 40, Kind::New, partly, context);
    let holder = image.holder(Root::StaticField, "demo.Cache.handle", 0, &[]);
    image.judging(
        judging_flags::JAVA,
        &[
            judged(freed, context, 4 * 1_736, 4, 0),
            judged(kept, context, SIZE, 1, 0),
            judged(partly, context, 80, 2, 0),
            // A cache that was replaced since then was never reported.
            judged(freed, context, 7, 1, holder),
        ],
    );
    image.assertion("StoreTest > first", 0, Outcome::Failed, SIZE + 4 * 1_736);
    let whole = report(&image);
    let process = &whole.processes[0];
    let said =
        "reported by `StoreTest > first`, freed later: 6,944 bytes in 4 blocks of (no module)+0x1";
    assert!(
        process.notes.iter().any(|note| note == said),
        "{:#?}",
        process.notes
    );
    let later = process.assertions[0]
        .freed_later
        .map(|it| (it.bytes, it.blocks));
    assert_eq!(later, Some((6_944, 4)));

    // The clean twin: all of it is still there.
    image.live(BLOCK + 0x2000, 1_736, Kind::New, freed, context);
    let whole = report(&image);
    assert_eq!(whole.processes[0].assertions[0].freed_later, None);
    let notes = &whole.processes[0].notes;
    assert!(
        !notes.iter().any(|note| note.contains("freed later")),
        "{notes:#?}"
    );
}

/// What the check before this one saw of a site, and is gone, stands with it.
#[test]
fn older_blocks_of_a_site_that_were_freed_meanwhile_stand_with_it() {
    for (older_is_live, said) in [
        (
            false,
            ", 1 older block of this site was freed meanwhile (net 0)",
        ),
        (true, ""),
    ] {
        let mut image = ImageBuilder::new();
        let thread = image.thread(4242, "java", 4, 4 * SIZE);
        let [before, after] = [2, 3].map(|epoch| image.context(epoch, 0, thread, 0));
        let stack = image.stack(&[Frame::Address(1)]);
        let holder = image.holder(Root::StaticField, "demo.Cache.handle", 0, &[]);
        image.judging(
            judging_flags::JAVA,
            &[judged(stack, before, SIZE, 1, holder)],
        );
        let number = image.judging(judging_flags::JAVA, &[judged(stack, after, SIZE, 1, 0)]);
        image.live(BLOCK, SIZE, Kind::New, stack, after);
        if older_is_live {
            image.live(BLOCK + 0x1000, SIZE, Kind::New, stack, before);
        }
        let selection = Selection {
            since: Some(3),
            judging: Some(number),
            ..Selection::default()
        };
        let report = report_since(&image, selection);
        let process = &report.processes[0];
        assert_eq!(verdicts(process), [(Judgement::Lost, 1)]);
        assert_eq!(
            process.leaks.sites[0].freed_older,
            u64::from(!older_is_live)
        );
        let shown = text(&report, None);
        let found = shown.contains("freed meanwhile");
        assert_eq!(found, !older_is_live, "{shown}");
        assert!(shown.contains(said), "{shown}");
    }
}

/// One class whose tests have left `left` blocks each, of a stack of their own, which `root` holds.
fn series(left: &[u32], root: Root, method: &str) -> (ImageBuilder, Selection, Vec<u32>) {
    let mut image = ImageBuilder::new();
    let library = image.module("/opt/lib/libblocks.so", &[7], 0);
    let thread = image.thread(4242, "java", 9, 9 * SIZE);
    let allocating = image.method("demo.Blocks", method, "Blocks.java", &[]);
    let holder = image.holder(root, "demo.Blocks.address", 0, &[]);
    let java = |method| Frame::Java { method, bci: 3 };
    let mut found = Vec::new();
    let mut stacks = Vec::new();
    for (epoch, left) in (1..).zip(left) {
        let test = image.method(
            "demo.ListTest",
            &format!("test{epoch}"),
            "ListTest.java",
            &[],
        );
        let native = Frame::Native {
            module: library,
            vaddr: 0x10,
        };
        let stack = image.stack(&[native, java(allocating), java(test)]);
        stacks.push(stack);
        let context = image.context(epoch, 0, thread, 0);
        if *left > 0 {
            found.push(judged(
                stack,
                context,
                SIZE * u64::from(*left),
                *left,
                holder,
            ));
        }
    }
    let number = image.judging(judging_flags::JAVA, &found);
    let selection = Selection {
        judging: Some(number),
        rounds: (1..=left.len() as u32 + 1).collect(),
        tests: Some(Tests {
            fewest: 5,
            fell: Vec::new(),
        }),
        ..Selection::default()
    };
    (image, selection, stacks)
}

#[test]
fn what_is_held_and_grows_with_each_test_is_a_leak() {
    let (image, selection, _) = series(&[2; 6], Root::Field, "allocate");
    let report = report_since(&image, selection);
    let process = &report.processes[0];
    assert_eq!(verdicts(process), [(Judgement::Growing, 12)]);
    let site = &process.leaks.sites[0];
    let growth = Growth {
        blocks: 2,
        tests: 6,
    };
    assert_eq!((site.growth, site.frames.len()), (Some(growth), 3));
    let text = text(&report, None);
    for part in [
        "2 blocks more with each of 6 tests, held by live demo.Blocks.address",
        "allow it with `leak:demo.Blocks.allocate`",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(lines(&report, None).contains("\njudged\tgrowing\tlive demo.Blocks.address\n"));
}

#[test]
fn what_may_be_a_cache_does_not_grow() {
    for (left, root, method) in [
        (&[1; 4][..], Root::Field, "allocate"),
        (&[1, 2, 1, 3, 1, 1], Root::Field, "allocate"),
        (&[1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], Root::Field, "allocate"),
        (&[1; 6], Root::Stack, "allocate"),
        (&[1; 6], Root::ThreadLocal, "allocate"),
        (&[1; 6], Root::Field, "<clinit>"),
        // Each test fills another field: one has place for one block.
        (&[1; 6], Root::StaticField, "allocate"),
    ] {
        let (image, selection, _) = series(left, root, method);
        let process = &report_since(&image, selection).processes[0];
        assert_eq!(process.leaks.blocks, 0, "{left:?} {root:?} {method}");
        assert!(process.held.sites.is_empty());
    }
}

#[test]
fn what_has_dropped_an_older_entry_does_not_grow() {
    let (image, selection, stacks) = series(&[0, 0, 1, 1, 1, 1, 1], Root::Data, "allocate");
    for fell in [vec![], vec![stacks[0]]] {
        let dropped = !fell.is_empty();
        let tests = Some(Tests { fewest: 5, fell });
        let selection = Selection {
            tests,
            ..selection.clone()
        };
        let process = &report_since(&image, selection).processes[0];
        assert_eq!(process.leaks.blocks, if dropped { 0 } else { 5 });
    }
}

/// A thread that the test has started may have been forgotten: it is told apart.
#[test]
fn what_a_thread_of_the_test_holds_is_a_line_of_its_own() {
    for (closed, own) in [(3, true), (1, false)] {
        let mut image = ImageBuilder::new();
        let thread = image.thread(4243, "worker", 1, SIZE);
        let scope = image.scope("test");
        image.close_scope(scope, closed);
        let context = image.context(2, scope, thread, CONTEXT_INHERITED);
        let stack = image.stack(&[Frame::Address(1)]);
        let holder = image.holder(Root::Stack, "worker", 4243, &[]);
        let number = image.judging(
            judging_flags::JAVA,
            &[judged(stack, context, SIZE, 1, holder)],
        );
        let selection = Selection {
            since: Some(2),
            judging: Some(number),
            ..Selection::default()
        };
        let notes = &report_since(&image, selection).processes[0].notes;
        let line = "1,999,993 bytes in 1 block held by thread `worker`, which this test started and \
                    which still runs";
        assert_eq!(notes.iter().any(|note| note == line), own, "{notes:#?}");
    }
}

#[test]
fn the_page_has_the_way_to_what_is_held() {
    let (image, selection) = image(judging_flags::JAVA, "");
    let page = html(&report_since(&image, selection)).expect("HTML");
    let chain = "<ol class=\"chain\"><li>static demo.Cache.handle</li>\
                 <li>560 bytes of (no module)+0x2</li><li>1,999,993 bytes in 1 block</li></ol>";
    assert!(page.contains(chain), "{page}");
}
