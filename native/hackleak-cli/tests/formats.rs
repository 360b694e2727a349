//! `hackleak report` in the formats of other tools, `baseline`, `diff` and `suppressions`.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{end, hackleak, image, lossy_image};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn several_formats_are_written_in_one_go() {
    let folder = folder();
    image(folder.path(), "1.hackleak", 2);
    let files = [
        (
            "junit-xml",
            "leaks.xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        ),
        (
            "sarif",
            "leaks.sarif",
            "{\n  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\"",
        ),
        ("collapsed", "leaks.folded", "0x1234 (no module) 3999986\n"),
        (
            "speedscope",
            "leaks.speedscope.json",
            "{\"$schema\":\"https://www.speedscope.app/",
        ),
        (
            "markdown",
            "leaks.md",
            "## ❌ HackLeak: 3,999,986 bytes leaked in 2 blocks at 1 site\n",
        ),
        ("lines", "leaks.lines", "hackleak-lines\t1\n"),
        ("json", "leaks.json", "{\n  \"schemaVersion\": 1,"),
    ];
    let mut command = hackleak();
    command.arg("report").arg(folder.path());
    for (format, file, _) in files {
        let file = folder.path().join(file);
        command
            .arg("--write")
            .arg(format!("{format}={}", file.display()));
    }
    let ended = end(&mut command);
    assert_eq!(ended.code, Some(23), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("3,999,986 bytes leaked"),
        "{}",
        ended.stdout
    );
    for (format, file, start) in files {
        let text = fs::read_to_string(folder.path().join(file)).expect("written");
        let start = start.replace("0x1234 (no module)", "(no module)");
        assert!(text.starts_with(&start), "{format}: {text}");
        let mut command = hackleak();
        command
            .args(["report", "--format", format])
            .arg(folder.path());
        let printed = end(&mut command);
        assert_eq!(printed.stdout, text, "{format}");
    }
    let count = end(hackleak()
        .args(["report", "--format", "collapsed", "--weight", "blocks"])
        .arg(folder.path()));
    assert_eq!(count.stdout, "(no module) 2\n");
}

#[test]
fn wrong_formats_are_one_sentence() {
    for (argument, said) in [
        ("sarif", "FORMAT=FILE"),
        ("sarif=", "name a file"),
        (
            "pdf=x.pdf",
            "`pdf` is no format: use one of text, json, html, lines, junit-xml, sarif",
        ),
    ] {
        let ended = end(hackleak().args(["report", "x", "--write", argument]));
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn go_tool_pprof_reads_the_profile() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 3);
    let profile = folder.path().join("leaks.pb.gz");
    let mut command = hackleak();
    command
        .args(["report", "--format", "pprof", "--output"])
        .arg(&profile);
    let ended = end(command.arg(&file));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(23), ""));
    let mut command = hackleak();
    command.args(["report", "--format", "pprof"]).arg(&file);
    let piped = command.output().expect("runs").stdout;
    assert_eq!(
        piped,
        fs::read(&profile).expect("written"),
        "the same into a pipe"
    );

    let listed = Command::new("go")
        .args(["tool", "pprof", "-raw"])
        .arg(&profile)
        .output();
    let Ok(listed) = listed else {
        eprintln!("SKIPPED: pprof's own reader, because Go is not installed (golang-go)");
        return;
    };
    let text = String::from_utf8_lossy(&listed.stdout);
    let errors = String::from_utf8_lossy(&listed.stderr);
    assert!(listed.status.success(), "{errors}");
    assert!(
        text.contains("inuse_objects/count inuse_space/bytes[dflt]"),
        "{text}"
    );
    assert!(
        text.lines().any(
            |line| line.trim() == "3    5999979: 1" || line.trim().starts_with("3    5999979:")
        ),
        "{text}"
    );
    assert!(
        text.contains("kind:[new]") && text.contains("pid:[4242]"),
        "{text}"
    );
}

#[test]
fn a_report_in_json_can_be_turned_into_other_formats() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 2);
    let json = folder.path().join("report.json");
    end(hackleak()
        .args(["report", "--json", path(&json)])
        .arg(&file));
    for format in ["text", "sarif", "markdown", "json"] {
        let from = |input: &Path| end(hackleak().args(["report", "--format", format]).arg(input));
        let (image, report) = (from(&file), from(&json));
        assert_eq!(image.code, report.code);
        assert_eq!(image.stdout, report.stdout, "{format}");
    }
    let ended = end(hackleak().args(["report", "--since", "2"]).arg(&json));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("is a report: --since"),
        "{}",
        ended.stderr
    );
    fs::write(&json, "{\"schemaVersion\": 1}").expect("write");
    let ended = end(hackleak().arg("report").arg(&json));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains("is no report: `hackleak report --format json` makes one"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_baseline_is_written_checked_and_applied() {
    let folder = folder();
    let two = image(folder.path(), "two.hackleak", 2);
    let three = image(folder.path(), "three.hackleak", 3);
    let clean = image(folder.path(), "clean.hackleak", 0);
    let file = folder.path().join("known.json");
    let ended = end(hackleak().args(["baseline", "write", path(&file), path(&two)]));
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), ""),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.starts_with("1 known site written"),
        "{}",
        ended.stderr
    );
    let text = fs::read_to_string(&file).expect("written");
    assert!(
        text.starts_with("{\n  \"hackleakBaseline\": 1,\n"),
        "{text}"
    );
    assert!(
        !text.contains("two.hackleak") && !text.contains("0x"),
        "{text}"
    );

    for (image, code, said) in [
        (
            &two,
            0,
            "0 sites new, 0 grown, 0 shrunk, 0 fixed, 1 unchanged\n",
        ),
        (
            &three,
            23,
            "0 sites new, 1 grown, 0 shrunk, 0 fixed, 0 unchanged\n",
        ),
        (
            &clean,
            0,
            "0 sites new, 0 grown, 0 shrunk, 1 fixed, 0 unchanged\n",
        ),
    ] {
        let ended = end(hackleak().args(["baseline", "check", path(&file), path(image)]));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stdout.starts_with(said), "{}", ended.stdout);
        let ended = end(hackleak().args(["report", "--baseline", path(&file), path(image)]));
        assert_eq!(ended.code, Some(code), "{}", ended.stdout);
        // The baseline also serves as the older side of a comparison.
        let ended = end(hackleak().args(["diff", path(&file), path(image)]));
        assert_eq!(
            (ended.code, ended.stdout.starts_with(said)),
            (Some(code), true)
        );
    }
    let ended = end(hackleak().args(["diff", path(&three), path(&two), "--format", "json"]));
    assert_eq!(ended.code, Some(0));
    let found: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(found["shrunk"][0]["before"]["blocks"], 3);
    let schema = end(hackleak().args(["schema", "diff"]));
    let schema = serde_json::from_str(&schema.stdout).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &found));
}

