//! Whether memory that grew is a leak, or free memory that the allocator keeps: what a report and
//! `hackleak top` say.

use std::process::Command;

use integration_tests::java::Entry;
use integration_tests::process::Ended;
use integration_tests::report::Memory;
use integration_tests::{Jdk, Recording, Run, Victim, artefacts, cpp, process};

const MIB: u64 = 1 << 20;
/// What the victim allocates.
const PLANTED: u64 = 200 * MIB;

fn recording(arguments: &[&str]) -> Recording {
    Recording::of(cpp("retention"))
        .options("follow=all,track=new+malloc")
        .args(arguments)
}

fn memory(run: &Run) -> Memory {
    let report = run.report();
    let memory = report.process().memory.clone();
    memory.expect("what was in memory")
}

/// The report as people read it, and its lines on memory.
fn text(run: &Run) -> (Ended, Vec<String>) {
    let ended = process::run(
        Command::new(artefacts::cli())
            .arg("report")
            .args(run.images()),
    );
    let lines = ended.stdout.lines();
    let is_meant = |line: &&str| line.starts_with("memory: ") || line.contains("kept by");
    let lines = lines.filter(is_meant).map(str::to_owned).collect();
    (ended, lines)
}

fn is_about_the_planted(bytes: u64) -> bool {
    (PLANTED..PLANTED + PLANTED / 10).contains(&bytes)
}

#[test]
fn free_memory_that_the_allocator_keeps_is_no_leak() {
    let run = recording(&["200", "free"]).run().expect_code(0);
    let memory = memory(&run);
    let allocator = memory.allocator.as_ref().expect("the C library's");
    assert!(memory.retained, "{memory:?}");
    assert_eq!((memory.live.bytes, memory.live.blocks), (1000, 1));
    assert!(is_about_the_planted(allocator.held_bytes), "{memory:?}");
    assert!(
        is_about_the_planted(allocator.free_bytes.expect("told")),
        "{memory:?}"
    );
    assert!(is_about_the_planted(allocator.kept_bytes), "{memory:?}");
    assert!(
        is_about_the_planted(memory.resident.allocator),
        "{memory:?}"
    );
    assert_eq!(allocator.arenas, 1);
    let (ended, lines) = text(&run);
    assert_eq!(lines.len(), 2, "{ended}");
    assert!(lines[0].starts_with("note: 20"), "{ended}");
    assert!(lines[0].contains("call `malloc_trim(0)`"), "{ended}");
    assert!(lines[1].starts_with("memory: 1,000 B live in 1 block; the allocator holds 20"));
}

#[test]
fn many_arenas_have_a_remedy_of_their_own() {
    let run = recording(&["200", "threads"]).run().expect_code(0);
    let memory = memory(&run);
    let allocator = memory.allocator.as_ref().expect("the C library's");
    assert!(memory.retained, "{memory:?}");
    // Of the first thread and the others; glibc has fewer on machines with one processor.
    assert!((8..=9).contains(&allocator.arenas), "{memory:?}");
    assert!(is_about_the_planted(allocator.kept_bytes), "{memory:?}");
    assert!(
        memory.resident.stacks > 0 && memory.resident.image > MIB,
        "{memory:?}"
    );
    let (ended, _) = text(&run);
    assert!(ended.stdout.contains("set `MALLOC_ARENA_MAX=2`"), "{ended}");
}

#[test]
fn a_leak_is_called_no_retention() {
    for how in ["leak", "mapped"] {
        let run = recording(&["200", how]).run().expect_code(0);
        let memory = memory(&run);
        let allocator = memory.allocator.as_ref().expect("the C library's");
        assert!(!memory.retained, "{how}: {memory:?}");
        for bytes in [
            memory.live.bytes,
            allocator.held_bytes,
            memory.resident.allocator,
        ] {
            assert!(is_about_the_planted(bytes), "{how}: {memory:?}");
        }
        assert!(allocator.kept_bytes < MIB, "{how}: {memory:?}");
        let (ended, lines) = text(&run);
        assert_eq!(lines.len(), 1, "{ended}");
        assert!(lines[0].starts_with("memory: 200 MiB live in "), "{ended}");
    }
}

