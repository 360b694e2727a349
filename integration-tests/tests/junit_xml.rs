//! The JUnit XML is read by Maven Surefire's own reader.

use std::process::Command;

use integration_tests::{Jdk, Recording, artefacts, cpp, process, workspace};

#[test]
fn surefire_reads_leaks_as_failures() {
    let run = Recording::of(cpp("malloc_family"))
        .options("follow=all,track=malloc")
        .args(["leak"])
        .run()
        .expect_code(0);
    let xml = run.folder().join("leaks.xml");
    let mut report = Command::new(artefacts::cli());
    report.args(["report", "--format", "junit-xml", "--output"]);
    process::run(report.arg(&xml).args(run.images())).expect_code(23);

    let readers = workspace::root().join("integration-tests/readers");
    let class_path = run.folder().join("class-path");
    let mut maven = Command::new("mvn");
    maven
        .args(["-B", "-q", "-ntp", "-f"])
        .arg(readers.join("pom.xml"));
    maven.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath");
    maven.arg(format!("-Dmdep.outputFile={}", class_path.display()));
    process::run(&mut maven).expect_code(0);
    let class_path = std::fs::read_to_string(&class_path).expect("written");

    let jdk = &Jdk::all()[0];
    let mut reader = Command::new(jdk.home.join("bin/java"));
    reader.args(["-cp", class_path.trim()]);
    reader.arg(readers.join("SurefireReader.java")).arg(&xml);
    let read = process::run(&mut reader).expect_code(0);
    let lines: Vec<&str> = read.stdout.lines().collect();
    let failed = lines.iter().filter(|line| line.starts_with("failed "));
    let leaks = run.report().process().leaks.sites.len();
    assert_eq!(failed.count(), leaks, "{read}");
    assert!(
        lines[0].starts_with("suite hackleak: 1 tests, 0 failures, 0 errors, 0 skipped"),
        "{read}"
    );
    let allocate = lines
        .iter()
        .find(|line| line.contains("1,000,001 bytes leaked in 1 block"));
    assert!(
        allocate.is_some_and(|line| line.contains("malloc leak")),
        "{read}"
    );
}
