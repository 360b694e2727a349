//! `hackleak report`, `schema`, and what is said about wrong usage.

mod support;

use std::fs;
use std::io::Read;
use std::process::Stdio;

use support::{end, hackleak, image, lossy_image};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

#[test]
fn exit_codes_say_the_verdict() {
    let folder = folder();
    for (file, code, start) in [
        (
            image(folder.path(), "leaky.hackleak", 3),
            23,
            "5,999,979 bytes leaked in 3 blocks",
        ),
        (
            image(folder.path(), "clean.hackleak", 0),
            0,
            "no leaks among C++ new/delete",
        ),
        (
            lossy_image(folder.path(), "lossy.hackleak", 0),
            24,
            "incomplete: no leaks were seen",
        ),
        (
            lossy_image(folder.path(), "both.hackleak", 1),
            23,
            "1,999,993 bytes leaked",
        ),
    ] {
        let ended = end(hackleak().arg("report").arg(&file));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stdout.starts_with(start), "{}", ended.stdout);
    }
}

#[test]
fn epoch_and_scope_select() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 1);
    for (arguments, code) in [
        (["--since", "2"], 23),
        (["--scope", "1"], 23),
        (["--allow-blocks", "1"], 0),
    ] {
        assert_eq!(
            end(hackleak().arg("report").arg(&file).args(arguments)).code,
            Some(code)
        );
    }
}

/// A number or a name that is mistyped does not make a report clean, and a part of a folder's
/// processes may have it.
#[test]
fn what_no_process_has_cannot_be_selected() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 1);
    let nothing = "hackleak: nothing was looked at, in any process: ";
    let wrong = [
        (
            ["--since", "3"],
            "epoch 3 has not begun: the newest checkpoint's is 2",
        ),
        (["--scope", "2"], "no scope of the process has the number 2"),
        (
            ["--scope", "no such"],
            "no scope of the process has a name that begins with `no such`",
        ),
        (
            ["--kinds", "thread+mmap"],
            "none of the kinds thread+mmap was tracked: record with track=new+thread+mmap",
        ),
    ];
    for (arguments, why) in wrong {
        let ended = end(hackleak().arg("report").arg(&file).args(arguments));
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert_eq!(ended.stderr, format!("{nothing}{why}\n"));
        // The Java library asks for what it knows, and gets a note at most.
        let lines = end(hackleak()
            .args(["report", "--format", "lines"])
            .arg(&file)
            .args(arguments));
        assert_eq!(lines.code, Some(0), "{}", lines.stderr);
        assert!(lines.stdout.contains(why), "{}", lines.stdout);
    }
    for (arguments, why) in [
        (
            ["--suppress", ""],
            "an empty --suppress would match every leak",
        ),
        (["--rounds", "1"], "--rounds takes where each round begins"),
    ] {
        let ended = end(hackleak().arg("report").arg(&file).args(arguments));
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
}

/// However a process is named, its leaks count once.
#[test]
fn a_process_that_is_named_twice_counts_once() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 1);
    let (link, json) = (folder.path().join("link"), folder.path().join("1.json"));
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    end(hackleak().arg("report").arg(&file).arg("--json").arg(&json));
    let once = end(hackleak().arg("report").arg(&file));
    for again in [&file, &link, &json, &folder.path().to_owned()] {
        let twice = end(hackleak().arg("report").arg(&file).arg(again));
        assert_eq!((twice.code, &twice.stdout), (Some(23), &once.stdout));
        let twice = end(hackleak().arg("report").arg(again).arg(&file));
        assert_eq!((twice.code, &twice.stdout), (Some(23), &once.stdout));
    }
}

/// What is read is not written over, and no output takes the place of another one.
#[test]
fn outputs_are_files_of_their_own() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 1);
    let before = fs::read(&file).expect("it is there");
    let other = folder.path().join("x");
    for (arguments, why) in [
        (
            ["--output", "1.hackleak", "--json", "x"],
            "is to be read, and would be written over",
        ),
        (
            ["--html", "x", "--json", "x"],
            "is named for several outputs",
        ),
    ] {
        let ended = end(hackleak()
            .current_dir(folder.path())
            .args(["report", "1.hackleak"])
            .args(arguments));
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
        assert!(!other.exists());
    }
    assert!(fs::read(&file).expect("it is there") == before);
}

#[test]
fn scopes_are_named_by_the_words_they_begin_with() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 1);
    let ended = |words: &[&str]| end(hackleak().arg("report").arg(&file).args(words));
    assert_eq!(ended(&["--scope", "mine"]).code, Some(23));
    let owned = ended(&["--scope", "mine", "--owned"]);
    assert_eq!(owned.code, Some(1));
    assert!(
        owned.stderr.contains("give --scope its number"),
        "{}",
        owned.stderr
    );
}