#[test]
fn an_incomplete_record_is_no_clean_comparison() {
    let folder = folder();
    let clean = image(folder.path(), "clean.hackleak", 0);
    let lossy = lossy_image(folder.path(), "lossy.hackleak", 0);
    let ended = end(hackleak().args(["diff", path(&clean), path(&lossy)]));
    assert_eq!(ended.code, Some(24));
    assert!(ended.stderr.contains("incomplete"), "{}", ended.stderr);
}

/// A link stays a link, rights stay, a pipe gets what is written; what is no baseline stays, too.
#[test]
fn a_baseline_takes_the_place_of_a_baseline_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder();
    let image = image(folder.path(), "1.hackleak", 1);
    let write = |file: &Path| end(hackleak().args(["baseline", "write", path(file), path(&image)]));
    let (file, link) = (folder.path().join("b.json"), folder.path().join("link"));
    assert_eq!(write(&file).code, Some(0));
    let text = fs::read_to_string(&file).expect("it was written");
    fs::write(&file, "").expect("it is writable");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("it is mine");
    symlink(&file, &link).expect("a link");
    assert_eq!(write(&link).code, Some(0));
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&file).expect("it was written"), text);
    let rights = fs::metadata(&file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(rights & 0o777, 0o640);
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo is there").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe)
    });
    assert_eq!(write(&pipe).code, Some(0));
    assert_eq!(reader.join().expect("read").expect("UTF-8"), text);
    let before = fs::read(&image).expect("it is there");
    let ended = write(&image);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("is there and is no baseline"),
        "{}",
        ended.stderr
    );
    assert!(fs::read(&image).expect("it is there") == before);
    // A pipe among images has no writer: nobody waits for one.
    fs::rename(&pipe, folder.path().join("2.hackleak")).expect("renamed");
    for input in ["2.hackleak", "."] {
        let ended = end(hackleak()
            .current_dir(folder.path())
            .args(["report", input]));
        assert!(ended.stderr.contains("is not a file"), "{}", ended.stderr);
    }
}

#[test]
fn a_baseline_is_not_made_of_half_of_the_leaks() {
    let folder = folder();
    image(folder.path(), "1.hackleak", 1);
    fs::write(folder.path().join("2.hackleak"), "x".repeat(5000)).expect("write");
    let file = folder.path().join("known.json");
    let ended = end(hackleak().args(["baseline", "write", path(&file), path(folder.path())]));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("2.hackleak"), "{}", ended.stderr);
    assert!(!file.exists());
}

#[test]
fn wrong_baselines_are_one_sentence_with_the_remedy() {
    let folder = folder();
    let image = image(folder.path(), "1.hackleak", 1);
    let file = folder.path().join("known.json");
    for text in [
        None,
        Some("[]"),
        Some("{\"hackleakBaseline\": 9, \"sites\": []}"),
    ] {
        if let Some(text) = text {
            fs::write(&file, text).expect("write");
        }
        for arguments in [
            ["baseline", "check", path(&file), path(&image)],
            ["report", "--baseline", path(&file), path(&image)],
        ] {
            let ended = end(hackleak().args(arguments));
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            assert!(ended.stderr.contains(path(&file)), "{}", ended.stderr);
            assert!(
                ended.stderr.contains("hackleak baseline write"),
                "{}",
                ended.stderr
            );
        }
    }
}

#[test]
fn suppressions_can_be_given_on_the_command_line() {
    let folder = folder();
    let image = image(folder.path(), "1.hackleak", 2);
    let file = folder.path().join("1.supp");
    fs::write(
        &file,
        "leak:(no module)\nleak:never\nrace:x\nwhat is this\n",
    )
    .expect("write");
    let ended = end(hackleak().args(["report", "--suppressions", path(&file), path(&image)]));
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    for said in [
        "note: 3,999,986 bytes in 2 blocks suppressed by",
        "note: rule `leak:never` matched nothing",
        "note: 1 rule for other checks in",
        "is no rule and was skipped: write `leak:PATTERN`",
    ] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
    let missing = end(hackleak().args(["report", "--suppressions", "/no/such", path(&image)]));
    assert_eq!(missing.code, Some(1));
    assert!(
        missing
            .stderr
            .contains("cannot read the suppressions `/no/such`")
    );

    let listed = end(hackleak().args(["suppressions", path(&file)]));
    assert_eq!(listed.code, Some(1), "line 4 is no rule");
    let file = path(&file);
    assert_eq!(
        listed.stdout,
        format!("{file}:1: leak:(no module)\n{file}:2: leak:never\n")
    );
    assert_eq!(listed.stderr.lines().count(), 2, "{}", listed.stderr);
}
