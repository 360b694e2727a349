//! What thread-local variables hold is no leak, wherever they lie and whatever their thread does;
//! what they have let go of is lost. Nor is what threads are using when the process ends.

use integration_tests::{Recording, Run, cpp, library};

/// Where the variable is: the first of four sizes of blocks, and a file that the holder's name has.
const CASES: [(u64, &str); 4] = [
    (5_000, "own"),
    (5_100, "local"),
    (5_200, "local"),
    (5_300, "local"),
];

fn record() -> Recording {
    let build = |name: &str, flag| library("thread_locals_library", name, &[flag]);
    Recording::of(cpp("thread_locals"))
        .options("follow=all,track=new+malloc,held=note")
        .args([
            build("initial_exec.so", "-ftls-model=initial-exec"),
            build("dynamic.so", "-ftls-model=global-dynamic"),
            build("described.so", "-mtls-dialect=gnu2"),
        ])
}

#[test]
fn thread_local_variables_of_all_kinds_hold_in_threads_that_wait_and_that_spin() {
    assert_all_are_judged(&record().run().expect_code(0));
}

/// The same where the C library does not tell which threads there are: glibc before 2.34.
#[test]
fn an_older_c_library_leads_to_the_same_verdicts() {
    let recording = record().verified().env("HACKLEAK_VERIFY_OLDER_LOADER", "1");
    assert_all_are_judged(&recording.run().expect_code(0));
}

fn assert_all_are_judged(run: &Run) {
    let report = run.report();
    let process = report.process();
    for (first, variable) in CASES {
        // One whose thread waits, one whose thread spins, and one whose thread is younger than the
        // library.
        for kept in [first, first + 1, first + 3] {
            let mut held = process.held.sites.iter();
            let site = held.find(|site| site.bytes == kept);
            let site = site.unwrap_or_else(|| panic!("{kept}: {:#?}", process.leaks));
            let holder = site.holder.as_ref().expect("what is held has a holder");
            let name = holder.name.as_deref().unwrap_or_default();
            assert_eq!(holder.root, "threadLocal", "{kept}: {holder:?}");
            assert!(name.contains(variable), "{kept}: {holder:?}");
        }
        assert_eq!(process.site_of(first + 2).verdict, "lost");
    }
    assert_eq!(
        process.leaks.blocks,
        CASES.len() as u64,
        "{:#?}",
        process.leaks
    );
}

#[test]
fn what_threads_use_when_the_process_ends_is_no_leak_and_what_was_lost_before_is_one() {
    for run in 0..5 {
        let ended = Recording::of(cpp("at_work"))
            .options("follow=all,track=new+malloc,held=note")
            .run()
            .expect_code(0);
        let report = ended.report();
        let leaks = &report.process().leaks;
        assert_eq!(
            (leaks.blocks, leaks.bytes),
            (1, 1_999_993),
            "{run}: {leaks:#?}"
        );
    }
}
