//! Recording needs hardly any of the program's own stack.
//!
//! Whatever needs more runs on a stack of the recorder's. The victim paints the stack below a call,
//! so the figures are exact; they are compared with those of a bare run.

use integration_tests::{Recording, cpp};
use std::collections::BTreeMap;

/// What the hooks may add to the stack that a call needs without them, in bytes.
const MOST: u64 = 2048;

/// The smallest stack that glibc gives a thread (`PTHREAD_STACK_MIN`).
const SMALLEST: &str = "16384";

fn runs(arguments: &[&str], options: &str) {
    let what = format!("{arguments:?} with {options}");
    let recording = Recording::of(cpp("small_stacks"))
        .args(arguments)
        .options(options);
    let run = recording.run();
    assert_eq!(run.ended.stdout, "ok\n", "{what}: {}", run.ended);
    let run = run.expect_code(0);
    let report = run.report();
    assert_eq!(report.process().blocks_of(1_000_003), 0, "{what}");
    assert!(report.process().totals.allocations >= 2, "{what}");
}

const OPTIONS: [&str; 3] = [
    "follow=all,track=new+malloc",
    "follow=all,track=new+malloc,log=log.txt",
    "follow=all,track=new+malloc,stacks=off",
];

#[test]
fn the_first_record_of_a_thread_with_the_smallest_stack() {
    for options in OPTIONS {
        runs(&["thread", SMALLEST], options);
    }
}

#[test]
fn a_handler_on_a_small_alternate_stack() {
    for options in OPTIONS {
        for size in ["8192", "10240", "16384"] {
            runs(&["handler", size], options);
            runs(&["handler", size, "warm"], options);
        }
    }
}

/// Bytes of stack by call and turn.
fn painted(recording: Recording) -> BTreeMap<(usize, String), u64> {
    let run = recording.arg("paint").run().expect_code(0);
    let lines = run.ended.stdout.lines().enumerate();
    lines
        .map(|(index, line)| {
            let (call, bytes) = line.trim().rsplit_once(' ').expect("a call and a number");
            let bytes = bytes.parse().expect("a number");
            ((index, call.to_owned()), bytes)
        })
        .collect()
}

#[test]
fn hooks_need_at_most_two_kib_of_the_callers_stack() {
    let bare = painted(Recording::bare(cpp("small_stacks")));
    assert_eq!(bare.len(), 18);
    for options in OPTIONS {
        let options = format!("{options},invalid-frees=report");
        let recorded = painted(Recording::of(cpp("small_stacks")).options(&options));
        for (call, bytes) in &recorded {
            let more = bytes.saturating_sub(bare[call]);
            println!("{options}: {call:?} {bytes} bytes, {more} more than bare");
            assert!(
                more <= MOST,
                "{call:?} needs {bytes} bytes with {options}, {more} more than bare"
            );
        }
    }
}
