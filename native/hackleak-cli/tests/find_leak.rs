//! `hackleak find-leak` on logs made by hand: those of the forerunner, damaged ones, and several.

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use support::{Ended, end, hackleak};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

fn log(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, text).expect("the temporary folder is writable");
    file
}

fn find_leak(text: impl AsRef<[u8]>) -> Ended {
    let folder = folder();
    let log = log(folder.path(), "alloc.log", text);
    end(hackleak().arg("find-leak").arg(log))
}

fn json(text: impl AsRef<[u8]>) -> Value {
    let folder = folder();
    let log = log(folder.path(), "alloc.log", text);
    let ended = end(hackleak().args(["find-leak", "--format", "json"]).arg(log));
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    report["logs"][0].clone()
}

/// As the forerunner wrote it: an empty line before each record, threads as `pthread_self` gives
/// them, stacks that begin inside of itself, and the program's own output between.
const FORERUNNER: &str = "\
[main] INFO starting

TRACK\t0x7f1000\tMALLOC\t64\t140001

TRACE\t0\t/opt/libhack.so(_Znwm+0x5d) [0x7f00]\t140001
\nTRACK\t0x7f2000\tMALLOC\t72\t140002

TRACE\t1\t/opt/libgone.so(_ZN3rmm4poolEv+0x12) [0x7f01]\t140001

TRACE\t0\t/opt/libgone.so(+0x4001) [0x7f02]\t140002
progress: 50%
TRACK\t0x7f1000\tFREE

TRACK\t0x7f1000\tMALLOC\t1999993\t140002

TRACE\t0\t/opt/libgone.so(_ZN3rmm4growEv+0x34) [0x7f03]\t140002

TRACK\t0x7f2000\tFREE
";

