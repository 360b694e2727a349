//! Stacks of every length around the limits: each is recorded, cut on the root side where `depth=`
//! says.
//!
//! The walks of one thread share frames that are remembered, so the lengths come in an order that
//! makes long stacks follow short ones and the other way round.

use integration_tests::{Frame, Recording, Site, cpp};
use std::collections::BTreeMap;

/// Frames of `deep` in a stack, and whether it says that it was cut.
fn frames(site: &Site) -> (usize, bool) {
    let deep = site.names().iter().filter(|name| **name == "deep").count();
    let cut = site
        .frames
        .iter()
        .any(|frame| matches!(frame, Frame::Mark { .. }));
    (deep, cut)
}

/// Below `deep` there are `main` and the C library's three start frames.
const BELOW: usize = 4;

fn check(limit: usize, lengths: &[usize]) {
    let run = Recording::of(cpp("deep_calls"))
        .args(lengths.iter().map(usize::to_string))
        .options(&format!("follow=all,depth={limit}"))
        .run()
        .expect_code(0);
    assert_eq!(run.ended.stdout, "ok\n");
    let report = run.report();
    let (whole, cut): (Vec<usize>, Vec<usize>) = lengths
        .iter()
        .partition(|depth| **depth + 1 + BELOW <= limit);
    for depth in whole {
        let site = report.process().site_of(1_000_000 + depth as u64);
        assert_eq!(frames(site), (depth + 1, false), "{depth}, depth={limit}");
    }
    // What is left of the stacks that are cut tells them apart no more, unless it ends below
    // `deep`.
    let mut expected: BTreeMap<usize, u64> = BTreeMap::new();
    for depth in cut {
        *expected.entry((depth + 1).min(limit)).or_default() += 1;
    }
    let mut found: BTreeMap<usize, u64> = BTreeMap::new();
    for site in &report.process().leaks.sites {
        let (deep, is_cut) = frames(site);
        if is_cut {
            *found.entry(deep).or_default() += site.blocks;
        }
    }
    assert_eq!(found, expected, "depth={limit}");
}

/// Every length within `reach` of `limit`, in an order in which they differ much from one to the
/// next.
fn around(limit: usize, reach: usize) -> Vec<usize> {
    let low = limit.saturating_sub(reach);
    let lengths: Vec<usize> = (low..=limit + reach).collect();
    let half = lengths.len() / 2;
    (0..half)
        .flat_map(|i| [lengths[i], lengths[half + i]])
        .collect()
}

#[test]
fn stacks_are_cut_where_the_option_says() {
    for limit in [1, 2, 7, 100, 1999, 2000] {
        check(limit, &around(limit, 12));
    }
}

#[test]
fn long_stacks_after_long_ones() {
    let lengths = [
        1990, 2010, 10, 3993, 1, 1985, 1991, 2500, 1994, 1995, 1996, 1997, 0,
    ];
    for limit in [1, 2, 1000, 2000] {
        check(limit, &lengths);
    }
}

#[test]
fn a_log_has_every_frame_of_every_length() {
    // A batch of the log ends after some sixty frames, and at another place for each length.
    let lengths: Vec<usize> = (0..140).chain([200, 500, 1500, 3000]).collect();
    let run = Recording::of(cpp("deep_calls"))
        .args(lengths.iter().map(usize::to_string))
        .options("follow=all,log=log.txt")
        .env("HACK_TRACE", "1")
        .run()
        .expect_code(0);
    assert_eq!(run.ended.stderr, "");
    let log = std::fs::read_to_string(run.folder().join("log.txt")).expect("there is a log");
    for depth in lengths {
        let size = format!("\tMALLOC\t{}\t", 1_000_000 + depth);
        let at = log.find(&size).expect("each block has its line");
        let after = log[at..].lines().skip(1);
        let frames = after.take_while(|line| line.starts_with("TRACE\t")).count();
        // Cut at the default depth, and said so.
        let expected = (depth + 1 + BELOW).min(2001);
        assert_eq!(frames, expected, "{depth} calls");
    }
    assert!(log.ends_with('\n'), "the last line is whole");
    assert!(log.contains("HACKLEAK\tEND\t"), "the log has its end");
}
