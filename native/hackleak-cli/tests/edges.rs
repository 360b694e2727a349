//! Every command with what is wrong, missing, empty, huge, or comes through a pipe: one sentence
//! that says it once, and the exit code that the help names.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Ended, end, hackleak, image};

/// A folder with one of everything.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = |name: &str| folder.path().join(name);
    image(folder.path(), "leaky.hackleak", 3);
    fs::create_dir(at("images")).expect("a folder");
    image(&at("images"), "a.hackleak", 1);
    image(&at("images"), "b.hackleak", 0);
    fs::create_dir(at("nothing")).expect("a folder");
    for (name, text) in [
        ("empty", ""),
        ("object.json", "{}"),
        ("cut.json", "{\"schemaVersion\": 1, \"proc"),
        ("good.supp", "# known\nleak:here\nrace:x\n"),
        ("bad.supp", "leak:here\nlaek:there\n"),
        ("bare.supp", "leak:\n"),
        ("bad.known", "library=x\n"),
    ] {
        fs::write(at(name), text).expect("write");
    }
    fs::write(at("noise"), [0xff_u8, 0xfe, 0, 7].repeat(2000)).expect("write");
    // Longer than any text that is read, and no room on the disk.
    let huge = File::create(at("huge")).expect("create");
    huge.set_len(40 << 20).expect("a sparse file");
    folder
}

fn run(folder: &Path, arguments: &str) -> Ended {
    let mut command = hackleak();
    command.current_dir(folder).stdin(Stdio::null());
    end(command.args(arguments.split_whitespace()))
}

/// The longest text that stands in `said` twice in a row, after a colon.
fn is_doubled(said: &str) -> bool {
    let parts: Vec<&str> = said.split(": ").map(str::trim).collect();
    parts.windows(2).any(|pair| pair[0].ends_with(pair[1]))
}

#[test]
fn what_is_wrong_is_said_once_and_fails() {
    let folder = folder();
    let inputs = ["none", "empty", "noise", "huge", "nothing", "99999999"];
    let mut cases: Vec<(String, &str)> = Vec::new();
    for input in inputs {
        for command in [
            "report",
            "doctor",
            "top",
            "dump",
            "diff leaky.hackleak",
            "baseline check leaky.hackleak",
            "baseline write b.json",
        ] {
            cases.push((format!("{command} {input}"), ""));
        }
        cases.push((format!("diff {input} leaky.hackleak"), ""));
        cases.push((format!("baseline check {input} leaky.hackleak"), ""));
    }
    for input in ["none", "noise", "huge", "nothing"] {
        cases.push((format!("suppressions {input}"), "cannot read"));
        cases.push((format!("known-leaks {input}"), "cannot read"));
    }
    for (arguments, said) in [
        ("report none", "No such file"),
        ("report 99999999", "neither a file nor a running process"),
        ("report object.json", "is no report"),
        ("report cut.json", "is no report"),
        ("report --html /none/x images", "cannot write"),
        ("report --json /none/x images", "cannot write"),
        ("report --output /none/x images", "cannot write"),
        ("report --suppressions none images", "cannot read"),
        ("report --known-leaks bad.known images", "is no entry"),
        ("report --baseline noise images", "cannot read"),
        ("report --format bogus images", "possible values"),
        ("report --write html images", "FORMAT=FILE"),
        ("report --since x images", "invalid value"),
        ("report --html - --json - images", "for several files"),
        ("find-leak none", "No such file"),
        ("find-leak nothing", "Is a directory"),
        ("suppressions bad.supp", "line 2 of `bad.supp` is no rule"),
        ("suppressions bare.supp", "has no pattern"),
        ("known-leaks bad.known", "is no entry"),
        ("baseline write /none/b images", "cannot write"),
        ("man --out empty", "cannot write"),
        ("completions cmd", "possible values"),
        ("schema bogus", "possible values"),
        ("run", "COMMAND"),
        ("run --folow all x", "--follow"),
        ("run --follow sometimes true", "use one of jvm, all, none"),
        ("run --track bogus true", "use one of new"),
        ("run --depth x true", "whole number"),
        ("run --suppressions none true", "cannot read"),
        ("run --known-leaks bad.known true", "is no entry"),
        ("run --baseline none true", "cannot read"),
        ("run --out empty true", "cannot create"),
        ("dump --list bogus leaky.hackleak", "possible values"),
        ("dump --limit 0 leaky.hackleak", "invalid value"),
        ("dump images", "is not a file"),
        ("top --interval 0 images", "not a number of seconds"),
        ("", "Usage"),
        ("bogus", "unrecognized"),
    ] {
        cases.push((arguments.to_owned(), said));
    }
    let library = library(folder.path());
    for (arguments, said) in cases {
        let mut command = hackleak();
        command.current_dir(folder.path()).stdin(Stdio::null());
        command.env("HACKLEAK_LIBRARY", &library);
        let ended = end(command.args(arguments.split_whitespace()));
        let about = format!("{arguments}: {}", ended.stderr);
        assert_eq!(ended.code, Some(1), "{about}");
        assert!(ended.stderr.contains(said), "{said}: {about}");
        assert!(!ended.stderr.is_empty(), "{about}");
        assert!(!ended.stderr.contains("panicked"), "{about}");
        for line in ended.stderr.lines() {
            assert!(!is_doubled(line), "{about}");
        }
    }
    assert!(!folder.path().join("b.json").exists());
    assert!(is_doubled(
        "hackleak: cannot open `x`: No such file: No such file"
    ));
}

