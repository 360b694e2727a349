//! Rules of files: what they match, how it is counted, and which matched nothing.

mod support;

use std::fs;

use hackleak_image::Frame;
use hackleak_image::layout::{Judged, Kind, judging_flags};
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::{Report, Selection, render};
use support::{BLOCK, report};

/// Leaks of 100, 101, … bytes at `a.B.open`, `a.B.close` and in `/opt/libfoo.so`.
fn leaking(options: &str) -> Report {
    let mut image = ImageBuilder::new();
    image.header.options = image.text(options);
    let library = image.module("/opt/libfoo.so", &[], 0);
    let open = image.method("a.B", "open", "B.java", &[]);
    let close = image.method("a.B", "close", "B.java", &[]);
    let stacks = [
        Frame::Java {
            method: open,
            bci: 0,
        },
        Frame::Java {
            method: close,
            bci: 0,
        },
        Frame::Native {
            module: library,
            vaddr: 0x10,
        },
    ];
    for (number, frame) in (0..).zip(stacks) {
        let stack = image.stack(&[frame]);
        image.live(BLOCK + number * 16, 100 + number, Kind::New, stack, 0);
    }
    report(&image)
}

#[test]
fn each_rule_of_each_file_is_counted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (first, second) = (folder.path().join("1.supp"), folder.path().join("2.supp"));
    fs::write(&first, "# known\nleak:^a.B.open$\nleak:^open$\nrace:x\n").expect("write");
    fs::write(&second, "leak:a.B.*\nleak:libfoo.so\n").expect("write");
    let options = format!("suppressions={}:{}", first.display(), second.display());
    let report = leaking(&options);
    assert_eq!(report.leaked(), (0, 0));
    let rules: Vec<_> = report.processes[0]
        .suppressions
        .iter()
        .map(|rule| {
            (
                rule.rule.as_str(),
                rule.line,
                rule.sites,
                rule.blocks,
                rule.bytes,
            )
        })
        .collect();
    assert_eq!(
        rules,
        [
            ("leak:^a.B.open$", Some(2), 1, 1, 100),
            ("leak:^open$", Some(3), 0, 0, 0),
            // What the first file matched is not counted again.
            ("leak:a.B.*", Some(1), 1, 1, 101),
            ("leak:libfoo.so", Some(2), 1, 1, 102),
        ]
    );
    let text = render::text(&report, None);
    let second = second.display();
    assert!(text.contains(&format!(
        "note: 203 bytes in 2 blocks suppressed by `{second}`: `leak:libfoo.so` 102 bytes in 1 block, `leak:a.B.*` 101 bytes in 1 block\n"
    )), "{text}");
    let first = first.display();
    assert!(
        text.contains(&format!(
            "note: rule `leak:^open$` matched nothing ({first}:3)\n"
        )),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "note: 1 rule for other checks in `{first}` skipped: race\n"
        )),
        "{text}"
    );
}

#[test]
fn a_rule_that_another_process_needs_is_not_called_unused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("1.supp");
    fs::write(&file, "leak:a.B.open\n").expect("write");
    let options = format!("suppressions={}", file.display());
    let mut report = leaking(&options);
    let mut image = ImageBuilder::new();
    image.header.options = image.text(&options);
    report.processes.extend(support::report(&image).processes);
    let text = render::text(&report, None);
    assert!(!text.contains("matched nothing"), "{text}");
    let unused = Report::new(report.processes.split_off(1));
    assert!(render::text(&unused, None).contains("`leak:a.B.open` matched nothing"));
}

#[test]
fn a_file_that_is_missing_leaves_the_others_in_force() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("1.supp");
    fs::write(&file, "leak:a.B\n").expect("write");
    let report = leaking(&format!("suppressions=/no/such.supp:{}", file.display()));
    assert_eq!(report.leaked(), (102, 1));
    let notes = &report.processes[0].notes;
    let said = "suppressions not applied: cannot read `/no/such.supp`";
    assert!(notes.iter().any(|note| note.starts_with(said)), "{notes:?}");
}

