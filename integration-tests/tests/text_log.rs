//! The text log of `log=`: what the recorder writes, what the forerunner's script read in it, and
//! what `hackleak find-leak` finds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::java::on_each_jdk;
use integration_tests::process::{self, Ended};
use integration_tests::{Recording, Victim, artefacts, cpp};
use serde_json::Value;

struct Logged {
    text: String,
    file: PathBuf,
    run: integration_tests::Run,
}

/// Runs a victim with `log=`; `more` are further options.
fn logged(victim: &str, arguments: &[&str], more: &str, traces: Option<&str>) -> Logged {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.keep().join("alloc.log");
    let options = format!("follow=all,log={}{more}", file.display());
    let mut recording = Recording::of(cpp(victim)).options(&options).args(arguments);
    if let Some(variable) = traces {
        recording = recording.env(variable, "1");
    }
    let run = recording.run().expect_code(0);
    let text = fs::read_to_string(&file).expect("the log was written");
    Logged { text, file, run }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let folder = self.file.parent().expect("a log lies in a folder");
        let _ = fs::remove_dir_all(folder);
    }
}

fn find_leak(arguments: &[&Path]) -> Ended {
    let mut command = Command::new(artefacts::cli());
    command.arg("find-leak").args(["--format", "json"]);
    process::run(command.args(arguments))
}

/// The JSON for one log, valid against the published schema.
fn leaks_of(log: &Path, code: i32) -> Value {
    let ended = find_leak(&[log]).expect_code(code);
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let schema = include_str!("../../docs/schema/find-leak-v1.json");
    let schema = serde_json::from_str(schema).expect("a schema");
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .expect("a schema")
        .iter_errors(&report)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    report["logs"][0].clone()
}

/// What the forerunner's README says of its script: it reads TRACK lines, skips all others, and
/// tells which addresses were allocated and not freed.
fn leaked_addresses(log: &str) -> BTreeMap<String, u64> {
    let mut live = BTreeMap::new();
    for line in log.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            ["TRACK", address, "MALLOC", size, _thread] => {
                let size = size.parse().expect("a size");
                live.insert(address.to_owned(), size);
            }
            ["TRACK", address, "FREE"] => {
                live.remove(address);
            }
            ["TRACK", ..] => panic!("no record: {line}"),
            _ => {}
        }
    }
    live
}

#[test]
fn every_line_of_many_threads_is_whole_and_the_leaks_are_those_of_the_image() {
    let log = logged("pairs", &["8", "40000", "3"], "", None);
    for line in log.text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let whole = match fields[..] {
            ["TRACK", address, "FREE"] => address.starts_with("0x"),
            ["TRACK", address, "MALLOC", size, thread] => {
                address.starts_with("0x") && size.parse::<u64>().is_ok() && thread.contains(':')
            }
            ["HACKLEAK", "BY", thread] => thread.contains(':'),
            ["HACKLEAK", "START", _, exe] => exe.ends_with("/pairs"),
            ["HACKLEAK", "END", _] => true,
            _ => false,
        };
        assert!(whole, "{line:?}");
    }
    let script: Vec<u64> = leaked_addresses(&log.text).into_values().collect();
    assert_eq!(script, [1_000_003; 3]);
    let found = leaks_of(&log.file, 23);
    assert_eq!(
        (&found["leaks"]["bytes"], &found["leaks"]["blocks"]),
        (&(3 * 1_000_003).into(), &3.into())
    );
    assert_eq!(found["notes"], Value::Array(Vec::new()), "{found}");
    assert_eq!(found["processes"][0]["ended"], true);
    assert!(found["allocations"].as_u64() > Some(40_000), "{found}");
}

#[test]
fn the_clean_twin_has_no_leaks() {
    let log = logged("pairs", &["4", "4000", "0"], "", None);
    let found = leaks_of(&log.file, 0);
    assert_eq!(found["verdict"], "clean", "{found}");
}