#[test]
fn a_packed_image_is_read_by_name_and_in_a_folder() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 3);
    let whole = end(hackleak().arg("report").arg(&file)).stdout;
    let gzip = std::process::Command::new("gzip").arg(&file).status();
    assert!(gzip.expect("gzip is there").success());
    let packed = folder.path().join("1.hackleak.gz");
    assert!(!file.exists() && packed.exists());
    for input in [&packed, &folder.path().to_owned()] {
        let ended = end(hackleak().arg("report").arg(input));
        assert_eq!(ended.code, Some(23), "{}", ended.stderr);
        assert_eq!(ended.stdout.replace(".hackleak.gz", ".hackleak"), whole);
    }
    let content = fs::read(&packed).expect("it is there");
    fs::write(&packed, &content[..content.len() / 2]).expect("it is writable");
    let ended = end(hackleak().arg("report").arg(&packed));
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1));
    assert!(
        ended.stderr.contains("1.hackleak.gz` was cut off"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_folder_stands_for_its_images_and_those_one_level_below() {
    let folder = folder();
    let below = folder.path().join("run-1");
    fs::create_dir(&below).expect("create");
    image(folder.path(), "1.hackleak", 1);
    image(&below, "2.hackleak", 2);
    fs::write(folder.path().join("other.txt"), "not an image").expect("write");
    let ended = end(hackleak()
        .args(["report", "--format", "json"])
        .arg(folder.path()));
    assert_eq!(ended.code, Some(23), "{}", ended.stderr);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let counts: Vec<_> = report["processes"]
        .as_array()
        .expect("array")
        .iter()
        .collect();
    assert_eq!(counts.len(), 2);
    assert_eq!(counts[1]["leaks"]["blocks"], 2);
    let schema = end(hackleak().arg("schema"));
    let schema = serde_json::from_str(&schema.stdout).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &report));
}

#[test]
fn files_are_written_where_asked() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 1);
    let (json, text) = (folder.path().join("r.json"), folder.path().join("r.lines"));
    let mut command = hackleak();
    command
        .args(["report", "--format", "lines", "--json"])
        .arg(&json);
    let ended = end(command.arg("--output").arg(&text).arg(&file));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(23), ""));
    let lines = fs::read_to_string(&text).expect("written");
    assert!(
        lines.contains(&format!("json\t{}\n", json.display())),
        "{lines}"
    );
    assert!(lines.ends_with("\nend\n"), "{lines}");
    let json = fs::read_to_string(&json).expect("written");
    assert!(json.starts_with("{\n  \"schemaVersion\": 1,"), "{json}");
}

#[test]
fn a_folder_of_runs_becomes_one_page() {
    let folder = folder();
    image(folder.path(), "1.hackleak", 1);
    image(folder.path(), "2.hackleak", 2);
    let page = folder.path().join("report.html");
    let mut command = hackleak();
    let command = command.arg("report").arg(folder.path());
    let ended = end(command.arg("--html").arg(&page));
    assert_eq!(ended.code, Some(23), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("1,999,993 bytes leaked"));
    let written = fs::read_to_string(&page).expect("written");
    let verdict = "5.72 MiB in 3 blocks at 1 site, in 2 of 2 processes";
    assert!(written.contains(verdict), "{written}");
    let printed = end(hackleak()
        .args(["report", "--format", "html"])
        .arg(folder.path()));
    assert_eq!(printed.stdout, written);

    let nowhere = folder.path().join("missing/report.html");
    let ended = end(hackleak()
        .arg("report")
        .arg(folder.path())
        .arg("--html")
        .arg(&nowhere));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("cannot write the report to"),
        "{}",
        ended.stderr
    );
}

