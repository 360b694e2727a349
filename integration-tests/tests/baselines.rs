//! A baseline outlives a rebuild of the library under test.

use std::path::Path;
use std::process::Command;

use integration_tests::process::{self, Ended};
use integration_tests::{Recording, Run, artefacts, cpp, library};

/// Runs build `build` of the library under a name as a JNI library has that unpacks itself.
fn record(build: u32, digits: &str, flags: &[&str]) -> Run {
    let define = format!("-DBUILD={build}");
    let flags = [flags, &[define.as_str()]].concat();
    let output = format!("build{build}{}/librebuilt{digits}.so", flags.concat());
    Recording::of(cpp("running"))
        .arg(library("rebuilt", &output, &flags))
        .run()
        .expect_code(0)
}

fn hackleak(arguments: &[&str], paths: &[&Path]) -> Ended {
    process::run(Command::new(artefacts::cli()).args(arguments).args(paths))
}

fn image(run: &Run) -> std::path::PathBuf {
    run.images().remove(0)
}

#[test]
fn a_rebuilt_library_leaks_what_it_leaked() {
    // With debug information, and with no more than a symbol table.
    for flags in [&[][..], &["-g0"]] {
        let first = record(1, "16230810609573563609", flags);
        let rebuilt = record(2, "99412310609573560001", flags);
        let worse = record(3, "31415926535897932384", flags);

        // The rebuild has moved the code: otherwise this shows nothing.
        let offsets = |run: &Run| -> Vec<String> {
            let report = run.report();
            let sites = report.process().leaks.sites.iter();
            sites.map(|site| format!("{:?}", site.frames[0])).collect()
        };
        assert_eq!(offsets(&first).len(), 3, "{:?}", offsets(&first));
        assert!(
            offsets(&first)
                .iter()
                .all(|frame| !offsets(&rebuilt).contains(frame))
        );

        let folder = tempfile::tempdir().expect("temporary folder");
        let baseline = folder.path().join("known.json");
        hackleak(&["baseline", "write"], &[&baseline, &image(&first)]).expect_code(0);
        let ended = hackleak(&["baseline", "check"], &[&baseline, &image(&rebuilt)]).expect_code(0);
        let said = "0 sites new, 0 grown, 0 shrunk, 0 fixed, 3 unchanged\n";
        assert!(ended.stdout.starts_with(said), "{ended}");

        let again = folder.path().join("again.json");
        hackleak(&["baseline", "write"], &[&again, &image(&rebuilt)]).expect_code(0);
        let text = |file: &Path| std::fs::read_to_string(file).expect("written");
        assert_eq!(text(&baseline), text(&again));

        let ended = hackleak(&["baseline", "check"], &[&baseline, &image(&worse)]).expect_code(23);
        let said = "1 site new, 1 grown, 0 shrunk, 0 fixed, 2 unchanged\n";
        assert!(ended.stdout.starts_with(said), "{ended}");
        assert!(
            ended.stdout.contains("new: 1,000,081 bytes in 1 block"),
            "{ended}"
        );
        let grown = "grown: 2,000,078 bytes in 2 blocks, before 1,000,039 bytes in 1 block";
        assert!(ended.stdout.contains(grown), "{ended}");

        let ended = hackleak(&["diff"], &[&image(&worse), &image(&rebuilt)]).expect_code(0);
        let said = "0 sites new, 0 grown, 1 shrunk, 1 fixed, 2 unchanged\n";
        assert!(ended.stdout.starts_with(said), "{ended}");
    }
}

#[test]
fn a_recording_names_the_baseline_that_its_reports_are_judged_by() {
    let first = record(1, "16230810609573563609", &[]);
    let folder = tempfile::tempdir().expect("temporary folder");
    let baseline = folder.path().join("known.json");
    hackleak(&["baseline", "write"], &[&baseline, &image(&first)]).expect_code(0);

    let judged = |build: u32| {
        let library = library(
            "rebuilt",
            &format!("judged{build}/librebuilt.so"),
            &[&format!("-DBUILD={build}")],
        );
        let run = Recording::of(cpp("running"))
            .options(&format!("follow=all,baseline={}", baseline.display()))
            .arg(library)
            .run();
        run.expect_code(0).report()
    };
    let report = judged(2);
    assert_eq!(
        (
            report.process().verdict.as_str(),
            report.process().leaks.blocks
        ),
        ("clean", 0)
    );
    let report = judged(3);
    assert_eq!(
        report.process().leaks.blocks,
        3,
        "{:#?}",
        report.process().leaks
    );
}
