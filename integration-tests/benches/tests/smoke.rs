//! The harness runs from end to end with tiny sizes: programs compile, tools start, their outputs
//! are read, pages are written. Its figures are not looked at: timing decides no test.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs a session and gives its raw results.
fn session(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hackleak-bench"));
    command.args(["--scale", "smoke", "--write"]).arg(folder);
    command.args(arguments);
    let output = command.output().expect("the harness can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}\n{errors}");
    for line in text.lines().filter(|line| line.contains("SKIPPED")) {
        println!("{line}");
    }
    let json = std::fs::read(folder.join("benchmarks/results.json")).expect("results are written");
    serde_json::from_slice(&json).expect("results are JSON")
}

fn strings<'a>(values: &'a Value, name: &str) -> BTreeSet<&'a str> {
    let all = values.as_array().expect("an array");
    all.iter()
        .filter_map(|value| value[name].as_str())
        .collect()
}

#[test]
fn every_workload_runs_under_hackleak() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let tools = [
        "--tool",
        "hackleak-everything",
        "--tool",
        "hackleak-excluded",
    ];
    let results = session(folder.path(), &tools);
    let workloads = results["workloads"].as_array().expect("workloads");
    for workload in workloads {
        for runs in workload["tools"].as_array().expect("tools") {
            assert_eq!(runs["failure"], Value::Null, "{runs:#}");
            assert_eq!(runs["rounds"].as_array().map(Vec::len), Some(1), "{runs:#}");
        }
    }
    let measured = strings(&results["workloads"], "name");
    // These need libraries from Maven Central, and are said to be skipped where it cannot be
    // reached.
    let fetched = ["rocksdb", "sqlite", "duckdb"];
    let listed = Command::new(env!("CARGO_BIN_EXE_hackleak-bench"))
        .arg("--list")
        .output()
        .expect("the harness can be started");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let names = listed
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "exactness" && !fetched.contains(name));
    for name in names.filter(|name| !name.starts_with("JDKs")) {
        assert!(measured.contains(name), "{name} is missing in {measured:?}");
    }

    let page =
        std::fs::read_to_string(folder.path().join("benchmarks.md")).expect("the page is written");
    for name in measured {
        assert!(page.contains(&format!("## {name}\n")), "{page}");
    }
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(!page.contains(&*home.to_string_lossy()), "{page}");
}

#[test]
fn every_tool_that_is_there_finds_the_planted_leaks() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let only = [
        "--only",
        "exactness",
        "--only",
        "churn-cpp",
        "--only",
        "calls",
    ];
    let results = session(folder.path(), &only);
    let exactness = results["exactness"].as_array().expect("exactness");
    for tool in exactness {
        let name = tool["tool"].as_str().expect("a name");
        if let Some(reason) = tool["failure"].as_str() {
            assert!(!name.starts_with("hackleak"), "{name}: {reason}");
            println!("SKIPPED: {name} is not measured: {reason}");
            continue;
        }
        let planted = &tool["planted"];
        assert_eq!(&tool["by_new"], planted, "{tool:#}");
        assert_eq!(tool["false_alarms"], 0, "{tool:#}");
        if name == "hackleak" || name == "where-it-began-traced" {
            assert_eq!(tool["by_malloc"], 0, "{tool:#}");
        } else {
            assert_eq!(&tool["by_malloc"], planted, "{tool:#}");
        }
        if name.starts_with("hackleak") {
            assert_eq!(&tool["by_new_named"], planted, "{tool:#}");
            assert_eq!(tool["by_malloc_named"], tool["by_malloc"], "{tool:#}");
        }
    }
    let measured = strings(&results["workloads"], "name");
    assert_eq!(measured, BTreeSet::from(["calls", "churn-cpp"]));
    let svg = std::fs::read_to_string(folder.path().join("benchmarks/calls.svg"));
    assert!(svg.expect("the plot is written").contains("HackLeak"));
}

#[test]
fn what_does_not_exist_is_said() {
    let cases = [
        (["--only", "nonsense"], "no workload is named like"),
        (["--tool", "nonsense"], "no tool is named nonsense"),
        (["--jdk", "3"], "no JDK 3 is installed"),
    ];
    for (arguments, expected) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_hackleak-bench"))
            .args(arguments)
            .output()
            .expect("the harness can be started");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
}
