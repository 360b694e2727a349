//! Every target on its seeds and on mutations of them: the random numbers are fixed, so a failure
//! is the same everywhere. The address space has a limit, so memory that grows with the input's
//! claims is a failure.
//!
//! `HACKLEAK_FUZZ_RUNS=100000` runs longer; `HACKLEAK_FUZZ_FIRST=N` begins at run N.

use std::process::Command;

use hackleak_fuzz::corpus;
use hackleak_fuzz::mutate::{Random, mutated};
use hackleak_fuzz::targets::{self, Target};
use hackleak_image::Frame;
use hackleak_image::layout::Kind;
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::{Process, Report, Selection, render};
use rustix::process::{Resource, Rlimit, setrlimit};

/// Names the target in the child.
const CHILD: &str = "HACKLEAK_FUZZ_CHILD";
/// Address space of the child, in bytes.
const MEMORY: u64 = 1 << 30;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs `work` in a process of its own with `memory` bytes of address space: an allocation that
/// fails is an abort, which would end the other tests.
fn in_child(test: &str, memory: u64, work: impl FnOnce()) {
    if std::env::var(CHILD).is_ok_and(|name| name == test) {
        let limit = Rlimit {
            current: Some(memory),
            maximum: Some(memory),
        };
        setrlimit(Resource::As, limit).expect("a lower limit is allowed");
        work();
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let ended = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, test)
        .output()
        .expect("it can be started again");
    let said = String::from_utf8_lossy(&ended.stdout);
    let failed = String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{}\n{said}\n{failed}",
        ended.status
    );
}

fn bounded(name: &str, runs: u64) {
    in_child(name, MEMORY, || {
        let target = targets::ALL.iter().find(|target| target.name == name);
        let Target { run, seeds, .. } = target.expect("a target of this name");
        let seeds = seeds();
        assert!(!seeds.is_empty(), "no seeds");
        seeds.iter().for_each(|seed| run(seed));
        let first = number("HACKLEAK_FUZZ_FIRST").unwrap_or(0);
        let runs = number("HACKLEAK_FUZZ_RUNS").unwrap_or(runs);
        for number in first..first + runs {
            let mut random = Random(number);
            let seed = &seeds[random.below(seeds.len())];
            let other = &seeds[random.below(seeds.len())];
            let input = mutated(seed, other, &mut random);
            // The last line says which run it was, whatever happens to this process.
            if std::panic::catch_unwind(|| run(&input)).is_err() {
                panic!("run {number} of {name} panicked");
            }
            if number % 64 == 0 {
                eprintln!("{name}: run {number}");
            }
        }
    });
}

#[test]
fn image() {
    bounded("image", 500);
}

#[test]
fn log() {
    bounded("log", 10_000);
}

#[test]
fn suppressions() {
    bounded("suppressions", 10_000);
}

#[test]
fn options() {
    bounded("options", 20_000);
}

/// Two megabytes that stand for thirty million frames: every node of a chain is the stack of
/// a block of its own.
#[test]
fn baseline() {
    bounded("baseline", 20_000);
}

#[test]
fn pools() {
    bounded("pools", 20_000);
}

#[test]
fn a_small_image_of_endless_stacks() {
    in_child("a_small_image_of_endless_stacks", 2 << 30, || {
        let mut image = ImageBuilder::new();
        let module = image.module("/gone/x.so", &[1], 0);
        let mut parent = 0;
        for number in 0..4_000_u64 {
            let frame = Frame::Native {
                module,
                vaddr: number,
            };
            parent = image.node(frame.encode(), parent);
            image.live(0x7f00_0000_0000 + 16 * number, 1, Kind::New, parent, 0);
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("chain.hackleak");
        image.write(&path).expect("written");
        let process = Process::of_image(&path, &Selection::default()).expect("an image");
        assert_eq!(process.leaks.blocks, 4_000);
        assert!(
            process
                .notes
                .iter()
                .any(|note| note.starts_with("frames are missing from")),
            "{:?}",
            process.notes
        );
        assert!(!render::text(&Report::new(vec![process]), None).is_empty());
    });
}

/// Options in an image may name anything as a file.
#[test]
fn an_image_that_names_an_endless_file() {
    in_child("an_image_that_names_an_endless_file", MEMORY, || {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("endless.hackleak");
        let mut image = ImageBuilder::new();
        image.header.options = image.text("suppressions=/dev/zero");
        image.write(&path).expect("written");
        let process = Process::of_image(&path, &Selection::default()).expect("an image");
        let note = process.notes.iter().find(|note| note.contains("/dev/zero"));
        assert!(
            note.is_some_and(|note| note.contains("not a regular file")),
            "{:?}",
            process.notes
        );
    });
}

#[test]
fn every_target_has_seeds_and_a_fuzz_target() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    for target in targets::ALL {
        let source = folder.join(format!("fuzz_targets/{}.rs", target.name));
        let text = std::fs::read_to_string(&source).expect("a fuzz target");
        assert!(
            text.contains(&format!("targets::{}", target.name)),
            "{text}"
        );
    }
    assert_eq!(corpus::images().len(), 3);
}
