//! A program that forbids itself system calls, and ends for what is forbidden, goes on as it does
//! bare.

use integration_tests::recording::{Recording, Run};
use integration_tests::victims::cpp;

fn recorded(arguments: &[&str]) -> Run {
    let run = Recording::of(cpp("sandboxed"))
        .options("follow=all,track=new+malloc,held=note")
        .args(arguments)
        .run()
        .expect_code(7);
    assert_eq!(run.ended.stdout, "gone on\n", "{}", run.ended);
    run
}

fn is_said(notes: &[String]) -> bool {
    notes.iter().any(|note| note.contains("(seccomp)"))
}

/// Nobody could look for holders, so all that is left counts, and the report says why.
#[test]
fn a_filter_that_ends_the_process_stops_the_search_and_not_the_program() {
    for way in ["prctl", "wrapper"] {
        let report = recorded(&["kill", way]).report();
        let process = report.process();
        assert!(is_said(&process.notes), "{way}: {:?}", process.notes);
        process.assert_nothing_lost();
        for bytes in [1_001, 1_002, 3_001] {
            assert_eq!(process.blocks_of(bytes), 1, "{way}: {bytes}");
        }
    }
}

/// Not even memory may be asked for: what the image may need is there before.
#[test]
fn a_program_that_may_do_next_to_nothing_goes_on() {
    for way in [
        &["narrow"][..],
        &["strict"],
        &["narrow", "limited"],
        &["strict", "limited"],
    ] {
        let report = recorded(way).report();
        let process = report.process();
        assert!(is_said(&process.notes), "{way:?}: {:?}", process.notes);
        assert_eq!(process.blocks_of(1_002), 1, "{way:?}");
    }
}

/// Who reads the time gets a signal.
#[test]
fn a_program_that_may_not_read_the_time_goes_on() {
    let report = recorded(&["untimed"]).report();
    let process = report.process();
    assert_eq!(process.blocks_of(1_001) + process.blocks_of(1_002), 2);
    assert_eq!(process.blocks_of(3_001), 0, "{:#?}", process.held);
}

/// The clean twin: a filter that only refuses is none of our business.
#[test]
fn a_filter_that_refuses_changes_nothing() {
    for way in ["prctl", "wrapper"] {
        let report = recorded(&["refuse", way]).report();
        let process = report.process();
        assert!(!is_said(&process.notes), "{way}: {:?}", process.notes);
        assert_eq!(process.blocks_of(1_001) + process.blocks_of(1_002), 2);
        assert_eq!(process.blocks_of(3_001), 0, "{way}: {:#?}", process.held);
    }
}

/// Nor does one that binds a child alone, which has no part of the image, or all of its memory.
#[test]
fn a_filter_of_a_child_changes_nothing() {
    for arguments in [
        ["child", "prctl"],
        ["child", "wrapper"],
        ["vfork", "prctl"],
        ["vfork", "wrapper"],
    ] {
        let report = recorded(&arguments).report();
        let parent = report
            .processes
            .iter()
            .max_by_key(|process| process.totals.allocations);
        let parent = parent.unwrap_or_else(|| panic!("{arguments:?}"));
        assert!(!is_said(&parent.notes), "{arguments:?}: {:?}", parent.notes);
        assert_eq!(parent.blocks_of(1_001) + parent.blocks_of(1_002), 2);
        assert_eq!(
            parent.blocks_of(3_001),
            0,
            "{arguments:?}: {:#?}",
            parent.held
        );
    }
}

/// The image cannot grow, new threads and children cannot be recorded: the report is incomplete.
#[test]
fn what_needs_more_than_is_allowed_is_counted() {
    let report = recorded(&["kill", "much"]).report();
    let process = report.process();
    let is_incomplete = |note: &String| note.starts_with("incomplete (");
    assert!(
        process.notes.iter().any(is_incomplete),
        "{:?}",
        process.notes
    );
    assert!(is_said(&process.notes), "{:?}", process.notes);
    assert_eq!(process.blocks_of(1_002), 1);
}
