//! A process whose files or address space are limited goes on as it would without the recorder, and
//! its report says what is missing.

use std::path::Path;
use std::process::Command;

use integration_tests::java::Entry;
use integration_tests::{Jdk, Recording, Run, Victim, artefacts, cpp};

/// Runs the victim both ways; they print and end alike.
fn as_bare(arguments: &[&str], options: &str) -> Run {
    let bare = Recording::bare(cpp("limits")).args(arguments).run();
    let run = Recording::of(cpp("limits"))
        .args(arguments)
        .options(options)
        .run();
    assert_eq!(bare.ended.code(), 6, "{}", bare.ended);
    assert_eq!(run.ended.code(), 6, "{}", run.ended);
    assert_eq!(run.ended.stdout, bare.ended.stdout, "{}", run.ended);
    run
}

fn assert_incomplete(run: &Run) {
    let report = run.report();
    let process = report.process();
    let notes = process.notes.join("\n");
    assert!(
        notes.contains("incomplete (file-limit): the file-size limit"),
        "it degraded silently: {notes}"
    );
    assert!(!notes.contains("file system"), "{notes}");
    assert!(!notes.contains("damaged"), "{notes}");
    assert!(process.counters["segmentsInMemory"] > 0, "{process:#?}");
}

#[test]
fn a_limit_that_is_lowered_meanwhile_is_no_signal_whatever_the_program_does_with_it() {
    for how in ["default", "ignored", "handled", "blocked", "pending"] {
        for bytes in ["0", "4096", "9000000"] {
            let run = as_bare(&["lowered", bytes, how, "self"], "follow=all");
            assert_eq!(run.ended.stderr, "", "{how} {bytes}");
            assert_incomplete(&run);
            let report = run.report();
            assert_eq!(report.process().blocks_of(11_003), 3, "{how} {bytes}");
        }
    }
}

#[test]
fn a_limit_that_is_lowered_from_outside_is_no_signal() {
    for how in ["default", "handled"] {
        let run = as_bare(&["lowered", "0", how, "other"], "follow=all");
        assert_eq!(run.ended.stderr, "", "{how}");
        assert_incomplete(&run);
    }
}

#[test]
fn a_text_log_that_reaches_the_limit_is_no_signal_and_its_loss_is_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for how in ["default", "ignored", "handled", "blocked", "pending"] {
        let log = folder.path().join(how);
        let options = format!("follow=all,log={}", log.display());
        let run = as_bare(&["lowered", "70000", how, "self"], &options);
        let report = run.report();
        assert!(report.process().counters["logLost"] > 0, "{how}");
        let len = std::fs::metadata(&log).expect("a log was written").len();
        // The last line comes after the program has lifted the limit.
        assert!(len < 70_000 + 100, "{len}");
    }
}

#[test]
fn a_program_that_may_not_write_a_byte_says_so_in_one_line_and_goes_on() {
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    let options = format!("follow=all,out={}", out.path().display());
    // Through a pipe: a file would hold no line either.
    let ended = Command::new(cpp("limits"))
        .args(["under", "fsize", "0", "small"])
        .env("LD_PRELOAD", artefacts::recorder())
        .env("HACKLEAK_OPTIONS", options)
        .output()
        .expect("the victim can be started");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(6), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let start = "hackleak: not recording: the image `";
    assert!(stderr.starts_with(start), "{stderr}");
    assert!(stderr.contains("file-size limit"), "{stderr}");
}

#[test]
fn the_line_about_a_limit_is_no_signal_where_stderr_is_a_file_beyond_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let errors = folder.path().join("errors");
    let script = format!(
        "head -c 5000 /dev/zero > '{0}'; ulimit -f 0; exec '{1}' small 2>> '{0}'",
        errors.display(),
        cpp("limits").display()
    );
    let recording = Recording::of("/bin/sh").args(["-c", &script]);
    recording.run().expect_code(6);
    let len = std::fs::metadata(&errors).expect("it was written").len();
    assert_eq!(len, 5000);
}

#[test]
fn a_limit_that_is_low_from_the_start_is_said_in_one_line() {
    let run = as_bare(&["under", "fsize", "300000", "small"], "follow=all");
    let lines: Vec<&str> = run.ended.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", run.ended);
    assert!(lines[0].contains("is incomplete"), "{}", lines[0]);
    assert!(lines[0].contains("file-size limit"), "{}", lines[0]);
    let verdicts: Vec<String> = run
        .report()
        .processes
        .iter()
        .map(|process| process.verdict.clone())
        .collect();
    assert!(verdicts.contains(&"incomplete".to_owned()), "{verdicts:?}");
}

#[test]
fn a_small_address_space_is_shared_with_the_program() {
    for mib in [40, 64, 200, 1024, 5000] {
        let bytes = (mib << 20_u64).to_string();
        let run = as_bare(&["under", "as", &bytes, "small"], "follow=all");
        assert_eq!(run.ended.stderr, "", "{mib} MiB");
        let report = run.report();
        let blocks: u64 = report.processes.iter().map(|p| p.blocks_of(13_009)).sum();
        assert_eq!(blocks, 5, "{mib} MiB");
    }
}

