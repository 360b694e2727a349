//! What lies in memory that a program has mapped for itself holds blocks, whatever became of the
//! mapping; what an allocator has mapped for its tables holds none.

use integration_tests::artefacts;
use integration_tests::recording::Recording;
use integration_tests::victims::{self, cpp};

/// The bytes of a block of each sort of mapping.
const SORTS: [u64; 12] = [
    2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2009, 2010, 2012, 2013,
];
/// The same on the stack of a fiber.
const ON_FIBER: u64 = 2011;
/// Blocks in each mapping.
const EACH: u64 = 16;

fn recorded(track: &str, arguments: &[&str]) -> integration_tests::recording::Run {
    Recording::of(cpp("mapped_holders"))
        .options(&format!("follow=all,track={track},held=note"))
        .args(arguments)
        .run()
        .expect_code(0)
}

#[test]
fn a_mapping_holds_what_it_has_whatever_its_rights_place_and_parts() {
    for track in ["new+malloc", "new+malloc+mmap"] {
        let report = recorded(track, &[]).report();
        let process = report.process();
        assert_eq!(process.leaks.blocks, 0, "{track}: {:#?}", process.leaks);
        let held: u64 = SORTS
            .iter()
            .map(|bytes| process.held_blocks_of(*bytes))
            .sum();
        assert_eq!(held, 12 * EACH, "{track}: {:#?}", process.held);
        assert_eq!(process.held_blocks_of(ON_FIBER), 1, "{track}");
    }
}

#[test]
fn what_only_a_forgotten_mapping_has_is_lost() {
    let report = recorded("new+malloc", &["forget"]).report();
    let process = report.process();
    for bytes in SORTS {
        assert_eq!(process.blocks_of(bytes), EACH, "{bytes}");
    }
    assert_eq!(process.blocks_of(ON_FIBER), 1);
}

/// Sizes of the C library's own and of the other allocator's; the clean twin frees all.
#[test]
fn the_tables_of_an_allocator_hold_nothing() {
    let allocator = victims::library("knowing_malloc", "libknowing_malloc.so", &[]);
    let (allocator, recorder) = (allocator.display(), artefacts::recorder().display());
    for (argument, blocks) in [("leak", 3), ("free", 0)] {
        let run = Recording::of(cpp("large_blocks"))
            .options("follow=all,track=new+malloc,held=note")
            .args([argument])
            .env("LD_PRELOAD", format!("{recorder} {allocator}"))
            .run()
            .expect_code(0);
        let report = run.report();
        for bytes in [1_000, 20_000, 300_000, 5_000_000] {
            assert_eq!(report.process().blocks_of(bytes), blocks, "{bytes}");
        }
        assert_eq!(report.process().held.blocks, 0, "{argument}");
    }
}
