//! glibc 2.28 and newer: what is built here names no symbol that 2.28 does not have, and modules
//! are found without `_dl_find_object`, which only 2.35 and newer have.
//!
//! No older glibc is run here. The loader refuses a file exactly for the versions that are read
//! here. The verifying recorder, told to find modules as on an older C library, compares every
//! stack with libgcc's.

use std::path::Path;
use std::process::Command;

use integration_tests::java::{Entry, PLANTED, native_half, separate_classes};
use integration_tests::{Jdk, Recording, Run, Victim, artefacts, cpp_with, plugin, process};

const OLDER_LOADER: &str = "HACKLEAK_VERIFY_OLDER_LOADER";

/// The versions of `library`'s symbols that a file needs, as lists of numbers.
struct Needs {
    libraries: Vec<String>,
    versions: Vec<(String, Vec<u32>)>,
}

impl Needs {
    fn of(file: &Path) -> Needs {
        let listed = process::run(Command::new("objdump").arg("-p").arg(file)).expect_code(0);
        let words =
            |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        let lines: Vec<Vec<String>> = listed.stdout.lines().map(words).collect();
        let libraries = lines
            .iter()
            .filter(|words| words.first().is_some_and(|word| word == "NEEDED"))
            .map(|words| words[1].clone())
            .collect();
        // `0x09691a75 0x00 02 GLIBC_2.2.5`, below the heading `Version References:`.
        let versions = lines
            .iter()
            .skip_while(|words| words.join(" ") != "Version References:")
            .filter(|words| words.len() == 4 && words[0].starts_with("0x"))
            .map(|words| version(&words[3]))
            .collect();
        Needs {
            libraries,
            versions,
        }
    }

    fn newest(&self, family: &str) -> Option<&Vec<u32>> {
        let of_family = self.versions.iter().filter(|(name, _)| name == family);
        of_family.map(|(_, numbers)| numbers).max()
    }
}

fn version(text: &str) -> (String, Vec<u32>) {
    let (family, numbers) = text.split_once('_').unwrap_or((text, ""));
    let numbers = numbers.split('.').filter_map(|part| part.parse().ok());
    (family.to_owned(), numbers.collect())
}

fn assert_loads_on_2_28(file: &Path) {
    let needs = Needs::of(file);
    let glibc = needs.newest("GLIBC").expect("it uses the C library");
    println!("{}: {:?} {:?}", file.display(), needs.libraries, glibc);
    assert!(
        *glibc <= vec![2, 28],
        "{} needs glibc {glibc:?}: pin the symbol in native/c/older_glibc.c",
        file.display()
    );
    // RHEL 8 has the libgcc of GCC 8, whose newest version this is.
    assert!(needs.newest("GCC").is_none_or(|gcc| *gcc <= vec![7, 0, 0]));
    for (family, numbers) in &needs.versions {
        assert!(
            ["GLIBC", "GCC"].contains(&family.as_str()),
            "{}: {family} {numbers:?}",
            file.display()
        );
    }
    let everywhere = [
        "libc.so.6",
        "libm.so.6",
        "libgcc_s.so.1",
        "libdl.so.2",
        "libpthread.so.0",
        "ld-linux-x86-64.so.2",
    ];
    for library in &needs.libraries {
        assert!(everywhere.contains(&library.as_str()), "{library}");
    }
    // Where these functions are before 2.34.
    for library in ["libdl.so.2", "libpthread.so.0"] {
        assert!(needs.libraries.iter().any(|needed| needed == library));
    }
}

#[test]
fn the_recorder_needs_no_newer_symbol() {
    assert_loads_on_2_28(artefacts::recorder());
}

#[test]
fn the_command_needs_no_newer_symbol() {
    assert_loads_on_2_28(artefacts::cli());
}

#[test]
fn a_program_linked_as_usual_needs_newer_ones() {
    let usual = Needs::of(&cpp_with("pairs", &["-O2"]));
    assert!(usual.newest("GLIBCXX").is_some(), "{:?}", usual.versions);
    // A start file of 2.34 or newer asks for the `__libc_start_main` of 2.34.
    let here = process::run(Command::new("getconf").arg("GNU_LIBC_VERSION")).expect_code(0);
    let here = version(&here.stdout.trim().replace(' ', "_")).1;
    if here < vec![2, 34] {
        println!("SKIPPED: glibc {here:?} has no newer symbol to show");
        return;
    }
    assert!(usual.newest("GLIBC") > Some(&vec![2, 28]));
}

/// The line that the verifying recorder prints when everything it compared was the same.
fn assert_exact(run: &Run, least: u64) {
    let verdict = run.verdict();
    println!("{verdict:?}");
    assert!(verdict.checked >= least, "{verdict:?}");
    assert_eq!(verdict.mismatches, 0, "{}", run.ended);
}

#[test]
fn without_find_object_random_walks_are_exact() {
    for flags in ["-O0", "-O2"] {
        let recording = Recording::of(cpp_with("stacks_walk", &[flags])).verified();
        let recording = recording.env(OLDER_LOADER, "1").args(["3", "200000", "4"]);
        assert_exact(&recording.run().expect_code(0), 150_000);
    }
}

#[test]
fn without_find_object_unloaded_code_is_told_from_what_took_its_place() {
    let rounds = 1000_u64;
    let recording = Recording::of(cpp_with("plugins", &["-O2"])).verified();
    let recording = recording
        .env(OLDER_LOADER, "1")
        .args([plugin(24), plugin(120)])
        .args([rounds.to_string()]);
    let run = recording.run().expect_code(0);
    let reused: u64 = run
        .ended
        .stdout
        .trim()
        .strip_prefix("reused ")
        .and_then(|number| number.parse().ok())
        .expect("the victim counts");
    assert!(reused > rounds / 2, "addresses were reused {reused} times");
    assert_exact(&run, rounds * 20);
}

#[test]
fn without_find_object_java_frames_lie_above_native_ones() {
    for jdk in Jdk::all() {
        let recording = Victim::new(jdk, "PlantedLeak").recording(Entry::Preload, &[]);
        let recording = recording.verified().env(OLDER_LOADER, "1").arg("leak");
        let run = recording.run().expect_code(0);
        assert_exact(&run, 3);
        let report = run.report_since("start");
        let site = report.process().site_of(1_999_993);
        assert_eq!((site.blocks, site.kind.as_str()), (3, "new[]"));
        assert_eq!(site.names(), PLANTED);
    }
}

#[test]
fn without_find_object_a_library_that_the_jvm_unloads_is_still_named() {
    for jdk in Jdk::all() {
        let classes = separate_classes(jdk, "Unloadable");
        let library = native_half(jdk, "Unloadable");
        let classes = format!("-Dvictim.unloadable.classes={}/", classes.display());
        let library = format!("-Dvictim.unloadable.library={}", library.display());
        let victim = Victim::new(jdk, "UnloadedLoader");
        let recording = victim.recording(Entry::Preload, &[&classes, &library]);
        let run = recording.verified().env(OLDER_LOADER, "1").run();
        let run = run.expect_code(0);
        assert_exact(&run, 4);
        let report = run.report_since("start");
        let site = report.process().site_of(1_999_993);
        site.assert_order(&["Java_Unloadable_plant", "Unloadable.plant"]);
        let afterwards = report.process().site_of(1_300_021);
        afterwards.assert_order(&["UnloadedLoader.plantAfterwards", "UnloadedLoader.main"]);
    }
}