/// What an image has of it without using it is given back before.
#[test]
fn a_program_that_limits_its_own_address_space_has_most_of_it() {
    for (mib, how) in [(100, "setrlimit"), (400, "prlimit"), (2000, "setrlimit")] {
        let bytes = (mib << 20_u64).to_string();
        let arguments = ["own", &bytes, how];
        let bare = Recording::bare(cpp("limits")).args(arguments).run();
        let run = Recording::of(cpp("limits"))
            .args(arguments)
            .options("follow=all")
            .run();
        let had = |run: &Run| -> u64 {
            let run = run.ended.stdout.trim_end_matches(" MiB\n").to_owned();
            run.parse().expect("a number")
        };
        assert_eq!(run.ended.code(), 6, "{}", run.ended);
        assert!(had(&bare) >= mib - 20, "{}", bare.ended);
        assert!(
            had(&run) >= mib / 2,
            "{mib}: {} of {}",
            had(&run),
            had(&bare)
        );
        assert_eq!(run.report().process().blocks_of(13_009), 10, "{mib} MiB");
    }
}

#[test]
fn an_address_space_too_small_for_an_image_is_said_in_one_line() {
    let bytes = (15 << 20_u64).to_string();
    let run = as_bare(&["under", "as", &bytes, "small"], "follow=all");
    assert_eq!(run.ended.stderr.lines().count(), 1, "{}", run.ended);
    assert!(run.ended.stderr.contains("address space"), "{}", run.ended);
}

#[test]
fn a_window_that_is_too_short_costs_records_that_are_counted() {
    let bytes = (150 << 20_u64).to_string();
    let arguments = [
        "under", "as", &bytes, "lowered", "99999999", "default", "self",
    ];
    let run = as_bare(&arguments, "follow=all");
    let report = run.report();
    let dropped: u64 = report
        .processes
        .iter()
        .filter_map(|process| process.counters.get("droppedNoSegment"))
        .sum();
    assert!(dropped > 0, "{report:#?}");
    let notes = report.processes.iter().flat_map(|process| &process.notes);
    let damaged: Vec<&String> = notes.filter(|note| note.contains("damaged")).collect();
    assert!(damaged.is_empty(), "{damaged:?}");
}

#[test]
fn a_jvm_in_a_gigabyte_of_address_space_starts() {
    for jdk in Jdk::all() {
        let script = format!(
            "ulimit -v 1048576; exec '{}' -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
             -XX:CompressedClassSpaceSize=32m -version",
            jdk.tool("java").display()
        );
        let shell = Path::new("/bin/sh");
        Recording::bare(shell)
            .args(["-c", &script])
            .run()
            .expect_code(0);
        let recording = Recording::of(shell).options("").args(["-c", &script]);
        let run = recording.run().expect_code(0);
        assert_eq!(run.images().len(), 1, "{}", run.ended);
        assert!(!run.ended.stderr.contains("hackleak:"), "{}", run.ended);
    }
}

/// What a JVM takes at its start depends on what there is, so whether it starts is a matter of
/// chance near its limits.
#[test]
fn a_jvm_starts_under_each_limit_under_which_it_starts_bare() {
    /// MiB of address space that the recorder itself may need, beyond which a bare JVM does not
    /// start.
    const OWN: u64 = 64;
    const STEP: u64 = 32;
    let shell = Path::new("/bin/sh");
    for jdk in Jdk::all() {
        let script = |mib: u64| {
            format!(
                "ulimit -c 0; ulimit -v {}; exec '{}' -Xmx128m -XX:CompressedClassSpaceSize=64m -version",
                mib << 10,
                jdk.tool("java").display()
            )
        };
        let starts = |recording: Recording, mib: u64| {
            let run = recording.args(["-c", &script(mib)]).run();
            run.ended.code() == 0
        };
        let bare = |mib: &u64| starts(Recording::bare(shell), *mib);
        let smallest = (480..8192).step_by(STEP as usize).find(bare);
        let smallest = smallest.expect("a bare JVM starts");
        let rungs = (smallest + OWN..smallest + 512).step_by(STEP as usize);
        let tried: Vec<u64> = rungs.filter(bare).collect();
        assert!(!tried.is_empty(), "a bare JVM starts with more, too");
        for mib in tried {
            let recording = Recording::of(shell).options("");
            assert!(starts(recording, mib), "JDK {}: {mib} MiB", jdk.feature);
        }
    }
}

/// Who holds what, the recorder knows by itself: a test whose memory is held passes, and one that
/// leaks fails, also where the image is not whole or nobody can read it.
#[test]
fn what_is_held_is_told_from_what_is_lost_without_the_reporter() {
    let expected = "application: held\nkept loader: held, collected\n\
                    dropped loader: 1000037 bytes lost, collected\n";
    for jdk in Jdk::all() {
        let victim = Victim::new(jdk, "FirmHolders");
        let arguments = |more: &[&str]| victim.arguments(Entry::Preload, more);
        let java = jdk.tool("java");
        let limited = "ulimit -f 2000; exec \"$0\" \"$@\"".to_owned();
        let mut under_limit = vec!["-c".to_owned(), limited, java.display().to_string()];
        under_limit.extend(arguments(&[]));
        let nobody = arguments(&["-Dhackleak.cli=/nowhere/hackleak"]);
        for (what, program, arguments) in [
            ("a limit", Path::new("/bin/sh"), under_limit),
            ("no reporter", &java, nobody),
        ] {
            let run = Recording::of(program)
                .options("follow=jvm,track=new+malloc,held=note")
                .args(arguments)
                .run()
                .expect_code(0);
            let (feature, said) = (jdk.feature, &run.ended.stderr);
            assert_eq!(run.ended.stdout, expected, "JDK {feature}, {what}: {said}");
            assert_eq!(said.contains("`ulimit -f`"), what == "a limit", "{said}");
        }
    }
}
