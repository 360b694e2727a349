//! Suppressions in LeakSanitizer's syntax: `leak:pattern`, one per line, and the built-in rules.
//!
//! A pattern matches anywhere in a function, a source file, a module or a Java `class.method`. A
//! site belongs to the first rule that matches it, built-in rules first, then the files in their
//! order; so the counts of the rules add up to what was left out.

mod builtin;
mod file;
pub(crate) mod pattern;

pub use builtin::{BUILT_IN, BuiltIn};
pub use file::Suppressions;

use hackleak_options::Options;

use crate::model::{Frame, Site, Suppression};
use crate::numbers::{BLOCK, HANDLE};
use crate::sum::{Sum, amount};

/// The most rules that a note names.
const MAX_NAMED: usize = 5;

/// The rules that one process is judged with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    built_in: bool,
    files: Vec<Suppressions>,
    /// What could not be read, or was skipped.
    notes: Vec<String>,
}

/// What the rules left.
pub(crate) struct Left {
    pub(crate) sites: Vec<Site>,
    pub(crate) suppressions: Vec<Suppression>,
    pub(crate) notes: Vec<String>,
}

impl Rules {
    /// The rules that recorded options name, then those that were given besides. `built_in`
    /// decides over the option.
    pub(crate) fn new(options: &str, given: &[Suppressions], built_in: Option<bool>) -> Rules {
        let options: Options = options.parse().unwrap_or_default();
        let mut rules = Rules {
            built_in: built_in.unwrap_or(options.builtin_suppressions),
            ..Rules::default()
        };
        for file in options.suppression_files() {
            match Suppressions::read(file) {
                Ok(suppressions) => rules.files.push(suppressions),
                Err(error) => rules.notes.push(format!(
                    "suppressions not applied: cannot read `{file}`: {error}"
                )),
            }
        }
        for file in given {
            if !rules.files.iter().any(|known| known.source == file.source) {
                rules.files.push(file.clone());
            }
        }
        let skipped = rules.files.iter().flat_map(|file| file.skipped.clone());
        rules.notes.extend(skipped);
        rules
    }

    /// Whether a rule matches every site of these frames and kind, however many blocks it has and
    /// whoever holds them. Built-in rules leave out nothing that is lost, so they are none of
    /// those.
    pub(crate) fn covers(&self, site: &Site) -> bool {
        debug_assert_eq!((site.bytes, site.blocks), (0, 0));
        self.files.iter().any(|file| file.matches(site))
    }

    /// The sites that no rule matches, and what the rules matched.
    pub(crate) fn apply(self, sites: Vec<Site>) -> Left {
        let mut counts = vec![Count::default(); BUILT_IN.len()];
        let lines: Vec<(usize, &file::Line)> = (0..)
            .zip(&self.files)
            .flat_map(|(file, rules)| rules.lines.iter().map(move |line| (file, line)))
            .collect();
        let mut given = vec![Count::default(); lines.len()];
        let mut left = Vec::new();
        for site in sites {
            let built_in = self.built_in.then(|| builtin::position(&site)).flatten();
            let rule = built_in.map(|rule| &mut counts[rule]).or_else(|| {
                if lines.is_empty() {
                    return None;
                }
                let texts = texts(&site);
                let matching = |(_, line): &(usize, &file::Line)| {
                    texts
                        .iter()
                        .any(|text| pattern::matches(&line.pattern, text))
                };
                lines.iter().position(matching).map(|rule| &mut given[rule])
            });
            match rule {
                Some(count) => count.add(&site),
                None => left.push(site),
            }
        }

        let mut suppressions: Vec<Suppression> = BUILT_IN
            .iter()
            .zip(&counts)
            .filter(|(_, count)| count.sites > 0)
            .map(|(rule, count)| count.of(rule.name.to_owned(), "built-in", None))
            .collect();
        let mut notes = self.notes;
        if !suppressions.is_empty() {
            notes.push(format!(
                "{} held by the runtime for its whole life are not counted",
                amount(sum(&suppressions))
            ));
        }
        for (position, file) in self.files.iter().enumerate() {
            let own: Vec<Suppression> = lines
                .iter()
                .zip(&given)
                .filter(|((of, _), _)| *of == position)
                .map(|((_, line), count)| {
                    count.of(
                        format!("leak:{}", line.pattern),
                        &file.source,
                        Some(line.number),
                    )
                })
                .collect();
            notes.extend(note(&own, &file.source));
            suppressions.extend(own);
        }
        Left {
            sites: left,
            suppressions,
            notes,
        }
    }
}

