//! A fixed number of seeds, native and Java, within a limit of time; and the harness itself must be
//! able to fail.
//!
//! `CHAOS_SECONDS` is the limit, three minutes if it is not set; `make chaos MINUTES=60` runs
//! longer with fresh seeds.

use std::time::Duration;

use hackleak_chaos::{Case, java, native, suite};

/// More than any machine does in the time that is given.
const SEEDS: u64 = 2_000;

#[test]
fn random_programs_do_what_they_do_bare_and_are_recorded_exactly() {
    let seconds = std::env::var("CHAOS_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(180));
    let (count, failures) = suite::seeds(1..=SEEDS, time, false);
    println!("{count} seeds");
    assert!(count > 0, "there was no time for a single seed");
    let said: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

/// A case of its own for each way of failing: nothing else in it may fail.
fn quiet(mut case: Case, end: &str) -> Case {
    let mut last = case.program.steps.pop().expect("a script has an end");
    while last.leaves.is_empty() {
        last = Case::of(case.seed + 4)
            .program
            .steps
            .pop()
            .expect("a script has an end");
        case.seed += 4;
    }
    last.line = end.to_owned();
    last.executes = None;
    case.program.steps = vec![last];
    case.killed_after = None;
    case.disk = None;
    case.safe_malloc = false;
    case
}

fn wrong(case: &Case) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    suite::run(case, &folder.path().join("case"))
}

#[test]
fn a_block_more_than_the_script_says_is_seen() {
    for case in [native::case(1), java::case(3)] {
        let mut case = quiet(case, "end how=return code=0");
        assert_eq!(wrong(&case), Vec::<String>::new(), "{}", case.summary());
        case.planted_fault = true;
        let wrong = wrong(&case);
        assert!(
            wrong.iter().any(|line| line.contains("900001")),
            "{wrong:?}"
        );
    }
}

#[test]
fn another_end_than_the_bare_run_has_is_seen() {
    let mut case = quiet(native::case(1), "end how=return code=0");
    // The recorded process is killed by itself; the script says so only to it.
    case.program.steps[0].line = "end how=unless-recorded code=9".to_owned();
    let wrong = wrong(&case);
    assert!(
        wrong.iter().any(|line| line.contains("ended with")),
        "{wrong:?}"
    );
}

#[test]
fn an_invented_java_frame_is_seen() {
    let mut case = quiet(java::case(3), "end how=return code=0");
    case.program.steps[0].line = "end how=lies code=0".to_owned();
    let wrong = wrong(&case);
    assert!(
        wrong.iter().any(|line| line.contains("Java stack")),
        "{wrong:?}"
    );
}
