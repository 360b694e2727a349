//! Each built-in suppression leaves out what a real runtime keeps, and nothing that belongs to its
//! caller.

use std::process::Command;

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Recording, Victim, report::Suppression};
use integration_tests::{Report, Run, artefacts, cpp_with, library as library_with, process};

/// What the victim loses itself in each run.
const PLANTED: u64 = 1_999_993;

fn record(what: &[&str], options: &str) -> Run {
    Recording::of(cpp_with("runtime_caches", &["-O1", "-Wl,--as-needed"]))
        .options(&format!("follow=all,track=new+malloc{options}"))
        .args(what)
        .run()
}

/// With the C library's and the loader's own calls, which are left out by default.
const LIBC: &str = ",include=libc.so*+ld-linux*";

/// The report, and the rules that matched.
fn report(run: &Run) -> (Report, Vec<Suppression>) {
    let mut report = run.report();
    let suppressions = std::mem::take(&mut report.processes[0].suppressions);
    (report, suppressions)
}

/// Asserts that only the planted block is left, and that the rule `name` was needed for it.
fn assert_only_planted(what: &str, options: &str, name: &str) {
    let run = record(&[what], options).expect_code(0);
    let (report, rules) = report(&run);
    let process = report.process();
    assert_eq!(process.leaks.blocks, 1, "{what}: {:#?}", process.leaks);
    assert_eq!(process.blocks_of(PLANTED), 1, "{what}");
    let rule = rules.iter().find(|rule| rule.rule == name);
    let rule = rule.unwrap_or_else(|| panic!("{what}: {name} did not match: {rules:?}"));
    assert_eq!(rule.source, "built-in");
    assert!(
        rule.bytes > 0 && rule.blocks > 0 && rule.sites > 0,
        "{rule:?}"
    );

    let without = record(&[what], &format!("{options},builtin-suppressions=false"));
    let kept: u64 = rules.iter().map(|rule| rule.blocks).sum();
    assert_eq!(without.report().process().leaks.blocks, 1 + kept, "{what}");
}

#[test]
fn the_pool_for_exceptions_is_left_out_whatever_its_symbols() {
    let run = record(&["cxx"], "").expect_code(0);
    let (report, rules) = report(&run);
    assert_eq!(
        report.process().leaks.blocks,
        1,
        "{:#?}",
        report.process().leaks
    );
    let rule = &rules[0];
    assert_eq!(
        (rule.rule.as_str(), rule.blocks, rules.len()),
        ("runtime-initialiser", 1, 1)
    );
    // The size that libstdc++ 6 has on x86-64; another one is a reason to look at it again.
    assert_eq!(rule.bytes, 72_704);
}

/// Statically linked, the pool is made by the program or the library itself; and what they lose is
/// found, even if it is as large as the pool.
#[test]
fn the_pool_of_a_libstdcxx_that_is_linked_in_is_left_out() {
    let linked_in = ["-O1", "-static-libstdc++", "-static-libgcc"];
    let plain = cpp_with("exception_pool", &["-O1"]);
    for stripped in [false, true] {
        let flags = [&linked_in[..], if stripped { &["-s"] } else { &[] }].concat();
        let library = [&flags[..], &["-DLIBRARY", "-fno-lto"]].concat();
        let name = format!("exception_pool{}.so", u8::from(stripped));
        let library = library_with("exception_pool", &name, &library);
        let program = cpp_with("exception_pool", &flags);
        for (program, argument) in [
            (&program, "alone".as_ref()),
            (&plain, library.as_os_str()),
            (&program, library.as_os_str()),
        ] {
            let run = Recording::of(program)
                .options("follow=all,track=new+malloc")
                .args([argument])
                .run()
                .expect_code(0);
            let (report, rules) = report(&run);
            let process = report.process();
            assert_eq!(process.leaks.blocks, 3, "{:#?}", process.leaks);
            for bytes in [72_704, 73_728, PLANTED] {
                assert_eq!(process.blocks_of(bytes), 1, "{:#?}", process.leaks);
            }
            let pools = rules.iter().find(|rule| rule.rule == "exception-pool");
            let pools = pools.unwrap_or_else(|| panic!("no rule matched: {rules:?}"));
            let expected = if program == &plain || argument == "alone" {
                1
            } else {
                2
            };
            assert_eq!(pools.blocks, expected, "{rules:?}");
        }
    }
}

#[test]
fn what_the_c_library_keeps_is_left_out() {
    for (what, rule) in [
        ("locale", "libc-caches"),
        ("users", "libc-caches"),
        ("dlerror", "libc-caches"),
        ("timezone", "libc-caches"),
        ("streams", "libc-internals"),
        ("atexit", "libc-tables"),
        ("specific", "libc-tables"),
        ("threads", "loader"),
        ("cxx", "loader"),
    ] {
        assert_only_planted(what, LIBC, rule);
    }
}

