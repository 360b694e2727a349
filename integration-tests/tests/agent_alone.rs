//! `-agentpath` in a JVM that was not preloaded: the command line is executed once more, preloaded.

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Recording, Report, Victim, artefacts};
use std::path::Path;

fn agent(options: &str) -> String {
    format!("-agentpath:{}={options}", artefacts::recorder().display())
}

/// A run without the preload, with arguments ahead of the victim's.
fn unloaded(jdk: &Jdk, ahead: &[&str]) -> Recording {
    let victim = Victim::new(jdk, "Becoming");
    Recording::bare(jdk.tool("java"))
        .args(ahead)
        .args(victim.arguments(Entry::Preload, &[]))
        .arg("leak")
}

fn assert_recorded(out: &Path, how: &str) {
    let report = Report::of([out]);
    let process = report.process();
    let site = process.site_of(1_999_993);
    assert_eq!(site.blocks, 7, "{how}");
    let expected = ["Becoming.plant", "Becoming.caller", "Becoming.main"];
    assert_eq!(site.java()[..3], expected, "{how}");
    assert_eq!(process.blocks_of(1_777_776), 3, "{how}");
}

#[test]
fn an_agent_alone_records_wherever_the_option_stands() {
    for jdk in Jdk::all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = |name: &str| folder.path().join(name);
        let option = |name: &str| agent(&format!("out={}", out(name).display()));
        let run = unloaded(jdk, &[&option("option")]).run().expect_code(0);
        assert_eq!(run.ended.stdout, "done\n", "{}", run.ended);
        assert_recorded(&out("option"), "option");

        let file = folder.path().join("arguments");
        std::fs::write(&file, option("file")).expect("a temporary folder is writable");
        let named = format!("@{}", file.display());
        let run = unloaded(jdk, &[&named]).run().expect_code(0);
        assert_eq!(run.ended.stdout, "done\n", "{}", run.ended);
        assert_recorded(&out("file"), "file");

        // The launcher executes itself once more for that folder.
        let run = unloaded(jdk, &[])
            .env("JAVA_TOOL_OPTIONS", option("variable"))
            .env("LD_LIBRARY_PATH", jdk.home.join("lib/server"))
            .run()
            .expect_code(0);
        assert_eq!(run.ended.stdout, "done\n", "{}", run.ended);
        let picked = |line: &&str| line.starts_with("Picked up JAVA_TOOL_OPTIONS");
        let picked = run.ended.stderr.lines().filter(picked).count();
        assert_eq!(picked, 2, "twice, and no more: {}", run.ended);
        assert_recorded(&out("variable"), "variable");
    }
}

#[test]
fn the_second_program_has_what_the_first_one_had() {
    for jdk in Jdk::all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = folder.path().join("Seen.java");
        std::fs::write(&source, SEEN).expect("a temporary folder is writable");
        let seen = |ahead: &[String]| {
            // The shell keeps a descriptor open for the program, and its number is the JVM's.
            let script = "cd /; unset OLDPWD; exec 7</dev/null; echo $$; exec \"$@\" <<<input";
            let run = Recording::bare("/bin/bash")
                .args(["-c", script, "sh"])
                .arg(jdk.tool("java"))
                .args(ahead)
                .args(["-Xshare:auto"])
                .arg(&source)
                .args(["", "a b", "*"])
                .run()
                .expect_code(0);
            let text = run.ended.stdout;
            let (number, text) = text.split_once('\n').expect("lines");
            let same = text.starts_with(&format!("process {number}\n"));
            assert!(same, "another process: {number}\n{text}");
            text.split_once('\n').expect("lines").1.to_owned()
        };
        let bare = seen(&[]);
        let again = seen(&[agent(&format!("out={}", folder.path().join("o").display()))]);
        assert!(bare.contains("7 /dev/null"), "{bare}");
        assert!(bare.contains("input"), "{bare}");
        assert_eq!(again, bare);
    }
}

/// Prints what a process has from its parent. Descriptors of the JDK and the recorder are their
/// own.
const SEEN: &str = r#"
import java.nio.file.*;
import java.util.*;

public class Seen {
  public static void main(String[] args) throws Exception {
    long pid = ProcessHandle.current().pid();
    System.out.println("process " + pid);
    System.out.println(Arrays.toString(args) + " " + new TreeMap<>(System.getenv()));
    for (String line : Files.readAllLines(Paths.get("/proc/self/task/" + pid + "/status"))) {
      if (line.startsWith("Name:") || line.startsWith("SigBlk:") || line.startsWith("SigIgn:")) {
        System.out.println(line);
      }
    }
    for (int at = 3; at < 64; at++) {
      Path link = Paths.get("/proc/self/fd/" + at);
      if (Files.isSymbolicLink(link)) {
        String target = Files.readSymbolicLink(link).toString();
        if (target.equals("/dev/null") || target.contains("hsperfdata")) {
          System.out.println(at + " " + target);
        }
      }
    }
    long modules = 0;
    for (int at = 3; at < 64; at++) {
      Path link = Paths.get("/proc/self/fd/" + at);
      if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).endsWith("modules")) {
        modules++;
      }
    }
    System.out.println(modules + " " + new String(System.in.readAllBytes()));
  }
}
"#;

#[test]
fn what_cannot_be_preloaded_goes_on_with_one_sentence() {
    let jdk = &Jdk::all()[0];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let said = |run: &integration_tests::Run| {
        assert_eq!(run.ended.stdout, "done\n", "{}", run.ended);
        let lines = run.ended.stderr.lines();
        let said: Vec<_> = lines.filter(|line| line.starts_with("hackleak")).collect();
        assert_eq!(said.len(), 1, "{}", run.ended);
        assert!(!out.exists(), "{}", run.ended);
        said[0].to_owned()
    };
    let no = agent(&format!("out={},preload=no", out.display()));
    let sentence = said(&unloaded(jdk, &[&no]).run().expect_code(0));
    assert!(sentence.contains("set LD_PRELOAD="), "{sentence}");

    let blank = folder.path().join("a folder");
    std::fs::create_dir(&blank).expect("a temporary folder is writable");
    let copy = blank.join("libhackleak.so");
    std::fs::copy(artefacts::recorder(), &copy).expect("a copy");
    let option = format!("-agentpath:{}=out={}", copy.display(), out.display());
    let sentence = said(&unloaded(jdk, &[&option]).run().expect_code(0));
    assert!(sentence.contains("a blank or a colon"), "{sentence}");

    let none = agent(&format!("out={},follow=none", out.display()));
    let run = unloaded(jdk, &[&none]).run().expect_code(0);
    assert_eq!(run.ended.stderr, "");
}
