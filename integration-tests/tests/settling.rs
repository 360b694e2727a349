//! Settling ends by proof, and no sooner: what garbage owns is never called a leak, and a leak
//! beside it is found. The reporter stays, is replaced when it has died, and ends with the JVM.

use integration_tests::Victim;
use integration_tests::java::{Entry, Jdk};
use std::path::Path;
use std::time::{Duration, Instant};

const COLLECTORS: [&str; 3] = ["-XX:+UseG1GC", "-XX:+UseSerialGC", "-XX:+UseZGC"];

const CASES: [&str; 9] = [
    "nothing",
    "cleaner",
    "slow",
    "chained",
    "finalizer",
    "finalizer-cleaner",
    "waiting",
    "waiting-slow",
    "polling",
];

fn run(jdk: &Jdk, options: &[&str], arguments: &[&str]) -> integration_tests::Run {
    let victim = Victim::new(jdk, "Settled");
    let recording = victim.recording(Entry::Preload, options);
    recording.args(arguments).limit(300).run().expect_code(0)
}

#[test]
fn what_garbage_owns_is_no_leak_and_a_leak_beside_it_is_one() {
    for jdk in Jdk::all() {
        for collector in COLLECTORS {
            let arguments = [&["cases"][..], &CASES].concat();
            let out = run(jdk, &[collector], &arguments).ended.stdout;
            let expected: String = CASES
                .iter()
                .map(|name| format!("{name}: 0 blocks, 0 bytes\n{name}: 1 blocks, 1999993 bytes\n"))
                .collect();
            assert_eq!(out, expected, "JDK {}, {collector}", jdk.feature);
        }
    }
}

/// A collection frees what garbage owns, so what it had counts by what was there before.
#[test]
fn without_settling_what_nobody_closed_is_lost_although_it_is_garbage() {
    for jdk in Jdk::all() {
        for collector in COLLECTORS {
            let victim = Victim::new(jdk, "Unsettled");
            let recording = victim.recording(Entry::Preload, &[collector]);
            let recording = recording.options("track=new+malloc+unsafe+fd+zip,held=note");
            let out = recording.limit(300).run().expect_code(0).ended.stdout;
            let expected: String = ["cleaner", "Deflater", "FileInputStream", "ByteBuffer"]
                .iter()
                .map(|name| {
                    format!(
                        "{name}: dropped 7 lost 0 held, kept 0 lost 7 held, closed 0 lost 0 held, \
                         settled 0 lost 0 held\n"
                    )
                })
                .collect();
            assert_eq!(out, expected, "JDK {}, {collector}", jdk.feature);
        }
    }
}

#[test]
fn one_reporter_answers_all_checks_and_ends_with_the_jvm() {
    for jdk in Jdk::all() {
        let run = run(jdk, &[], &["reporter"]);
        let out = &run.ended.stdout;
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[..4], ["1 lost"; 4], "{out}");
        assert_eq!(lines[4], "1 children", "{out}");
        let first = lines[5].strip_prefix("child ").expect("a child");
        let first = first.strip_suffix(" preloaded false").expect(out);
        assert_eq!(lines[6], "1 lost", "{out}");
        let second = lines[7].strip_prefix("child ").expect("a child");
        assert_eq!(lines.len(), 8, "{out}");
        assert_ne!(first, second, "the one that was killed is replaced");
        let deadline = Instant::now() + Duration::from_secs(60);
        while is_reporter(second) {
            assert!(Instant::now() < deadline, "{second} still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
        let image = run.images().remove(0);
        let files = std::fs::read_dir(image.parent().expect("folder")).expect("folder");
        let names = files.map(|file| file.expect("file").file_name());
        let names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let json = names.iter().filter(|name| name.ends_with(".json")).count();
        assert_eq!(json, 5, "one for each check that fails: {names:?}");
    }
}

fn is_reporter(pid: &str) -> bool {
    let command = std::fs::read(Path::new("/proc").join(pid).join("cmdline"));
    command.is_ok_and(|command| command.windows(5).any(|part| part == b"serve"))
}

/// No collection is forced meanwhile, and 7,500 of the buffers live all the time.
#[test]
fn direct_buffers_are_watched_however_many_there_are() {
    for jdk in Jdk::all() {
        let run = run(jdk, &["-Xmx64m"], &["buffers"]);
        assert_eq!(run.ended.stdout, "7500 buffers\n");
        let report = run.report();
        let counters = &report.process().counters;
        assert_eq!(counters.get("buffersFull"), None, "{counters:?}");
    }
}
