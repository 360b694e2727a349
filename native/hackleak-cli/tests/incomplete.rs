//! A record that is not whole is never called clean: not in any format, and not by the exit code.

mod support;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{Ended, end, hackleak, image};

const FORMATS: [&str; 10] = [
    "text",
    "json",
    "html",
    "lines",
    "junit-xml",
    "sarif",
    "collapsed",
    "speedscope",
    "pprof",
    "markdown",
];

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

fn report(input: &Path, arguments: &[&str]) -> Ended {
    end(hackleak().arg("report").args(arguments).arg(input))
}

/// Cuts a copy of a file off at `length`.
fn cut(file: &Path, length: u64) -> PathBuf {
    let copy = file.with_file_name("cut.hackleak");
    fs::copy(file, &copy).expect("copied");
    let open = OpenOptions::new().write(true).open(&copy).expect("opened");
    open.set_len(length).expect("cut");
    copy
}

/// What the report in `format` says, with what is packed unpacked.
fn said(input: &Path, format: &str) -> (Option<i32>, String) {
    let file = input.with_extension("report");
    let mut command = hackleak();
    command.args(["report", "--format", format, "--output"]);
    let ended = end(command.arg(&file).arg(input));
    if format == "pprof" {
        let mut unpack = Command::new("gzip");
        let unpacked = unpack
            .arg("-dc")
            .stdin(fs::File::open(&file).expect("written"));
        let bytes = unpacked.output().expect("gzip runs").stdout;
        return (ended.code, String::from_utf8_lossy(&bytes).into_owned());
    }
    (ended.code, fs::read_to_string(&file).expect("written"))
}

#[test]
fn a_cut_image_is_incomplete_in_every_format() {
    let folder = folder();
    let whole = image(folder.path(), "whole.hackleak", 0);
    let length = fs::metadata(&whole).expect("there").len();
    for length in [4096, 4097, length / 2, length - 1] {
        let cut = cut(&whole, length);
        for format in FORMATS {
            let (code, text) = said(&cut, format);
            assert_eq!(code, Some(24), "{format} of {length} bytes");
            assert!(
                text.to_lowercase().contains("incomplete"),
                "{format}: {text}"
            );
            let clean = [
                "no leaks among",
                "\"verdict\": \"clean\"",
                "verdict\tclean",
                "No leaks seen",
                "✅",
            ];
            for word in clean {
                assert!(!text.contains(word), "{format} says `{word}`: {text}");
            }
        }
    }
    // The whole one says nothing of the kind.
    for format in FORMATS {
        let (code, text) = said(&whole, format);
        assert_eq!(code, Some(0), "{format}");
        // The page has the words for every verdict in its script.
        let spoken = format != "html" && text.to_lowercase().contains("incomplete");
        assert!(!spoken, "{format}: {text}");
    }
}

