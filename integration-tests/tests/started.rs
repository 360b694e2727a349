//! Threads that still run, or were never joined, are found; those that ended in any right way are
//! not.

use std::collections::BTreeMap;

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Process, Recording, Report, Victim, cpp};

const KIND: &str = "thread";

fn record(mode: &str) -> Report {
    let bare = Recording::bare(cpp("started")).args([mode]).run();
    assert_eq!(bare.ended.code(), 0, "{}", bare.ended);
    let run = Recording::of(cpp("started"))
        .options("follow=all,track=new+malloc+thread")
        .args([mode])
        .run();
    run.expect_code(0).report()
}

/// How many there are by the function of the program that started them.
fn by_function(process: &Process) -> BTreeMap<String, u64> {
    let mut threads = BTreeMap::new();
    for site in process.leaks.sites.iter().filter(|site| site.kind == KIND) {
        assert_eq!(site.bytes, 0, "{site:#?}");
        let names = site.names();
        let function = names.iter().find(|name| {
            !["make", "beside"].contains(&name.as_str()) && !name.starts_with("std::")
        });
        let function = function.expect("somebody started it").clone();
        *threads.entry(function).or_default() += site.blocks;
    }
    threads
}

#[test]
fn threads_that_stay_are_found() {
    let report = record("each");
    let process = report.process();
    let expected = [
        ("by_clone", 4),
        ("detached_and_running", 3),
        ("never_joined", 7),
        ("of_c", 2),
        ("of_the_library", 1),
        ("still_running", 3),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(by_function(process), BTreeMap::from(expected));
    let names: Vec<&str> = process
        .leaks
        .sites
        .iter()
        .flat_map(|site| &site.names)
        .map(String::as_str)
        .collect();
    for expected in ["worker", "ended, never joined", "started"] {
        assert!(names.contains(&expected), "{expected}: {names:?}");
    }
    process.assert_nothing_lost();
}

#[test]
fn threads_that_ended_are_none() {
    for mode in ["clean", "refused"] {
        let report = record(mode);
        let process = report.process();
        assert_eq!(by_function(process), BTreeMap::new(), "{mode}");
        assert!(
            process.invalid_frees.is_empty(),
            "{:#?}",
            process.invalid_frees
        );
        process.assert_nothing_lost();
    }
}

#[test]
fn a_forked_child_has_its_own() {
    let report = record("fork");
    let mut of_each: Vec<BTreeMap<String, u64>> =
        report.processes.iter().map(by_function).collect();
    of_each.sort();
    let child = BTreeMap::from([("forks".to_owned(), 1)]);
    let parent = BTreeMap::from([("still_running".to_owned(), 3)]);
    assert_eq!(of_each, [child, parent]);
}

#[test]
fn a_thread_and_a_mapping_have_a_place_each() {
    let run = Recording::of(cpp("started"))
        .options("follow=all,held=fail,track=thread+mmap")
        .args(["mapped"])
        .run();
    let report = run.expect_code(0).report();
    let process = report.process();
    let threads = BTreeMap::from([("after_mappings".to_owned(), 200)]);
    assert_eq!(by_function(process), threads);
    let sites = process.leaks.sites.iter();
    let mappings = sites.filter(|site| site.kind == "mapping");
    let mappings: Vec<_> = mappings.map(|site| (site.blocks, site.bytes)).collect();
    assert_eq!(mappings, [(10_000, 10_000 * 4096)], "{process:#?}");
    process.assert_nothing_lost();
}

#[test]
fn places_are_used_again() {
    let report = record("many");
    let process = report.process();
    let expected = BTreeMap::from([("never_joined".to_owned(), 7)]);
    assert_eq!(by_function(process), expected);
    process.assert_nothing_lost();
}

#[test]
fn java_code_and_native_code_start_threads() {
    let expected = "\
        java: 5 by Started.javaThreads(Started.java:79), then 0\n\
        executor: 3 by Started.executor(Started.java:93), then 0\n\
        timer: 1 by Started.timer(Started.java:102), then 0\n\
        forkjoin: 1 by Started.forkJoin(Started.java:112), then 0\n\
        jdk: 0, then 0\n\
        native: 4 by Started.nativeThreads(Started.java:127), then 0\n\
        unjoined: 4 by Started.neverJoined(Started.java:132), then 4\n";
    for jdk in Jdk::all() {
        let run = Victim::new(jdk, "Started")
            .recording(Entry::Preload, &[])
            .options("track=new+malloc+jni+unsafe+fd+zip+thread")
            .run()
            .expect_code(0);
        let named = run.ended.stdout.strip_prefix(expected);
        let named = named.unwrap_or_else(|| panic!("{}", run.ended));
        assert!(named.contains("5 threads"), "{named}");
        assert!(named.contains("worker with a long name 0"), "{named}");
        assert!(named.contains("next: end the thread"), "{named}");
    }
}
