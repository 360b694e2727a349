//! What the C library hands out to be given back is its caller's; what it keeps for itself is
//! nobody's.

use std::collections::BTreeSet;

use integration_tests::report::Leaks;
use integration_tests::{Recording, Run, cpp};

fn record(arguments: &[&str]) -> Run {
    Recording::of(cpp("lent"))
        .options("follow=all,track=new+malloc")
        .args(arguments)
        .run()
        .expect_code(0)
}

fn names() -> Vec<String> {
    let run = Recording::bare(cpp("lent")).arg("names").run();
    let names = run.expect_code(0).ended.stdout;
    names.lines().map(str::to_owned).collect()
}

#[test]
fn what_is_lost_belongs_to_the_function_that_asked_for_it() {
    let report = record(&["leak"]).report_since("start");
    let process = report.process();
    let mut losers = BTreeSet::new();
    for site in &process.leaks.sites {
        let names = site.names();
        let of_victim = names.iter().position(|name| name.starts_with("by_"));
        // Nothing of what a function handed out is without the function that called it.
        let at = of_victim.unwrap_or_else(|| panic!("nobody's: {names:#?}"));
        losers.insert(names[at]["by_".len()..].to_owned());
    }
    let all: BTreeSet<String> = names().into_iter().collect();
    assert!(all.len() > 65, "{all:?}");
    assert_eq!(losers, all);
    process.assert_nothing_lost();
}

#[test]
fn sizes_are_those_that_were_asked_for() {
    let report = record(&["leak"]).report_since("start");
    let process = report.process();
    for (bytes, function) in [
        (1_000_006, "by_asprintf"),
        (1_000_003, "by_vasprintf"),
        (1_000_005, "by_getcwd"),
        (1_000_007, "by_sscanf"),
        (1_000_010, "by_fscanf"),
        (250_005 * 4, "by_fwscanf"),
        (250_004 * 4, "by_swscanf"),
        (1_000_021, "by_open_memstream"),
        (250_006 * 4, "by_open_wmemstream"),
        (1_000_021, "by_fmemopen"),
        (1_000_025, "by_posix_spawn_file_actions_addopen"),
    ] {
        let found = process.sites_of(bytes).into_iter().any(|site| {
            let names = site.names();
            names.iter().any(|name| name == function)
        });
        assert!(found, "{function}, {bytes} bytes: {:#?}", process.leaks);
    }
    // The list for one address of three kinds of socket, and the name of the first.
    let list = process.leaks.sites.iter().find(|site| {
        let names = site.names();
        names[0] == "by_getaddrinfo"
    });
    let list = list.expect("a list of addresses");
    assert!(
        list.blocks >= 2 && list.bytes > 64 * (list.blocks - 1),
        "{list:#?}"
    );
}

#[test]
fn what_is_given_back_is_no_leak_and_caches_are_nobodys() {
    // Each in a process of its own: the C library fills a cache at the first use only.
    for name in names() {
        let report = record(&["clean", &name]).report_since("start");
        let process = report.process();
        assert_eq!(process.leaks.blocks, 0, "{name}: {:#?}", process.leaks);
        assert!(process.totals.frees > 0, "{name}");
        assert_eq!(
            process.invalid_frees.len(),
            0,
            "{:#?}",
            process.invalid_frees
        );
        process.assert_nothing_lost();
    }
}

#[test]
fn what_the_c_library_keeps_is_nobodys() {
    let run = record(&["caches"]);
    assert!(run.ended.stdout.ends_with("kept\n"), "{}", run.ended);
    let report = run.report_since("start");
    let process = report.process();
    assert_eq!(process.leaks.blocks, 0, "{:#?}", process.leaks);
    process.assert_nothing_lost();
}

/// The C library has a list of all streams, which runs through them: neither holds one that the
/// program has lost.
#[test]
fn a_stream_that_is_lost_is_found_among_others_that_are_kept() {
    let run = Recording::of(cpp("lent"))
        .options("follow=all,track=new+malloc,held=note")
        .arg("streams")
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    let process = report.process();
    let made_by = |leaks: &Leaks, function: &str| -> u64 {
        let sites = leaks.sites.iter();
        let own = sites.filter(|site| site.names().iter().any(|name| name.starts_with(function)));
        own.map(|site| site.blocks).sum()
    };
    for (function, lost, held) in [("by_losing", 5, 0), ("by_keeping", 0, 3)] {
        let said = &run.ended.stderr;
        assert_eq!(
            made_by(&process.leaks, function),
            lost,
            "{function}: {said}"
        );
        assert_eq!(made_by(&process.held, function), held, "{function}: {said}");
    }
}
