//! The coverage of real little libraries. `integration-tests/tests/coverage.rs` compares the same
//! verdicts with what the recorder really sees.

mod support;

use std::fs::{self, FileTimes};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use blazesym::helper::read_elf_build_id;
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_options::{Options, Track};
use hackleak_report::coverage::{self, Facts, Tracked, assess};
use hackleak_report::model::Coverage;
use hackleak_report::{Process, Selection, Verdict, Visibility, render};
use support::report;
use support::victims::{library, stripped, tool};

const NEW: Tracked = Tracked {
    new: true,
    malloc: false,
    mmap: false,
};
const BOTH: Tracked = Tracked {
    new: true,
    malloc: true,
    mmap: false,
};

fn of(path: &Path, tracked: Tracked) -> Coverage {
    assess(&Facts::read(path).expect("a library"), tracked, None)
}

/// The verdicts with `track=new` and `track=new+malloc`, and what the first one says.
#[track_caller]
fn expect(path: &Path, new: Visibility, both: Visibility, said: &str) {
    let coverage = of(path, NEW);
    assert_eq!(
        (coverage.visibility, of(path, BOTH).visibility),
        (new, both),
        "{coverage:?}"
    );
    let text = format!("{}; {:?}", coverage.reasons.join("; "), coverage.remedy);
    assert!(text.contains(said), "{text}");
}

#[test]
fn what_is_imported_is_seen() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = folder.path();
    for flags in [
        &[][..],
        &["-Wl,-z,now"],
        &["-fno-plt"],
        &["-static-libstdc++"],
        &["-DOWN"],
    ] {
        let plain = library(at, "libplain.so", "cpp_new.cpp", flags);
        expect(&plain, Visibility::Seen, Visibility::Seen, "");
        expect(
            &stripped(&plain, "-s"),
            Visibility::Seen,
            Visibility::Seen,
            "",
        );
    }
    for (name, source) in [("libc.so", "c_malloc.cpp"), ("librust.so", "rust.rs")] {
        let only_malloc = library(at, name, source, &[]);
        expect(
            &only_malloc,
            Visibility::Blind,
            Visibility::Seen,
            "add `malloc` to `track`",
        );
        assert!(of(&only_malloc, NEW).untracked);
        expect(
            &stripped(&only_malloc, "-s"),
            Visibility::Blind,
            Visibility::Seen,
            "not tracked",
        );
    }
    let nothing = library(at, "libnothing.so", "nothing.cpp", &[]);
    expect(
        &nothing,
        Visibility::Seen,
        Visibility::Seen,
        "it calls no allocation function",
    );
}

#[test]
fn a_hidden_cpp_runtime_is_found_even_when_stripped() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for flag in ["SCRIPT", "-Wl,--exclude-libs,ALL"] {
        let flags = ["-static-libstdc++", flag];
        let hidden = library(folder.path(), "libhidden.so", "cpp_new.cpp", &flags);
        expect(
            &hidden,
            Visibility::Blind,
            Visibility::Partly,
            "linked in and hidden",
        );
        assert!(!of(&hidden, NEW).untracked, "it hides what is tracked");
        for option in ["-s", "-x"] {
            let stripped = stripped(&hidden, option);
            expect(
                &stripped,
                Visibility::Blind,
                Visibility::Partly,
                "add `malloc` to `track`",
            );
        }
        let said = of(&stripped(&hidden, "-s"), BOTH).reasons.join("; ");
        assert!(
            said.contains("seems") && said.contains("recorded as malloc"),
            "{said}"
        );
    }
}