/// What one rule matched.
#[derive(Debug, Clone, Default)]
struct Count {
    sites: u64,
    sum: Sum,
}

impl Count {
    fn add(&mut self, site: &Site) {
        self.sites += 1;
        self.sum.add(Sum::of(site));
    }

    fn of(&self, rule: String, source: &str, line: Option<u32>) -> Suppression {
        Suppression {
            rule,
            source: source.to_owned(),
            line,
            sites: self.sites,
            blocks: self.sum.count,
            bytes: self.sum.bytes,
        }
    }
}

fn sum(suppressions: &[Suppression]) -> Sum {
    let mut sum = Sum::default();
    let used = suppressions.iter().filter(|rule| rule.blocks > 0);
    used.for_each(|rule| sum.add(sum_of(rule)));
    sum
}

/// What a rule has left out. Of handles alone there are no bytes to tell.
fn sum_of(rule: &Suppression) -> Sum {
    Sum {
        bytes: rule.bytes,
        count: rule.blocks,
        noun: Some(if rule.bytes == 0 { HANDLE } else { BLOCK }),
    }
}

/// What the rules of one file matched, if anything.
fn note(rules: &[Suppression], source: &str) -> Option<String> {
    let mut used: Vec<&Suppression> = rules.iter().filter(|rule| rule.sites > 0).collect();
    used.sort_by_key(|rule| std::cmp::Reverse((rule.bytes, rule.blocks)));
    if used.is_empty() {
        return None;
    }
    let named: Vec<String> = used
        .iter()
        .take(MAX_NAMED)
        .map(|rule| format!("`{}` {}", rule.rule, amount(sum_of(rule))))
        .collect();
    let more = match used.len() - named.len() {
        0 => String::new(),
        more => format!(", and {more} more rules"),
    };
    Some(format!(
        "{} suppressed by `{source}`: {}{more}",
        amount(sum(rules)),
        named.join(", ")
    ))
}

/// Everything of `site` that a pattern can match.
fn texts(site: &Site) -> Vec<String> {
    let mut texts = Vec::new();
    for frame in &site.frames {
        match frame {
            Frame::Native(native) => {
                texts.extend(native.function.clone());
                texts.extend(native.file.clone());
                texts.push(native.module.clone());
            }
            Frame::Java(java) => texts.push(format!("{}.{}", java.class, java.method)),
            Frame::Mark { .. } => {}
        }
    }
    texts
}

impl Suppressions {
    /// Rules of one check, without their `leak:`; none for no patterns.
    pub(crate) fn of_patterns(patterns: &[String]) -> Vec<Suppressions> {
        if patterns.is_empty() {
            return Vec::new();
        }
        let lines = (1..).zip(patterns).map(|(number, pattern)| file::Line {
            number,
            pattern: pattern.clone(),
        });
        vec![Suppressions {
            lines: lines.collect(),
            source: "the check".to_owned(),
            ..Suppressions::default()
        }]
    }

    /// Whether one of the rules matches the site.
    pub fn matches(&self, site: &Site) -> bool {
        let texts = texts(site);
        self.lines.iter().any(|line| {
            texts
                .iter()
                .any(|text| pattern::matches(&line.pattern, text))
        })
    }
}
