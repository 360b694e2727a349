//! File descriptors that are left open are found, whatever opened them, and closed ones are not.

use std::collections::BTreeMap;

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Process, Recording, Report, Victim, cpp};

const KIND: &str = "file descriptor";

fn record(mode: &str) -> Report {
    let bare = Recording::bare(cpp("descriptors")).args([mode]).run();
    assert_eq!(bare.ended.code(), 0, "{}", bare.ended);
    let run = Recording::of(cpp("descriptors"))
        .options("follow=all,track=new+malloc+fd")
        .args([mode])
        .run();
    run.expect_code(0).report()
}

/// How many are open by the innermost function that the program has.
fn open(process: &Process) -> BTreeMap<String, u64> {
    let mut open = BTreeMap::new();
    for site in process.leaks.sites.iter().filter(|site| site.kind == KIND) {
        assert_eq!(site.bytes, 0, "{site:#?}");
        *open.entry(site.names()[0].clone()).or_default() += site.blocks;
    }
    open
}

fn count(process: &Process) -> u64 {
    open(process).values().sum()
}

#[test]
fn every_function_that_opens_is_recorded() {
    let report = record("each");
    let process = report.process();
    let expected = [
        ("accepted", 2),
        ("from_a_path", 7),
        ("from_another", 6),
        ("from_the_kernel", 13),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(open(process), BTreeMap::from(expected));
    assert!(
        process.invalid_frees.is_empty(),
        "{:#?}",
        process.invalid_frees
    );
    let names = process.leaks.sites.iter().flat_map(|site| &site.names);
    let names: Vec<&str> = names.map(String::as_str).collect();
    for expected in [
        "/maps",
        "memfd:descriptors",
        "eventpoll",
        "pipe:",
        "socket:",
    ] {
        assert!(
            names.iter().any(|name| name.contains(expected)),
            "{expected}: {names:?}"
        );
    }
    process.assert_nothing_lost();
}

#[test]
fn what_was_closed_in_any_way_is_none() {
    for mode in ["clean", "closed"] {
        let report = record(mode);
        let process = report.process();
        assert_eq!(count(process), 0, "{mode}: {:#?}", process.leaks);
        assert!(
            process.invalid_frees.is_empty(),
            "{:#?}",
            process.invalid_frees
        );
    }
}

#[test]
fn the_descriptor_of_a_stream_is_not_counted_beside_it() {
    let report = record("streams");
    let process = report.process();
    assert_eq!(count(process), 0, "{:#?}", process.leaks);
    assert_eq!(process.leaks.blocks, 20, "{:#?}", process.leaks);
}

#[test]
fn what_is_led_elsewhere_is_one_and_what_a_message_brings_is_one() {
    let report = record("over");
    assert_eq!(count(report.process()), 1, "{:#?}", report.process().leaks);
    let report = record("message");
    let expected = BTreeMap::from([("sent".to_owned(), 4)]);
    assert_eq!(open(report.process()), expected);
}

#[test]
fn calls_answer_and_fail_as_without_the_recorder() {
    for recording in [
        Recording::bare(cpp("descriptors")),
        Recording::of(cpp("descriptors")).options("follow=all"),
    ] {
        let run = recording.args(["errors"]).run();
        assert_eq!(run.ended.stdout, "-1 1 1", "{}", run.ended);
    }
}

#[test]
fn programs_get_the_lowest_numbers_as_without_the_recorder() {
    let run = |recording: Recording| recording.args(["numbers"]).run().ended.stdout;
    let bare = run(Recording::bare(cpp("descriptors")));
    assert_eq!(bare, "3 4 5 ");
    for options in ["follow=all", "follow=all,log=file.log"] {
        let recorded = run(Recording::of(cpp("descriptors")).options(options));
        assert_eq!(recorded, bare, "{options}");
    }
}

#[test]
fn a_child_has_its_own_and_leaves_its_parents_open() {
    let report = record("fork");
    let mut counts: Vec<u64> = report.processes.iter().map(count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [3, 5], "{report:#?}");
    let report = record("vfork");
    assert_eq!(count(report.process()), 4, "{:#?}", report.process().leaks);
    for process in &report.processes {
        assert!(
            process.invalid_frees.is_empty(),
            "{:#?}",
            process.invalid_frees
        );
    }
}

#[test]
fn closing_what_is_not_open_is_an_invalid_free() {
    let report = record("wrong");
    let process = report.process();
    assert_eq!(count(process), 0);
    let mut found: Vec<(&str, &str, u64)> = process
        .invalid_frees
        .iter()
        .map(|invalid_free| {
            (
                invalid_free.problem.as_str(),
                invalid_free.released_by.as_str(),
                invalid_free.detail,
            )
        })
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [("doubleFree", "close", 0), ("notAllocated", "close", 801)]
    );
    assert!(
        process
            .invalid_frees
            .iter()
            .all(|invalid_free| invalid_free.kind == KIND)
    );
}

#[test]
fn without_the_kind_none_is_recorded() {
    let run = Recording::of(cpp("descriptors"))
        .options("follow=all,track=new+malloc+jni+unsafe")
        .args(["each"])
        .run();
    let report = run.expect_code(0).report();
    assert_eq!(count(report.process()), 0);
}

#[test]
fn what_java_opens_is_lost_or_held_as_its_objects_are() {
    for jdk in Jdk::all() {
        println!("JDK {}", jdk.feature);
        let run = Victim::new(jdk, "Descriptors")
            .recording(Entry::Preload, &[])
            .options("track=new+malloc+unsafe+fd,held=note")
            .run()
            .expect_code(0);
        let lines: Vec<&str> = run.ended.stdout.lines().collect();
        assert_eq!(
            lines[..2],
            ["native: 0 lost, 0 held", "native: 12 lost, 0 held"]
        );
        assert!(
            lines[2].starts_with("1) 12 file descriptors: /proc/") && lines[2].ends_with("/status"),
            "{}",
            run.ended
        );
        // Some of Java's classes close what nobody has any more, others do not.
        let sorts = [
            ("FileInputStream", 7, 0),
            ("RandomAccessFile", 7, 0),
            ("FileChannel", 7, 0),
            ("SocketChannel", 7, 7),
            ("ServerSocket", 7, 0),
            ("Selector", 14, 14),
            ("directory", 7, 7),
            ("Pipe", 14, 14),
            ("Socket", 14, 0),
        ];
        let expected = sorts.map(|(name, kept, dropped)| {
            format!(
                "{name}: closed 0 lost, 0 held; kept 0 lost, {kept} held, then 0 lost, 0 held; \
                 dropped {dropped} lost, 0 held"
            )
        });
        assert_eq!(
            [&lines[4..12], &lines[14..15]].concat(),
            expected,
            "{}",
            run.ended
        );
        let native = [
            "first use: 0 lost, 1 held",
            "database: kept 0 lost, 11 held; closed 0 lost, 0 held; dropped 11 lost, 0 held",
        ];
        assert_eq!(lines[12..14], native, "{}", run.ended);
        assert_eq!(lines[3], "parallel: 0 lost, 0 held; 9 lost, 0 held");
        let report = run.report();
        assert!(report.process().invalid_frees.is_empty(), "{report:#?}");
    }
}
