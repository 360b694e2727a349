//! Libraries whose files are gone before the recorder can keep them: what they export has names,
//! and it is known whether their allocations are seen.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use integration_tests::{Frame, Recording, Run, cpp, library, workspace};

const LEAK: u64 = 1_999_993;
const NO_BUILD_ID: &str = "-Wl,--build-id=none";
const REMARK: &str = "only functions that it exports have names";

fn vanishing(output: &str, flags: &[&str]) -> PathBuf {
    let flags = [&["-fno-builtin"], flags].concat();
    library("vanishing_library", output, &flags)
}

fn recording(how: &str, libraries: &[&Path]) -> Recording {
    Recording::of(cpp("vanishing"))
        .arg(how)
        .args(libraries)
        .options("follow=all,track=new+malloc")
}

fn run(how: &str, libraries: &[&Path]) -> Run {
    recording(how, libraries).run().expect_code(0)
}

/// The names of the files that the recorder kept.
fn kept(run: &Run) -> Vec<String> {
    let folder = run.images()[0].with_file_name("modules");
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let name = |file: fs::DirEntry| file.file_name().into_string().expect("ASCII");
    files.map(|file| name(file.expect("an entry"))).collect()
}

/// What the report says of the coverage of the library at `path`.
fn coverage(run: &Run, path: &str) -> (String, Vec<String>) {
    let report = run.report();
    let modules = &report.process().modules;
    let module = modules.iter().find(|module| module.path.contains(path));
    let module = module.unwrap_or_else(|| panic!("no {path} in {modules:#?}"));
    let coverage = module.coverage.as_ref().expect("under test");
    (coverage.visibility.clone(), coverage.reasons.clone())
}

/// The library at `path` has names, from memory, and its allocations are seen.
fn assert_known_from_memory(run: &Run, path: &str) {
    let files = kept(run);
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].ends_with("-from-memory"), "{files:?}");
    let report = run.report();
    let process = report.process();
    let site = process.site_of(LEAK);
    let names = site.names();
    // What is not exported has no name, and gets no other function's.
    assert_eq!(names[..2], ["?", "leak_of_the_vanished"]);
    let Frame::Native { module, .. } = &site.frames[0] else {
        panic!("{:?}", site.frames);
    };
    assert!(module.as_ref().is_some_and(|module| module.contains(path)));
    site.assert_order(&["leak_of_the_vanished", "main"]);
    let remarks = process.notes.iter().filter(|note| note.contains(REMARK));
    assert_eq!(remarks.count(), 1, "{:#?}", process.notes);
    assert_eq!(coverage(run, path), ("seen".to_owned(), vec![]));
}

#[test]
fn a_library_that_is_deleted_before_its_first_function_is_found_has_names() {
    for flags in [
        &[][..],
        &[NO_BUILD_ID],
        &["-Wl,--hash-style=sysv", "-Wl,-z,noseparate-code"],
    ] {
        let library = vanishing("vanishing_unlinked.so", flags);
        assert_known_from_memory(&run("unlinked", &[&library]), "unpacked.so");
    }
}

#[test]
fn so_has_one_that_never_had_a_file_that_others_can_open() {
    for flags in [&[][..], &[NO_BUILD_ID]] {
        let library = vanishing("vanishing_memory.so", flags);
        assert_known_from_memory(&run("memory", &[&library]), "/proc/self/fd/");
    }
}

#[test]
fn the_older_loader_has_names_of_its_own_for_them() {
    let library = vanishing("vanishing_older_loader.so", &[]);
    for (how, path) in [("unlinked", "unpacked.so"), ("memory", "/memfd:unpacked")] {
        let run = recording(how, &[&library])
            .verified()
            .env("HACKLEAK_VERIFY_OLDER_LOADER", "1")
            .run();
        assert_known_from_memory(&run.expect_code(0), path);
    }
}

#[test]
fn another_file_of_the_same_name_is_not_taken_for_the_library() {
    for flags in [&[][..], &[NO_BUILD_ID]] {
        let library = vanishing("vanishing_replaced.so", flags);
        let other = vanishing("vanishing_other.so", &[flags, &["-DOTHER"]].concat());
        assert_known_from_memory(&run("replaced", &[&library, &other]), "unpacked.so");
    }
}

#[test]
fn a_library_is_known_whatever_its_folder_and_age() {
    let folder = tempfile::tempdir_in(workspace::target()).expect("a folder can be made");
    let library = folder.path().join("libolder.so");
    fs::copy(vanishing("vanishing_older.so", &[]), &library).expect("copied");
    // The recorder allows for a clock that is a little behind.
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_known_from_memory(&run("older", &[&library]), "libolder.so");
}

#[test]
fn an_allocator_that_only_the_file_named_is_not_taken_for_none() {
    let library = vanishing("vanishing_hidden.so", &["-DOWN_MALLOC"]);
    let gone = run("unlinked", &[&library]);
    let (visibility, reasons) = coverage(&gone, "unpacked.so");
    assert_eq!(visibility, "unknown", "{reasons:?}");
    let there = run("kept", &[&library]);
    assert_eq!(coverage(&there, "unpacked.so").0, "blind");
}

#[test]
fn a_file_that_is_there_is_kept_as_it_is() {
    for (how, flags) in [("kept", &[][..]), ("kept", &[NO_BUILD_ID]), ("linked", &[])] {
        let library = vanishing("vanishing_kept.so", flags);
        let run = run(how, &[&library]);
        let files = kept(&run);
        assert_eq!(files.len(), 1, "{files:?}");
        assert!(!files[0].ends_with("-from-memory"), "{files:?}");
        let modules = run.images()[0].with_file_name("modules");
        let copy = modules.join(OsStr::new(&files[0]));
        assert_eq!(
            fs::read(copy).expect("read"),
            fs::read(&library).expect("read")
        );
        let report = run.report();
        let process = report.process();
        let site = process.site_of(LEAK);
        site.assert_order(&["inner", "leak_of_the_vanished", "main"]);
        assert!(process.notes.iter().all(|note| !note.contains(REMARK)));
        assert_eq!(coverage(&run, "unpacked.so").0, "seen");
    }
}
