//! Every example of the help and of the documentation, run as written in a folder that has what
//! they name. What is not HackLeak's own (Maven, Spark, Go, `man`) is a stand-in.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::java::Jdk;
use integration_tests::process::{self, Ended};
use integration_tests::{Recording, artefacts, cpp, workspace};

/// Examples of a help, without what is said of them at the end of the line.
fn of_help(command: &str) -> Vec<String> {
    let mut hackleak = Command::new(artefacts::cli());
    hackleak.args(command.split_whitespace()).arg("--help");
    let help = process::run(&mut hackleak).expect_code(0).stdout;
    let after = help.split("Examples:\n").nth(1).unwrap_or_else(|| {
        panic!("{command} has no examples: {help}");
    });
    // Where a line is too long for the help, the rest of it stands on the next one.
    let mut lines: Vec<String> = Vec::new();
    for line in after.lines().take_while(|line| !line.is_empty()) {
        match lines.last_mut() {
            Some(last) if !line.contains("hackleak ") => *last += &format!(" {}", line.trim()),
            _ => lines.push(line.to_owned()),
        }
    }
    let example = |line: &String| {
        let line = line.trim_start();
        let end = line.find("   ").unwrap_or(line.len());
        line[..end].trim_end().to_owned()
    };
    lines.iter().map(example).collect()
}

/// Lines of blocks of code that run the command.
fn of_text(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if is_code && is_command(line) {
            found.push(line.to_owned());
        }
    }
    found
}

/// `hackleak run …`, also with variables before it.
fn is_command(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| {
        let name = word.split('=').next().unwrap_or_default();
        word.contains('=') && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    });
    words.next() == Some("hackleak")
        && words
            .next()
            .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
}

fn examples() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for command in [
        "",
        "run",
        "spark-submit",
        "report",
        "baseline",
        "diff",
        "suppressions",
        "known-leaks",
        "doctor",
        "find-leak",
        "top",
        "dump",
        "completions",
        "man",
    ] {
        all.extend(of_help(command));
    }
    let root = workspace::root();
    let docs = fs::read_dir(root.join("docs")).expect("docs");
    let docs = docs.map(|entry| entry.expect("docs").path());
    let pages = docs.filter(|path| path.extension().is_some_and(|end| end == "md"));
    for page in pages.chain([root.join("README.md")]) {
        all.extend(of_text(&fs::read_to_string(page).expect("a page")));
    }
    all
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("write");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

fn cc(folder: &Path, arguments: &[&str]) {
    let mut compiler = Command::new("cc");
    process::run(compiler.current_dir(folder).args(arguments)).expect_code(0);
}

/// What the examples name.
fn furnish(folder: &Path, jdk: &Jdk) {
    let at = |name: &str| folder.join(name);
    for name in [
        "bin",
        "build",
        "logs",
        "hackleak-out",
        "last/hackleak-out",
        "last-week/hackleak-out",
        ".local/share/bash-completion/completions",
        ".zfunc",
        ".config/fish/completions",
    ] {
        fs::create_dir_all(at(name)).expect("a folder");
    }
    let run = Recording::of(cpp("variants")).arg("leak").run();
    let image = run.images().remove(0);
    for name in [
        "4242.hackleak",
        "a.hackleak",
        "b.hackleak",
        "hackleak-out/java-4711.hackleak",
        "last/hackleak-out/1.hackleak",
        "last-week/hackleak-out/1.hackleak",
    ] {
        fs::copy(&image, at(name)).expect("an image");
    }
    let hackleak = |arguments: &str| {
        let mut command = Command::new(artefacts::cli());
        command
            .current_dir(folder)
            .args(arguments.split_whitespace());
        process::run(&mut command)
    };
    for name in ["report.json", "main.json", "branch.json"] {
        hackleak(&format!("report a.hackleak --output {name} --format json")).expect_code(23);
    }
    hackleak("baseline write leaks.baseline.json a.hackleak").expect_code(0);
    fs::write(at("leaks.supp"), "leak:never_called\n").expect("write");
    fs::write(at("mine.known"), "library=mine; site=never_called\n").expect("write");
    fs::write(
        at("leak.c"),
        "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(1999993); p[0] = 1; \
         p = 0; return 0; }\n",
    )
    .expect("write");
    for program in ["server", "prog", "program", "native-program"] {
        cc(folder, &["-O0", "-g", "leak.c", "-o", program]);
    }
    for library in ["libmine.so", "build/libmine.so"] {
        cc(
            folder,
            &["-shared", "-fPIC", "-x", "c", "leak.c", "-o", library],
        );
    }
    let log = "--follow all --log alloc_log.txt --out logged ./prog";
    hackleak(&format!("run {log}")).expect_code(23);
    fs::copy(at("alloc_log.txt"), at("logs/alloc-1.txt")).expect("a log");
    script(&at("old-test"), "cat alloc_log.txt");

    fs::write(
        at("App.java"),
        "class App { public static void main(String[] a) {} }",
    )
    .expect("write");
    fs::write(at("manifest"), "Main-Class: App\n").expect("write");
    let mut javac = Command::new(jdk.tool("javac"));
    process::run(javac.current_dir(folder).arg("App.java")).expect_code(0);
    let mut jar = Command::new(jdk.tool("jar"));
    jar.current_dir(folder)
        .args(["cfm", "app.jar", "manifest", "App.class"]);
    process::run(&mut jar).expect_code(0);
    let java = jdk.tool("java");
    let java = java.display();
    script(&at("bin/java"), &format!("exec {java} \"$@\""));
    for tool in ["mvn", "gradle"] {
        script(
            &at(&format!("bin/{tool}")),
            &format!("exec {java} -cp . App"),
        );
    }
    // Its driver leaves a report, if it was told of the plugin.
    script(
        &at("bin/spark-submit"),
        "case \"$*\" in *--conf\\ spark.plugins=dev.hackleak.spark.*--jars\\ core.jar,spark.jar*) ;; *) exit 9 ;; esac\n\
         for word; do case $word in spark.hackleak.out=*) out=${word#*=} ;; esac; done\n\
         echo '{\"verdict\": \"leaks\"}' > \"$out/spark-1.json\"",
    );
    for tool in ["go", "inferno-flamegraph", "man"] {
        script(
            &at(&format!("bin/{tool}")),
            "[ \"$1\" = tool ] || cat >/dev/null",
        );
    }
    std::os::unix::fs::symlink(artefacts::cli(), at("bin/hackleak")).expect("a link");
}