#[test]
fn either_variable_adds_the_stack_of_the_allocation_that_leaked() {
    for variable in ["HACK_TRACE", "LEAK_DETECT_TRACE"] {
        let log = logged("pairs", &["2", "2000", "2"], "", Some(variable));
        let found = leaks_of(&log.file, 23);
        let sites = found["leaks"]["sites"].as_array().expect("sites");
        assert_eq!(sites.len(), 1, "{found}");
        let functions: Vec<&str> = sites[0]["frames"]
            .as_array()
            .expect("frames")
            .iter()
            .filter_map(|frame| frame["function"].as_str())
            .collect();
        assert!(functions[0].starts_with("plant("), "{functions:?}");
        assert!(functions[1].starts_with("work("), "{functions:?}");
        assert_eq!(sites[0]["firstBlocks"].as_array().map(Vec::len), Some(2));
    }
}

#[test]
fn realloc_is_a_free_and_an_allocation_in_that_order() {
    for (argument, code) in [("leak", 23), ("clean", 0)] {
        let log = logged("malloc_family", &[argument], ",track=malloc", None);
        let found = leaks_of(&log.file, code);
        // A pair in the wrong order would be an allocation at a live address, or a free of none.
        assert_eq!(found["notes"], Value::Array(Vec::new()), "{found}");
    }
}

#[test]
fn lines_of_forked_children_are_theirs_and_not_their_parents() {
    let log = logged("forking", &["nested"], "", None);
    let found = leaks_of(&log.file, 23);
    assert_eq!(found["processes"].as_array().map(Vec::len), Some(3));
    let starts = log.text.lines().find(|line| line.contains("\tSTART\t"));
    let parent = starts.and_then(|line| line.split('\t').nth(2));
    let parent = format!("\t{}:", parent.expect("the first process is the parent"));
    // Allocations of so many bytes: by the parent, and by its children.
    let allocated = |bytes: &str| {
        let is_one = |line: &&str| line.contains(&format!("\tMALLOC\t{bytes}\t"));
        let lines = log.text.lines().filter(is_one);
        let (own, others): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.contains(&parent));
        (own.len(), others.len())
    };
    assert_eq!(allocated("1999993"), (3, 0));
    assert_eq!(allocated("1500007"), (1, 0));
    assert_eq!(allocated("2999999"), (0, 14));
}

#[test]
fn processes_that_share_a_log_are_told_apart_at_equal_addresses() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let log = folder.path().join("shared.log");
    let out = folder.path().join("out");
    // Without address randomisation all of them hand out the same addresses.
    let setarch = Command::new("setarch").args(["-R", "true"]).status();
    let same_addresses = setarch.is_ok_and(|status| status.success());
    if !same_addresses {
        println!(
            "SKIPPED: equal addresses in several processes, because `setarch -R` does not work here"
        );
    }
    let start = |leaked: &str| {
        let mut command = Command::new(if same_addresses { "setarch" } else { "env" });
        if same_addresses {
            command.arg("-R");
        }
        command
            .arg(cpp("pairs"))
            .args(["4", "20000", leaked])
            .env_remove("LD_LIBRARY_PATH")
            .env("LD_PRELOAD", artefacts::recorder())
            .env(
                "HACKLEAK_OPTIONS",
                format!("follow=all,log={},out={}", log.display(), out.display()),
            )
            .env("HACK_TRACE", "1");
        command.spawn().expect("the victim starts")
    };
    let children: Vec<_> = ["1", "2", "4", "8"].into_iter().map(start).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let found = leaks_of(&log, 23);
    assert_eq!(found["leaks"]["blocks"], 15, "{:#}", found["notes"]);
    assert_eq!(found["leaks"]["bytes"], 15 * 1_000_003);
    let mut of_process = BTreeMap::new();
    let ended = process::run(
        Command::new(artefacts::cli())
            .args(["find-leak", "--format", "json", "--blocks", "100"])
            .arg(&log),
    );
    let all: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    for site in all["logs"][0]["leaks"]["sites"].as_array().expect("sites") {
        for block in site["firstBlocks"].as_array().expect("blocks") {
            *of_process.entry(block["pid"].as_u64()).or_insert(0) += 1;
        }
    }
    let mut counts: Vec<u32> = of_process.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 4, 8]);
}

