//! What is tested: the recorder (`libhackleak.so`), the recorder that checks every stack, and the
//! CLI.
//!
//! `cargo test` builds no cdylib that stands alone, and a path guessed may be that of an older
//! build; so cargo is asked to build, and says itself where the artefact lies. Once per test
//! process; cargo's own lock orders several.
//!
//! `HACKLEAK_TESTED_HOME` names a folder with another build of both, which is tested instead.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::{process, workspace};

/// The recorder as users get it.
pub fn recorder() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let other = elsewhere("libhackleak.so");
        other.unwrap_or_else(|| build("hackleak-agent", "hackleak", &[]))
    })
}

/// The recorder that compares every stack it records with libgcc's unwinder and counts the
/// differences.
pub fn verifying_recorder() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let target = workspace::target().join("verify");
        let target = target.to_str().expect("paths are UTF-8");
        build(
            "hackleak-agent",
            "hackleak",
            &["--features", "verify", "--target-dir", target],
        )
    })
}

/// The `hackleak` command.
pub fn cli() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let other = elsewhere("hackleak");
        other.unwrap_or_else(|| build("hackleak-cli", "hackleak", &[]))
    })
}

fn elsewhere(name: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HACKLEAK_TESTED_HOME")?;
    Some(PathBuf::from(home).join(name))
}

fn build(package: &str, name: &str, extra: &[&str]) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace::root());
    // The folder of the enclosing `cargo test`, wherever it is: both must agree on artefacts and on
    // locks.
    command.env("CARGO_TARGET_DIR", workspace::target());
    command.args([
        "build",
        "--release",
        "--message-format=json-render-diagnostics",
        "-p",
        package,
    ]);
    command.args(extra);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let limit = std::time::Duration::from_secs(1800);
    let ended = process::start(&mut command, folder.path()).wait(limit);
    // Not all of `ended`: its standard output is thousands of lines of JSON.
    assert!(
        ended.status.success(),
        "{}\n{}",
        ended.command,
        ended.stderr
    );
    let found = ended
        .stdout
        .lines()
        .filter_map(|line| artefact(line, name))
        .next_back();
    found.unwrap_or_else(|| panic!("cargo named no artefact of {package}: {}", ended.stderr))
}

fn artefact(line: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["target"]["name"] != name {
        return None;
    }
    if let Some(path) = message["executable"].as_str() {
        return Some(path.into());
    }
    let files = message["filenames"].as_array()?;
    let library = files
        .iter()
        .filter_map(Value::as_str)
        .find(|path| path.ends_with(".so"))?;
    Some(library.into())
}