/// The C++ runtime's frames at the top of a stack, with what is below them. What is made when a
/// library is loaded counts, so that the rules alone decide.
fn initialiser(bytes: u64, below: &[&str]) -> Report {
    let mut image = ImageBuilder::new();
    image.header.options = image.text("track=malloc,held=fail");
    let mut frames = Vec::new();
    for (number, path) in (1..).zip(below) {
        let module = image.module(path, &[], 0);
        frames.push(Frame::Native {
            module,
            vaddr: number * 0x10,
        });
    }
    let stack = image.stack(&frames);
    image.live(BLOCK, bytes, Kind::Malloc, stack, 0);
    report(&image)
}

#[test]
fn an_initialiser_of_the_runtime_is_known_by_the_loader_that_calls_it() {
    let (cxx, loader) = ("/usr/lib/libstdc++.so.6", "/lib64/ld-linux-x86-64.so.2");
    let left = |frames: &[&str]| initialiser(2_703, frames).leaked().0;
    assert_eq!(left(&[cxx, loader, "/lib/libc.so.6"]), 0);
    assert_eq!(left(&[cxx, cxx, loader]), 0);
    for leak in [
        // Code under test in an initialiser of its own, and one that asks the runtime.
        &["/opt/libmine.so", loader][..],
        &[cxx, "/opt/libmine.so", loader],
        // The runtime asked by code under test.
        &[cxx, "/opt/libmine.so"],
        &[cxx],
        &[loader],
    ] {
        assert_eq!(left(leak), 2_703, "{leak:?}");
    }
}

#[test]
fn the_pool_for_exceptions_in_stripped_code_is_known_by_its_size_and_caller() {
    let (own, loader) = ("/opt/libmine.so", "/lib64/ld-linux-x86-64.so.2");
    for (bytes, frames, left) in [
        (72_704, &[own, loader][..], 0),
        (73_728, &[own, own, loader], 0),
        (72_705, &[own, loader], 72_705),
        // Called by other code, or from deep inside.
        (72_704, &[own, "/opt/libother.so"], 72_704),
        (72_704, &[own], 72_704),
        (72_704, &[own, own, own, own, loader], 72_704),
        // A function of the C library without a name may be the caller of `main`.
        (73_728, &[own, "/lib/libc.so.6", own], 73_728),
    ] {
        assert_eq!(initialiser(bytes, frames).leaked().0, left, "{frames:?}");
    }
}

#[test]
fn built_in_rules_can_be_switched_off() {
    let mut image = ImageBuilder::new();
    image.header.options = image.text("track=malloc,builtin-suppressions=false");
    let module = image.module("/opt/jdk/lib/libjimage.so", &[], 0);
    let stack = image.stack(&[Frame::Native { module, vaddr: 7 }]);
    image.live(BLOCK, 120, Kind::New, stack, 0);
    assert_eq!(report(&image).leaked(), (120, 1));
}

/// Nobody holds what is lost, the runtime neither: the rule is for where nobody knows.
#[test]
fn built_in_rules_leave_out_nothing_that_is_known_to_be_lost() {
    for (known_to_be_lost, leaked) in [(true, 240), (false, 0)] {
        let mut image = ImageBuilder::new();
        image.header.options = image.text("held=fail");
        let thread = image.thread(4242, "java", 240, 16_420);
        let context = image.context(2, 0, thread, 0);
        let crypto = image.module("/usr/lib/libcrypto.so.3", &[], 0);
        let gomp = image.module("/usr/lib/libgomp.so.1", &[], 0);
        let loader = image.module("/lib64/ld-linux-x86-64.so.2", &[], 0);
        let frames = [crypto, gomp, loader].map(|module| Frame::Native { module, vaddr: 7 });
        let stack = image.stack(&frames);
        let judged = Judged {
            origin: u64::from(stack) | u64::from(context) << 32,
            bytes: 16_420,
            count: 240,
            kind: Kind::Malloc as u32,
            holder: 0,
            reserved: 0,
        };
        let selection = if known_to_be_lost {
            let number = image.judging(judging_flags::JAVA, &[judged]);
            Selection {
                judging: Some(number),
                ..Selection::default()
            }
        } else {
            for block in 0..240 {
                image.live(BLOCK + block * 0x100, 68, Kind::Malloc, stack, context);
            }
            Selection::default()
        };
        let report = support::report_since(&image, selection);
        assert_eq!(report.leaked().1, leaked, "{:?}", report.processes[0].notes);
    }
}
