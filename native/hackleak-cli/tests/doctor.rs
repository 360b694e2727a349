//! `hackleak doctor`, on real little libraries and on itself.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hackleak_image::reader::testing::ImageBuilder;
use serde_json::Value;
use support::{Ended, end, hackleak};

/// Compiles `source` of the victims into a library in `folder`.
fn library(folder: &Path, source: &str, flags: &[&str]) -> PathBuf {
    let victims =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../integration-tests/victims/coverage");
    let output = folder.join(source).with_extension("so");
    let mut command = Command::new("g++");
    command
        .args(["-O2", "-fPIC", "-shared", "-fno-builtin"])
        .args(flags)
        .arg("-o");
    let ended = command
        .arg(&output)
        .arg(victims.join(source))
        .status()
        .expect("g++ is installed");
    assert!(ended.success(), "{command:?}");
    output
}

fn doctor(arguments: &[&str], inputs: &[&Path]) -> Ended {
    end(hackleak().arg("doctor").args(arguments).args(inputs))
}

#[test]
fn exit_codes_say_what_was_found() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let seen = library(folder.path(), "cpp_new.cpp", &[]);
    let c = library(folder.path(), "c_malloc.cpp", &[]);
    let partly = library(folder.path(), "kernel.cpp", &[]);
    for (arguments, inputs, code, said) in [
        (&[][..], &[&*seen][..], 0, "seen    "),
        (
            &["--track", "new"],
            &[&c],
            23,
            "remedy: add `malloc` to `track`",
        ),
        (&[], &[&c], 0, "seen    "),
        (&["--track", "new+malloc"], &[&c, &seen], 0, "seen    "),
        (
            &["--track", "new", "--strict"],
            &[&seen, &c],
            23,
            "blind   ",
        ),
        (&[], &[&partly], 23, "partly  "),
        (&["--strict"], &[&partly], 0, "partly  "),
    ] {
        let ended = doctor(arguments, inputs);
        assert_eq!(ended.code, Some(code), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
    }
}

#[test]
fn wrong_input_is_one_sentence_and_does_not_hide_the_rest() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let seen = library(folder.path(), "cpp_new.cpp", &[]);
    let text = folder.path().join("text.so");
    fs::write(&text, "not a library, though it is called one").expect("write");
    let missing = folder.path().join("missing.so");
    for (input, said) in [
        (&*text, "no ELF file"),
        (&missing, "No such file"),
        (Path::new("4000000"), "neither a file nor a running process"),
    ] {
        let ended = doctor(&[], &[input, &seen]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stdout.starts_with("seen    "), "{}", ended.stdout);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
    assert_eq!(doctor(&["--track", "old"], &[&seen]).code, Some(1));
}

#[test]
fn the_json_follows_its_schema() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let c = library(folder.path(), "c_malloc.cpp", &[]);
    let image = folder.path().join("1.hackleak");
    let mut builder = ImageBuilder::new();
    builder.header.track = 3;
    builder.module(c.to_str().expect("UTF-8"), &[], 0);
    builder.write(&image).expect("written");
    let ended = doctor(&["--track", "new", "--format", "json"], &[&c, &image]);
    let json: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let schema = end(hackleak().args(["schema", "doctor"]));
    let schema = serde_json::from_str(&schema.stdout).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &json), "{json}");
    let library = |subject: usize| &json["subjects"][subject]["libraries"][0];
    assert_eq!(library(0)["coverage"]["visibility"], "blind");
    assert_eq!(library(0)["failsStrict"], true);
    assert_eq!(
        json["subjects"][1]["track"],
        serde_json::json!(["new", "malloc"])
    );
}

#[test]
fn a_process_that_is_not_recorded_is_said_to_be_so() {
    let mut child = Command::new("sleep")
        .arg("60")
        .stdin(Stdio::null())
        .spawn()
        .expect("started");
    // The program is in place when its own path is.
    let exe = format!("/proc/{}/exe", child.id());
    while !fs::read_link(&exe).is_ok_and(|exe| exe.ends_with("sleep") || exe.ends_with("coreutils"))
    {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    let ended = end(hackleak().args(["doctor", "--track", "new+malloc", &pid]));
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(ended.code, Some(23), "{}{}", ended.stdout, ended.stderr);
    let said = format!("process {pid}, not recorded: libhackleak.so is not loaded there");
    assert!(ended.stdout.starts_with(&said), "{}", ended.stdout);
    assert!(
        !ended.stdout.contains("libc.so"),
        "the runtime is not under test"
    );
}