#[test]
fn the_last_use_of_a_reused_address_is_the_leak() {
    let ended = find_leak(FORERUNNER);
    assert_eq!(ended.code, Some(23), "{}", ended.stderr);
    let mut lines = ended.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("1,999,993 bytes leaked in 1 block at 1 site")
    );
    assert!(
        ended.stdout.contains("#0 rmm::grow()  (libgone.so+"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("rmm::pool"), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains("0x7f1000  1,999,993 bytes  thread 140002  line 15"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_log_in_which_all_is_freed_is_clean() {
    let ended = find_leak(format!("{FORERUNNER}TRACK\t0x7f1000\tFREE\r\n"));
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(
        ended.stdout.starts_with("no leaks: 3 allocations"),
        "{}",
        ended.stdout
    );
    let ended = end(hackleak().args(["--quiet", "find-leak"]).arg({
        let folder = folder().keep();
        log(
            &folder,
            "clean.log",
            "TRACK\t0x1\tMALLOC\t1\t1\nTRACK\t0x1\tFREE\n",
        )
    }));
    assert_eq!(
        (ended.code, &*ended.stdout, &*ended.stderr),
        (Some(0), "", "")
    );
}

#[test]
fn what_a_log_does_not_tell_is_said_and_never_clean() {
    for (text, said) in [
        ("", "no TRACK lines"),
        ("only other output\n", "no TRACK lines"),
        (
            "TRACK\t0x1\tMALLOC\t8\t1\nTRACK\t0x1\tMALLOC\t8\t2\nTRACK\t0x1\tFREE\n",
            "had not been freed: 1",
        ),
        (
            "TRACK\t0x1\tMALLOC\t8\t1\nTRACK\t0x1\tFREE\nTRACK\t0x2\tMAL",
            "cut or garbled: 1",
        ),
        (
            "TRACK\t0x1\tMALLOC\t8\t1\nTRACK\t0x1\tFREE\nTRACK\tgarbage\n",
            "cut or garbled: 1",
        ),
        (
            "TRACK\t0x1\tMALLOC\t8\t1\nTRACK\t0x1\tFREE",
            "cut or garbled: 1",
        ),
    ] {
        let ended = find_leak(text);
        assert_ne!(ended.code, Some(0), "{text:?}: {}", ended.stdout);
        assert!(ended.stdout.contains(said), "{text:?}: {}", ended.stdout);
    }
    // A free of what was allocated before the log began hides no leak.
    let ended = find_leak("TRACK\t0x9\tFREE\nTRACK\t0x1\tMALLOC\t8\t1\nTRACK\t0x1\tFREE\n");
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stdout.contains("does not say were allocated: 1"),
        "{}",
        ended.stdout
    );
}

#[test]
fn processes_in_one_log_are_paired_by_who_freed() {
    let shared = "\
HACKLEAK\tSTART\t7\t/bin/a
HACKLEAK\tSTART\t8\t/bin/b
TRACK\t0x10\tMALLOC\t100\t7:7
TRACK\t0x10\tMALLOC\t200\t8:8
HACKLEAK\tBY\t8:9
TRACK\t0x10\tFREE
HACKLEAK\tEND\t8
HACKLEAK\tEND\t7
";
    let found = json(shared);
    assert_eq!(
        (&found["leaks"]["bytes"], &found["notes"]),
        (&100.into(), &Value::Array(vec![]))
    );
    assert_eq!(found["leaks"]["sites"][0]["firstBlocks"][0]["pid"], 7);
    // Without that line nobody can tell.
    let found = json(shared.replace("HACKLEAK\tBY\t8:9\n", ""));
    assert_eq!(found["leaks"]["blocks"], 1);
    assert!(
        found["notes"]
            .to_string()
            .contains("several processes held: 1"),
        "{found}"
    );
    // Where only one process holds the address, it is certain.
    let found = json(
        shared
            .replace("HACKLEAK\tBY\t8:9\n", "")
            .replace("TRACK\t0x10\tMALLOC\t100\t7:7\n", ""),
    );
    assert_eq!(
        (&found["verdict"], &found["notes"]),
        (&"clean".into(), &Value::Array(vec![]))
    );
    // A later process with the same number is another one.
    let found = json(format!(
        "{shared}HACKLEAK\tSTART\t7\t/bin/c\nTRACK\t0x10\tMALLOC\t50\t7:7\nHACKLEAK\tEND\t7\n"
    ));
    assert_eq!(
        (&found["leaks"]["bytes"], &found["leaks"]["blocks"]),
        (&150.into(), &2.into())
    );
}

#[test]
fn a_killed_process_is_said() {
    let found = json("HACKLEAK\tSTART\t7\t/bin/a\nTRACK\t0x10\tMALLOC\t100\t7:7\n");
    assert!(
        found["notes"]
            .to_string()
            .contains("killed, crashed, or still running"),
        "{found}"
    );
}

#[test]
fn sites_are_grouped_and_their_bytes_summed() {
    let mut text = String::new();
    for block in 0..1000 {
        let stack = block % 3;
        text += &format!(
            "TRACK\t{:#x}\tMALLOC\t{}\t1:1\n",
            0x1000 + 16 * block,
            10 + stack
        );
        for frame in 0..2 {
            text += &format!("TRACE\t{frame}\t/gone/x.so(f{stack}+{frame:#x}) [0x1]\t1:1\n");
        }
    }
    let found = json(&text);
    assert_eq!(found["leaks"]["bytes"], 334 * 10 + 333 * 11 + 333 * 12);
    let sites = found["leaks"]["sites"].as_array().expect("sites");
    let counts: Vec<_> = sites.iter().map(|site| site["blocks"].as_u64()).collect();
    assert_eq!(counts, [Some(333), Some(333), Some(334)]);
    assert_eq!(sites[0]["firstBlocks"].as_array().map(Vec::len), Some(10));
    assert_eq!(sites[0]["frames"].as_array().map(Vec::len), Some(2));
}

#[test]
fn standard_input_and_several_logs_are_read() {
    let folder = folder();
    let one = log(folder.path(), "1.log", "TRACK\t0x1\tMALLOC\t8\t1\n");
    let two = log(
        folder.path(),
        "2.log",
        "TRACK\t0x1\tMALLOC\t9\t1\nTRACK\t0x1\tFREE\n",
    );
    let mut command = hackleak();
    command
        .args(["find-leak", "--format", "json", "-"])
        .args([&one, &two]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(FORERUNNER.as_bytes()).expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("ended");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let verdicts: Vec<_> = report["logs"]
        .as_array()
        .expect("logs")
        .iter()
        .map(|log| log["verdict"].as_str())
        .collect();
    assert_eq!(verdicts, [Some("leaks"), Some("leaks"), Some("clean")]);
    assert_eq!(output.status.code(), Some(23));
    let missing = end(hackleak()
        .arg("find-leak")
        .arg(&two)
        .arg(folder.path().join("none")));
    assert_eq!(missing.code, Some(24));
    assert!(missing.stdout.starts_with("no leaks"), "{}", missing.stdout);
    assert!(
        missing.stderr.contains("cannot read the log"),
        "{}",
        missing.stderr
    );
}

#[test]
fn memory_follows_the_live_blocks_and_not_the_log() {
    // 60 MB of log with at most 64 live blocks, read by a process that may have 64 MB more than it
    // starts with.
    let mut text = String::new();
    for round in 0..500_000_u64 {
        let address = 0x7f00_0000_0000 + 16 * (round % 64);
        if round >= 64 {
            text += &format!("TRACK\t{address:#x}\tFREE\n");
        }
        text += &format!(
            "TRACK\t{address:#x}\tMALLOC\t{}\t1:{}\nTRACE\t0\t/gone/lib.so(+{:#x}) [0x1]\t1:{}\n",
            24 + round % 7,
            round % 5,
            round % 50,
            round % 5
        );
    }
    let folder = folder();
    let file = log(folder.path(), "large.log", &text);
    let mut command = std::process::Command::new("prlimit");
    command
        .arg("--as=134217728")
        .arg(env!("CARGO_BIN_EXE_hackleak"));
    let ended = end(command.args(["find-leak", "--format", "json"]).arg(file));
    assert_eq!(ended.code, Some(23), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(report["logs"][0]["leaks"]["blocks"], 64);
    // Beyond the most that is followed, the rest is counted.
    let folder = self::folder();
    let many: String = (1..100)
        .map(|block| format!("TRACK\t{block:#x}\tMALLOC\t1\t1\n"))
        .collect();
    let file = log(folder.path(), "many.log", many);
    let ended = end(hackleak()
        .args(["find-leak", "--most-live", "50"])
        .arg(file));
    assert!(
        ended.stdout.contains("too many blocks are live: 49"),
        "{}",
        ended.stdout
    );
}
