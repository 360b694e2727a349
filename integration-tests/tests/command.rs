//! `hackleak run`: sets everything up, runs the command and reports at its end.

use std::process::Command;

use integration_tests::process::{self, Ended};
use integration_tests::{artefacts, cpp};

fn hackleak_run(arguments: &[&str], command: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut hackleak = Command::new(artefacts::cli());
    hackleak
        .arg("run")
        .args(arguments)
        .args(["--follow", "all", "--out"])
        .arg(folder.path());
    hackleak.arg("--").args(command);
    hackleak.env_remove("LD_LIBRARY_PATH");
    process::run(&mut hackleak)
}

fn path(name: &str) -> String {
    cpp(name).to_str().expect("paths are UTF-8").to_owned()
}

#[test]
fn the_exit_code_is_the_commands_own_unless_it_leaked_successfully() {
    // A command that fails keeps its code even when it leaks.
    hackleak_run(&[], &[&path("endings"), "return"]).expect_code(5);
    let leaking = hackleak_run(&[], &[&path("variants"), "leak"]).expect_code(23);
    let printed = format!("{}{}", leaking.stdout, leaking.stderr);
    assert!(
        printed.contains("1000003") || printed.contains("1,000,003"),
        "{leaking}"
    );
    assert!(printed.contains("allocating"), "{leaking}");
    hackleak_run(&[], &["/bin/sh", "-c", "exit 4"]).expect_code(4);
    hackleak_run(&[], &["/bin/true"]).expect_code(0);
}

#[test]
fn a_command_that_is_killed_is_reported_and_fails_as_in_a_shell() {
    let ended = hackleak_run(&[], &[&path("endings"), "abort"]);
    assert_eq!(ended.status.code(), Some(128 + 6), "{ended}");
    assert!(
        format!("{}{}", ended.stdout, ended.stderr).contains("planted"),
        "{ended}"
    );
}

#[test]
fn a_command_that_does_not_exist_ends_as_in_a_shell() {
    let ended = hackleak_run(&[], &["/nonexistent/program"]).expect_code(127);
    assert!(ended.stderr.contains("/nonexistent/program"), "{ended}");
}

/// A command may end before what it started, which still has to say what it lost.
#[test]
fn what_outlives_the_command_a_little_is_waited_for() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let pipe = folder.path().join("pipe");
    let script = format!(
        "mkfifo {pipe}; {victim} > {pipe} & read ready < {pipe}",
        pipe = pipe.display(),
        victim = path("outliving")
    );
    let ended = hackleak_run(&[], &["/bin/sh", "-c", &script]).expect_code(23);
    let said = "1,999,993 bytes in 1 block, new[]";
    assert!(ended.stderr.contains(said), "{ended}");
    assert!(!ended.stderr.contains("still running"), "{ended}");
}

/// A daemon has no image before its first allocation, and yet belongs to the run.
#[test]
fn a_child_that_has_allocated_nothing_yet_is_waited_for() {
    let ended = hackleak_run(&[], &[&path("late_daemon")]).expect_code(23);
    let said = "1,999,993 bytes in 1 block, new[]";
    assert!(ended.stderr.contains(said), "{ended}");
}

#[test]
fn a_known_leak_is_told_and_fails_nothing_unless_it_is_to() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("mine.known");
    let write = |text: &str| std::fs::write(&file, text).expect("written");
    let name = file.to_str().expect("paths are UTF-8");
    let program = path("held_to_the_end");
    let run = |arguments: &[&str]| hackleak_run(arguments, &[&program]);
    write(
        "# theirs\nlibrary=victims; site=^fill()$ < ^main$; report=https://github.com/a/b/issues/7\n",
    );
    let ended = run(&["--known-leaks", name]).expect_code(0);
    let said = "2,001,991 bytes in 2 blocks: known leak of victims, a/b#7";
    assert!(ended.stderr.contains(said), "{ended}");
    // The clean twin: without the file it is a leak.
    let ended = run(&[]).expect_code(23);
    assert!(
        ended.stderr.contains("2,001,991 bytes leaked in 2 blocks"),
        "{ended}"
    );

    write("library=victims\n");
    let ended = run(&["--known-leaks", name]).expect_code(1);
    let said = format!(
        "line 1 of the known leaks `{name}` is no entry: `site` is missing: name the leaking function, or Java class.method"
    );
    assert!(ended.stderr.contains(&said), "{ended}");
    assert_eq!(ended.stderr.lines().count(), 1, "nothing was run: {ended}");
}
