//! Memory that is left mapped is found, whatever mapped it and however it was cut, and what was
//! unmapped is not.

use std::collections::BTreeMap;

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Process, Recording, Report, Site, Victim, cpp};

const KIND: &str = "mapping";
const PAGE: u64 = 4096;

fn record_with(options: &str, mode: &str) -> Report {
    let bare = Recording::bare(cpp("mappings")).args([mode]).run();
    assert_eq!(bare.ended.code(), 0, "{}", bare.ended);
    let run = Recording::of(cpp("mappings"))
        .options(&format!("follow=all,{options}"))
        .args([mode])
        .run();
    run.expect_code(0).report()
}

fn record(mode: &str) -> Report {
    record_with("track=new+malloc+mmap", mode)
}

/// Sites of mappings, those that are held too.
fn sites(process: &Process) -> impl Iterator<Item = &Site> {
    let all = process.leaks.sites.iter().chain(&process.held.sites);
    all.filter(|site| site.kind == KIND)
}

/// Mappings and pages by the function that left them.
fn mapped(process: &Process) -> BTreeMap<&str, (u64, u64)> {
    let mut mapped = BTreeMap::new();
    for site in sites(process) {
        assert_eq!(site.bytes % PAGE, 0, "{site:#?}");
        // A helper that every function of the program maps by may be a frame of its own.
        let names = site.names();
        let name = names.iter().find(|name| *name != "anonymous");
        let sum: &mut (u64, u64) = mapped.entry(leak(name)).or_default();
        sum.0 += site.blocks;
        sum.1 += site.bytes / PAGE;
    }
    mapped
}

fn leak(name: Option<&String>) -> &'static str {
    name.cloned().unwrap_or_default().leak()
}

