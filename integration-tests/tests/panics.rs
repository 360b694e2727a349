//! An error inside the recorder never ends the program.
//!
//! The verifying recorder panics on purpose, at random among the places that its source marks:
//! while an allocation, a free, a stack, a thread's beginning or end, an event of the JVM is at
//! work. The program must do and say what it does without the recorder; the image must say that it
//! is not whole, with the place; and nobody may call it clean.

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Recording, Run, Victim, cpp};

/// What a bare run of the same program prints, and its exit code.
fn assert_goes_on(bare: Run, recorded: Run, what: &str) -> bool {
    assert_eq!(
        recorded.ended.status.code(),
        bare.ended.status.code(),
        "{what}: {}",
        recorded.ended
    );
    assert_eq!(recorded.ended.stdout, bare.ended.stdout, "{what}");
    let said = recorded
        .ended
        .stderr
        .matches("stopped the recording; the program goes on")
        .count();
    assert!(said <= 1, "{what}: {}", recorded.ended);
    if recorded.images().is_empty() {
        // It came before there was an image: then that is said.
        assert!(!recorded.ended.stderr.is_empty(), "{what}");
        return true;
    }
    let report = recorded.report();
    let process = report.process();
    let errors = process.counters.get("internalErrors").copied().unwrap_or(0);
    assert_eq!(said, usize::from(errors != 0), "{what}: {}", recorded.ended);
    if errors == 0 {
        return false;
    }
    assert_ne!(process.verdict, "clean", "{what}");
    let note = process
        .notes
        .iter()
        .find(|note| note.starts_with("the recording stopped"));
    let note = note.unwrap_or_else(|| panic!("{what}: no note says so: {:?}", process.notes));
    assert!(note.contains(".rs:"), "{what}: no place in {note:?}");
    true
}

/// Runs with several seeds and distances; at least half of the runs must have met a panic.
fn check(
    what: &str,
    every: &[u32],
    bare: impl Fn() -> Recording,
    recorded: impl Fn() -> Recording,
) {
    let mut met = 0;
    let mut runs = 0;
    for every in every {
        for seed in 1..=3 {
            let chance = format!("{seed}:{every}");
            let run = recorded().env("HACKLEAK_VERIFY_PANIC", &chance).run();
            let what = format!("{what}, HACKLEAK_VERIFY_PANIC={chance}");
            met += u32::from(assert_goes_on(bare().run(), run, &what));
            runs += 1;
        }
    }
    println!("{what}: {met} of {runs} runs met a panic");
    assert!(met * 2 >= runs, "{what}: only {met} of {runs} runs met one");
}

fn check_native(name: &str, arguments: &[&str], options: &str, every: &[u32]) {
    check(
        name,
        every,
        || Recording::bare(cpp(name)).args(arguments),
        || {
            Recording::of(cpp(name))
                .args(arguments)
                .options(options)
                .verified()
        },
    );
}

const ALL: &str = "follow=all,track=new+malloc,invalid-frees=report";

#[test]
fn programs_that_allocate() {
    check_native("pairs", &["4", "20000", "3"], ALL, &[1, 7, 101, 20_011]);
}

#[test]
fn threads_that_come_and_go() {
    check_native("thread_churn", &["64"], ALL, &[1, 13, 211]);
}

#[test]
fn libraries_that_come_and_go_and_invalid_frees() {
    check_native("invalid_frees", &[], ALL, &[1, 3, 11]);
    check_native("deep_calls", &["5", "2300", "17"], ALL, &[1, 2, 5]);
}

#[test]
fn a_text_log() {
    let options = "follow=all,track=new+malloc,log=log.txt";
    check_native("pairs", &["2", "500", "3"], options, &[5, 101, 907]);
}

#[test]
fn forked_children_have_errors_of_their_own() {
    let mut stopped = 0;
    for chance in ["1:1", "2:3", "3:17", "4:101"] {
        let bare = Recording::bare(cpp("forks")).arg("prefork").run();
        let run = Recording::of(cpp("forks"))
            .arg("prefork")
            .options(ALL)
            .verified()
            .env("HACKLEAK_VERIFY_PANIC", chance)
            .run();
        assert_eq!(run.ended.status, bare.ended.status, "{}", run.ended);
        assert_eq!(run.ended.stdout, bare.ended.stdout, "{chance}");
        for process in &run.report().processes {
            let errors = process.counters.get("internalErrors").copied();
            if errors.unwrap_or(0) > 0 {
                stopped += 1;
                assert_ne!(process.verdict, "clean", "{chance}: {:?}", process.notes);
            }
        }
    }
    assert!(stopped > 3, "only {stopped} processes met a panic");
}

#[test]
fn a_file_that_took_the_number_of_standard_error_stays_as_it_is() {
    let mut stopped = 0;
    for seed in 1..=6 {
        let run = Recording::of(cpp("own_file_as_stderr"))
            .options(ALL)
            .verified()
            .env("HACKLEAK_VERIFY_PANIC", format!("{seed}:40"))
            .run()
            .expect_code(0);
        assert_eq!(run.ended.stdout, "mine\n", "{}", run.ended);
        let report = run.report();
        stopped += report.process().counters["internalErrors"];
    }
    assert!(stopped > 0, "no run met a panic");
}

#[test]
fn jvms() {
    for jdk in Jdk::all() {
        let victim = Victim::new(jdk, "StaleEntries");
        check(
            &format!("StaleEntries on JDK {}", jdk.feature),
            &[1, 50, 400],
            || victim.bare(&[]).args(["7", "200"]),
            || {
                victim
                    .recording(Entry::Preload, &[])
                    .args(["7", "200"])
                    .verified()
            },
        );
    }
}
