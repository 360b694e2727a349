//! `hackleak run`, with a library that records nothing: the commands bring their own images.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Ended, end, hackleak, image};

/// A folder with a preloadable library and images to copy.
struct Setting {
    folder: tempfile::TempDir,
    library: PathBuf,
}

/// Copies the image named by `$IMAGE` to where the recorder would put it.
const RECORD: &str = r#"out=${HACKLEAK_OPTIONS#*out=}; cp "$IMAGE" "${out%%,*}/1.hackleak""#;

impl Setting {
    fn new() -> Setting {
        let folder = tempfile::tempdir().expect("temporary folder");
        let library = folder.path().join("libhackleak.so");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-x", "c", "/dev/null", "-o"])
            .arg(&library);
        assert!(compiler.status().expect("a C compiler").success());
        Setting { folder, library }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, flags: &[&str], leaks: u64, script: &str) -> Ended {
        let image = image(self.path(), "image", leaks);
        let mut command = hackleak();
        command
            .current_dir(self.path())
            .env("HACKLEAK_LIBRARY", &self.library);
        command.env("IMAGE", image).arg("run").args(flags);
        end(command.args(["--", "sh", "-c", script]))
    }
}

#[test]
fn leaks_turn_success_into_23() {
    let setting = Setting::new();
    let ended = setting.run(&[], 2, &format!("echo mine; {RECORD}"));
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(23), "mine\n"),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .starts_with("3,999,986 bytes leaked in 2 blocks"),
        "{}",
        ended.stderr
    );
    let (_, report) = ended
        .stderr
        .split_once("report: ")
        .expect("where the report is");
    let lines: Vec<&str> = report.lines().collect();
    let json = fs::read_to_string(lines[0]).expect("the report was written");
    assert!(json.contains("\"blocks\": 2"), "{json}");
    let page = lines[1].strip_prefix("page: ").expect("where the page is");
    assert!(Path::new(page).is_file(), "{page}");
    assert_eq!(
        lines[2..],
        ["leaks: 3.81 MiB (3,999,986 bytes) in 2 blocks at 1 site, in 1 process"]
    );
}

#[test]
fn the_commands_own_failure_goes_first() {
    let setting = Setting::new();
    assert_eq!(
        setting.run(&[], 2, &format!("{RECORD}; exit 7")).code,
        Some(7)
    );
    assert_eq!(
        setting.run(&[], 2, &format!("{RECORD}; kill -9 $$")).code,
        Some(137)
    );
    let ended = setting.run(&[], 0, RECORD);
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stderr.starts_with("no leaks among"),
        "{}",
        ended.stderr
    );
}

#[test]
fn images_of_older_runs_are_not_mixed_in() {
    let setting = Setting::new();
    assert_eq!(setting.run(&["--out", "o"], 1, RECORD).code, Some(23));
    assert_eq!(setting.run(&["--out", "o"], 0, RECORD).code, Some(0));
    assert!(setting.path().join("o/run-1/1.hackleak").is_file());
    assert!(setting.path().join("o/run-2/1.hackleak").is_file());
}

#[test]
fn nothing_recorded_is_said_with_the_remedy() {
    let setting = Setting::new();
    let ended = setting.run(&[], 0, "true");
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("no process was recorded"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("--follow all"), "{}", ended.stderr);
    assert!(!setting.path().join("hackleak-out/run-1").exists());
    assert_eq!(setting.run(&[], 0, "exit 9").code, Some(9));
    let asked = setting.run(&["--follow", "none"], 0, "true");
    assert_eq!((asked.code, &*asked.stderr), (Some(0), ""));
}