fn total(process: &Process) -> (u64, u64) {
    let all = mapped(process);
    all.values()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

fn assert_mapped(mode: &str, expected: &[(&str, (u64, u64))]) -> Report {
    let report = record(mode);
    let process = report.process();
    assert_eq!(
        mapped(process),
        BTreeMap::from_iter(expected.iter().copied()),
        "{mode}: {process:#?}"
    );
    assert!(
        process.invalid_frees.is_empty(),
        "{:#?}",
        process.invalid_frees
    );
    process.assert_nothing_lost();
    report
}

#[test]
fn every_function_that_maps_is_recorded() {
    let expected = [
        ("of_a_file", (3, 10)),
        ("of_another", (2, 8)),
        ("without_a_file", (4, 11)),
    ];
    let report = assert_mapped("each", &expected);
    let names = |function: &str| {
        let of = sites(report.process())
            .filter(|site| site.names().iter().any(|name| name == function))
            .flat_map(|site| site.names.iter().map(String::as_str));
        of.collect::<Vec<_>>()
    };
    let of_a_file = names("of_a_file");
    assert!(of_a_file.iter().any(|name| name.ends_with("/mappings")));
    assert!(of_a_file.iter().any(|name| name.contains("memfd:mappings")));
    assert!(
        (names("without_a_file").iter()).all(|name| *name == "anonymous"),
        "{:?}",
        names("without_a_file")
    );
}

#[test]
fn what_was_unmapped_in_any_way_is_none() {
    assert_mapped("clean", &[]);
}

#[test]
fn a_mapping_that_is_cut_is_one_with_what_is_left() {
    assert_mapped("parts", &[("in_parts", (1, 11))]);
    assert_mapped("several", &[("side_by_side", (2, 15))]);
}

#[test]
fn what_is_mapped_over_has_ended() {
    let expected = [("mapped_over", (2, 10)), ("mapped_over_all", (1, 6))];
    assert_mapped("over", &expected);
}

#[test]
fn a_mapping_that_is_moved_grown_or_shrunk_stays_one() {
    let expected = [
        ("grown", (1, 100)),
        ("moved", (2, 8)),
        ("moved_and_left", (2, 12)),
        ("moved_in_part", (1, 13)),
        ("shrunk", (1, 3)),
    ];
    assert_mapped("moved", &expected);
}

#[test]
fn calls_answer_and_fail_as_without_the_recorder_and_change_nothing_then() {
    let bare = Recording::bare(cpp("mappings")).args(["errors"]).run();
    for options in ["follow=all", "follow=all,track=new+malloc+mmap"] {
        let run = Recording::of(cpp("mappings")).options(options);
        let run = run.args(["errors"]).run();
        assert_eq!(run.ended.stdout, bare.ended.stdout, "{options}");
    }
    assert!(bare.ended.stdout.ends_with("not mapped 0; kept 4711"));
    assert_mapped("errors", &[("failing", (1, 9))]);
}

#[test]
fn what_was_unmapped_unseen_is_told_by_the_kernel() {
    assert_mapped("unseen", &[("unseen", (1, 3))]);
}

#[test]
fn a_mapping_is_held_by_what_points_anywhere_into_it() {
    let report = record("holders");
    let process = report.process();
    let verdicts: BTreeMap<&str, &str> = sites(process)
        .map(|site| {
            let names = site.names();
            let name = names.iter().find(|name| *name != "anonymous");
            (leak(name), site.verdict.as_str())
        })
        .collect();
    let expected = [
        ("held_by_a_block", "held"),
        ("held_by_a_global", "held"),
        ("held_by_what_it_holds", "lost"),
        ("in_parts", "held"),
        ("lost", "lost"),
    ];
    assert_eq!(verdicts, BTreeMap::from(expected), "{process:#?}");
    // Blocks that only mappings have are as lost or as held as these.
    let all = process.leaks.sites.iter().chain(&process.held.sites);
    let blocks = all.filter(|site| site.bytes == 1003);
    let mut verdicts: Vec<&str> = blocks.map(|site| site.verdict.as_str()).collect();
    verdicts.sort_unstable();
    assert_eq!(verdicts, ["held", "lost"], "{process:#?}");
}

#[test]
fn a_child_has_its_own_and_leaves_its_parents_mapped() {
    let report = record("fork");
    let mut totals: Vec<_> = report.processes.iter().map(total).collect();
    totals.sort_unstable();
    assert_eq!(totals, [(3, 3), (5, 10)], "{report:#?}");
}

#[test]
fn threads_that_map_and_unmap_at_once_leave_what_they_leave() {
    let report = record("threads");
    assert_eq!(total(report.process()), (40, 80));
    report.process().assert_nothing_lost();
}

#[test]
fn twenty_thousand_are_counted_one_by_one() {
    assert_mapped("many", &[("many", (20_000, 20_000))]);
}

#[test]
fn without_the_kind_which_is_not_in_the_default_none_is_recorded() {
    let report = record_with("track=new+malloc+jni+unsafe+fd", "each");
    assert_eq!(total(report.process()), (0, 0));
    let run = Recording::of(cpp("mappings")).options("follow=all");
    let run = run.args(["each"]).run().expect_code(0);
    assert_eq!(total(run.report().process()), (0, 0));
}

#[test]
fn what_java_maps_is_lost_or_held_as_its_objects_are() {
    for jdk in Jdk::all() {
        println!("JDK {}", jdk.feature);
        let run = Victim::new(jdk, "Mappings")
            .recording(Entry::Preload, &[])
            .options("track=new+malloc+unsafe+mmap,held=note")
            .run()
            .expect_code(0);
        let lines: Vec<&str> = run.ended.stdout.lines().collect();
        const NONE: &str = "0 of 0 pages lost, 0 of 0 pages held";
        let lost =
            |count: u64, pages: u64| format!("{count} of {pages} pages lost, 0 of 0 pages held");
        let held =
            |count: u64, pages: u64| format!("0 of 0 pages lost, {count} of {pages} pages held");
        let arena = match jdk.feature < 22 {
            true => "arena: none".to_owned(),
            false => format!(
                "arena: closed {NONE}; kept {}, then {NONE}; dropped {}",
                held(7, 21),
                lost(7, 21)
            ),
        };
        let expected = [
            format!("native: {NONE}"),
            format!("native: {}", lost(12, 48)),
            "1) 12 mappings, 192 KiB: anonymous".to_owned(),
            format!(
                "kept: {}; unmapped {NONE}; dropped {}",
                held(11, 33),
                lost(11, 33)
            ),
            format!("field: {}; dropped {}", held(1, 5), lost(1, 5)),
            format!("old address: {}", lost(1, 40)),
            // Each begins in the middle of a page and ends in one.
            format!("channel: dropped {NONE}; kept {}, then {NONE}", held(7, 21)),
            "channel: stack true".to_owned(),
            arena,
        ];
        assert_eq!(lines, expected, "{}", run.ended);
        // What the JVM, the JDK and the C library map for themselves is none.
        let report = run.report();
        let process = report.process();
        for site in sites(process) {
            let java = site.java();
            assert!(
                java.iter().any(|name| name.contains("Mappings.")),
                "{site:#?}"
            );
        }
        assert!(process.invalid_frees.is_empty(), "{report:#?}");
    }
}
