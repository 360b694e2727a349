//! The exit codes in Java are those of this crate.

use std::fs;
use std::path::Path;

use hackleak_options::exit_code;

const CODES: [(&str, u8); 4] = [
    ("CLEAN", exit_code::CLEAN),
    ("FAILED", exit_code::FAILED),
    ("LEAKS", exit_code::LEAKS),
    ("INCOMPLETE", exit_code::INCOMPLETE),
];

/// The constants of one of these names in a Java class.
fn constants(file: &str) -> Vec<(String, u8)> {
    let java = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../java");
    let text = fs::read_to_string(java.join(file)).expect("a Java class");
    text.lines()
        .filter_map(|line| {
            let (_, constant) = line.split_once("static final int ")?;
            let (name, value) = constant.trim_end_matches(';').split_once(" = ")?;
            let known = CODES.iter().any(|(known, _)| *known == name);
            known.then(|| (name.to_owned(), value.parse().expect("a number")))
        })
        .collect()
}

#[test]
fn java_has_the_same_codes() {
    for (file, names) in [
        (
            "hackleak-core/src/main/java/dev/hackleak/ExitCode.java",
            &["CLEAN", "FAILED", "LEAKS", "INCOMPLETE"][..],
        ),
        (
            "hackleak-build/src/main/java/dev/hackleak/build/Command.java",
            &["CLEAN", "LEAKS", "INCOMPLETE"],
        ),
    ] {
        let found = constants(file);
        let due: Vec<(String, u8)> = names
            .iter()
            .filter_map(|name| CODES.iter().find(|(known, _)| known == name))
            .map(|(name, code)| ((*name).to_owned(), *code))
            .collect();
        assert_eq!(found, due, "{file}");
    }
}
