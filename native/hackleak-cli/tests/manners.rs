//! Help, completions, man pages, colour and quiet: what people expect of any command.

mod support;

use std::fs;
use std::process::Command;

use support::{end, hackleak, image};

const COMMANDS: [&str; 9] = [
    "run",
    "spark-submit",
    "report",
    "doctor",
    "find-leak",
    "top",
    "dump",
    "completions",
    "man",
];

fn help_of(command: &str) -> String {
    let ended = end(hackleak().args([command, "--help"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.stdout
}

#[test]
fn every_help_has_an_example() {
    for command in COMMANDS {
        let help = help_of(command);
        let examples = help.split("Example").nth(1).unwrap_or_default();
        assert!(examples.contains("hackleak "), "{command}: {help}");
    }
}

#[test]
fn the_bash_completion_is_a_script_that_completes() {
    let script = end(hackleak().args(["completions", "bash"]));
    assert_eq!(script.code, Some(0));
    // What bash itself does on the tab key after `hackleak fi`.
    let program = format!(
        "{}\nCOMP_WORDS=(hackleak fi); COMP_CWORD=1; _hackleak hackleak fi hackleak; echo \"${{COMPREPLY[@]}}\"",
        script.stdout
    );
    let ended = end(Command::new("bash").args(["-c", &program]));
    assert_eq!(ended.stdout.trim(), "find-leak", "{}", ended.stderr);
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = end(hackleak().args(["completions", shell]));
        assert_eq!(script.code, Some(0));
        for command in COMMANDS {
            assert!(script.stdout.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(end(hackleak().args(["completions", "cmd"])).code, Some(1));
}

#[test]
fn there_is_a_man_page_for_every_command() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let out = folder.path().join("man1");
    let ended = end(hackleak().args(["man", "--out"]).arg(&out));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    for command in COMMANDS {
        let page = fs::read_to_string(out.join(format!("hackleak-{command}.1"))).expect(command);
        let sections = page.lines().filter_map(|line| line.strip_prefix(".SH "));
        let sections: Vec<&str> = sections.map(|title| title.trim_matches('"')).collect();
        let wanted = [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "EXAMPLES",
            "EXIT STATUS",
            "ENVIRONMENT",
            "FILES",
            "SEE ALSO",
        ];
        assert_eq!(sections, wanted, "{command}");
        let examples = page.split("EXAMPLES").nth(1).unwrap_or_default();
        assert!(examples.contains("\n  hackleak "), "{examples}");
    }
    for nested in ["hackleak-baseline-write.1", "hackleak-baseline-check.1"] {
        assert!(out.join(nested).is_file(), "{nested}");
    }
    assert!(!out.join("hackleak-serve.1").exists(), "it is hidden");
    let page = end(hackleak().arg("man")).stdout;
    assert!(page.contains(".TH") && page.contains("hackleak"), "{page}");
}

#[test]
fn colour_is_for_terminals_and_for_whom_asks() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = image(folder.path(), "1.hackleak", 1);
    let report =
        |arguments: &[&str]| end(hackleak().arg("report").args(arguments).arg(&file)).stdout;
    let plain = report(&[]);
    assert!(!plain.contains('\u{1b}'));
    assert_eq!(report(&["--color", "never"]), plain);
    let coloured = report(&["--color", "always"]);
    assert!(coloured.starts_with("\u{1b}[1m\u{1b}[31m"), "{coloured:?}");
    let json = report(&["--color", "always", "--format", "json"]);
    assert!(!json.contains('\u{1b}'));
    let help = end(hackleak().args(["--color=always", "--help"])).stdout;
    assert!(help.contains('\u{1b}'));
    assert!(!end(hackleak().arg("--help")).stdout.contains('\u{1b}'));
}

#[test]
fn quiet_says_nothing_where_nothing_is_wrong() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let clean = image(folder.path(), "clean.hackleak", 0);
    let leaky = image(folder.path(), "leaky.hackleak", 1);
    let ended = end(hackleak().args(["report", "--quiet"]).arg(&clean));
    assert_eq!(
        (ended.code, &*ended.stdout, &*ended.stderr),
        (Some(0), "", "")
    );
    let ended = end(hackleak().args(["-q", "report"]).arg(&leaky));
    assert_eq!(ended.code, Some(23));
    assert!(
        ended.stdout.starts_with("1,999,993 bytes leaked"),
        "{}",
        ended.stdout
    );
}

#[test]
fn the_new_schema_is_printed() {
    let schema = end(hackleak().args(["schema", "find-leak"])).stdout;
    assert_eq!(
        schema,
        include_str!("../../../docs/schema/find-leak-v1.json")
    );
}
