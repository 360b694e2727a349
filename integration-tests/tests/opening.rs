//! Libraries that were opened and not closed are found by name; those that were closed are not.

use std::collections::{BTreeMap, BTreeSet};

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Process, Recording, Report, Victim, cpp, cpp_with, library, plugin};

const KIND: &str = "library handle";
const TRACK: &str = "follow=all,held=note,track=new+malloc+module";
/// Destructors are called by start-up code of the compiler's, which has no unwind tables.
const NO_TABLES: &str = "stackNoTables";

fn record(mode: &str) -> Report {
    let arguments = [mode.into(), plugin(24)];
    let bare = Recording::bare(cpp("opening")).args(&arguments).run();
    assert_eq!(bare.ended.code(), 0, "{}", bare.ended);
    let run = Recording::of(cpp("opening"))
        .options(TRACK)
        .args(&arguments)
        .run();
    run.expect_code(0).report()
}

/// How many there are by the function of the program that opened them, with their names.
fn by_function(process: &Process) -> BTreeMap<String, (u64, String)> {
    let mut opened = BTreeMap::new();
    for site in process.leaks.sites.iter().filter(|site| site.kind == KIND) {
        assert_eq!(site.bytes, 0, "{site:#?}");
        let names = site.names();
        let function = names.iter().find(|name| *name != "open");
        let function = function.expect("somebody opened it").clone();
        let (count, paths): &mut (u64, BTreeSet<String>) = opened.entry(function).or_default();
        *count += site.blocks;
        let short = site.names.iter().filter_map(|path| path.rsplit('/').next());
        paths.extend(short.map(str::to_owned));
    }
    let joined = |paths: BTreeSet<String>| paths.into_iter().collect::<Vec<_>>().join(" ");
    opened
        .into_iter()
        .map(|(function, (count, paths))| (function, (count, joined(paths))))
        .collect()
}

fn expected(of: &[(&str, u64, &str)]) -> BTreeMap<String, (u64, String)> {
    let each = of.iter();
    each.map(|(function, count, name)| ((*function).to_owned(), (*count, (*name).to_owned())))
        .collect()
}

#[test]
fn libraries_that_stay_open_are_found_by_name() {
    let report = record("each");
    let process = report.process();
    assert_eq!(
        by_function(process),
        expected(&[
            ("by_bare_name", 2, "libresolv.so.2"),
            ("closed_too_seldom", 5, "plugin.so"),
            ("in_own_namespace", 1, "libresolv.so.2"),
            ("looked_for", 4, "libresolv.so.2"),
            ("never_closed", 3, "plugin.so"),
        ])
    );
    process.assert_nothing_lost();
}

#[test]
fn libraries_that_were_closed_are_none() {
    let report = record("clean");
    let process = report.process();
    assert_eq!(by_function(process), BTreeMap::new());
    assert!(
        process.invalid_frees.is_empty(),
        "{:#?}",
        process.invalid_frees
    );
    process.assert_nothing_lost_but(NO_TABLES);
}

#[test]
fn what_data_and_objects_keep_is_held() {
    let report = record("held");
    assert_eq!(by_function(report.process()), BTreeMap::new());
}

#[test]
fn places_are_used_again() {
    let report = record("many");
    let process = report.process();
    assert_eq!(
        by_function(process),
        expected(&[("never_closed", 3, "plugin.so")])
    );
    process.assert_nothing_lost_but(NO_TABLES);
}

#[test]
fn a_forked_child_has_its_own() {
    let report = record("fork");
    let mut of_each: Vec<_> = report.processes.iter().map(by_function).collect();
    of_each.sort();
    let child = expected(&[("main", 1, "libresolv.so.2")]);
    let parent = expected(&[("never_closed", 3, "plugin.so")]);
    assert_eq!(of_each, [child, parent]);
}

/// The stack of what a constructor allocates goes on below `dlopen`, as libgcc sees it.
#[test]
fn constructors_run_as_they_do_without() {
    let path = library("opening_library", "opening_library.so", &[]);
    let arguments = ["constructor".into(), path];
    let run = Recording::of(cpp("opening"))
        .verified()
        .options(TRACK)
        .args(&arguments)
        .run()
        .expect_code(0);
    let verdict = run.verdict();
    assert!(verdict.checked >= 4, "{verdict:?}");
    assert_eq!(verdict.mismatches, 0, "{verdict:?}");
    let report = run.report();
    let process = report.process();
    let loading = "1,999,957 bytes in 1 block lost when `opening_library.so` was loaded, once";
    assert!(
        process.notes.iter().any(|note| note == loading),
        "{:#?}",
        process.notes
    );
    assert_eq!(
        by_function(process),
        expected(&[("never_closed", 3, "opening_library.so")])
    );
}

/// The loader searches the path of the library that asks, so that one is to ask. What that opens is
/// not seen, and said to be so.
#[test]
fn a_search_path_is_the_callers() {
    let folder = plugin(24);
    let folder = folder.parent().expect("it lies in a folder");
    for kind in ["--enable-new-dtags", "--disable-new-dtags"] {
        let path = format!("-Wl,{kind},-rpath,{}", folder.display());
        let program = cpp_with("opening", &["-O2", &path]);
        let arguments = ["path", "-"];
        let bare = Recording::bare(&program).args(arguments).run();
        assert_eq!(bare.ended.code(), 0, "{}", bare.ended);
        let run = Recording::of(&program).options(TRACK).args(arguments).run();
        let report = run.expect_code(0).report();
        let process = report.process();
        assert_eq!(
            by_function(process),
            expected(&[("main", 2, "libresolv.so.2 plugin.so")]),
            "{kind}"
        );
        let said = "2 calls of `dlopen` depend on the search path of their caller";
        let notes = &process.notes;
        assert!(
            notes.iter().any(|note| note.starts_with(said)),
            "{notes:#?}"
        );
    }
}

#[test]
fn a_check_tells_the_libraries_that_native_code_left_open() {
    let expected = "\
        hidden: 4 lost, 0 held, then 0\n\
        closed: 0 lost, 0 held, then 0\n\
        kept: 0 lost, 1 held, then 0\n\
        object: 0 lost, 1 held, then 0\n\
        dropped: 1 lost, 0 held, then 0\n";
    for jdk in Jdk::all() {
        let run = Victim::new(jdk, "Opening")
            .recording(Entry::Preload, &[])
            .options("held=note,track=new+malloc+jni+unsafe+fd+zip+module")
            .run()
            .expect_code(0);
        let named = run.ended.stdout.strip_prefix(expected);
        let named = named.unwrap_or_else(|| panic!("{}", run.ended));
        for part in [
            "3 library handles: /",
            "libresolv",
            "next: close it with dlclose",
        ] {
            assert!(named.contains(part), "{part}: {named}");
        }
    }
}
