//! What is not seen is said, also where nothing leaks, and libraries whose files are gone are seen.

use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::java::{Entry, Victim, on_each_launcher};
use integration_tests::{artefacts, process, workspace};

fn library(folder: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let output = folder.join(format!("{name}.so"));
    let mut command = Command::new("g++");
    command.args([
        "-std=c++17",
        "-g",
        "-O1",
        "-shared",
        "-fPIC",
        "-fno-builtin",
    ]);
    command.arg(format!("-DNAME={name}")).args(flags);
    command
        .arg(workspace::victims().join("jni/DeletedLibrary.cpp"))
        .arg("-o")
        .arg(&output);
    process::run(&mut command).expect_code(0);
    output
}

#[test]
fn a_library_whose_file_is_gone_is_seen_or_said_to_be_blind() {
    let folder = tempfile::tempdir_in(workspace::target()).expect("a folder can be made");
    let libraries = [
        library(folder.path(), "named", &[]),
        library(folder.path(), "nameless", &["-Wl,--build-id=none"]),
        library(folder.path(), "hidden", &["-DOWN_MALLOC"]),
    ];
    let place = format!("-Dvictim.folder={}", folder.path().display());
    on_each_launcher(|jdk, entry| {
        for strict in [false, true] {
            let run = Victim::new(jdk, "DeletedLibrary")
                .recording(entry, &[&place])
                .options(&format!(
                    "follow=jvm,track=new+malloc+jni+unsafe,held=fail,strict={strict}"
                ))
                .args(&libraries)
                .run();
            let out = &run.ended.stdout;
            for line in [
                "blind before: []\n",
                "leaks: 2\n",
                &format!("clean: true, fails: {strict}\n"),
                "note: blind: `libgone.so`: its `malloc` is its own",
                "note: not tracked: ",
            ] {
                assert!(out.contains(line), "no {line:?} in {}", run.ended);
            }
            let after = out.split("blind after: [").nth(1).expect("a list");
            assert!(after.contains(".so: its `malloc` is its own"), "{out}");
            let told = "hackleak: not all leaks are seen: blind: `libgone.so`: ";
            assert_eq!(run.ended.stderr.matches(told).count(), 1, "{}", run.ended);

            let doctor = process::run(
                Command::new(artefacts::cli())
                    .args(["doctor", "--strict"])
                    .args(run.images()),
            );
            assert_eq!(doctor.code(), 23, "{doctor}");
            if strict {
                continue;
            }
            let report = run.report();
            let process = report.process();
            assert_eq!(process.blocks_of(1_999_993), 2);
            for method in ["named", "nameless"] {
                let names: Vec<Vec<String>> = process
                    .sites_of(1_999_993)
                    .iter()
                    .map(|site| site.names())
                    .collect();
                let expected = [
                    format!("Java_DeletedLibrary_{method}"),
                    format!("DeletedLibrary.{method}"),
                    "DeletedLibrary.main".to_owned(),
                ];
                assert!(names.contains(&expected.to_vec()), "{names:#?}");
            }
            if entry == Entry::Agent || entry == Entry::Preload {
                for site in process.sites_of(3_999_971) {
                    site.assert_order(&[
                        "constructed",
                        "java.lang.System.load",
                        "DeletedLibrary.load",
                        "DeletedLibrary.main",
                    ]);
                }
                assert_eq!(process.blocks_of(3_999_971), 2);
            }
        }
    });
}
