//! How many instructions the recorder adds to an allocation and its free, counted by callgrind: a
//! slower way through a hook is seen on the day when it is made, on any machine and beside any
//! load.
//!
//! `instructions.txt` has the values. They are the recorder's own: those of the bare run are taken
//! off. A change that is meant is written there by `HACKLEAK_BLESS=1`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::{artefacts, cpp, workspace};

const TIMES: u32 = 2000;
/// The two percent that compilers and C libraries may differ by, and an instruction.
const TOLERANCE: f64 = 0.02;

/// Instructions of each case, from the dumps that a run writes.
fn count(recorder: Option<&Path>) -> BTreeMap<String, f64> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet", "--compress-strings=no"])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.path().join("dump").display()
        ))
        .arg(cpp("instructions"))
        .arg(TIMES.to_string())
        .env_remove("LD_PRELOAD")
        .env(
            "HACKLEAK_OPTIONS",
            format!("follow=all,out={}", folder.path().join("out").display()),
        );
    if let Some(recorder) = recorder {
        command.env("LD_PRELOAD", recorder);
    }
    let ended = command.output().expect("valgrind: see .ci/setup");
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let mut counts = BTreeMap::new();
    for entry in fs::read_dir(folder.path()).expect("the folder of the dumps") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a dump");
        let field = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        let Some(name) = field("desc: Trigger: Client Request: ") else {
            continue;
        };
        let all: f64 = field("summary: ")
            .and_then(|all| all.trim().parse().ok())
            .expect("a total");
        counts.insert(name.to_owned(), all);
    }
    assert!(!counts.is_empty(), "callgrind wrote no dump");
    counts
}

fn times(case: &str) -> f64 {
    match case {
        "new_stacks" => 1000.0,
        _ => f64::from(TIMES),
    }
}

fn values() -> PathBuf {
    workspace::root().join("integration-tests/instructions.txt")
}

#[test]
fn the_way_through_a_hook_is_as_long_as_it_was() {
    let (bare, recorded) = (count(None), count(Some(artefacts::recorder())));
    let added: BTreeMap<&str, f64> = recorded
        .iter()
        .map(|(case, all)| (case.as_str(), (all - bare[case]) / times(case)))
        .collect();
    if std::env::var_os("HACKLEAK_BLESS").is_some() {
        let mut text = String::new();
        for (case, added) in &added {
            writeln!(text, "{case} {added:.0}").expect("a line");
        }
        fs::write(values(), text).expect("the file is written");
    }
    let text = fs::read_to_string(values()).expect("instructions.txt");
    let known: BTreeMap<&str, f64> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(case, value)| (case, value.parse().expect("a number")))
        .collect();
    assert!(
        known.keys().eq(added.keys()),
        "the cases are others: {added:?}"
    );
    for (case, added) in &added {
        let was = known[case];
        println!("{case}: {added:.0} instructions more than bare, {was:.0} before");
        assert!(
            (added - was).abs() <= was * TOLERANCE + 1.0,
            "{case}: {added:.0} instructions, {was:.0} in integration-tests/instructions.txt"
        );
        assert!(*added > 20.0, "{case} was not recorded");
    }
}
