//! Programs that end without an exit are judged as at one, where the functions by which they do so
//! may look. What happens to them stays the same, everywhere.

use integration_tests::{Process, Recording, Report, cpp};

const DROPPED: u64 = 5_003;
const OF_PROGRAM: u64 = 5_011;
const OF_MAIN: [u64; 2] = [5_021, 5_101];

const BY_EXEC: [&str; 9] = [
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "execl",
    "execlp",
    "execle",
    "fexecve",
    "SYS_execve",
];

/// Runs the victim both ways; they print and end alike. The reports on all of its processes.
fn run(arguments: &[&str]) -> Report {
    let bare = Recording::bare(cpp("leaving")).args(arguments).run();
    let run = Recording::of(cpp("leaving"))
        .args(arguments)
        .options("follow=all,track=new+malloc,held=note")
        .run()
        .expect_code(0);
    assert_eq!(bare.ended.code(), 0, "{}", bare.ended);
    assert_eq!(run.ended.stdout, bare.ended.stdout, "{arguments:?}");
    assert_eq!(run.ended.stderr, "", "{arguments:?}");
    run.report()
}

/// The process that planted everything.
fn planter(report: &Report) -> &Process {
    let found = report
        .processes
        .iter()
        .find(|process| process.blocks_of(DROPPED) > 0);
    found.unwrap_or_else(|| panic!("{report:#?}"))
}

fn tells_of_exec(process: &Process) -> bool {
    let mut notes = process.notes.iter();
    notes.any(|note| note.contains("became another program (exec)"))
}

#[test]
fn a_program_that_ends_at_once_is_judged_as_at_an_exit() {
    for how in ["_exit", "_Exit", "quick_exit", "exit_group"] {
        let report = run(&[how]);
        let process = planter(&report);
        assert_eq!(process.state, "finished", "{how}");
        assert_eq!(process.blocks_of(DROPPED), 3, "{how}");
        assert_eq!(process.blocks_of(OF_PROGRAM), 0, "{how}");
        assert_eq!(process.held_blocks_of(OF_PROGRAM), 1, "{how}");
        assert!(!tells_of_exec(process), "{how}: {:?}", process.notes);
    }
}

/// It stands in the midst of its functions, whose variables hold what they have.
#[test]
fn a_program_that_becomes_another_one_is_judged_as_it_stands() {
    for how in BY_EXEC {
        let report = run(&[how]);
        let process = planter(&report);
        assert_eq!(process.state, "finished", "{how}");
        assert_eq!(process.blocks_of(DROPPED), 3, "{how}");
        assert_eq!(process.leaks.blocks, 3, "{how}: {:#?}", process.leaks);
        assert_eq!(process.held_blocks_of(OF_PROGRAM), 1, "{how}");
        for bytes in OF_MAIN {
            assert_eq!(process.held_blocks_of(bytes), 1, "{how}: {bytes}");
        }
        assert!(tells_of_exec(process), "{how}: {:?}", process.notes);
        assert_eq!(report.processes.len(), 2, "{how}: {report:#?}");
    }
}

#[test]
fn a_program_that_fails_to_become_another_one_goes_on_and_is_judged_at_its_exit() {
    // These make a shell read what is no program.
    let reads = |how: &str| ["execvp", "execvpe", "execlp"].contains(&how);
    let fails = BY_EXEC.map(|how| ["fails", how]);
    let refused = BY_EXEC.iter().filter(|how| !reads(how));
    let refused: Vec<_> = refused.map(|how| ["refused", how]).collect();
    for arguments in fails.into_iter().chain(refused) {
        let report = run(&arguments);
        assert_eq!(report.processes.len(), 1, "{arguments:?}: {report:#?}");
        let process = planter(&report);
        assert_eq!(process.state, "finished", "{arguments:?}");
        assert_eq!(process.blocks_of(DROPPED), 3, "{arguments:?}");
        assert_eq!(process.blocks_of(5_033), 1, "{arguments:?}");
        assert_eq!(process.held_blocks_of(OF_PROGRAM), 1, "{arguments:?}");
        for bytes in OF_MAIN {
            assert_eq!(process.blocks_of(bytes), 1, "{arguments:?}: {bytes}");
        }
        assert!(!tells_of_exec(process), "{arguments:?}");
    }
}

