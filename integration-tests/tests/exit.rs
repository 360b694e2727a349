//! The end of a JVM with `exit=settle` and `exit=report`: it ends as it does without the recorder,
//! whatever collects its garbage and however it ends, and what only garbage owns is not left in the
//! image.
//!
//! Every run has a limit far above what it takes, so that a JVM that never ends is a failure.

use std::path::Path;
use std::process::Command;

use integration_tests::process::Ended;
use integration_tests::recording::Run;
use integration_tests::runtimes::Runtime;
use integration_tests::{artefacts, process, report::Report};

/// Seconds.
const LIMIT: u64 = 150;
/// Enough for a collector on a busy machine: settling ends when it is done.
const LONG: &str = "-Dhackleak.settle.limit.ms=60000";

/// JVM options for each collector of a release. Those that a JDK was built without are left out
/// when it runs.
fn collectors(feature: u32) -> Vec<&'static str> {
    let mut collectors = vec![
        "-XX:+UseSerialGC",
        "-XX:+UseParallelGC",
        "-XX:+UseG1GC",
        "-XX:+UseZGC",
        "-XX:+UseShenandoahGC",
        "-XX:+UseEpsilonGC",
    ];
    // Later releases have no other.
    if feature == 21 {
        collectors.push("-XX:+UseZGC -XX:+ZGenerational");
    }
    collectors
}

/// The JVM options for a collector, without what it says of itself.
fn options(collector: &str) -> Vec<&str> {
    let mut options = vec!["-XX:+UnlockExperimentalVMOptions", "-Xlog:disable", LONG];
    options.extend(collector.split(' '));
    options
}

/// Ways to end, and the exit code of each.
const ENDINGS: [(&str, i32); 5] = [
    ("return", 0),
    ("exit", 3),
    ("halt", 4),
    ("term", 143),
    ("throw", 1),
];

/// Runs the victim to its end, with its signal where it waits for one.
fn run(runtime: &Runtime, options: &str, jvm_options: &[&str], arguments: &[&str]) -> Run {
    let recording = runtime.recording("Endings", jvm_options).options(options);
    let (mut started, running) = recording.args(arguments).start();
    if arguments[0] == "term" {
        started.wait_for_output("started");
        let pid = started.pid().to_string();
        process::run(Command::new("kill").args(["-TERM", &pid])).expect_code(0);
    }
    running.ended(started.wait(std::time::Duration::from_secs(LIMIT)))
}

fn assert_ended_as_without_the_recorder(ended: &Ended, ending: &str, code: i32) {
    assert_eq!(ended.code(), code, "{ended}");
    let hook = if ending == "halt" { "" } else { "hook ran\n" };
    assert_eq!(ended.stdout, format!("started\n{hook}"), "{ended}");
    let planned = ended.stderr.contains("IllegalStateException: planned");
    assert_eq!(planned, ending == "throw", "{ended}");
}

/// What the program says on stderr in this ending, line by line, without the recorder's part.
fn stderr_of_recorder(ended: &Ended) -> String {
    let own = |line: &&str| !line.contains("planned") && !line.starts_with("\tat Endings.");
    ended
        .stderr
        .lines()
        .filter(own)
        .collect::<Vec<_>>()
        .join("\n")
}

fn assert_settled(report: &Report, ending: &str, collects: bool) {
    let process = report.process();
    assert_eq!(process.blocks_of(765_433), 2);
    assert_eq!(process.blocks_of(123_457), if collects { 0 } else { 20 });
    assert_eq!(process.blocks_of(345_679), u64::from(ending == "halt"));
}

