//! One known leak: a line `key=value; key=value`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::Versions;
use crate::model::{Frame, Kind, Site};
use crate::suppress::pattern;

/// What stands between a function and the one that called it.
const CALLED_BY: &str = " < ";

/// What is wrong with a line, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct EntryError(String);

/// A known leak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The library, by the name of its artefact.
    pub library: String,
    /// The versions that leak; all without it.
    pub versions: Option<Versions>,
    /// How the blocks are allocated; in any way without it.
    pub kind: Option<Kind>,
    /// A pattern for each of some frames of the stack, the allocating side first.
    pub site: Vec<String>,
    /// Address of the report; `None` for what nobody has reported.
    pub report: Option<String>,
}

impl Entry {
    /// Whether `site` is this leak, as far as its stack and kind tell.
    pub(super) fn is_of(&self, site: &Site) -> bool {
        if self.kind.is_some_and(|kind| kind != site.kind) {
            return false;
        }
        // Taking each pattern's first frame leaves most for the others.
        let mut patterns = self.site.iter();
        let mut pattern = patterns.next();
        for frame in &site.frames {
            if pattern.is_some_and(|pattern| names(pattern, frame)) {
                pattern = patterns.next();
            }
        }
        pattern.is_none()
    }
}

/// Whether a pattern means this frame: its function, its module, both, or its method.
fn names(pattern: &str, frame: &Frame) -> bool {
    match frame {
        Frame::Native(native) => {
            let function = native.function.as_deref();
            function.is_some_and(|function| pattern::matches(pattern, function))
                || pattern::matches(pattern, &native.module)
        }
        Frame::Java(java) => pattern::matches(pattern, &format!("{}.{}", java.class, java.method)),
        Frame::Mark { .. } => false,
    }
}

impl FromStr for Entry {
    type Err = EntryError;

    fn from_str(line: &str) -> Result<Entry, EntryError> {
        let failed = |what: String| Err(EntryError(what));
        let (mut library, mut versions, mut kind, mut site, mut report) =
            (None, None, None, Vec::new(), None);
        for item in line.split(';').map(str::trim) {
            if item.is_empty() {
                continue;
            }
            let Some((key, value)) = item.split_once('=') else {
                return failed(format!(
                    "`{item}` has no value: write library=NAME; site=PATTERN"
                ));
            };
            let (key, value) = (key.trim(), value.trim());
            match key {
                "library" => library = Some(value.to_owned()).filter(|name| !name.is_empty()),
                "versions" => match value.parse() {
                    Ok(found) => versions = Some(found),
                    Err(()) => {
                        return failed(format!(
                            "`versions={value}` is no range: write 1.0..2.0, 1.0.., ..2.0 or 1.0"
                        ));
                    }
                },
                "kind" => match Kind::ALL.iter().find(|kind| kind.name() == value) {
                    Some(found) => kind = Some(*found),
                    None => {
                        return failed(format!(
                            "`kind={value}` is not known: write it as reports do, such as `malloc` \
                             or `global reference`"
                        ));
                    }
                },
                "site" => {
                    site = value
                        .split(CALLED_BY)
                        .map(|p| p.trim().to_owned())
                        .collect();
                    let says_nothing =
                        |pattern: &String| pattern.trim_matches(['^', '*', '$']).is_empty();
                    if site.iter().any(says_nothing) {
                        return failed(format!(
                            "`site={value}` has a pattern that means every frame: name a function, \
                             a library's file or a Java class.method"
                        ));
                    }
                }
                "report" => {
                    if !value.starts_with("https://") && !value.starts_with("http://") {
                        return failed(format!(
                            "`report={value}` is no address: write https://… or leave it out"
                        ));
                    }
                    report = Some(value.to_owned());
                }
                _ => {
                    return failed(format!(
                        "`{key}` is not known: use library, versions, kind, site, report"
                    ));
                }
            }
        }
        let Some(library) = library else {
            return failed("`library` is missing: name whose leak it is".to_owned());
        };
        if site.is_empty() {
            return failed(
                "`site` is missing: name the leaking function, or Java class.method".to_owned(),
            );
        }
        Ok(Entry {
            library,
            versions,
            kind,
            site,
            report,
        })
    }
}

/// The line, which reads back as the same entry.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "library={}", self.library)?;
        if let Some(versions) = &self.versions {
            write!(f, "; versions={versions}")?;
        }
        if let Some(kind) = self.kind {
            write!(f, "; kind={}", kind.name())?;
        }
        write!(f, "; site={}", self.site.join(CALLED_BY))?;
        if let Some(report) = &self.report {
            write!(f, "; report={report}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_as_the_same_entry() {
        for line in [
            "library=a; site=^b.C.d$",
            "library=a; versions=1.0..2; kind=new[]; site=f < b.C.<init> < b.D.e; report=https://x.org/1",
        ] {
            assert_eq!(line.parse::<Entry>().expect(line).to_string(), line);
        }
    }

    #[test]
    fn every_mistake_says_what_to_write() {
        for (line, said) in [
            (
                "library",
                "`library` has no value: write library=NAME; site=PATTERN",
            ),
            ("site=x", "`library` is missing: name whose leak it is"),
            (
                "library=x",
                "`site` is missing: name the leaking function, or Java class.method",
            ),
            (
                "library=x; site=y < *",
                "`site=y < *` has a pattern that means every frame: name a function, a library's file or a Java class.method",
            ),
            (
                "library=x; versions=old; site=y",
                "`versions=old` is no range: write 1.0..2.0, 1.0.., ..2.0 or 1.0",
            ),
            (
                "library=x; kind=memory; site=y",
                "`kind=memory` is not known: write it as reports do, such as `malloc` or `global reference`",
            ),
            (
                "library=x; site=y; report=#15036",
                "`report=#15036` is no address: write https://… or leave it out",
            ),
            (
                "library=x; where=y",
                "`where` is not known: use library, versions, kind, site, report",
            ),
        ] {
            let error = line.parse::<Entry>().expect_err(line);
            assert_eq!(error.to_string(), said);
        }
    }
}
