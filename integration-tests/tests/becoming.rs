//! `follow=jvm`: whatever becomes a JVM is recorded from there on, with Java, JNI and `Unsafe`;
//! nothing else is.

use integration_tests::java::{Entry, Jdk, becoming, becoming_extension};
use integration_tests::{Recording, Run, Victim};
use std::path::{Path, PathBuf};

const OPTIONS: &str = "follow=jvm,track=new+malloc+jni+unsafe";

/// What the program is told after HOW and LIBJVM.
fn told(victim: &Victim, what: &str) -> Vec<String> {
    let mut all = victim.arguments(Entry::Preload, &[]);
    all.push(what.to_owned());
    all
}

fn libjvm(jdk: &Jdk) -> PathBuf {
    jdk.home.join("lib/server/libjvm.so")
}

/// Asserts that the run planted what `Becoming` plants, and that each block knows its Java code.
fn assert_recorded(run: &Run, how: &str) {
    assert_eq!(run.ended.stdout, "done\n", "{how}: {}", run.ended);
    assert_eq!(run.images().len(), 1, "{how}: {}", run.ended);
    let report = run.report();
    let process = report.process();
    let site = process.site_of(1_999_993);
    assert_eq!((site.blocks, site.kind.as_str()), (7, "new[]"), "{how}");
    let java = site.java();
    let expected = ["Becoming.plant", "Becoming.caller", "Becoming.main"];
    assert_eq!(java[..3], expected, "{how}");
    let references = process.leaks.sites.iter();
    let references: Vec<_> = references
        .filter(|site| site.kind.contains("global"))
        .collect();
    assert_eq!(references.len(), 1, "{how}: {:#?}", process.leaks);
    assert_eq!(references[0].blocks, 7, "{how}");
    assert_eq!(references[0].java()[..3], expected, "{how}");
    let unsafe_memory = process.site_of(1_777_776);
    assert_eq!(unsafe_memory.blocks, 3, "{how}");
    assert!(
        unsafe_memory.java().contains(&"Becoming.main".to_owned()),
        "{how}"
    );
    // What the launcher itself does has no Java code.
    process.assert_nothing_lost_but("javaStackMissing");
}

fn assert_clean(run: &Run, how: &str) {
    let report = run.report();
    let process = report.process();
    assert_eq!(process.leaks.blocks, 0, "{how}: {:#?}", process.leaks);
    assert!(process.totals.allocations >= 17, "{how}");
}

#[test]
fn a_program_that_makes_a_jvm_is_recorded_from_there_on() {
    for jdk in Jdk::all() {
        let victim = Victim::new(jdk, "Becoming");
        let extension = format!("extension:{}", becoming_extension(jdk).display());
        let ways = ["local", "global", "program", "thread", "fork", "linked"];
        for how in ways.into_iter().chain([extension.as_str()]) {
            let program = becoming(jdk, how == "linked");
            let recording = |what: &str| {
                Recording::of(&program)
                    .options(OPTIONS)
                    .args([Path::new(how), &libjvm(jdk)])
                    .args(told(&victim, what))
                    .run()
                    .expect_code(0)
            };
            let run = recording("leak");
            assert_recorded(&run, how);
            let report = run.report();
            let process = report.process();
            assert_eq!(process.blocks_of(1_555_551), 0, "{how}: before the JVM");
            let late = |note: &&String| note.contains("came too late");
            assert_eq!(
                process.notes.iter().filter(late).count(),
                1,
                "{how}: {:?}",
                process.notes
            );
            if how == "local" || how == "linked" {
                assert_clean(&recording("clean"), how);
            }
        }
    }
}

#[test]
fn a_program_that_makes_no_jvm_is_left_alone() {
    let jdk = &Jdk::all()[0];
    let program = becoming(jdk, false);
    let run = Recording::of(&program)
        .options(OPTIONS)
        .args(["never"])
        .run();
    let run = run.expect_code(0);
    assert_eq!(run.ended.stdout, "none, an error, none\n", "{}", run.ended);
    assert_eq!(run.ended.stderr, "");
    assert_eq!(run.images().len(), 0);
}

#[test]
fn a_launcher_of_another_name_is_recorded_like_java() {
    for jdk in Jdk::all() {
        let victim = Victim::new(jdk, "Becoming");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = folder.path().join("launcher");
        std::fs::copy(jdk.tool("java"), &copy).expect("a copy");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(jdk.tool("java"), &link).expect("a link");
        let libraries = jdk.home.join("lib");
        let java = jdk.tool("java");
        let shell = ["-c", "exec -a other \"$0\" \"$@\""].map(str::to_owned);
        let ways: [(&Path, Vec<String>); 3] = [
            (&copy, Vec::new()),
            (&link, Vec::new()),
            (
                Path::new("/bin/bash"),
                [&shell[..], &[java.display().to_string()]].concat(),
            ),
        ];
        for (program, ahead) in ways {
            let run = Recording::of(program)
                .options(OPTIONS)
                .env("LD_LIBRARY_PATH", &libraries)
                .args(ahead)
                .args(told(&victim, "leak"))
                .run()
                .expect_code(0);
            assert_recorded(&run, &program.display().to_string());
        }
    }
}

#[test]
fn a_jvm_keeps_its_cache_of_linked_classes_and_what_that_costs_is_said() {
    for jdk in Jdk::since(25) {
        let victim = Victim::new(&jdk, "Becoming");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [jar, cache] = ["b.jar", "b.aot"].map(|name| folder.path().join(name));
        let [jar, cache] = [jar, cache].map(|path| path.display().to_string());
        let packed = Recording::bare(jdk.tool("jar")).args(["cf", &jar, "-C"]);
        let packed = packed.arg(victim.classes()).arg(".").run();
        packed.expect_code(0);
        let library = format!("-Dvictim.library={}", victim.library().display());
        let ahead = ["-cp", &jar, &library, "--enable-native-access=ALL-UNNAMED"];
        let made = format!("-XX:AOTCacheOutput={cache}");
        let made = Recording::bare(jdk.tool("java")).args(ahead).arg(made);
        made.args(["Becoming", "clean"]).run().expect_code(0);
        let run = Recording::of(jdk.tool("java"))
            .options(OPTIONS)
            .args(ahead)
            .args(["-XX:AOTMode=on", "-Xlog:class+load"])
            .arg(format!("-XX:AOTCache={cache}"))
            .args(["Becoming", "leak"])
            .run()
            .expect_code(0);
        let output = &run.ended.stdout;
        assert!(
            output.contains("Becoming source: shared objects file"),
            "{}",
            run.ended
        );
        let said = run.ended.stderr.lines();
        let said = said.filter(|line| line.contains("`Unsafe` is not recorded"));
        assert_eq!(said.count(), 1, "{}", run.ended);
        let report = run.report();
        let process = report.process();
        assert_eq!(process.site_of(1_999_993).java()[1], "Becoming.caller");
        assert_eq!(process.blocks_of(1_777_776), 0);
        assert_eq!(process.track, ["new", "malloc", "jni"]);
    }
}