/// Every collector and ending of one release; whether a report is wanted, and whether HackLeak's
/// API was used, go in turns.
fn every_end_of(feature: u32) {
    let Some(runtime) = Runtime::all().iter().find(|r| r.feature == feature) else {
        println!("SKIPPED: no JDK {feature}");
        return;
    };
    for (turn, collector) in collectors(feature).into_iter().enumerate() {
        let jvm_options = options(collector);
        let version = runtime.java_version(&jvm_options);
        if version.status.code() != Some(0) {
            println!("SKIPPED: this JDK {feature} has no {collector}");
            continue;
        }
        for (index, (ending, code)) in ENDINGS.into_iter().enumerate() {
            println!("JDK {feature} {collector} {ending}");
            let variant = (turn + index) % 3;
            let options = ["exit=settle", "exit=report", "exit=report"][variant];
            let arguments = [&[ending][..], &["api"][..usize::from(variant == 2)]].concat();
            let run = run(runtime, options, &jvm_options, &arguments);
            assert_ended_as_without_the_recorder(&run.ended, ending, code);
            let report = run.report();
            assert_settled(&report, ending, !collector.contains("Epsilon"));
            let said = stderr_of_recorder(&run.ended);
            if variant == 0 {
                assert_eq!(said, "", "{}", run.ended);
            } else {
                assert!(said.contains("Endings.main"), "{}", run.ended);
                let checks = report.process().assertions.iter();
                let checks: Vec<_> = checks
                    .map(|a| (a.check.as_str(), a.outcome.as_str()))
                    .collect();
                assert_eq!(checks, [("exit", "failed")], "{}", run.ended);
            }
        }
    }
}

#[test]
fn jdk_11_ends() {
    every_end_of(11);
}

#[test]
fn jdk_17_ends() {
    every_end_of(17);
}

#[test]
fn jdk_21_ends() {
    every_end_of(21);
}

#[test]
fn jdk_25_ends() {
    every_end_of(25);
}

/// The collectors under which a JVM that has begun a collection waits for critical sections, in
/// some release or other.
const WAITING: [&str; 2] = ["-XX:+UseSerialGC", "-XX:+UseZGC"];

#[test]
fn an_array_that_is_held_for_ever_does_not_keep_the_jvm() {
    for runtime in Runtime::all() {
        for (collector, tracked) in WAITING.into_iter().zip(["track=new", "track=new+jni"]) {
            for (arguments, code) in [(["exit", "hold"], 3), (["return", "hold"], 0)] {
                let options_ = format!("exit=settle,{tracked}");
                let run = run(runtime, &options_, &options(collector), &arguments);
                assert_ended_as_without_the_recorder(&run.ended, arguments[0], code);
                let said = stderr_of_recorder(&run.ended);
                assert!(
                    said.contains("GetPrimitiveArrayCritical for"),
                    "{}",
                    run.ended
                );
                assert_eq!(said.lines().count(), 1, "{}", run.ended);
            }
        }
    }
}

#[test]
fn an_array_that_is_held_again_and_again_does_not_prevent_settling() {
    for runtime in Runtime::all() {
        for collector in WAITING {
            let run = run(
                runtime,
                "exit=settle",
                &options(collector),
                &["exit", "hold-often"],
            );
            assert_ended_as_without_the_recorder(&run.ended, "exit", 3);
            assert_eq!(stderr_of_recorder(&run.ended), "", "{}", run.ended);
            assert_settled(&run.report(), "exit", true);
        }
    }
}

/// A folder with the recorder and a reporter that never answers.
fn with_stuck_reporter(folder: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let recorder = folder.join("libhackleak.so");
    std::fs::copy(artefacts::recorder(), &recorder).expect("a temporary folder is writable");
    let reporter = folder.join("hackleak");
    std::fs::write(&reporter, "#!/bin/sh\nexec sleep 600\n").expect("it is writable");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&reporter, executable).expect("it is ours");
    recorder
}

/// A report that takes a while, and a daemon thread that halts the JVM meanwhile with another code:
/// the program ended before.
#[test]
fn a_reporter_that_hangs_is_stopped_and_the_exit_code_is_the_first_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let recorder = with_stuck_reporter(folder.path());
    let stuck = format!(
        "-Dhackleak.cli={}",
        folder.path().join("hackleak").display()
    );
    let jvm_options = [LONG, "-Dhackleak.report.timeout.ms=2000", &stuck];
    for (turn, runtime) in Runtime::all().iter().enumerate() {
        for (index, (ending, code)) in [("return", 0), ("exit", 3), ("throw", 1)]
            .into_iter()
            .enumerate()
        {
            let api = &["api"][..(turn + index) % 2];
            let arguments = [&[ending, "halt-after"], api].concat();
            let recording = runtime.recording("Endings", &jvm_options);
            let recording = recording
                .options("follow=jvm,exit=report")
                .recorder(&recorder);
            let run = recording.args(arguments).limit(LIMIT).run();
            assert_ended_as_without_the_recorder(&run.ended, ending, code);
            let said = stderr_of_recorder(&run.ended);
            let stopped = "was stopped after 2000 ms without an answer";
            assert!(said.contains(stopped), "{}", run.ended);
        }
    }
}