/// Runs an example as a shell would, with the number of a process that is there.
fn run(folder: &Path, example: &str, pid: u32) -> Ended {
    let line = example
        .replace("/usr/local/share/man", "usr/share/man")
        // What takes a minute shows no more than what takes a moment.
        .replace("--interval 10 ", "--interval 0.1 ");
    let line = line.replace(" 4711", &format!(" {pid}"));
    let endless = line.starts_with("hackleak top") && !line.contains("--iterations");
    let line = match endless {
        true => format!("timeout -s INT 3 {line}"),
        false => line,
    };
    let path = std::env::var("PATH").unwrap_or_default();
    let mut bash = Command::new("bash");
    bash.args(["-o", "pipefail", "-c", &line]);
    bash.current_dir(folder);
    bash.env("PATH", format!("{}:{path}", folder.join("bin").display()));
    bash.env("HACKLEAK_LIBRARY", artefacts::recorder());
    bash.env("HACKLEAK_SPARK_JARS", "core.jar,spark.jar");
    bash.env_remove("SPARK_HOME");
    bash.env("HOME", folder);
    bash.env("GITHUB_STEP_SUMMARY", folder.join("summary.md"));
    bash.env_remove("LD_LIBRARY_PATH");
    process::run(&mut bash)
}

#[test]
fn every_example_runs_as_written() {
    let jdk = Jdk::all().first().expect("a JDK");
    let folder = tempfile::tempdir().expect("temporary folder");
    furnish(folder.path(), jdk);
    let images = folder.path().join("hackleak-out");
    let (mut started, _running) = Recording::of(cpp("sites")).out(images).start();
    started.wait_for_output("growing");
    let all = examples();
    assert!(all.len() > 35, "{all:#?}");
    let mut wrong = Vec::new();
    for example in &all {
        let ended = run(folder.path(), example, started.pid());
        let code = ended.status.code();
        let endless = example.starts_with("hackleak top") && code == Some(124);
        let is_right = matches!(code, Some(0 | 23 | 24)) || endless;
        let says_wrong = ["cannot", "error:", "no process was recorded", "not known"]
            .iter()
            .any(|word| {
                ended.stderr.lines().any(|line| {
                    (line.starts_with("hackleak: ") || line.starts_with("error"))
                        && line.contains(word)
                })
            });
        if !is_right || says_wrong {
            wrong.push(format!("{example}\n{ended}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // They did what they say.
    for made in [
        "report.html",
        "leaks.json",
        "leaks.html",
        "leaks.sarif",
        "leaks.xml",
        "leaks.pb.gz",
        "leaks.svg",
        "summary.md",
        "growth.txt",
        "usr/share/man/man1/hackleak-run.1",
        ".zfunc/_hackleak",
    ] {
        let made: PathBuf = folder.path().join(made);
        assert!(made.is_file(), "{}", made.display());
    }
}

#[test]
fn a_redacted_run_keeps_its_command_line_nowhere() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let home = folder.path().join("home/zaphod/shop");
    fs::create_dir_all(&home).expect("a folder");
    for redact in [true, false] {
        let out = home.join(format!("out-{redact}"));
        let mut command = Command::new(artefacts::cli());
        command
            .current_dir(&home)
            .env("HACKLEAK_LIBRARY", artefacts::recorder());
        command.env("USER", "zaphod").env_remove("LD_LIBRARY_PATH");
        command.args(["run", "--follow", "all", "--out"]).arg(&out);
        command.args(redact.then_some("--redact"));
        command
            .arg(cpp("variants"))
            .args(["leak", "password=hunter2"]);
        let ended = process::run(&mut command).expect_code(23);
        let mut texts = vec![ended.stderr.clone()];
        let mut images = Vec::new();
        for entry in fs::read_dir(out.join("run-1")).expect("the run") {
            let file = entry.expect("the run").path();
            let bytes = fs::read(&file).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            match file.extension().is_some_and(|end| end == "hackleak") {
                true => images.push(text),
                false => texts.push(text),
            }
        }
        assert_eq!((texts.len(), images.len()), (3, 1));
        for text in &texts {
            assert_eq!(text.contains("hunter2"), !redact, "{text}");
            assert_eq!(text.contains("zaphod"), !redact, "{text}");
        }
        assert_eq!(images[0].contains("hunter2"), !redact);
        let json: serde_json::Value = serde_json::from_str(
            &fs::read_to_string(out.join("run-1/report.json")).expect("the report"),
        )
        .expect("JSON");
        let process = &json["processes"][0];
        let place = process["folder"].as_str().expect("where it worked");
        let name = if redact { "user" } else { "zaphod" };
        assert!(place.ends_with(&format!("/home/{name}/shop")), "{place}");
        assert_eq!(process["command"] == serde_json::json!([]), redact);
    }
}
