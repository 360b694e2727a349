//! What happened when: the timeline of live memory, and what became of the assertions.

use integration_tests::java::{Entry, on_each_launcher};
use integration_tests::report::{Process, TimelinePoint};
use integration_tests::{Recording, Victim, cpp};

/// The point of the checkpoint with that label.
fn at_checkpoint<'a>(process: &'a Process, label: &str) -> &'a TimelinePoint {
    let epoch = process.epoch(label);
    let mut found = process
        .timeline
        .iter()
        .filter(|point| point.cause == "checkpoint" && point.epoch == epoch);
    found.next().expect("every checkpoint has a point")
}

#[test]
fn the_timeline_shows_what_was_live_over_all_threads() {
    let report = Recording::of(cpp("traffic")).run().expect_code(0).report();
    let process = report.process();
    let causes: Vec<&str> = process
        .timeline
        .iter()
        .map(|point| point.cause.as_str())
        .collect();
    assert_eq!(causes.first(), Some(&"start"), "{causes:?}");
    assert_eq!(causes.last(), Some(&"end"), "{causes:?}");
    assert!(process.timeline.is_sorted_by_key(|point| point.at_ns));

    // Where only one thread is left, the numbers are exact. The threads' own objects are live in
    // `full`.
    let [before, full, after] =
        ["before", "full", "after"].map(|label| at_checkpoint(process, label));
    assert_eq!(after.bytes, 3 * 1_000_003 + thread_objects(process));
    let gone = full.bytes - after.bytes;
    assert_eq!(gone, 61 * 1_000_003);
    assert_eq!(full.blocks - after.blocks, 61);
    assert!(before.bytes < 1_000_003, "{before:?}");

    // It was written on the way up and on the way down, not at the checkpoints alone.
    let between = |from: &TimelinePoint, to: &TimelinePoint| {
        let inside = |point: &&TimelinePoint| {
            point.cause == "traffic" && (from.at_ns..to.at_ns).contains(&point.at_ns)
        };
        process.timeline.iter().filter(inside).count()
    };
    assert!(between(before, full) >= 2, "{:#?}", process.timeline);
    assert!(between(full, after) >= 2, "{:#?}", process.timeline);
    process.assert_nothing_lost();
}

/// Bytes of what is live besides the blocks.
fn thread_objects(process: &Process) -> u64 {
    let others = process.leaks.sites.iter();
    let others = others.filter(|site| site.bytes % 1_000_003 != 0);
    // The vector of threads is freed when `main` returns, after the last checkpoint.
    let vector = 4 * size_of::<usize>() as u64;
    others.map(|site| site.bytes).sum::<u64>() + vector
}

#[test]
fn blocks_that_ending_threads_free_leave_the_sum_right() {
    let run = Recording::of(cpp("thread_churn")).arg("3000").run();
    let report = run.expect_code(0).report();
    let process = report.process();
    let start = at_checkpoint(process, "start");
    let end = process.timeline.last().expect("the end");
    assert_eq!(end.cause, "end");
    assert_eq!(end.bytes - start.bytes, 3 * 1_000_003);
    assert_eq!(end.blocks - start.blocks, 3);
}

#[test]
fn assertions_leave_what_they_came_to() {
    on_each_launcher(|jdk, entry| {
        let options = match entry {
            Entry::Embedded => "follow=all,exit=report",
            _ => "exit=report",
        };
        let run = Victim::new(jdk, "Assertions")
            .recording(entry, &[])
            .options(options)
            .run()
            .expect_code(0);
        let report = run.report();
        let process = report.process();
        let said: Vec<(&str, &str, &str, u64, u64)> = process
            .assertions
            .iter()
            .map(|a| {
                let (check, outcome) = (a.check.as_str(), a.outcome.as_str());
                (a.label.as_str(), check, outcome, a.bytes, a.blocks)
            })
            .collect();
        assert_eq!(
            said,
            [
                ("clean", "assertion", "passed", 0, 0),
                ("leaky", "assertion", "failed", 1_999_993, 1),
                ("scoped", "assertion", "passed", 0, 0),
                ("", "exit", "failed", 1_999_993 + 17, 2),
            ],
            "{}",
            run.ended
        );
        assert_eq!(process.assertions[1].since, process.epoch("leaky"));
        assert_eq!(process.assertions[1].sites, 1);
        assert_eq!(process.assertions[2].scope.as_deref(), Some("quiet"));
        assert!(process.assertions.is_sorted_by_key(|a| a.at_ns));
        let points = process.timeline.iter();
        let points = points.filter(|point| point.cause == "assertion");
        assert_eq!(points.count(), 4, "each has its point in the timeline");
    });
}
