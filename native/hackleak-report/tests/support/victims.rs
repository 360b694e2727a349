//! Small libraries, compiled from the victims of `integration-tests`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the sources.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../integration-tests/victims/coverage")
}

/// Runs a tool, which must succeed.
pub fn tool(program: &str, arguments: &[&str], paths: &[&Path]) {
    let mut command = Command::new(program);
    let ended = command.args(arguments).args(paths).output();
    let ended = ended.expect("the tool is installed");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{command:?}: {said}");
}

/// Compiles `source` with `flags` into the library `name` in `folder`.
pub fn library(folder: &Path, name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let output = folder.join(name);
    let source = sources().join(source);
    if source
        .extension()
        .is_some_and(|extension| extension == "rs")
    {
        let arguments = ["--crate-type", "cdylib", "-O", "-Awarnings", "-o"];
        tool("rustc", &arguments, &[&output, &source]);
        return output;
    }
    let script = format!(
        "-Wl,--version-script={}",
        sources().join("local.map").display()
    );
    let mut arguments = vec!["-O2", "-g", "-fPIC", "-shared", "-fno-builtin"];
    arguments.extend(flags.iter().map(|flag| match *flag {
        "SCRIPT" => &*script,
        flag => flag,
    }));
    arguments.push("-o");
    tool("g++", &arguments, &[&output, &source]);
    output
}

/// A copy of `library` without names; `option` is one of `strip`'s.
pub fn stripped(library: &Path, option: &str) -> PathBuf {
    let output = library.with_extension(format!("{}.so", option.trim_matches('-')));
    tool("strip", &[option, "-o"], &[&output, library]);
    output
}