#[test]
fn a_recorder_that_no_program_can_load_is_told() {
    // Where this user may make a mount of its own.
    let script =
        "mount -t tmpfs -o noexec none \"$1\" && cp \"$2\" \"$1\" && shift 2 && exec \"$@\"";
    let setting = Setting::new();
    let mount = setting.path().join("mount");
    fs::create_dir(&mount).expect("a temporary folder is writable");
    let may = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh"])
        .args([&mount, &setting.library, Path::new("true")])
        .output();
    if !may.is_ok_and(|ended| ended.status.success()) {
        println!("SKIPPED: a mount of this user's own");
        return;
    }
    let library = mount.join("libhackleak.so");
    let mut command = Command::new("unshare");
    command
        .current_dir(setting.path())
        .env("HACKLEAK_LIBRARY", &library)
        .args(["-rm", "sh", "-c", script, "sh"])
        .args([&mount, &setting.library])
        .arg(hackleak().get_program())
        .args(["run", "--", "true"]);
    let ended = end(&mut command);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let told = format!(
        "hackleak: no process was recorded: `{}` is in a file system that is mounted noexec",
        library.display()
    );
    let last = ended.stderr.lines().last();
    assert!(
        last.is_some_and(|line| line.starts_with(&told)),
        "{}",
        ended.stderr
    );
}