#[test]
fn wrong_input_is_one_sentence_and_code_1() {
    let folder = folder();
    let text = folder.path().join("text.hackleak");
    fs::write(&text, "x".repeat(5000)).expect("write");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("create");
    for (input, said) in [
        (folder.path().join("missing"), "cannot open the image"),
        (text, "is not a HackLeak image"),
        (empty, "no images in"),
    ] {
        let ended = end(hackleak().arg("report").arg(&input));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
        assert!(ended.stderr.starts_with("hackleak: "), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(
            ended.stderr.contains(input.to_str().expect("UTF-8")),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn wrong_usage_is_code_1_and_help_is_0() {
    for arguments in [
        &[][..],
        &["report"],
        &["report", "--since", "x", "y"],
        &["frobnicate"],
    ] {
        let ended = end(hackleak().args(arguments));
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty());
    }
    for argument in ["--help", "--version"] {
        let ended = end(hackleak().arg(argument));
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{argument}"
        );
        assert!(ended.stdout.contains("hackleak"), "{}", ended.stdout);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = folder();
    let files = (0..100).map(|number| image(folder.path(), &format!("{number}.hackleak"), 1));
    let mut command = hackleak();
    // More than a pipe takes without a reader.
    command.args(["report", "--format", "json"]).args(files);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut stderr)
        .expect("UTF-8");
    assert_eq!(child.wait().expect("ended").code(), Some(23));
    assert_eq!(stderr, "");
}

/// The folder's only JSON file, if there is one.
fn json_of(arguments: &[&str], image: &std::path::Path, json: &std::path::Path) -> Option<String> {
    let _ = fs::remove_file(json);
    let ended = end(hackleak()
        .arg("report")
        .arg(image)
        .args(arguments)
        .arg("--json-on-failure")
        .arg(json));
    assert!(
        ended.code == Some(0) || ended.code == Some(23),
        "{}",
        ended.stderr
    );
    fs::read_to_string(json).ok()
}

#[test]
fn a_failure_has_a_file_of_its_own_part_and_a_clean_check_has_none() {
    let folder = folder();
    let file = image(folder.path(), "1.hackleak", 1);
    let json = folder.path().join("1.json");
    assert_eq!(json_of(&["--allow-blocks", "1"], &file, &json), None);
    let text = json_of(&["--since", "2"], &file, &json).expect("a file");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let process = &report["processes"][0];
    assert_eq!(process["leaks"]["blocks"], 1);
    for list in ["timeline", "checkpoints"] {
        let list = process[list].as_array().expect(list);
        let before = list.iter().filter(|it| it["epoch"].as_u64() < Some(2));
        assert_eq!(before.count(), 0, "{list:?}");
    }
    let whole = end(hackleak()
        .args(["report", "--format", "json", "--since", "2"])
        .arg(&file));
    let whole: serde_json::Value = serde_json::from_str(&whole.stdout).expect("JSON");
    let checkpoints = |report: &serde_json::Value| {
        report["processes"][0]["checkpoints"]
            .as_array()
            .map(Vec::len)
    };
    assert!(checkpoints(&report) <= checkpoints(&whole));
}

/// Sends one request and reads its answer: exit code, report, error.
fn ask(server: &mut std::process::Child, arguments: &[&str]) -> (u32, String, String) {
    use std::io::Write;
    let request: Vec<u8> = arguments
        .iter()
        .flat_map(|argument| argument.bytes().chain([0]))
        .collect();
    let to = server.stdin.as_mut().expect("stdin");
    to.write_all(&(request.len() as u32).to_be_bytes())
        .expect("write");
    to.write_all(&request).expect("write");
    to.flush().expect("flush");
    let from = server.stdout.as_mut().expect("stdout");
    let mut number = || {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes).expect("read");
        u32::from_be_bytes(bytes)
    };
    let (code, out, error) = (number(), number(), number());
    let mut text = |length: u32| {
        let mut bytes = vec![0; length as usize];
        from.read_exact(&mut bytes).expect("read");
        String::from_utf8(bytes).expect("text")
    };
    (code, text(out), text(error))
}

#[test]
fn served_reports_are_those_of_the_command_and_the_server_ends_with_its_stdin() {
    let folder = folder();
    let leaky = image(folder.path(), "leaky.hackleak", 3);
    let clean = image(folder.path(), "clean.hackleak", 0);
    let mut server = hackleak()
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start");
    let mut ready = [0; 17];
    let from = server.stdout.as_mut().expect("stdout");
    from.read_exact(&mut ready).expect("read");
    assert_eq!(&ready, b"hackleak-serve 1\n");
    for (file, code) in [(&leaky, 23), (&clean, 0), (&leaky, 23)] {
        let file = file.to_str().expect("path");
        let (served, out, error) = ask(&mut server, &[file, "--format", "lines"]);
        let ended = end(hackleak().args(["report", file, "--format", "lines"]));
        assert_eq!((served, &*error), (code, ""));
        assert_eq!(ended.code, Some(code as i32));
        assert_eq!(out, ended.stdout);
    }
    let (code, _, error) = ask(&mut server, &["/no/such.hackleak"]);
    assert_eq!(code, 1);
    assert!(error.contains("/no/such.hackleak"), "{error}");
    drop(server.stdin.take());
    assert!(server.wait().expect("wait").success());
}
