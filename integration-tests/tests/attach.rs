//! Threads that native code attaches and never detaches, and local frames that it pushes and never
//! pops.

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Run, Victim};

const TRACK: &str = "track=new+malloc+jni+unsafe+fd+attach";

fn run(jdk: &Jdk, options: &str, modes: &[&str]) -> Run {
    println!("JDK {}, {options}", jdk.feature);
    Victim::new(jdk, "Attaching")
        .recording(Entry::Preload, &[])
        .options(options)
        .args(modes)
        .run()
        .expect_code(0)
}

/// Runs these modes in one process, and expects what each leaves.
fn expect(expected: &[(&str, &str)]) {
    let modes: Vec<&str> = expected.iter().map(|(mode, _)| *mode).collect();
    for jdk in Jdk::all() {
        let run = run(jdk, TRACK, &modes);
        let mut lines = run.ended.stdout.lines();
        for (mode, left) in expected {
            let expected = format!("{mode}: {left}");
            assert_eq!(lines.next(), Some(&*expected), "{}", run.ended);
        }
        assert_eq!(lines.next(), None, "{}", run.ended);
        run.report().process().assert_nothing_lost();
    }
}

#[test]
fn threads_that_stay_attached_are_named_and_others_are_none() {
    expect(&[
        (
            "ended",
            "7 threads attached to the JVM and never detached: \"worker-1\" (has ended), \
             \"worker-2\" (has ended), \"worker-3\" (has ended) and 4 more",
        ),
        ("detached", "none"),
        (
            "unnamed",
            "1 thread attached to the JVM and never detached: \"java\" (has ended)",
        ),
        ("destructor", "none"),
        (
            "daemons",
            "5 threads attached to the JVM and never detached: \"worker-1\" (has ended), \
             \"worker-2\" (has ended), \"worker-3\" (has ended) and 2 more",
        ),
        ("nested", "none"),
        (
            "nested-leak",
            "3 threads attached to the JVM and never detached: \"worker-1\" (has ended), \
             \"worker-2\" (has ended), \"worker-3\" (has ended)",
        ),
        (
            "running",
            "2 threads attached to the JVM and never detached: \"pool-1\" (still runs), \
             \"pool-2\" (still runs)",
        ),
        ("java", "none"),
    ]);
}

#[test]
fn frames_that_are_not_popped_are_counted_and_others_are_none() {
    expect(&[
        ("frames-popped", "none"),
        ("frames", "11 local frames pushed and not popped"),
        ("some-frames", "7 local frames pushed and not popped"),
        ("frames-popped", "none"),
        ("frames-of-calls", "9 local frames pushed and not popped"),
        // Detaching gives them back.
        ("frames-in-thread", "none"),
    ]);
}

#[test]
fn local_references_beyond_the_bound_are_counted_in_each_call() {
    let of = |count: &str, calls: &str| format!("{count} local references in {calls} (bound 512)");
    let (five, kept) = (of("5,000", "one native call"), of("700", "one native call"));
    let (three, thread) = (
        of("1,539", "3 native calls"),
        of("2,000", "one native call"),
    );
    expect(&[
        ("references-of-many", "none"),
        ("references-bound", "none"),
        ("references", &five),
        ("references-deleted", "none"),
        ("references-kept", &kept),
        ("references-beyond", &three),
        ("references-in-frames", "none"),
        ("references-in-frame", "none"),
    ]);
    let attached = "1 thread attached to the JVM and never detached: \"handler\" (still runs)";
    expect(&[
        ("references-in-thread", &format!("{thread}; {attached}")),
        ("references-in-tidy-thread", attached),
        ("references-in-detached", "none"),
    ]);
}

#[test]
fn every_function_that_makes_a_local_reference_is_counted() {
    let modes: Vec<String> = (1..14).map(|how| how.to_string()).collect();
    let left: Vec<String> = (1..14)
        .map(|how| {
            // Beside the object its class, which is looked up for each.
            let count = if how == 6 { "1,200" } else { "600" };
            format!("{count} local references in one native call (bound 512)")
        })
        .collect();
    let expected = modes.iter().zip(&left);
    let expected: Vec<(&str, &str)> = expected.map(|(mode, left)| (&**mode, &**left)).collect();
    expect(&expected);
}

#[test]
fn alone_the_kind_sees_as_much() {
    for jdk in Jdk::all() {
        let run = run(
            jdk,
            "track=attach",
            &["some-frames", "references-kept", "detached"],
        );
        let expected = "some-frames: 7 local frames pushed and not popped\n\
            references-kept: 700 local references in one native call (bound 512)\n\
            detached: none\n";
        assert_eq!(run.ended.stdout, expected, "{}", run.ended);
    }
}

#[test]
fn tests_that_run_in_parallel_have_their_own() {
    for jdk in Jdk::all() {
        let run = run(jdk, TRACK, &["parallel"]);
        let expected = "parallel: 7, 0 bytes; 9, 0 bytes\n";
        assert_eq!(run.ended.stdout, expected, "{}", run.ended);
    }
}

#[test]
fn without_the_kind_none_is_recorded() {
    for jdk in Jdk::all() {
        let run = run(
            jdk,
            "track=new+malloc+jni+unsafe+fd+zip",
            &["ended", "frames"],
        );
        assert_eq!(
            run.ended.stdout, "ended: none\nframes: none\n",
            "{}",
            run.ended
        );
    }
}