/// A library that records nothing.
fn library(folder: &Path) -> std::path::PathBuf {
    let library = folder.join("libhackleak.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-x", "c", "/dev/null", "-o"]);
    assert!(compiler.arg(&library).status().expect("cc").success());
    library
}

#[test]
fn what_is_right_is_no_failure() {
    let folder = folder();
    for (arguments, code) in [
        ("suppressions good.supp", 0),
        ("suppressions empty", 0),
        ("known-leaks empty", 0),
        ("report images", 23),
        ("report images/b.hackleak", 0),
        ("report --exit-zero images", 0),
        ("diff images/b.hackleak images", 23),
        ("diff --exit-zero images/b.hackleak images", 0),
        ("find-leak empty", 24),
        ("find-leak --exit-zero empty", 0),
        ("report --exit-zero none", 1),
        ("report images none", 23),
        ("report --exit-zero images none", 0),
    ] {
        let ended = run(folder.path(), arguments);
        assert_eq!(ended.code, Some(code), "{arguments}: {}", ended.stderr);
    }
}

/// Runs with `input` on standard input.
fn fed(folder: &Path, arguments: &str, input: &[u8]) -> Ended {
    let mut command = hackleak();
    command
        .current_dir(folder)
        .args(arguments.split_whitespace());
    command.env("TMPDIR", folder);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("hackleak");
    let mut to = child.stdin.take().expect("piped");
    // Whoever does not read it to its end has said why.
    let _ = to.write_all(input);
    drop(to);
    let output = child.wait_with_output().expect("it ends");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_dash_is_standard_input_and_output() {
    let folder = folder();
    let at = folder.path();
    let image = fs::read(at.join("leaky.hackleak")).expect("the image");
    let json = run(at, "report --format json leaky.hackleak").stdout;
    let baseline = run(at, "baseline write - leaky.hackleak").stdout;
    assert!(baseline.contains("\"hackleakBaseline\": 1"), "{baseline}");
    let leaks = "leaks: 5.72 MiB (5,999,979 bytes) in 3 blocks at 1 site, in 1 process\n";
    for (arguments, input, code, said) in [
        ("report -", &*image, 23, leaks),
        ("report -", json.as_bytes(), 23, leaks),
        ("report - leaky.hackleak", &image, 23, "in 2 processes\n"),
        (
            "report --suppressions - leaky.hackleak",
            b"leak:*",
            0,
            "clean: no leaks in 1 process\n",
        ),
        (
            "report --baseline - leaky.hackleak",
            baseline.as_bytes(),
            0,
            "clean: no leaks in 1 process\n",
        ),
        (
            "baseline check - leaky.hackleak",
            baseline.as_bytes(),
            0,
            "1 unchanged\n",
        ),
        ("diff - leaky.hackleak", json.as_bytes(), 0, "1 unchanged\n"),
        ("diff leaky.hackleak -", &image, 0, "1 unchanged\n"),
        ("suppressions -", b"leak:mine\n", 0, "-:1: leak:mine\n"),
        ("known-leaks -", b"# none\n", 0, ""),
        ("find-leak -", b"", 24, "nothing was recorded in it\n"),
    ] {
        let ended = fed(at, arguments, input);
        assert_eq!(ended.code, Some(code), "{arguments}: {}", ended.stderr);
        assert!(
            ended.stdout.ends_with(said),
            "{arguments}: {}",
            ended.stdout
        );
    }
    for (arguments, input) in [("report -", "junk"), ("report -", "")] {
        let ended = fed(at, arguments, input.as_bytes());
        assert_eq!(ended.code, Some(1), "{arguments}");
        assert!(ended.stderr.contains("standard input"), "{}", ended.stderr);
    }
    let left = fs::read_dir(at).expect("the folder");
    let left = left.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let left: Vec<String> = left.filter(|name| name.starts_with("hackleak-")).collect();
    assert_eq!(left, Vec::<String>::new());

    // What goes to standard output has nothing else with it.
    for (arguments, begins) in [
        ("report --output - images", "1,999,993 bytes leaked"),
        ("report --json - images", "{\n"),
        ("report --html - images", "<!DOCTYPE html>"),
        ("report --write sarif=- images", "{\n"),
    ] {
        let ended = run(at, arguments);
        assert_eq!(ended.code, Some(23), "{arguments}: {}", ended.stderr);
        assert!(
            ended.stdout.starts_with(begins),
            "{arguments}: {}",
            ended.stdout
        );
        if begins == "{\n" {
            serde_json::from_str::<serde_json::Value>(&ended.stdout).expect(arguments);
        }
    }
    assert!(!at.join("-").exists());
}

#[test]
fn a_report_ends_with_its_verdict_and_names_the_page() {
    let folder = folder();
    let ended = run(
        folder.path(),
        "report images --json all.json --html all.html",
    );
    let lines: Vec<&str> = ended.stdout.lines().rev().take(3).collect();
    assert_eq!(
        lines[0],
        "leaks: 1.91 MiB (1,999,993 bytes) in 1 block at 1 site, in 1 of 2 processes"
    );
    assert_eq!(lines[1], "page: all.html");
    assert!(
        lines[2].starts_with("report: ") && lines[2].ends_with("all.json"),
        "{}",
        lines[2]
    );
    let ended = run(folder.path(), "report images/b.hackleak");
    assert!(
        ended.stdout.ends_with("\nclean: no leaks in 1 process\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn run_needs_no_dashes_and_ends_as_shells_do() {
    let folder = folder();
    let at = folder.path();
    let library = library(at);
    let ended = |arguments: &[&str]| {
        let mut command = hackleak();
        command.current_dir(at).env("HACKLEAK_LIBRARY", &library);
        end(command
            .args(["run", "--out", "out", "--follow", "none"])
            .args(arguments))
    };
    // What belongs to the command is left to it, whatever it looks like.
    for dashes in [&["--"][..], &[]] {
        let words = [
            "sh",
            "-c",
            "echo \"$@\"; exit 5",
            "sh",
            "-q",
            "--follow",
            "--",
            "-",
        ];
        let all = [dashes, &words].concat();
        let ended = ended(&all);
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        assert_eq!(ended.stdout, "-q --follow -- -\n");
    }
    fs::write(at.join("script"), "#!/no/such/interpreter\n").expect("write");
    let mut executable = Command::new("chmod");
    assert!(
        executable
            .args(["+x", "script"])
            .current_dir(at)
            .status()
            .expect("chmod")
            .success()
    );
    let runs = || fs::read_dir(at.join("out")).expect("the folder").count();
    let before = runs();
    for (command, code, said) in [
        (
            "no-such-command",
            127,
            "cannot run `no-such-command`: there is no such command",
        ),
        ("./no/such", 127, "there is no such command"),
        ("./empty", 126, "it is not executable"),
        ("./nothing", 126, "it is a folder"),
        ("./script", 126, "its first line names"),
    ] {
        let ended = ended(&[command]);
        assert_eq!(ended.code, Some(code), "{command}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{command}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
    assert_eq!(runs(), before, "no folder is left of what was not run");
}

#[test]
fn what_cannot_be_written_fails_and_who_stops_reading_does_not() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_hackleak");
    for (script, code) in [
        ("\"$0\" report leaky.hackleak >/dev/full", 1),
        ("\"$0\" suppressions --builtin >/dev/full", 1),
        ("\"$0\" man >/dev/full", 1),
        (
            "\"$0\" suppressions --builtin | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}",
            0,
        ),
        (
            "\"$0\" report leaky.hackleak | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}",
            23,
        ),
        ("\"$0\" report leaky.hackleak 2>/dev/full", 23),
    ] {
        let mut bash = Command::new("bash");
        bash.current_dir(folder.path())
            .args(["-c", script, program]);
        let ended = end(&mut bash);
        assert_eq!(ended.code, Some(code), "{script}: {}", ended.stderr);
    }
}
