//! Children that go on without `exec` have images of their own; where they cannot, their parents
//! say so.

use integration_tests::{Process, Recording, Report, Run, cpp};

const BEFORE: u64 = 101_021;
const AFTER: u64 = 102_023;

/// Runs the victim both ways; they print and end alike, and no free is invalid.
fn run(mode: &str) -> (Run, Report) {
    let bare = Recording::bare(cpp("forks")).args([mode]).run();
    let recording = Recording::of(cpp("forks")).args([mode]);
    let run = recording
        .options("follow=all,track=new+malloc")
        .run()
        .expect_code(0);
    assert_eq!(bare.ended.code(), 0, "{}", bare.ended);
    assert_eq!(run.ended.stdout, bare.ended.stdout);
    assert_eq!(run.ended.stderr, "");
    let report = run.report();
    for process in &report.processes {
        assert!(process.invalid_frees.is_empty(), "{process:#?}");
        let wrong: Vec<&String> = process
            .notes
            .iter()
            .filter(|note| note.contains("damaged"))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
    (run, report)
}

/// Sizes and counts of what a process leaked, sorted.
fn leaks(process: &Process) -> Vec<(u64, u64)> {
    let sites = process.leaks.sites.iter();
    let mut found: Vec<_> = sites
        .map(|site| (site.bytes / site.blocks, site.blocks))
        .collect();
    found.sort_unstable();
    found
}

/// The parent leaked its two blocks and nothing of its children's; what the children leaked.
fn children(report: &Report) -> Vec<(&Process, Vec<(u64, u64)>)> {
    let (parents, children): (Vec<&Process>, Vec<&Process>) = report
        .processes
        .iter()
        .partition(|process| process.blocks_of(AFTER) > 0);
    assert_eq!(parents.len(), 1, "{report:#?}");
    assert_eq!(leaks(parents[0]), [(BEFORE, 1), (AFTER, 1)]);
    let mut found: Vec<_> = children
        .iter()
        .map(|child| (*child, leaks(child)))
        .collect();
    found.sort_by(|one, other| one.1.cmp(&other.1));
    found
}

fn assert_children(mode: &str, expected: &[&[(u64, u64)]]) -> Report {
    let (_, report) = run(mode);
    for process in &report.processes {
        process.assert_nothing_lost();
    }
    let found: Vec<_> = children(&report)
        .into_iter()
        .map(|(_, leaks)| leaks)
        .collect();
    assert_eq!(found, expected, "{mode}");
    report
}

#[test]
fn workers_of_a_server_answer_for_themselves_however_they_end() {
    let report = assert_children(
        "prefork",
        &[
            &[(20_011, 1)],
            &[(20_111, 2)],
            &[(20_211, 3)],
            &[(20_311, 4)],
            &[(20_411, 5)],
        ],
    );
    let states: Vec<&str> = children(&report)
        .iter()
        .map(|(child, _)| child.state.as_str())
        .collect();
    assert_eq!(
        states,
        ["finished", "finished", "finished", "killed", "killed"]
    );
}

#[test]
fn workers_and_a_server_without_a_leak_are_clean() {
    let (_, report) = run("clean");
    assert_eq!(report.processes.len(), 6);
    for process in &report.processes {
        assert_eq!(process.verdict, "clean", "{process:#?}");
    }
    let allocated = |process: &&Process| process.totals.allocations > 0;
    let workers = report.processes.iter().filter(allocated).count();
    assert_eq!(workers, 5, "the parent itself allocates nothing");
}

#[test]
fn a_daemon_without_descriptors_has_its_image() {
    // One call of `plant` for each of the two, so two sites.
    assert_children("daemon", &[&[(30_013, 1), (30_013, 1)]]);
}

#[test]
fn children_of_a_process_with_threads_have_threads_themselves() {
    let expected: [&[(u64, u64)]; 8] = [&[(40_009, 3)]; 8];
    assert_children("threads", &expected);
}

#[test]
fn what_the_parent_had_is_neither_a_leak_nor_an_invalid_free() {
    assert_children("frees", &[&[(50_021, 1)]]);
}

#[test]
fn a_child_that_becomes_another_program_leaves_only_that_programs_image() {
    assert_children("exec", &[&[(61_027, 1)]]);
}

#[test]
fn a_child_whose_exec_fails_is_recorded() {
    assert_children("failing", &[&[(62_003, 1)]]);
}

#[test]
fn a_child_of_the_system_call_is_recorded() {
    assert_children("SYS_fork", &[&[(63_029, 1)]]);
}

#[test]
fn each_generation_has_its_image() {
    let expected: [&[(u64, u64)]; 3] = [&[(70_002, 1)], &[(70_003, 1)], &[(70_004, 1)]];
    assert_children("deep", &expected);
}

#[test]
fn a_child_that_is_made_in_a_signal_handler_is_recorded() {
    assert_children("handler", &[&[(90_001, 1)]]);
}

#[test]
fn children_that_cannot_be_recorded_are_counted_by_their_parent() {
    let (run, report) = run("limited");
    let found: Vec<_> = children(&report)
        .into_iter()
        .map(|(_, leaks)| leaks)
        .collect();
    assert_eq!(found, [[(80_021, 1)]]);
    assert_eq!(run.images().len(), 2, "no empty files are left");
    let parent = report
        .processes
        .iter()
        .find(|process| process.blocks_of(AFTER) > 0)
        .expect("the parent's image");
    assert_eq!(parent.counters["forksUnrecorded"], 2);
    let said = "2 forked children were not recorded";
    assert!(
        parent.notes.iter().any(|note| note.starts_with(said)),
        "{:?}",
        parent.notes
    );
}

#[test]
fn lines_of_a_child_in_the_text_log_are_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let log = folder.path().join("log-%p");
    let recording = Recording::of(cpp("forks")).args(["prefork"]);
    recording
        .options(&format!("follow=all,log={}", log.display()))
        .run()
        .expect_code(0);
    let mut planted = Vec::new();
    for entry in std::fs::read_dir(folder.path()).expect("the folder of the logs") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let pid = name.strip_prefix("log-").expect("a log").to_owned();
        let text = std::fs::read_to_string(&path).expect("a log");
        assert!(
            text.starts_with(&format!("HACKLEAK\tSTART\t{pid}\t")),
            "{text}"
        );
        let is_own = |line: &&str| line.ends_with(&format!("\t{pid}:{pid}"));
        let sizes = text.lines().filter(is_own).filter_map(|line| {
            let size: u64 = line.split('\t').nth(3)?.parse().ok()?;
            (20_011..20_500).contains(&size).then_some(size)
        });
        planted.push(sizes.count());
    }
    planted.sort_unstable();
    assert_eq!(planted, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_child_that_is_not_followed_is_not_recorded_and_not_mentioned() {
    let recording = Recording::of(cpp("forks")).args(["prefork"]);
    let run = recording.options("follow=jvm").run().expect_code(0);
    assert_eq!(run.images().len(), 0);
    assert_eq!(run.ended.stderr, "");
}
