//! What runs at every allocation and free cannot panic: its machine code has no call that does.
//!
//! Everything else works behind a boundary that catches panics (`tests/panics.rs`). The way that
//! nearly every event takes does without, because that costs as much as the event itself. So the
//! compiler must have found each check there to be needless, or to lead to the slow way.

use integration_tests::{artefacts, process};
use std::collections::BTreeMap;
use std::process::Command;

/// Modules whose functions are called by the program, the C library or the JVM for each event.
const MODULES: [&str; 8] = [
    "hackleak::hot::events::fragments::",
    "hackleak::hot::hooks::malloc::",
    "hackleak::hot::hooks::mappings::",
    "hackleak::hot::hooks::operators::",
    "hackleak::hot::hooks::pool::",
    "hackleak::hot::hooks::threads::",
    "hackleak::hot::jvm::resources::",
    "hackleak::hot::jvm::unsafe_memory::",
];

/// Functions of these modules that are no hooks: they run where a panic is caught.
const BEHIND_THE_BOUNDARY: [&str; 5] = ["replace", "name", "hook_for", "replacement", "begin"];

/// Called where a panic has been caught, or to abort where one came out all the same.
const HARMLESS: [&str; 3] = [
    "catch_unwind::cleanup",
    "panic_cannot_unwind",
    "panic_in_cleanup",
];

/// Parts of the names of functions that panic.
const PANICS: [&str; 6] = [
    "panicking",
    "slice_index_fail",
    "unwrap_failed",
    "expect_failed",
    "mismatch_fail",
    "handle_alloc_error",
];

/// The functions that each function calls or jumps to, by name.
fn calls(disassembly: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut calls: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut function = "";
    for line in disassembly.lines() {
        let name = line
            .split_once('<')
            .and_then(|(_, rest)| rest.rsplit_once('>'))
            .map(|(name, _)| name);
        let Some(name) = name else { continue };
        if line.ends_with(">:") {
            function = name;
            calls.entry(function).or_default();
        } else if !name.starts_with(function) {
            calls.entry(function).or_default().push(name);
        }
    }
    calls
}

#[test]
fn hooks_have_no_code_that_panics() {
    let mut command = Command::new("objdump");
    command
        .args(["-d", "--no-show-raw-insn", "--demangle"])
        .arg(artefacts::recorder());
    let disassembly = process::run(&mut command).expect_code(0).stdout;
    let calls = calls(&disassembly);
    let hooks: Vec<_> = calls
        .iter()
        .filter(|(function, _)| MODULES.iter().any(|module| function.starts_with(module)))
        .filter(|(function, _)| {
            let name = function.rsplit("::").next().unwrap_or_default();
            !BEHIND_THE_BOUNDARY.contains(&name)
        })
        .collect();
    assert!(hooks.len() > 50, "only {} hooks were found", hooks.len());
    for (function, targets) in hooks {
        let panics = targets.iter().find(|target| {
            PANICS.iter().any(|part| target.contains(part))
                && !HARMLESS.iter().any(|part| target.contains(part))
        });
        assert_eq!(panics, None, "{function} may panic");
    }
    // The same reading finds panics where there are some.
    let slow = &calls["hackleak::hot::events::record::record"];
    assert!(slow.iter().any(|target| target.contains("panicking")));
}