/// Their stacks have exported functions at neither end, so these need the C library's debug
/// information.
#[test]
fn name_services_and_converters_are_left_out_where_libc_has_names() {
    let run = record(
        &["converters"],
        &format!("{LIBC},builtin-suppressions=false"),
    );
    let named = run
        .report()
        .process()
        .leaks
        .sites
        .iter()
        .any(|site| site.names().iter().any(|name| name == "__gconv_find_shlib"));
    if !named {
        eprintln!(
            "SKIPPED: the C library's debug information (Debian: libc6-dbg) is not installed"
        );
        return;
    }
    assert_only_planted("converters", LIBC, "libc-internals");
    assert_only_planted("hosts", LIBC, "libc-internals");
}

#[test]
fn what_libraries_keep_is_left_out() {
    for (what, rule) in [("openmp", "openmp-team"), ("openssl", "openssl-init")] {
        if record(&[what], "").ended.code() == 3 {
            eprintln!("SKIPPED: the library that `{what}` wants is not installed");
            continue;
        }
        assert_only_planted(what, "", rule);
    }
}

#[test]
fn what_belongs_to_the_caller_is_found() {
    for (what, options, function) in [
        ("converters", LIBC, "converters"),
        ("hosts", LIBC, "hosts"),
        ("openssl", "", "openssl"),
    ] {
        let run = record(&["owned", what], options);
        if run.ended.code() == 3 {
            eprintln!("SKIPPED: the library that `{what}` wants is not installed");
            continue;
        }
        let report = run.report();
        let lost = report
            .process()
            .leaks
            .sites
            .iter()
            .filter(|site| site.names().iter().any(|name| name.ends_with(function)));
        assert!(lost.count() > 0, "{what}: {:#?}", report.process().leaks);
    }
}

#[test]
fn the_rules_are_listed() {
    let ended = process::run(Command::new(artefacts::cli()).args(["suppressions", "--builtin"]));
    assert_eq!(ended.code(), 0, "{ended}");
    for name in [
        "jdk-image",
        "runtime-initialiser",
        "exception-pool",
        "openmp-team",
        "openssl-init",
        "libc-internals",
        "loader",
        "libc-caches",
        "libc-tables",
    ] {
        let start = format!("{name}\n  ");
        assert!(ended.stdout.contains(&start), "{name}: {}", ended.stdout);
    }
    assert!(ended.stdout.contains("72,704"), "{}", ended.stdout);
}

#[test]
fn the_jdks_own_buffers_for_io_are_left_out_and_the_programs_are_not() {
    for jdk in Jdk::all() {
        let run = Victim::new(jdk, "IoBuffers")
            .recording(Entry::Preload, &[])
            .options("track=new+unsafe")
            .run()
            .expect_code(0);
        let report = run.report_since("start");
        let process = report.process();
        assert_eq!(process.leaks.blocks, 1, "{:#?}", process.leaks);
        assert!(process.leaks.bytes >= PLANTED, "{:#?}", process.leaks);
        let rules = &process.suppressions;
        let rule = rules.iter().find(|rule| rule.rule == "nio-buffers");
        let rule = rule.unwrap_or_else(|| panic!("nio-buffers did not match: {rules:?}"));
        assert!(rule.blocks >= 1 && rule.bytes >= 2_999_993, "{rule:?}");
    }
}

#[test]
fn the_jdks_own_pipe_of_asynchronous_channels_is_left_out_and_the_programs_are_not() {
    for jdk in Jdk::all() {
        for (what, lost) in [("clean", 0), ("leak", 6)] {
            let run = Victim::new(jdk, "AsyncChannels")
                .recording(Entry::Preload, &[])
                .options("track=new+malloc+fd,held=note,exit=settle")
                .args([what])
                .run()
                .expect_code(0);
            let report = run.report();
            let process = report.process();
            assert_eq!(process.leaks.blocks, lost, "{what}: {:#?}", process.leaks);
            let rules = &process.suppressions;
            let rule = rules.iter().find(|rule| rule.rule == "nio-port");
            let rule = rule.unwrap_or_else(|| panic!("nio-port did not match: {rules:?}"));
            assert_eq!(rule.blocks, 2, "{what}: {rule:?}");
        }
    }
}

/// Where it is known who holds what, runtimes hold theirs themselves, and no rule is needed.
#[test]
fn without_any_rule_what_runtimes_keep_is_held() {
    for what in ["cxx", "openmp", "openssl", "locale", "streams", "specific"] {
        let options = ",held=note,builtin-suppressions=false";
        let run = record(&["exit", what], options);
        if run.ended.code() == 3 {
            eprintln!("SKIPPED: the library that `{what}` wants is not installed");
            continue;
        }
        let (report, rules) = report(&run.expect_code(0));
        let process = report.process();
        assert_eq!(process.leaks.blocks, 1, "{what}: {:#?}", process.leaks);
        assert_eq!(process.blocks_of(PLANTED), 1, "{what}");
        assert_eq!(process.site_of(PLANTED).verdict, "lost", "{what}");
        assert_eq!(rules.len(), 0, "{what}: {rules:?}");
    }
}
