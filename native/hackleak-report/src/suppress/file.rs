//! Files of rules in LeakSanitizer's syntax, which projects have already and share between
//! sanitizers: what is no rule for leaks is skipped, and said.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::input;
use crate::numbers::counted;

/// Kinds of rules that other sanitizers read from the same files.
const OTHER_KINDS: [&str; 13] = [
    "race",
    "race_top",
    "mutex",
    "thread",
    "signal",
    "deadlock",
    "called_from_lib",
    "interceptor_name",
    "interceptor_via_fun",
    "interceptor_via_lib",
    "odr_violation",
    "vptr_check",
    "src",
];

/// One line `leak:pattern`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u32,
    pub(super) pattern: String,
}

/// The rules of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressions {
    pub(super) lines: Vec<Line>,
    /// Where they came from.
    pub(super) source: String,
    /// What was skipped, one sentence each.
    pub(super) skipped: Vec<String>,
    /// How many of these, the first ones, are no rules for any check.
    pub(super) mistakes: usize,
}

impl Suppressions {
    /// Reads the rules in `text`, which came from `source`. Empty lines and comments (`#`) are
    /// skipped, and so are rules for other checks, which is said in a note.
    pub fn parse(text: &str, source: &str) -> Suppressions {
        let mut lines = Vec::new();
        let mut others: BTreeMap<&str, u64> = BTreeMap::new();
        let mut skipped = Vec::new();
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(':') {
                Some(("leak", "")) => {
                    skipped.push(format!(
                        "line {number} of `{source}` has no pattern: write `leak:*` to mean all \
                         leaks"
                    ));
                }
                Some(("leak", pattern)) => lines.push(Line {
                    number,
                    pattern: pattern.to_owned(),
                }),
                Some((kind, _)) if is_other_kind(kind) => *others.entry(kind).or_default() += 1,
                _ => {
                    skipped.push(format!(
                        "line {number} of `{source}` is no rule and was skipped: write \
                         `leak:PATTERN`"
                    ));
                }
            }
        }
        let mistakes = skipped.len();
        if !others.is_empty() {
            let kinds: Vec<&str> = others.keys().copied().collect();
            skipped.push(format!(
                "{} for other checks in `{source}` skipped: {}",
                counted(others.values().sum(), "rule"),
                kinds.join(", ")
            ));
        }
        Suppressions {
            lines,
            source: source.to_owned(),
            skipped,
            mistakes,
        }
    }

    /// Number and pattern of each rule.
    pub fn rules(&self) -> impl Iterator<Item = (u32, &str)> {
        self.lines.iter().map(|line| (line.number, &*line.pattern))
    }

    /// What was skipped, one sentence each.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Whether the file has lines that are rules for nobody, and so mistakes.
    pub fn has_errors(&self) -> bool {
        self.mistakes > 0
    }

    /// What is no rule for any check, one sentence each; [`Self::skipped`] has it as well.
    pub fn mistakes(&self) -> &[String] {
        &self.skipped[..self.mistakes]
    }

    /// Reads the rules in `file`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is too long, or is no UTF-8.
    pub fn read(file: &str) -> io::Result<Suppressions> {
        Ok(Suppressions::parse(&input::text(Path::new(file))?, file))
    }
}

/// Whether another sanitizer has rules of this kind. UndefinedBehaviorSanitizer names them after
/// its checks, which are many and have hyphens.
fn is_other_kind(kind: &str) -> bool {
    OTHER_KINDS.contains(&kind)
        || kind.starts_with("interceptor")
        || matches!(
            kind,
            "undefined"
                | "alignment"
                | "bool"
                | "bounds"
                | "builtin"
                | "enum"
                | "function"
                | "implicit-conversion"
                | "integer"
                | "null"
                | "nullability"
                | "object-size"
                | "return"
                | "shift"
                | "unreachable"
                | "vla-bound"
                | "vptr"
        )
        || [
            "-overflow",
            "-divide-by-zero",
            "-truncation",
            "-change",
            "-base",
            "-exponent",
            "-attribute",
            "-return",
            "-arg",
            "-assign",
        ]
        .iter()
        .any(|end| kind.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_shared_with_other_sanitizers_work() {
        let text = "\u{feff}# known leaks\r\n\r\nleak:libfoo.so\r\n  leak:^bar$  \nrace:Queue::pop\nrace_top:x\nsigned-integer-overflow:y\nleak:\nlaek:z\nfree text\n";
        let rules = Suppressions::parse(text, "all.supp");
        let found: Vec<(u32, &str)> = rules
            .lines
            .iter()
            .map(|line| (line.number, &*line.pattern))
            .collect();
        assert_eq!(found, [(3, "libfoo.so"), (4, "^bar$")]);
        assert_eq!(
            rules.skipped,
            [
                "line 8 of `all.supp` has no pattern: write `leak:*` to mean all leaks",
                "line 9 of `all.supp` is no rule and was skipped: write `leak:PATTERN`",
                "line 10 of `all.supp` is no rule and was skipped: write `leak:PATTERN`",
                "3 rules for other checks in `all.supp` skipped: race, race_top, signed-integer-overflow",
            ]
        );
    }
}
