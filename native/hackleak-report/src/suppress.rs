//! Suppressions in LeakSanitizer's syntax: `leak:pattern`, one per line.
//!
//! A pattern matches anywhere in a function, a source file, a module or a Java `class.method`;
//! `*` stands for any run of characters, `^` and `$` hold it to the start and the end.

use std::path::Path;

use hackleak_options::Options;

use crate::input;
use crate::judge::amount;
use crate::model::{Frame, Site};
use crate::read::Sum;

/// Rules that always apply: what a runtime allocates once and holds for the life of the process,
/// by design. Without them no JVM would ever be clean.
const BUILT_IN: &str = "\
# The JDK's class library image: opened at start, never closed.
leak:/libjimage.so
";

/// What the notes call them.
const BUILT_IN_SOURCE: &str = "built-in rules";

/// The rules of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressions {
    patterns: Vec<String>,
    source: String,
}

impl Suppressions {
    /// Reads the rules in `text`, which came from `source`. Empty lines, comments (`#`) and rules
    /// for other checks are skipped, so that existing files work.
    pub fn parse(text: &str, source: &str) -> Suppressions {
        let rules = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("leak:"));
        let patterns = rules
            .filter(|rule| !rule.is_empty())
            .map(str::to_owned)
            .collect();
        Suppressions {
            patterns,
            source: source.to_owned(),
        }
    }

    /// Rules of the check itself, without their `leak:`.
    pub(crate) fn of_patterns(patterns: &[String]) -> Suppressions {
        Suppressions {
            patterns: patterns.to_vec(),
            source: "the check".to_owned(),
        }
    }

    /// The rules that always apply.
    pub fn built_in() -> Suppressions {
        Suppressions::parse(BUILT_IN, BUILT_IN_SOURCE)
    }

    /// The rules of the file that recorded options name, and a note when it cannot be read.
    pub(crate) fn of_options(options: &str) -> (Suppressions, Option<String>) {
        let file = options
            .parse::<Options>()
            .map(|options| options.suppressions);
        match file {
            Ok(file) if !file.is_empty() => match input::text(Path::new(&file)) {
                Ok(text) => (Suppressions::parse(&text, &file), None),
                Err(error) => {
                    let note = format!("suppressions not applied: cannot read `{file}`: {error}");
                    (Suppressions::default(), Some(note))
                }
            },
            _ => (Suppressions::default(), None),
        }
    }

    /// The sites that no rule matches, and a note on the others.
    pub(crate) fn apply(&self, sites: Vec<Site>) -> (Vec<Site>, Option<String>) {
        let (known, left): (Vec<Site>, Vec<Site>) =
            sites.into_iter().partition(|site| self.matches(site));
        if known.is_empty() {
            return (left, None);
        }
        let mut sum = Sum::default();
        known.iter().for_each(|site| {
            sum.add(Sum {
                bytes: site.bytes,
                count: site.count,
            })
        });
        let source = &self.source;
        let note = if source == BUILT_IN_SOURCE {
            format!(
                "{} held by the runtime for its whole life are not counted",
                amount(sum)
            )
        } else {
            format!("{} suppressed by `{source}`", amount(sum))
        };
        (left, Some(note))
    }

    /// Whether a rule matches a frame of `site`.
    pub fn matches(&self, site: &Site) -> bool {
        site.frames.iter().any(|frame| match frame {
            Frame::Native(native) => {
                let texts = [
                    native.function.as_deref(),
                    native.file.as_deref(),
                    Some(&*native.module),
                ];
                texts
                    .into_iter()
                    .flatten()
                    .any(|text| self.matches_text(text))
            }
            Frame::Java(java) => self.matches_text(&format!("{}.{}", java.class, java.method)),
            Frame::Mark { .. } => false,
        })
    }

    fn matches_text(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern, text))
    }
}

/// Whether `pattern` matches somewhere in `text`. Each piece between stars is taken as early as
/// it occurs, which finds a match whenever there is one; a piece held to the end is compared there.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (mut anchored, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (to_end, pattern) = match pattern.strip_suffix('$') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut rest = text;
    let mut pieces = pattern.split('*').peekable();
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        rest = if last && to_end {
            return if anchored {
                rest == piece
            } else {
                rest.ends_with(piece)
            };
        } else if anchored {
            match rest.strip_prefix(piece) {
                Some(after) => after,
                None => return false,
            }
        } else {
            match rest.find(piece) {
                Some(at) => &rest[at + piece.len()..],
                None => return false,
            }
        };
        anchored = false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_leak_sanitizer() {
        for (pattern, text, expected) in [
            ("init", "library_init_once", true),
            ("lib*once", "library_init_once", true),
            ("once*lib", "library_init_once", false),
            ("^lib", "library", true),
            ("^rary", "library", false),
            ("rary$", "library", true),
            ("^lib*y$", "library", true),
            ("^library$", "library_init", false),
            ("^a*a$", "a", false),
            ("*", "", true),
            ("é*x", "aéxx", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn built_in_rules_are_rules() {
        assert_eq!(Suppressions::built_in().patterns, ["/libjimage.so"]);
    }

    #[test]
    fn other_rules_and_comments_are_skipped() {
        let rules = Suppressions::parse("# known\nrace:x\n leak:abc \nleak:\n", "file");
        assert_eq!(rules.patterns, ["abc"]);
    }
}
