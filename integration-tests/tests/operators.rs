//! The 20 operators: each is recorded exactly, and none of them behaves otherwise than without the
//! recorder.

use integration_tests::{Recording, cpp};

/// The size of the i-th block of `variants.cpp`.
fn size(i: u64) -> u64 {
    1_000_003 + 10_000 * i
}

#[test]
fn every_variant_is_recorded_once_with_its_size() {
    let report = Recording::of(cpp("variants"))
        .args(["leak"])
        .run()
        .report_since("start");
    let process = report.process();
    for i in 0..20 {
        let site = process.site_of(size(i));
        assert_eq!(site.blocks, 1, "variant {i}");
        let array = i % 2 == 1;
        assert_eq!(
            site.kind.contains("[]"),
            array,
            "variant {i} is {}",
            site.kind
        );
        assert!(site.kind.starts_with("new"), "variant {i} is {}", site.kind);
        let function = if i < 8 { "allocating" } else { "deleting" };
        assert_eq!(site.names()[..2], [function, "main"], "variant {i}");
    }
    assert_eq!(process.leaks.blocks, 20, "{:#?}", process.leaks);
    process.assert_nothing_lost();
}

#[test]
fn every_variant_frees_what_was_recorded() {
    let report = Recording::of(cpp("variants"))
        .args(["clean"])
        .run()
        .report_since("start");
    let process = report.process();
    assert_eq!(process.leaks.blocks, 0, "{:#?}", process.leaks);
    assert!(process.totals.frees >= 20);
    process.assert_nothing_lost();
}

#[test]
fn exhaustion_alignment_and_zero_sizes_are_as_without_the_recorder() {
    let bare = Recording::bare(cpp("exhaustion")).run().expect_code(0);
    let run = Recording::of(cpp("exhaustion")).run().expect_code(0);
    assert!(bare.ended.stdout.contains("handler called 3 times"));
    assert_eq!(run.ended.stdout, bare.ended.stdout);
}

#[test]
fn a_program_with_own_operators_does_not_notice() {
    let bare = Recording::bare(cpp("own_operators")).run().expect_code(0);
    let run = Recording::of(cpp("own_operators")).run().expect_code(0);
    assert_eq!(run.ended.stdout, bare.ended.stdout);
}

#[test]
fn three_leaked_while_three_older_of_the_same_size_are_freed() {
    assert_leaked_and_freed("3", "3");
}

#[test]
fn three_leaked_while_five_older_of_the_same_size_are_freed() {
    assert_leaked_and_freed("3", "5");
}

fn assert_leaked_and_freed(leaked: &str, freed: &str) {
    let run = Recording::of(cpp("replaced_blocks"))
        .args([leaked, freed])
        .run();
    let report = run.report_since("body");
    let site = report.process().site_of(1_999_993);
    assert_eq!((site.blocks, site.bytes), (3, 5_999_979));
    assert_eq!(site.names()[..2], ["body", "main"]);
    assert_eq!(report.process().leaks.blocks, 3);
}

#[test]
fn nothing_leaked_while_older_blocks_are_freed() {
    let run = Recording::of(cpp("replaced_blocks")).args(["0", "3"]).run();
    assert_eq!(run.report_since("body").process().leaks.blocks, 0);
    // The whole run still has the two that nobody freed.
    assert_eq!(run.report().process().blocks_of(1_999_993), 2);
}

#[test]
fn ten_million_pairs_on_eight_threads_leave_nothing_and_lose_nothing() {
    let run = Recording::of(cpp("pairs"))
        .args(["8", "10000000"])
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    let process = report.process();
    // The C++ runtime keeps a few blocks of its own for each process, none of them from `work`.
    let own: Vec<_> = process
        .leaks
        .sites
        .iter()
        .filter(|s| s.names().contains(&"work".into()))
        .collect();
    assert!(own.is_empty(), "{own:#?}");
    assert!(
        process.totals.allocations >= 10_000_000,
        "{:?}",
        process.totals
    );
    assert!(process.threads >= 9, "{} threads", process.threads);
    process.assert_nothing_lost();
}

#[test]
fn two_blocks_among_ten_million_pairs_are_found() {
    let run = Recording::of(cpp("pairs"))
        .args(["8", "10000000", "2"])
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    let site = report.process().site_of(1_000_003);
    assert_eq!(site.blocks, 2);
    site.assert_order(&["work"]);
    report.process().assert_nothing_lost();
}

#[test]
fn ten_thousand_short_threads_leave_their_leaks_and_nothing_else() {
    let run = Recording::of(cpp("thread_churn"))
        .args(["10000"])
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    let process = report.process();
    let site = process.site_of(1_000_003);
    assert_eq!(site.blocks, 10);
    site.assert_order(&["body"]);
    assert_eq!(process.leaks.blocks, 10, "{:#?}", process.leaks);
    process.assert_nothing_lost();
    let grown = run
        .ended
        .stderr
        .split_whitespace()
        .find_map(|word| word.parse::<i64>().ok());
    // Nine of ten threads come after the first look: 4 pages a thread would be 36,000.
    assert!(grown.is_some_and(|pages| pages < 10_000), "{}", run.ended);
}

#[test]
fn blocks_from_before_and_after_main_are_recorded() {
    let report = Recording::of(cpp("edges_of_life"))
        .run()
        .expect_code(0)
        .report();
    for bytes in [1_000_211, 1_000_213, 1_000_217, 1_000_219, 1_000_223] {
        assert_eq!(report.process().blocks_of(bytes), 1, "{bytes}");
    }
}
