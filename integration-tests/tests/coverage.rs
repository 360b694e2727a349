//! What `hackleak doctor` says about a library is what the recorder sees of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::{Recording, artefacts, process, workspace};
use serde_json::Value;

fn source(name: &str) -> PathBuf {
    workspace::victims().join("coverage").join(name)
}

fn build(program: &str, arguments: &[&str], paths: &[&Path]) {
    process::run(Command::new(program).args(arguments).args(paths)).expect_code(0);
}

/// The program that loads a library and calls it.
fn loader(folder: &Path) -> PathBuf {
    let output = folder.join("loads");
    build("g++", &["-O2", "-o"], &[&output, &source("loads.cpp")]);
    output
}

fn library(folder: &Path, file: &str, flags: &[&str]) -> PathBuf {
    let output = folder.join("libvictim.so");
    let _ = std::fs::remove_file(&output);
    if file.ends_with(".rs") {
        let arguments = ["--crate-type", "cdylib", "-O", "-o"];
        build("rustc", &arguments, &[&output, &source(file)]);
    } else {
        let script = format!("-Wl,--version-script={}", source("local.map").display());
        let mut arguments = vec!["-O2", "-fPIC", "-shared", "-fno-builtin"];
        arguments.extend(flags.iter().map(|flag| match *flag {
            "SCRIPT" => &*script,
            flag => flag,
        }));
        arguments.push("-o");
        build("g++", &arguments, &[&output, &source(file)]);
    }
    output
}

/// The only library's verdict.
fn verdict(arguments: &[&str]) -> String {
    let mut command = Command::new(artefacts::cli());
    command.args(["doctor", "--format", "json"]).args(arguments);
    let ended = process::run(&mut command);
    let json: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended}"));
    let libraries = json["subjects"][0]["libraries"]
        .as_array()
        .expect("an array");
    let mut victims = libraries.iter().filter(|library| {
        library["path"]
            .as_str()
            .is_some_and(|path| path.ends_with("libvictim.so"))
    });
    let victim = victims
        .next()
        .unwrap_or_else(|| panic!("no victim: {json}"));
    victim["coverage"]["visibility"]
        .as_str()
        .expect("a text")
        .to_owned()
}

/// Whether the report on `image` has the victim's leak. That it is not clean when the library is
/// blind is the reporter's own test.
fn leaks(image: &str) -> bool {
    let mut command = Command::new(artefacts::cli());
    command.args(["report", "--format", "json", image]);
    let ended = process::run(&mut command);
    let json: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended}"));
    let sites = json["processes"][0]["leaks"]["sites"]
        .as_array()
        .expect("an array");
    sites.iter().any(|site| site["bytes"] == 1_999_993)
}

#[test]
fn seen_means_found_and_blind_means_not_found() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let loader = loader(folder.path());
    let hidden = "-DVISIBILITY=\"hidden\"";
    for (file, flags, strip) in [
        ("cpp_new.cpp", &[][..], false),
        ("cpp_new.cpp", &["-static-libstdc++"], false),
        ("cpp_new.cpp", &["-static-libstdc++", "SCRIPT"], false),
        ("cpp_new.cpp", &["-static-libstdc++", "SCRIPT"], true),
        (
            "cpp_new.cpp",
            &["-static-libstdc++", "-Wl,--exclude-libs,ALL"],
            true,
        ),
        ("cpp_new.cpp", &["-DOWN"], false),
        ("cpp_new.cpp", &["-DOWN", "-DPROTECTED"], false),
        ("cpp_new.cpp", &["-DOWN", "-Wl,-Bsymbolic"], true),
        (
            "cpp_new.cpp",
            &["-DOWN", "-Wl,-Bsymbolic", "-Wl,--dynamic-list-cpp-new"],
            false,
        ),
        ("c_malloc.cpp", &["-fno-plt"], true),
        ("own_malloc.cpp", &["-DNAME=malloc", hidden], false),
        (
            "own_malloc.cpp",
            &["-DNAME=malloc", "-DVISIBILITY=\"default\""],
            false,
        ),
        ("own_malloc.cpp", &["-DNAME=je_malloc", hidden], false),
        ("rust.rs", &[], true),
    ] {
        let library = library(folder.path(), file, flags);
        if strip {
            build("strip", &[], &[&library]);
        }
        let path = library.to_str().expect("paths are UTF-8");
        for track in ["new", "new+malloc"] {
            let verdict = verdict(&["--track", track, path]);
            let run = Recording::of(&loader)
                .arg(path)
                .options(&format!("follow=all,track={track}"))
                .run()
                .expect_code(0);
            let images = run.images();
            let image = images[0].to_str().expect("paths are UTF-8");
            let found = leaks(image);
            let expected = match &*verdict {
                // Here what is seen in part is a hidden operator over a malloc that is seen.
                "seen" | "partly" => true,
                "blind" => false,
                other => panic!("{file} {flags:?}: {other}"),
            };
            assert_eq!(found, expected, "{file} {flags:?} track={track}: {verdict}");
            assert_eq!(
                self::verdict(&[image]),
                verdict,
                "the image knows the library, too"
            );
        }
    }
}

/// Loads the victim, and asks about the process while it waits.
fn verdict_while_it_runs(how: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let library = library(folder.path(), "cpp_new.cpp", &[]);
    let (mut started, running) = Recording::of(loader(folder.path()))
        .arg(&library)
        .args(how)
        .arg("wait")
        .start();
    started.wait_for_output("loaded");
    let verdict = verdict(&[&started.pid().to_string()]);
    drop(started.kill());
    drop(running);
    verdict
}

#[test]
fn a_running_process_tells_what_its_calls_are_bound_to() {
    assert_eq!(verdict_while_it_runs(&[]), "seen");
    // The recorder takes the flag away.
    assert_eq!(verdict_while_it_runs(&["deepbind"]), "seen");
    // A namespace of its own has a C++ runtime of its own.
    assert_eq!(verdict_while_it_runs(&["namespace"]), "blind");
}
