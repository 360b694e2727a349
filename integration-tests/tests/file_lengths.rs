//! A source file is short enough to be read as a whole, or docs/internals/long-files.md says why
//! not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use integration_tests::workspace;

/// The most lines of a file without a reason.
const MOST: usize = 400;
const TABLE: &str = "docs/internals/long-files.md";
/// Where sources are. `*` stands for each folder there; what ends differently is no source.
const FOLDERS: [&str; 7] = [
    "native/*/src",
    "native/agent",
    "java/*/src/main",
    "gradle/src/main",
    "integration-tests/src",
    "integration-tests/benches/src",
    "integration-tests/chaos/src",
];
const ENDS: [&str; 5] = ["rs", "java", "js", "css", "html"];

/// Files with their lines, by path from the root.
type Lengths = BTreeMap<String, usize>;
/// Files with the reason for their length.
type Reasons = BTreeMap<String, String>;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    found.map(|entry| entry.expect("an entry").path()).collect()
}

/// The folders that a pattern of `FOLDERS` names.
fn folders(root: &Path, pattern: &str) -> Vec<PathBuf> {
    match pattern.split_once("/*/") {
        None => vec![root.join(pattern)],
        Some((before, after)) => entries(&root.join(before))
            .into_iter()
            .map(|folder| folder.join(after))
            .filter(|folder| folder.is_dir())
            .collect(),
    }
}

fn lengths(root: &Path) -> Lengths {
    let mut found = Lengths::new();
    let mut open: Vec<PathBuf> = FOLDERS.iter().flat_map(|it| folders(root, it)).collect();
    while let Some(folder) = open.pop() {
        for path in entries(&folder) {
            let end = path.extension().and_then(|end| end.to_str());
            if path.is_dir() {
                open.push(path);
            } else if end.is_some_and(|end| ENDS.contains(&end)) {
                let text = fs::read_to_string(&path).expect("a source is text");
                let name = path.strip_prefix(root).expect("a path below the root");
                found.insert(name.display().to_string(), text.lines().count());
            }
        }
    }
    found
}

/// The rows of the table: the file in backquotes, and the reason.
fn reasons(text: &str) -> Reasons {
    let mut rows = Reasons::new();
    for line in text.lines() {
        let Some(row) = line.strip_prefix("| `") else {
            continue;
        };
        let (file, reason) = row
            .split_once("` |")
            .unwrap_or_else(|| panic!("{TABLE}: no row: {line}"));
        let reason = reason.trim().trim_end_matches('|').trim();
        let known = rows.insert(file.to_owned(), reason.to_owned());
        assert_eq!(known, None, "{TABLE}: {file} stands there twice");
    }
    rows
}

/// What is wrong, one sentence each.
fn faults(lengths: &Lengths, reasons: &Reasons) -> Vec<String> {
    let mut faults = Vec::new();
    for (file, lines) in lengths {
        if *lines > MOST && !reasons.contains_key(file) {
            faults.push(format!(
                "{file} has {lines} lines: cut it, or say in {TABLE} why it has more than {MOST}"
            ));
        }
    }
    for (file, reason) in reasons {
        match lengths.get(file) {
            None => faults.push(format!("{TABLE} has {file}, which is no source file")),
            Some(lines) if *lines <= MOST => faults.push(format!(
                "{TABLE} has {file}, which has only {lines} lines: take it out"
            )),
            Some(_) if reason.is_empty() => {
                faults.push(format!("{TABLE} has no reason for {file}"));
            }
            Some(_) => {}
        }
    }
    faults
}

#[test]
fn a_long_file_has_a_reason() {
    let root = workspace::root();
    let lengths = lengths(&root);
    for pattern in FOLDERS {
        let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
        let is_there = |file: &String| file.starts_with(before) && file.contains(after);
        assert!(lengths.keys().any(is_there), "no source in {pattern}");
    }
    for end in ENDS {
        let is_there = |file: &String| file.ends_with(&format!(".{end}"));
        assert!(lengths.keys().any(is_there), "no source ends in .{end}");
    }
    let table = fs::read_to_string(root.join(TABLE)).expect(TABLE);
    let faults = faults(&lengths, &reasons(&table));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_row_that_is_missing_or_too_much_is_a_fault() {
    let lengths = |files: &[(&str, usize)]| -> Lengths {
        let files = files.iter().map(|(file, lines)| (file.to_string(), *lines));
        files.collect()
    };
    let found = lengths(&[("a.rs", 400), ("b.rs", 401), ("c.rs", 1000)]);
    let good = "| file | why |\n|---|---|\n| `b.rs` | a table |\n| `c.rs` | to be cut |\n";
    assert_eq!(faults(&found, &reasons(good)), Vec::<String>::new());

    let one = |text: &str, expected: &str| {
        let faults = faults(&found, &reasons(text));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(expected), "{faults:?}");
    };
    one("| `b.rs` | a table |\n", "c.rs has 1000 lines: cut it");
    one(
        &format!("{good}| `a.rs` | short |\n"),
        "a.rs, which has only 400 lines",
    );
    one(
        &format!("{good}| `d.rs` | gone |\n"),
        "d.rs, which is no source file",
    );
    one(&good.replace("a table", ""), "no reason for b.rs");
}

/// The most columns of a line of a comment: `rustfmt` and `spotless` see to the code.
const COLUMNS: usize = 100;

/// The numbers of the comment lines that are wider. Tables and blocks of code in a comment may be.
fn wide_comments(text: &str) -> Vec<usize> {
    let mut in_code = false;
    let mut wide = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line_starts = line.trim_start();
        let marks = ["//!", "///", "//", "* "];
        let Some(comment) = marks.iter().find_map(|mark| line_starts.strip_prefix(mark)) else {
            in_code = false;
            continue;
        };
        let comment = comment.trim_start();
        in_code ^= comment.starts_with("```");
        if line.chars().count() > COLUMNS && !in_code && !comment.starts_with('|') {
            wide.push(at + 1);
        }
    }
    wide
}

#[test]
fn a_comment_is_as_wide_as_code() {
    let root = workspace::root();
    let files = lengths(&root);
    let mut faults = Vec::new();
    for file in files
        .keys()
        .filter(|file| file.ends_with(".rs") || file.ends_with(".java"))
    {
        let text = fs::read_to_string(root.join(file)).expect("a source file");
        let wide = wide_comments(&text).into_iter();
        faults.extend(wide.map(|line| format!("{file}:{line} has more than {COLUMNS} columns")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let long = "x".repeat(COLUMNS);
    let text = format!(
        "// {long}\n/// ```\n/// {long}\n/// ```\n/// | {long} |\nlet a = \"{long}\";\n  * {long}"
    );
    assert_eq!(wide_comments(&text), [1, 7]);
}
