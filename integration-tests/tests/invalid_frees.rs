//! Invalid frees are found with both stacks, and right ones raise no alarm.

use integration_tests::java::{Entry, Jdk, on_each_launcher};
use integration_tests::{InvalidFree, Recording, Report, Victim, cpp};

fn record(what: &str, code: Option<i32>) -> Report {
    let run = Recording::of(cpp("invalid_frees"))
        .options("follow=all,track=new+malloc,invalid-frees=fail")
        .args([what])
        .run();
    if let Some(code) = code {
        return run.expect_code(code).report_since("start");
    }
    // The C library aborts such a process; the image has the invalid free all the same.
    run.report_since("start")
}

fn only(report: &Report) -> &InvalidFree {
    let invalid_frees = &report.process().invalid_frees;
    assert_eq!(invalid_frees.len(), 1, "{invalid_frees:#?}");
    &invalid_frees[0]
}

fn functions(frames: &[integration_tests::Frame]) -> Vec<String> {
    frames
        .iter()
        .map(integration_tests::Frame::name)
        .filter(|name| name != "opaque")
        .collect()
}

#[test]
fn a_block_freed_by_another_family_is_found() {
    let report = record("mismatch", Some(0));
    let mut found: Vec<_> = report
        .process()
        .invalid_frees
        .iter()
        .map(|invalid_free| {
            (
                invalid_free.bytes,
                invalid_free.kind.as_str(),
                invalid_free.released_by.as_str(),
            )
        })
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (1_000_001, "new", "free"),
            (1_000_002, "new[]", "delete"),
            (1_000_003, "malloc", "delete")
        ]
    );
    assert!(
        report
            .process()
            .invalid_frees
            .iter()
            .all(|invalid_free| invalid_free.problem == "mismatch")
    );
}

#[test]
fn a_block_freed_twice_is_found_with_both_stacks() {
    let report = record("twice", None);
    let invalid_free = only(&report);
    assert_eq!(
        (invalid_free.problem.as_str(), invalid_free.bytes),
        ("doubleFree", 1_000_004)
    );
    assert_eq!(functions(&invalid_free.freed)[..2], ["twice", "main"]);
    assert_eq!(functions(&invalid_free.allocated)[..2], ["twice", "main"]);
}

#[test]
fn a_pointer_inside_a_block_is_found() {
    let report = record("inside", None);
    let invalid_free = only(&report);
    assert_eq!(
        (invalid_free.problem.as_str(), invalid_free.detail),
        ("interior", 48)
    );
    assert_eq!(functions(&invalid_free.allocated)[..2], ["make", "inside"]);
}

#[test]
fn a_wrong_size_is_found() {
    let report = record("size", Some(0));
    let invalid_free = only(&report);
    assert_eq!(
        (
            invalid_free.problem.as_str(),
            invalid_free.bytes,
            invalid_free.detail
        ),
        ("size", 1_000_006, 77)
    );
}

#[test]
fn a_sized_free_with_another_size_or_of_another_family_is_found() {
    let report = record("sized", Some(0));
    let mut found: Vec<_> = report
        .process()
        .invalid_frees
        .iter()
        .map(|invalid_free| {
            assert_eq!(functions(&invalid_free.allocated)[..2], ["sized", "main"]);
            let problem = invalid_free.problem.as_str();
            (
                problem,
                invalid_free.bytes,
                invalid_free.released_by.as_str(),
            )
        })
        .collect();
    found.sort_unstable();
    let expected = [
        ("mismatch", 1_000_008, "free"),
        ("size", 1_000_007, "free"),
        ("size", 1_000_064, "free"),
    ];
    assert_eq!(found, expected);
    assert_eq!(report.process().leaks.blocks, 0, "{report:#?}");
}

#[test]
fn right_frees_raise_no_alarm_whatever_is_tracked() {
    for track in ["new", "malloc", "new+malloc"] {
        let run = Recording::of(cpp("invalid_frees"))
            .options(&format!("follow=all,track={track},invalid-frees=fail"))
            .args(["right"])
            .run()
            .expect_code(0);
        let report = run.report_since("start");
        assert_eq!(
            report.process().invalid_frees.len(),
            0,
            "{:#?}",
            report.process().invalid_frees
        );
        assert_eq!(report.process().leaks.blocks, 0, "{track}");
    }
}

#[test]
fn jni_functions_that_give_back_the_wrong_thing_are_found() {
    on_each_launcher(|jdk, entry| {
        let record = |argument| {
            let victim = Victim::new(jdk, "InvalidReleases");
            let run = victim
                .recording(entry, &[])
                .options("track=new+jni")
                .args([argument])
                .run();
            run.expect_code(0).report_since("start")
        };
        let report = record("wrong");
        let invalid_frees = &report.process().invalid_frees;
        let mut found: Vec<_> = invalid_frees
            .iter()
            .map(|invalid_free| {
                (
                    invalid_free.problem.as_str(),
                    invalid_free.kind.as_str(),
                    invalid_free.bytes,
                    invalid_free.released_by.as_str(),
                )
            })
            .collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("mismatch", "string characters", 16, "ReleaseStringUTFChars"),
                (
                    "notAllocated",
                    "array elements",
                    0,
                    "Release<Type>ArrayElements"
                ),
                ("underBuffer", "direct byte buffer", 1_999_993, "delete[]"),
            ]
        );
        for invalid_free in invalid_frees {
            let made = functions(&invalid_free.allocated);
            let freed = functions(&invalid_free.freed);
            assert!(
                freed.contains(&"InvalidReleases.main".to_owned()),
                "{freed:?}"
            );
            match invalid_free.problem.as_str() {
                "notAllocated" => {
                    assert!(made.is_empty());
                    assert!(freed.contains(&"InvalidReleases.neverTaken".to_owned()));
                }
                "underBuffer" => {
                    assert!(
                        made.contains(&"InvalidReleases.over".to_owned()),
                        "{made:?}"
                    );
                    assert!(freed.contains(&"InvalidReleases.freeUnder".to_owned()));
                    assert!(freed.contains(&"InvalidReleases.freedUnderKeptBuffer".to_owned()));
                }
                _ => assert!(made.contains(&"InvalidReleases.chars".to_owned())),
            }
        }
        let report = record("right");
        assert_eq!(report.process().invalid_frees.len(), 0, "{report:#?}");
        report.process().assert_nothing_lost();
    });
}

/// A function that ends by a jump to a JNI function seems to be called by Java code.
#[test]
fn libraries_of_the_jdk_that_give_back_what_they_took_raise_no_alarm() {
    for jdk in Jdk::all() {
        let run = Victim::new(jdk, "Fonts")
            .recording(Entry::Preload, &[])
            .options("track=new+malloc+jni+unsafe+fd+zip")
            .run()
            .expect_code(0);
        if !run.ended.stdout.starts_with("drawn") {
            eprintln!("SKIPPED: JDK {} draws no text", jdk.feature);
            continue;
        }
        let report = run.report();
        let found = &report.process().invalid_frees;
        assert!(found.is_empty(), "JDK {}: {found:#?}", jdk.feature);
    }
}