#[test]
fn operators_bound_inside_are_not_seen() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = folder.path();
    for flag in ["-Wl,-Bsymbolic", "-Wl,-Bsymbolic-functions"] {
        let symbolic = library(at, "libsymbolic.so", "cpp_new.cpp", &["-DOWN", flag]);
        expect(
            &symbolic,
            Visibility::Blind,
            Visibility::Partly,
            "-Bsymbolic",
        );
        let remedy = ["-DOWN", flag, "-Wl,--dynamic-list-cpp-new"];
        let listed = library(at, "liblisted.so", "cpp_new.cpp", &remedy);
        expect(&listed, Visibility::Seen, Visibility::Seen, "");
    }
    let flags = ["-DOWN", "-DPROTECTED"];
    let protected = library(at, "libprotected.so", "cpp_new.cpp", &flags);
    expect(
        &protected,
        Visibility::Blind,
        Visibility::Partly,
        "protected",
    );
}

#[test]
fn allocators_inside_are_not_seen() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = folder.path();
    let own = |name: &str, visibility: &str, more: &[&str]| {
        let (name, visibility) = (
            format!("-DNAME={name}"),
            format!("-DVISIBILITY=\"{visibility}\""),
        );
        let flags = [&[&*name, &*visibility], more].concat();
        library(at, "libown.so", "own_malloc.cpp", &flags)
    };
    expect(
        &own("malloc", "hidden", &[]),
        Visibility::Blind,
        Visibility::Blind,
        "its `malloc` is its own",
    );
    let symbolic = own("malloc", "default", &["-Wl,-Bsymbolic"]);
    expect(
        &symbolic,
        Visibility::Blind,
        Visibility::Blind,
        "-Bsymbolic",
    );
    expect(
        &own("malloc", "default", &[]),
        Visibility::Blind,
        Visibility::Seen,
        "`track`",
    );
    for (name, allocator) in [
        ("duckdb_je_malloc", "jemalloc"),
        ("_rjem_malloc", "jemalloc"),
        ("mi_malloc", "mimalloc"),
        ("tc_malloc", "tcmalloc"),
    ] {
        expect(
            &own(name, "hidden", &[]),
            Visibility::Blind,
            Visibility::Blind,
            allocator,
        );
    }
    let kernel = library(at, "libkernel.so", "kernel.cpp", &[]);
    expect(&kernel, Visibility::Partly, Visibility::Partly, "mmap");
    let mapped = Tracked { mmap: true, ..BOTH };
    assert_eq!(of(&kernel, mapped).visibility, Visibility::Seen);
}

#[test]
fn programs_that_the_loader_does_not_touch_are_blind() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let source = folder.path().join("main.c");
    fs::write(
        &source,
        "#include <stdlib.h>\nint main(void) { return !malloc(3); }",
    )
    .expect("write");
    for (flags, said) in [
        (&["-static"][..], "statically linked"),
        (&["-static-pie", "-fPIE"], "statically linked"),
        (&[], "not tracked"),
        (&["-no-pie"], "not tracked"),
    ] {
        let program = folder.path().join("main");
        tool("gcc", &[flags, &["-o"]].concat(), &[&program, &source]);
        let facts = Facts::read(&program).expect("a program");
        assert!(facts.executable);
        let loaded = !said.starts_with("static");
        let both = if loaded {
            Visibility::Seen
        } else {
            Visibility::Blind
        };
        expect(&program, Visibility::Blind, both, said);
        fs::remove_file(&program).expect("removed");
    }
}

#[test]
fn allocators_of_the_executable_come_before_the_recorder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let flags = ["-DNAME=malloc", "-DVISIBILITY=\"default\""];
    let exporting = library(folder.path(), "libown.so", "own_malloc.cpp", &flags);
    let executable = Facts {
        executable: true,
        ..(*Facts::read(&exporting).expect("a library")).clone()
    };
    let c = library(folder.path(), "libc.so", "c_malloc.cpp", &[]);
    let facts = Facts::read(&c).expect("a library");
    let coverage = assess(&facts, BOTH, Some(&executable));
    assert_eq!(coverage.visibility, Visibility::Blind);
    assert!(
        coverage.reasons[0].contains("the executable"),
        "{coverage:?}"
    );
}

#[test]
fn the_recorder_and_this_tool_do_not_confuse_themselves() {
    let me = std::env::current_exe().expect("a program");
    assert_eq!(of(&me, BOTH).visibility, Visibility::Seen);
}