#[test]
fn a_settler_that_hangs_is_given_up_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let services = folder.path().join("META-INF/services");
    std::fs::create_dir_all(&services).expect("a temporary folder is writable");
    let service = services.join("dev.hackleak.spi.LeakSettler");
    std::fs::write(service, "Endings$StuckSettler\n").expect("it is writable");
    for runtime in Runtime::all() {
        let mut arguments = runtime.arguments("Endings", &["-Dhackleak.settleLimitMillis=200"]);
        arguments[1] = format!("{}:{}", arguments[1], folder.path().display());
        let recording = integration_tests::Recording::of(runtime.tool());
        let recording = recording.options("follow=jvm,exit=settle").args(arguments);
        let run = recording.args(["exit", "api"]).limit(LIMIT).run();
        assert_ended_as_without_the_recorder(&run.ended, "exit", 3);
        let said = stderr_of_recorder(&run.ended);
        let expected = "hackleak: the check at JVM exit was given up after 5200 ms, in Endings.daemonWork(Endings.java:";
        assert!(said.starts_with(expected), "{}", run.ended);
    }
}

/// The property that makes RAPIDS libraries look for leaks settles, wherever it is given; the
/// option goes before it.
#[test]
fn the_rapids_property_settles() {
    let property = "-Dai.rapids.refcount.debug=true";
    for runtime in Runtime::all() {
        let garbage_of = |option: &str, options: &[&str], variable: Option<&str>| {
            let options = [&[LONG], options].concat();
            let mut recording = runtime.recording("Endings", &options).options(option);
            if let Some(variable) = variable {
                recording = recording.env(variable, property);
            }
            let run = recording.arg("exit").limit(LIMIT).run().expect_code(3);
            run.report().process().blocks_of(123_457)
        };
        assert_eq!(garbage_of("follow=jvm", &[], None), 20);
        assert_eq!(garbage_of("follow=jvm", &[property], None), 0);
        assert_eq!(garbage_of("follow=jvm", &[], Some("JAVA_TOOL_OPTIONS")), 0);
        assert_eq!(garbage_of("follow=jvm", &[], Some("JDK_JAVA_OPTIONS")), 0);
        assert_eq!(garbage_of("follow=jvm,exit=off", &[property], None), 20);
        let other = "-Dai.rapids.refcount.debug=false";
        assert_eq!(garbage_of("follow=jvm", &[other], None), 20);
    }
}

#[test]
fn hackleak_run_settles_under_concurrent_collectors() {
    for runtime in Runtime::all() {
        for collector in ["-XX:+UseZGC", "-XX:+UseShenandoahGC"] {
            let jvm_options = options(collector);
            if runtime.java_version(&jvm_options).status.code() != Some(0) {
                println!("SKIPPED: this JDK {} has no {collector}", runtime.feature);
                continue;
            }
            let folder = tempfile::tempdir().expect("a temporary folder can be made");
            let out = folder.path().join("out");
            let mut command = Command::new(artefacts::cli());
            command
                .env_remove("LD_LIBRARY_PATH")
                // Whether it settles is asked here, not who holds what: as in the recordings above.
                .env("HACKLEAK_OPTIONS", "held=fail")
                .args(["run", "--out"])
                .arg(&out)
                .arg("--");
            command
                .arg(runtime.tool())
                .args(runtime.arguments("Endings", &jvm_options));
            // The library is beside the command only where both were built.
            artefacts::recorder();
            process::run(command.arg("return")).expect_code(23);
            assert_settled(&Report::of([&out]), "return", true);
        }
    }
}