#[test]
fn what_runs_is_looked_at_and_what_was_killed_says_nothing() {
    artefacts::cli();
    let (mut started, running) = recording(&["200", "free", "say"]).start();
    started.wait_for_output("ready");
    let mut top = Command::new(artefacts::cli());
    top.args(["top", "--iterations", "1", &started.pid().to_string()]);
    let ended = process::run(&mut top).expect_code(0);
    let mut lines = ended.stdout.lines().skip(1);
    let memory = lines.next().unwrap_or_default();
    assert!(
        memory.starts_with("memory: 1,000 B live in 1 block; "),
        "{ended}"
    );
    assert!(memory.contains("the allocator holds 20"), "{ended}");
    assert!(memory.contains(" in 1 arena; "), "{ended}");
    let note = lines.next().unwrap_or_default();
    assert!(note.starts_with("note: 20"), "{ended}");
    assert!(
        note.contains("is probably free and kept by the allocator"),
        "{ended}"
    );
    let run = running.ended(started.kill());
    let report = run.report();
    assert_eq!(report.process().state, "killed");
    assert!(report.process().memory.is_none());
    assert_eq!(text(&run).1, Vec::<String>::new());
}

#[test]
fn a_part_of_what_is_live_is_not_compared() {
    let run = recording(&["1", "leak"]).run().expect_code(0);
    let mut command = Command::new(artefacts::cli());
    command.args(["report", "--since", "1"]).args(run.images());
    let ended = process::run(&mut command);
    assert!(!ended.stdout.contains("memory: "), "{ended}");
}

#[test]
fn a_forked_childs_allocator_is_not_asked() {
    let run = recording(&["200", "forked"]).run().expect_code(0);
    let report = run.report();
    let memories = report.processes.iter().filter_map(|it| it.memory.as_ref());
    let told = memories.filter_map(|memory| {
        let allocator = memory.allocator.as_ref()?;
        Some((memory.retained, allocator.free_bytes.is_some()))
    });
    let mut told: Vec<(bool, bool)> = told.collect();
    told.sort();
    // What is in memory of the child is less what is live there: the note is an estimate.
    assert_eq!(told, [(false, true), (true, false)]);
}

#[test]
fn javas_heap_is_a_part() {
    let heap = 256 * MIB;
    let options = ["-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch"];
    for (collector, jdk) in Jdk::all()
        .iter()
        .flat_map(|jdk| [("G1", jdk), ("Serial", jdk), ("Parallel", jdk)])
    {
        let collector = format!("-XX:+Use{collector}GC");
        let options = [&options[..], &[&*collector]].concat();
        let run = Victim::new(jdk, "PlantedLeak")
            .recording(Entry::Preload, &options)
            .arg("clean")
            .run()
            .expect_code(0);
        let memory = memory(&run);
        let resident = &memory.resident;
        assert_eq!(memory.moment, "end");
        assert!(
            (heap..=heap + heap / 20).contains(&resident.java_heap),
            "{collector}: {memory:?}"
        );
        let allocator = memory.allocator.as_ref().expect("the C library's");
        assert!(allocator.free_bytes.is_some(), "{collector}: {memory:?}");
        assert!(resident.image > 0, "{collector}: {memory:?}");
        for part in [resident.code, resident.stacks, resident.allocator] {
            assert!((MIB / 4..heap).contains(&part), "{collector}: {memory:?}");
        }
        assert!(!memory.retained, "{collector}: {memory:?}");
    }
}

/// A handler ends the process while `malloc` has the allocator's lock, or keeps another thread in
/// there for good.
#[test]
fn nobody_waits_for_the_allocators_lock() {
    for how in ["two", "stuck"] {
        for _ in 0..5 {
            let run = Recording::of(cpp("exit_in_malloc"))
                .options("follow=all,track=new+malloc")
                .arg(how)
                .limit(60)
                .run()
                .expect_code(5);
            drop(run);
        }
    }
}
