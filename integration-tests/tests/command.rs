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
fn a_command_that_does_not_exist_is_a_usage_error() {
    let ended = hackleak_run(&[], &["/nonexistent/program"]).expect_code(1);
    assert!(ended.stderr.contains("/nonexistent/program"), "{ended}");
}