/// What a recorder leaves that ran out of room: an image, or one that is not even begun.
#[test]
fn an_incomplete_record_turns_success_into_24() {
    let setting = Setting::new();
    let out = r#"out=${HACKLEAK_OPTIONS#*out=}; out=${out%%,*}"#;
    let cut = format!(r#"{out}; head -c 1000000 "$IMAGE" >"$out/1.hackleak""#);
    let empty = format!(r#"{RECORD}; : >"${{out%%,*}}/2.hackleak""#);
    for (script, said) in [
        (&cut, "incomplete (damaged)"),
        (&empty, "incomplete (unreadable)"),
    ] {
        let ended = setting.run(&[], 0, script);
        assert_eq!(ended.code, Some(24), "{}", ended.stderr);
        assert!(ended.stderr.starts_with("incomplete: ") || ended.stderr.contains("2.hackleak"));
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(
            setting.run(&[], 0, &format!("{script}; exit 3")).code,
            Some(3)
        );
    }
    let leaks = setting.run(&[], 2, &empty);
    assert_eq!(leaks.code, Some(23), "{}", leaks.stderr);
    assert!(
        leaks.stderr.contains("incomplete (unreadable)"),
        "{}",
        leaks.stderr
    );
}

/// A run whose report cannot be written still ends with the command's code and says what it found.
#[test]
fn a_report_that_cannot_be_written_changes_no_verdict() {
    let setting = Setting::new();
    // The folder of the report's file is taken by a folder of its name.
    let block = format!(r#"{RECORD}; mkdir "${{out%%,*}}/report.json""#);
    for (leaks, script, code) in [
        (2, block.clone(), 23),
        (0, block.clone(), 1),
        (0, format!("{block}; exit 6"), 6),
    ] {
        let ended = setting.run(&[], leaks, &script);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("cannot write the report to"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains("tracked") || ended.stderr.contains("no leaks among"));
        assert!(!ended.stderr.contains("\nreport: "), "{}", ended.stderr);
    }
}

#[test]
fn the_environment_brings_library_options_and_agent() {
    let setting = Setting::new();
    let print = r#"echo "$LD_PRELOAD|$HACKLEAK_OPTIONS|$JAVA_TOOL_OPTIONS""#;
    let library = setting.library.canonicalize().expect("there");
    let out = setting
        .path()
        .canonicalize()
        .expect("there")
        .join("hackleak-out");
    let (library, out) = (library.display(), out.display());
    let flags = ["--stacks", "native", "--depth", "9", "--java-tool-options"];
    let ended = setting.run(&flags, 0, print);
    assert_eq!(
        ended.stdout,
        format!(
            "{library}|track=new+malloc+jni+unsafe+fd+zip,invalid-frees=report,held=note,stacks=native,out={out}/run-1,follow=jvm,depth=9,\
             exit=settle,strict=false|\
             -agentpath:{library}\n"
        )
    );
    let ended = setting.run(&["--follow", "all"], 0, print);
    assert!(ended.stdout.contains("follow=all"), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("|\n"), "{}", ended.stdout);
}

#[test]
fn what_is_in_the_environment_stays() {
    let setting = Setting::new();
    let other = setting.path().join("libother.so");
    fs::copy(&setting.library, &other).expect("copy");
    let mut command = hackleak();
    command
        .env("HACKLEAK_LIBRARY", &setting.library)
        .env("LD_PRELOAD", &other);
    command
        .env("JAVA_TOOL_OPTIONS", "-Da=b")
        .env("HACKLEAK_OPTIONS", "depth=17");
    command
        .args(["run", "--java-tool-options", "--out"])
        .arg(setting.path().join("o"))
        .args(["--", "sh", "-c"]);
    let ended = end(command.arg(r#"echo "$LD_PRELOAD|$HACKLEAK_OPTIONS|$JAVA_TOOL_OPTIONS""#));
    let fields: Vec<&str> = ended.stdout.trim().split('|').collect();
    assert!(
        fields[0].ends_with(&format!("libhackleak.so:{}", other.display())),
        "{}",
        fields[0]
    );
    assert!(fields[1].contains("depth=17"), "{}", fields[1]);
    assert!(fields[2].starts_with("-Da=b -agentpath:"), "{}", fields[2]);
}

/// The same option names the folder as in a JVM that is recorded without the command; the argument
/// goes first.
#[test]
fn the_folder_of_the_environment_counts_unless_one_is_given() {
    let setting = Setting::new();
    let run = |arguments: &[&str]| {
        let mut command = hackleak();
        command
            .env("HACKLEAK_LIBRARY", &setting.library)
            .env("HACKLEAK_OPTIONS", "depth=17,out=named/leaks")
            .current_dir(setting.path())
            .arg("run")
            .args(arguments)
            .args(["--", "sh", "-c", r#"echo "$HACKLEAK_OPTIONS""#]);
        end(&mut command).stdout
    };
    let named = run(&[]);
    assert!(named.contains("named/leaks/run-1,"), "{named}");
    let given = run(&["--out", "given"]);
    assert!(given.contains("/given/run-1,"), "{given}");
    assert!(given.contains("depth=17"), "{given}");
    assert!(!setting.path().join("hackleak-out").exists());
}

#[test]
fn mistakes_are_one_sentence_and_code_1() {
    let setting = Setting::new();
    for (flags, said) in [
        (&["--follow", "some"][..], "`follow=some`"),
        (&["--track", "old"], "`track=old`"),
        (&["--suppressions", "none.supp"], "none.supp"),
        (&["--out", "a,b"], "comma"),
    ] {
        let ended = setting.run(flags, 0, "echo ran");
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(1), ""),
            "{flags:?}"
        );
        assert!(ended.stderr.starts_with("hackleak: "), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    let mut command = hackleak();
    command
        .env("HACKLEAK_LIBRARY", "/none.so")
        .args(["run", "--", "true"]);
    assert!(
        end(&mut command)
            .stderr
            .contains("HACKLEAK_LIBRARY names `/none.so`")
    );
    let mut command = hackleak();
    command
        .env("HACKLEAK_LIBRARY", &setting.library)
        .current_dir(setting.path());
    let ended = end(command.args(["run", "--", "no-such-command"]));
    assert_eq!(ended.code, Some(127));
    assert!(
        ended.stderr.contains("cannot run `no-such-command`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn sigterm_is_passed_on_and_outlived() {
    let setting = Setting::new();
    // The sleep is longer than any wait for the signal, and ends with the script.
    let script = format!(
        "{RECORD}; sleep 600 >/dev/null 2>&1 & trap 'kill $!; exit 5' TERM; kill -TERM $PPID; wait"
    );
    let ended = setting.run(&[], 1, &script);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("leaked in 1 block"),
        "{}",
        ended.stderr
    );
}