#[test]
fn damaged_files_are_errors_in_words() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let whole = library(folder.path(), "libwhole.so", "cpp_new.cpp", &[]);
    let bytes = fs::read(&whole).expect("read");
    let file = folder.path().join("libdamaged.so");
    let try_it = |bytes: &[u8]| {
        let _ = fs::remove_file(&file);
        fs::write(&file, bytes).expect("write");
        Facts::read(&file).map(|facts| assess(&facts, BOTH, None))
    };
    for length in (0..bytes.len()).step_by(7) {
        let error = try_it(&bytes[..length]).expect_err("cut off");
        assert!(!error.to_string().is_empty());
    }
    // Any byte of the headers may be anything; the answer does not matter, only that there is one.
    let sections = bytes.len() - 64 * 40;
    for at in (0..0x400).chain(sections..bytes.len()) {
        for value in [0, 0x7f, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = value;
            let _ = try_it(&changed);
        }
    }
    for (start, said) in [
        ("", "no ELF"),
        ("garbage, and longer than a header", "no ELF"),
    ] {
        let error = try_it(start.as_bytes()).expect_err("garbage");
        assert!(error.to_string().contains(said), "{error}");
    }
    let mut arm = bytes;
    arm[18] = 183;
    let coverage = try_it(&arm).expect("a library");
    assert_eq!(coverage.visibility, Visibility::Blind);
    assert!(coverage.reasons[0].contains("aarch64"), "{coverage:?}");
    assert_eq!(
        Facts::read(Path::new("/nowhere"))
            .expect_err("gone")
            .to_string(),
        "the file is gone"
    );
}

#[test]
fn a_library_is_read_again_only_after_a_change() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = library(folder.path(), "libonce.so", "cpp_new.cpp", &[]);
    let read = || Facts::read(&file).expect("a library");
    let first = read();
    assert!(Arc::ptr_eq(&first, &read()), "it was read twice");
    let before = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
    let opened = fs::File::options().write(true).open(&file).expect("open");
    opened.set_times(before).expect("set");
    assert!(!Arc::ptr_eq(&first, &read()), "a change was not seen");
}

#[test]
fn strictness_is_an_option() {
    assert!(!coverage::is_strict("track=new") && coverage::is_strict("strict=true"));
}

#[test]
fn a_blind_library_under_test_qualifies_the_report() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let hidden = ["-static-libstdc++", "SCRIPT"];
    let hidden = library(folder.path(), "libhidden.so", "cpp_new.cpp", &hidden);
    let c = library(folder.path(), "libplain-c.so", "c_malloc.cpp", &[]);
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let with = |track: Track, options: &str, modules: &[&str]| {
        let mut image = ImageBuilder::new();
        image.thread(4242, "java", 9, 9);
        image.header.track = track.bits();
        image.header.options = image.text(options);
        for module in modules {
            let build_id = read_elf_build_id(module).ok().flatten();
            image.module(module, build_id.as_deref().unwrap_or_default(), 0);
        }
        report(&image)
    };
    let (hidden, c) = (path(&hidden), path(&c));
    let libraries = [
        &*hidden,
        &c,
        "/opt/java/lib/server/libjvm.so",
        "/opt/java/lib/libzip.so",
    ];

    let found = with(Track::NEW, "strict=true", &libraries);
    let process = &found.processes[0];
    assert_eq!(process.verdict, Verdict::Incomplete);
    assert!(
        process.notes[0].starts_with("blind: `libhidden.so`: "),
        "{:?}",
        process.notes
    );
    let verdicts: Vec<_> = process
        .modules
        .iter()
        .map(|module| {
            module
                .coverage
                .as_ref()
                .map(|coverage| (coverage.visibility, coverage.untracked))
        })
        .collect();
    let expected = [
        Some((Visibility::Blind, false)),
        Some((Visibility::Blind, true)),
        None,
        None,
    ];
    assert_eq!(verdicts, expected);
    assert_eq!(
        found.strict_failures().len(),
        2,
        "{:?}",
        found.strict_failures()
    );
    let lines = render::lines(&found, None);
    assert!(lines.contains("\nnote\tblind: `libhidden.so`: "), "{lines}");

    let left_out = with(Track::NEW, "exclude=*hidden*", &libraries);
    assert_eq!(
        left_out.verdict(),
        Verdict::Clean,
        "what is not tracked is in the headline"
    );
    assert!(
        left_out.strict_failures().is_empty(),
        "it was not asked for"
    );
    let note = &left_out.processes[0].notes[0];
    assert!(
        note.starts_with("`libplain-c.so`: what they allocate is not tracked"),
        "{note}"
    );

    let both: Track = "track=new+malloc".parse::<Options>().expect("valid").track;
    let in_part = with(both, "strict=true", &libraries);
    assert_eq!(in_part.verdict(), Verdict::Clean);
    let note = &in_part.processes[0].notes[0];
    assert!(note.starts_with("partly: `libhidden.so`: "), "{note}");
    assert!(in_part.strict_failures().is_empty());
}

