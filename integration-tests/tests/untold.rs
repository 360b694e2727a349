//! JVMs that do not tell what HotSpot's do today: recording is as exact, and the report and
//! `hackleak doctor` say what is missing. `make untold` runs more tests so.

use integration_tests::java::{PLANTED, on_each_jdk};
use integration_tests::{Victim, artefacts, process};
use std::process::Command;

const MODES: [(&str, &str); 2] = [
    (
        "HACKLEAK_TEST_NO_VMSTRUCTS",
        "this JVM does not say where it keeps its code: recalling Java stacks is off",
    ),
    (
        "HACKLEAK_TEST_NO_ASGCT",
        "this JVM has no `AsyncGetCallTrace`: JVMTI is asked for Java stacks",
    ),
];

#[test]
fn java_stacks_are_exact_and_what_is_missing_is_said() {
    for (mode, said) in MODES {
        on_each_jdk(|jdk, entry| {
            let feature = jdk.feature;
            for (what, blocks) in [("leak", 3), ("clean", 0)] {
                let run = Victim::new(jdk, "PlantedLeak")
                    .recording(entry, &[])
                    .env(mode, "1")
                    .args([what])
                    .run()
                    .expect_code(0);
                let report = run.report_since("start");
                let process = report.process();
                process.assert_nothing_lost();
                let count = process.blocks_of(1_999_993);
                assert_eq!(count, blocks, "JDK {feature}, {mode}, {what}");
                if count > 0 {
                    let names = process.site_of(1_999_993).names();
                    assert_eq!(names, PLANTED, "JDK {feature}, {mode}");
                }
                let notes = &process.notes;
                assert!(notes.iter().any(|note| note.contains(said)), "{notes:#?}");
            }
        });
    }
}

#[test]
fn doctor_says_what_the_jvm_of_an_image_does_not_tell() {
    on_each_jdk(|jdk, entry| {
        for (mode, said) in MODES {
            let run = Victim::new(jdk, "PlantedLeak")
                .recording(entry, &[])
                .env(mode, "1")
                .args(["clean"])
                .run()
                .expect_code(0);
            let mut doctor = Command::new(artefacts::cli());
            doctor.arg("doctor").args(run.images());
            let ended = process::run(&mut doctor);
            assert!(ended.stdout.contains(said), "{ended}");
        }
    });
}