#[test]
fn an_image_that_is_not_even_begun_is_an_error() {
    let folder = folder();
    let whole = image(folder.path(), "whole.hackleak", 0);
    for length in [0, 1, 8, 4095] {
        let ended = report(&cut(&whole, length), &[]);
        assert_eq!(
            (ended.code, &*ended.stdout),
            (Some(1), ""),
            "{length} bytes"
        );
        assert!(ended.stderr.contains("cut.hackleak"), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

/// A process that was killed, of which everything is there, is judged as any other.
#[test]
fn a_killed_process_with_a_whole_image_may_be_clean() {
    let folder = folder();
    let file = image(folder.path(), "killed.hackleak", 0);
    let open = OpenOptions::new().write(true).open(&file).expect("opened");
    let state = std::mem::offset_of!(hackleak_image::layout::Header, state) as u64;
    let recording = hackleak_image::layout::state::RECORDING;
    open.write_all_at(&recording.to_le_bytes(), state)
        .expect("written");
    let ended = report(&file, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let length = fs::metadata(&file).expect("there").len();
    let ended = report(&cut(&file, length - (1 << 20)), &[]);
    assert_eq!(ended.code, Some(24), "{}", ended.stdout);
}

#[test]
fn unreadable_images_of_a_folder_are_listed_and_the_rest_is_reported() {
    let folder = folder();
    image(folder.path(), "a-clean.hackleak", 0);
    fs::write(folder.path().join("b-empty.hackleak"), "").expect("write");
    fs::write(folder.path().join("c-begun.hackleak"), vec![0; 8192]).expect("write");
    std::os::unix::fs::symlink("nowhere", folder.path().join("d-gone.hackleak")).expect("link");
    let names = ["b-empty.hackleak", "c-begun.hackleak", "d-gone.hackleak"];
    for format in FORMATS {
        // Neither has a place for names of files.
        if matches!(format, "collapsed" | "speedscope") {
            continue;
        }
        let file = folder.path().join("report");
        let ended = report(
            folder.path(),
            &["--format", format, "--output", &file.to_string_lossy()],
        );
        assert_eq!(ended.code, Some(24), "{format}: {}", ended.stderr);
        for name in names {
            assert!(ended.stderr.contains(name), "{}", ended.stderr);
        }
        if format != "pprof" {
            let text = fs::read_to_string(&file).expect("written");
            names
                .iter()
                .for_each(|name| assert!(text.contains(name), "{format}: {text}"));
        }
    }
    let text = report(folder.path(), &[]).stdout;
    assert!(
        text.starts_with("incomplete: 3 images cannot be read"),
        "{text}"
    );
    assert!(text.contains("\nno leaks among"), "{text}");
    let json = report(folder.path(), &["--format", "json"]).stdout;
    let found: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        found["unreadable"].as_array().map(Vec::len),
        Some(3),
        "{json}"
    );
    assert_eq!(found["processes"][0]["verdict"], "clean");
    let lines = report(folder.path(), &["--format", "lines"]).stdout;
    assert!(
        lines.contains("\nverdict\tincomplete\nincomplete\tunreadable\n"),
        "{lines}"
    );

    // A report that was kept says the same as the images.
    let kept = folder.path().join("kept.json");
    fs::write(&kept, json).expect("write");
    assert_eq!(report(&kept, &[]).code, Some(24));
    // With a leak, the leak goes first, and the rest is still said.
    image(folder.path(), "e-leaky.hackleak", 1);
    let ended = report(folder.path(), &[]);
    assert_eq!(ended.code, Some(23));
    assert!(
        ended.stdout.starts_with("incomplete: 3 images"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_leak_in_an_incomplete_record_comes_with_what_is_missing() {
    let folder = folder();
    let file = support::lossy_image(folder.path(), "1.hackleak", 1);
    let ended = report(&file, &["--format", "lines"]);
    assert_eq!(ended.code, Some(23));
    let rows = "\nverdict\tleaks\nincomplete\tdropped\n";
    assert!(ended.stdout.contains(rows), "{}", ended.stdout);
    let json = report(&file, &["--format", "json"]).stdout;
    let found: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        found["processes"][0]["incomplete"],
        serde_json::json!(["dropped"])
    );
    let text = report(&file, &[]).stdout;
    assert!(text.contains("\nnote: incomplete (dropped): "), "{text}");
}

#[test]
fn a_library_of_which_nothing_is_known_fails_a_strict_report() {
    let folder = folder();
    let gone = |options: &str| {
        let mut builder = hackleak_image::reader::testing::ImageBuilder::new();
        builder.header.options = builder.text(options);
        builder.module("/gone/libmine.so", &[7; 20], 0);
        let path = folder.path().join("gone.hackleak");
        builder.write(&path).expect("written");
        path
    };
    let strict = gone("track=new,strict=true");
    let ended = report(&strict, &[]);
    assert_eq!(ended.code, Some(23), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("`/gone/libmine.so`"),
        "{}",
        ended.stderr
    );
    let doctor = end(hackleak().args(["doctor", "--strict"]).arg(&strict));
    assert_eq!(doctor.code, Some(23), "{}", doctor.stdout);
    assert_eq!(report(&gone("track=new"), &[]).code, Some(0));
}

/// A limit of file sizes is an error of the write and not the end of the reporter.
#[test]
fn a_limit_of_file_sizes_is_said_in_one_sentence() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 1);
    let out = folder.path().join("report.html");
    let mut command = Command::new("prlimit");
    command.args(["--fsize=4096", env!("CARGO_BIN_EXE_hackleak"), "report"]);
    let ended = end(command.arg(&file).arg("--html").arg(&out));
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let said = "hackleak: cannot write the report to `";
    assert!(ended.stderr.starts_with(said), "{}", ended.stderr);
    assert!(ended.stderr.contains("report.html"), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(!out.exists(), "half a report is left");
}

/// What `run` starts finds the signal as it was: by default deadly, or ignored.
#[test]
fn a_command_finds_the_signals_of_its_own_caller() {
    let folder = folder();
    let library = folder.path().join("libhackleak.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-x", "c", "/dev/null", "-o"])
        .arg(&library);
    assert!(compiler.status().expect("a C compiler").success());
    let ignored = |trap: &str| {
        let print = "grep SigIgn /proc/self/status";
        let program = env!("CARGO_BIN_EXE_hackleak");
        let script = format!("{trap}; exec {program} run --follow none -- {print}");
        let mut shell = Command::new("sh");
        shell
            .current_dir(folder.path())
            .env("HACKLEAK_LIBRARY", &library);
        let ended = end(shell.args(["-c", &script]));
        let mask = ended.stdout.split_whitespace().nth(1).map(str::to_owned);
        let mask = u64::from_str_radix(&mask.expect("a mask"), 16).expect("hexadecimal");
        mask >> 24 & 1 != 0
    };
    assert!(!ignored("true"));
    assert!(ignored("trap '' XFSZ"));
}