/// `execl` is jumped to, so nothing comes back to the recorder.
#[test]
fn a_program_that_failed_before_is_judged_as_it_ends() {
    for end in ["_exit", "quick_exit"] {
        let report = run(&["refused", "execl", end]);
        let process = planter(&report);
        assert_eq!(process.state, "finished", "{end}");
        assert_eq!(process.blocks_of(5_033), 1, "{end}");
        assert_eq!(process.held_blocks_of(OF_PROGRAM), 1, "{end}");
        for bytes in OF_MAIN {
            assert_eq!(process.blocks_of(bytes), 1, "{end}: {bytes}");
        }
        assert!(!tells_of_exec(process), "{end}: {:?}", process.notes);
    }
}

/// What looks needs more of a stack than such a thread has.
#[test]
fn a_thread_with_a_small_stack_may_end_the_program() {
    for how in ["exit", "_exit", "quick_exit", "execve", "execl"] {
        let report = run(&["small", how]);
        let process = planter(&report);
        assert_eq!(process.state, "finished", "{how}");
        assert_eq!(process.blocks_of(DROPPED), 3, "{how}");
        for bytes in OF_MAIN {
            assert_eq!(
                process.held_blocks_of(bytes),
                1,
                "{how}: {bytes}, by the main thread"
            );
        }
    }
}

/// A handler may have interrupted anything: the process ends, and nobody looks.
#[test]
fn a_handler_that_ends_the_program_is_not_kept() {
    let report = run(&["handler"]);
    let process = planter(&report);
    assert_eq!(process.state, "killed");
    assert_eq!(process.blocks_of(DROPPED), 3);
    assert_eq!(
        process.blocks_of(OF_PROGRAM),
        1,
        "it is not known to be held"
    );
}

#[test]
fn a_child_that_shares_memory_says_nothing_of_its_parent() {
    for how in ["vfork", "clone"] {
        let report = run(&[how]);
        let process = planter(&report);
        assert_eq!(process.state, "finished", "{how}");
        assert!(!tells_of_exec(process), "{how}: {:?}", process.notes);
        assert_eq!(process.blocks_of(DROPPED), 3, "{how}");
        assert_eq!(process.held_blocks_of(OF_PROGRAM), 1, "{how}");
    }
}

/// What the parent allocated is none of a child's events, and holds what the child attaches to it
/// until the child frees or resizes it.
#[test]
fn what_a_child_has_from_its_parent_holds() {
    let report = run(&["inherited"]);
    assert_eq!(report.processes.len(), 3, "{report:#?}");
    let of = |bytes: u64| {
        let mut all = report.processes.iter();
        let found = all.find(|process| process.held_blocks_of(bytes) == 1);
        found.unwrap_or_else(|| panic!("{bytes}: {report:#?}"))
    };
    for child in [of(5_201), of(5_203)] {
        assert_eq!(child.state, "finished");
        assert_eq!(child.blocks_of(5_301), 1, "{child:#?}");
        assert_eq!(child.blocks_of(5_303), 1, "{child:#?}");
        assert_eq!(child.blocks_of(16), 1, "at an address that is listed");
        assert_eq!(child.leaks.blocks, 3, "{child:#?}");
        assert_eq!(child.held_blocks_of(5_401), 1, "{child:#?}");
        child.assert_nothing_lost();
    }
    let mut sites = of(5_201).held.sites.iter();
    let site = sites.find(|site| site.bytes == 5_201);
    let holder = site.and_then(|site| site.holder.as_ref());
    let holder = holder.unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!(holder.chain, ["16 bytes of the parent process"]);
}
