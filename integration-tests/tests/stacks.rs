//! Every recorded stack is the one that libgcc's unwinder sees at that moment.
//!
//! The verifying recorder compares them in the victim itself and prints one line at exit. The
//! victims walk at random over frames of every shape; a failure names its seed and compile options,
//! and repeats with them.

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Recording, Verdict, Victim, cpp_with, plugin};

/// How the victims are compiled: frame pointers or none, inlined or not.
const VARIANTS: &[&[&str]] = &[
    &["-O0"],
    &["-O2"],
    &["-O3"],
    &["-O2", "-fomit-frame-pointer"],
    &["-O2", "-fno-omit-frame-pointer"],
];

/// Runs the victim in every variant; each must check `least` stacks and find all of them right.
fn assert_exact(victim: &str, seeds: std::ops::Range<u32>, arguments: &[&str], least: u64) {
    for flags in VARIANTS {
        for seed in seeds.clone() {
            let seed = seed.to_string();
            let recording = Recording::of(cpp_with(victim, flags))
                .verified()
                .args([&seed]);
            let run = recording.args(arguments).run().expect_code(0);
            let what = format!("{victim} {seed} {arguments:?} compiled with {flags:?}");
            let Verdict {
                checked,
                mismatches,
                remembered_walks,
                recent_hits,
                branch_hits,
                ..
            } = run.verdict();
            println!(
                "{what}: checked {checked}, mismatches {mismatches}, remembered walks {remembered_walks} ({recent_hits}, {branch_hits})"
            );
            assert_eq!(mismatches, 0, "{what}: {}", run.ended);
            assert!(checked >= least, "{what}: only {checked} were checked");
            // Stacks through signal frames are not remembered, and the others are in that victim
            // only.
            let interrupted = victim == "stacks_interrupted";
            assert!(
                remembered_walks > 0 || interrupted,
                "{what}: nothing was remembered"
            );
            // Here the same places allocate in turn.
            let in_turn = victim == "stacks_path_change";
            assert!(recent_hits > 0 || !in_turn, "{what}: no earlier walk");
            assert!(branch_hits > 0 || !in_turn, "{what}: no branch");
        }
    }
}

#[test]
fn random_walks_on_one_thread() {
    assert_exact("stacks_walk", 1..4, &["300000", "1"], 250_000);
}

#[test]
fn random_walks_on_four_threads() {
    assert_exact("stacks_walk", 10..12, &["400000", "4"], 350_000);
}

#[test]
fn same_leaf_frame_on_other_paths() {
    assert_exact("stacks_path_change", 1..3, &["300000"], 250_000);
}

#[test]
fn the_check_fails_when_what_is_remembered_is_not_verified() {
    for memory in ["last", "recent", "branches"] {
        let victim = cpp_with("stacks_path_change", &["-O2"]);
        let recording = Recording::of(victim).verified().args(["1", "300000"]);
        let recording = recording.env("HACKLEAK_VERIFY_BREAK", memory);
        let run = recording.run().expect_code(0);
        assert!(run.verdict().mismatches > 0, "{memory}: {}", run.ended);
    }
}

#[test]
fn java_stacks_that_are_recalled_are_those_that_the_jvm_would_give() {
    for jdk in Jdk::all() {
        let victim = Victim::new(jdk, "JavaStacks");
        for (options, recalls) in [
            (&[][..], true),
            (&["-Xcomp"], true),
            (&["-XX:+UseZGC"], true),
            (&["-XX:+UseSerialGC", "-XX:+PreserveFramePointer"], true),
            // One code cache for everything.
            (&["-XX:-SegmentedCodeCache"], true),
            (&["-XX:TieredStopAtLevel=1"], true),
            (&["-XX:ReservedCodeCacheSize=6m"], true),
            // Nothing tells where the frame of an interpreted native method lies.
            (&["-Xint"], false),
        ] {
            let recording = victim.recording(Entry::Preload, options).verified();
            let run = recording.args(["1", "700"]).run().expect_code(0);
            let found = run.verdict();
            let what = format!("JDK {}, {options:?}", jdk.feature);
            println!("{what}: recalled {}", found.java_recalled);
            assert_eq!(found.java_mismatches, 0, "{what}: {}", run.ended);
            assert_eq!(found.mismatches, 0, "{what}: {}", run.ended);
            assert!(found.java_recalled > 0 || !recalls, "{what}: {}", run.ended);
        }
    }
}