#[test]
fn another_build_and_a_missing_file_are_unknown_and_a_kept_copy_is_used() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = library(
        folder.path(),
        "libnew.so",
        "cpp_new.cpp",
        &["-Wl,--build-id=0xabcdef"],
    );
    let path = file.to_str().expect("UTF-8");
    for (build_id, move_to, expected) in [
        (&[0xab, 0xcd, 0xef][..], None, Visibility::Seen),
        (&[1, 2, 3], None, Visibility::Unknown),
        (
            &[0xab, 0xcd, 0xef],
            Some("modules/abcdef"),
            Visibility::Seen,
        ),
        (&[1, 2, 3], None, Visibility::Unknown),
    ] {
        if let Some(to) = move_to {
            fs::create_dir(folder.path().join("modules")).expect("created");
            fs::rename(&file, folder.path().join(to)).expect("moved");
        }
        let mut image = ImageBuilder::new();
        image.header.track = Track::NEW.bits();
        image.module(path, build_id, 0);
        let at = folder.path().join("1.hackleak");
        image.write(&at).expect("written");
        let process = Process::of_image(&at, &Selection::default()).expect("an image");
        let coverage = process.modules[0].coverage.as_ref().expect("under test");
        assert_eq!(coverage.visibility, expected, "{coverage:?}");
    }
}

#[test]
fn what_was_written_from_memory_is_taken_last_and_proves_no_absence() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let modules = folder.path().join("modules");
    fs::create_dir(&modules).expect("created");
    let check = |path: &Path, build_id: &[u8]| {
        let mut image = ImageBuilder::new();
        image.header.track = Track::NEW.bits();
        image.module(path.to_str().expect("UTF-8"), build_id, 0);
        let at = folder.path().join("1.hackleak");
        image.write(&at).expect("written");
        let process = Process::of_image(&at, &Selection::default()).expect("an image");
        let coverage = process.modules[0].coverage.clone();
        coverage.expect("under test").visibility
    };
    let of = |source: &str, output: &str| {
        library(folder.path(), output, source, &["-Wl,--build-id=0xabcdef"])
    };
    let id = [0xab, 0xcd, 0xef];
    let rebuilt = modules.join("abcdef-from-memory");

    let calls = of("cpp_new.cpp", "libnew.so");
    fs::rename(&calls, &rebuilt).expect("moved");
    assert_eq!(check(&calls, &id), Visibility::Seen);
    assert_eq!(check(&calls, &[1, 2, 3]), Visibility::Unknown, "another's");

    // With its file there is nothing to allocate; from memory that is not known.
    let idle = of("nothing.cpp", "libnothing.so");
    fs::copy(&idle, &rebuilt).expect("copied");
    assert_eq!(check(&idle, &id), Visibility::Seen);
    fs::remove_file(&idle).expect("removed");
    assert_eq!(check(&idle, &id), Visibility::Unknown);
}