#[test]
fn a_log_on_stderr_is_found_among_other_output() {
    let run = Recording::of("/bin/bash")
        .options("follow=all,log=stderr")
        .args([
            "-c",
            "printf 'no line end' >&2; \"$0\" 2 2000 2; echo more >&2",
        ])
        .arg(cpp("pairs"))
        .run()
        .expect_code(0);
    let log = run.folder().join("stderr.txt");
    fs::write(&log, &run.ended.stderr).expect("written");
    let ended = find_leak(&[&log]).expect_code(23);
    let found: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(found["logs"][0]["leaks"]["blocks"], 2, "{}", ended.stdout);
    assert!(run.ended.stderr.contains("no line end"));
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_program() {
    let run = Recording::of("/bin/bash")
        .options("follow=all,log=stderr")
        .args([
            "-c",
            "\"$0\" 2 20000 0 2>&1 >/dev/null | head -n 3; echo \"${PIPESTATUS[0]}\"",
        ])
        .arg(cpp("pairs"))
        .run()
        .expect_code(0);
    assert!(run.ended.stdout.ends_with("\n0\n"), "{}", run.ended.stdout);
}

#[test]
fn a_program_that_takes_the_logs_descriptor_keeps_its_own_file() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let own = folder.path().join("own.txt");
    let log = logged("closing", &[own.to_str().expect("UTF-8")], "", None);
    assert_eq!(fs::read_to_string(&own).expect("written"), "mine");
    let found = leaks_of(&log.file, 23);
    assert_eq!(found["leaks"]["bytes"], 2 * 1_999_993);
    // The image's own descriptor was taken as well.
    let report = log.run.report();
    assert_eq!(report.process().blocks_of(1_999_993), 2);
    report.process().assert_nothing_lost();
}

#[test]
fn each_process_has_its_own_log_where_its_number_is_in_the_name() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let pattern = folder.path().join("logs/alloc-%p.log");
    Recording::of(cpp("pairs"))
        .options(&format!("follow=all,log={}", pattern.display()))
        .args(["1", "100", "1"])
        .run()
        .expect_code(0);
    let logs: Vec<PathBuf> = fs::read_dir(folder.path().join("logs"))
        .expect("the folder was made")
        .map(|entry| entry.expect("readable").path())
        .collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    let text = fs::read_to_string(&logs[0]).expect("written");
    assert!(!text.contains("\tBY\t"), "no other process can be meant");
    assert_eq!(leaks_of(&logs[0], 23)["leaks"]["blocks"], 1);
}

#[test]
fn a_log_that_cannot_be_opened_is_one_line_and_the_program_goes_on() {
    let run = Recording::of(cpp("pairs"))
        .options("follow=all,log=/proc/none/x.log")
        .args(["1", "100", "1"])
        .run()
        .expect_code(0);
    assert_eq!(run.ended.stderr.lines().count(), 1, "{}", run.ended.stderr);
    assert!(run.ended.stderr.contains("`/proc/none/x.log` (option log)"));
    assert!(run.images().is_empty());
}

#[test]
fn java_frames_lie_above_native_ones_in_the_log_too() {
    on_each_jdk(|jdk, entry| {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let log = folder.path().join("java.log");
        for (argument, count) in [("leak", 3), ("clean", 0)] {
            Victim::new(jdk, "PlantedLeak")
                .recording(entry, &[])
                .options(&format!("follow=all,log={}", log.display()))
                .env("HACK_TRACE", "1")
                .args([argument])
                .run()
                .expect_code(0);
            let ended = find_leak(&[&log]);
            let found: Value = serde_json::from_str(&ended.stdout).expect("JSON");
            let sites = found["logs"][0]["leaks"]["sites"]
                .as_array()
                .expect("sites");
            let planted: Vec<&Value> = sites
                .iter()
                .filter(|site| site["firstBlocks"][0]["size"] == 1_999_993)
                .collect();
            assert_eq!(
                planted
                    .iter()
                    .map(|site| site["blocks"].as_u64())
                    .collect::<Vec<_>>(),
                vec![Some(count); usize::from(count > 0)]
            );
            for site in planted {
                let frames = site["frames"].to_string();
                for part in ["inner", "\"plant\"", "\"caller\"", "PlantedLeak.java"] {
                    assert!(frames.contains(part), "{part} in {frames}");
                }
            }
            fs::remove_file(&log).expect("the log is there");
        }
    });
}