/// `AsyncGetCallTrace` stops at a frame whose compiled code was thrown away: such stacks are asked
/// for again.
#[test]
fn java_stacks_below_code_that_was_thrown_away_are_whole() {
    let run = |jdk: &Jdk, seed: u32, broken: &str| {
        let recording = Victim::new(jdk, "JavaStacks").recording(Entry::Preload, &[]);
        let recording = recording.verified().args([&seed.to_string(), "700"]);
        let recording = recording.env("HACKLEAK_VERIFY_ANSWERS", "1");
        let recording = recording.env("HACKLEAK_VERIFY_BREAK", broken);
        recording.run().expect_code(0)
    };
    for jdk in Jdk::all() {
        let whole = run(jdk, 1, "");
        let found = whole.verdict();
        assert_eq!(found.java_mismatches, 0, "{}", whole.ended);
        assert!(found.java_answers > 1_000, "{}", whole.ended);
    }
    // Code is not thrown away in each run.
    let jdk = Jdk::all().last().expect("there is one");
    let is_cut = |seed| run(jdk, seed, "outermost").verdict().java_mismatches > 0;
    assert!((1..=20).any(is_cut), "no stack was ever cut");
}

#[test]
fn the_check_of_java_stacks_fails_when_they_are_not_verified() {
    let jdk = &Jdk::all()[0];
    let victim = Victim::new(jdk, "JavaStacks");
    let recording = victim.recording(Entry::Preload, &[]).verified();
    let recording = recording.env("HACKLEAK_VERIFY_BREAK", "java");
    let run = recording.args(["1", "700"]).run().expect_code(0);
    assert!(run.verdict().java_mismatches > 0, "{}", run.ended);
}

#[test]
fn signal_handlers_on_the_same_stack() {
    assert_exact("stacks_signals", 1..3, &["300000", "2", "same"], 250_000);
}

#[test]
fn signal_handlers_on_alternate_stacks_that_are_unmapped_later() {
    assert_exact(
        "stacks_signals",
        1..3,
        &["300000", "2", "alternate"],
        250_000,
    );
}

#[test]
fn signals_at_any_instruction() {
    assert_exact("stacks_interrupted", 1..2, &["3000"], 20_000);
}

#[test]
fn coroutines_whose_stacks_are_remapped() {
    assert_exact("stacks_coroutines", 1..3, &["300000", "1"], 250_000);
    assert_exact("stacks_coroutines", 5..6, &["300000", "3"], 250_000);
}

#[test]
fn threads_that_come_and_go() {
    assert_exact("stacks_threads", 1..2, &["200000"], 150_000);
}

#[test]
fn unloaded_code_whose_addresses_mean_other_code_now() {
    let rounds = 2000_u64;
    let recording = Recording::of(cpp_with("plugins", &["-O2"])).verified();
    let recording = recording
        .args([plugin(24), plugin(120)])
        .args([rounds.to_string()]);
    let run = recording.run().expect_code(0);
    let reused = run.ended.stdout.trim().strip_prefix("reused ");
    let reused: u64 = reused
        .and_then(|number| number.parse().ok())
        .expect("the victim counts");
    assert!(
        reused > rounds / 2,
        "addresses were reused only {reused} times: this proves nothing"
    );
    let Verdict {
        checked,
        mismatches,
        ..
    } = run.verdict();
    assert_eq!(mismatches, 0, "{}", run.ended);
    assert!(checked >= rounds * 20);
}
