//! Known leaks of libraries: whose leak it is, and where it was reported.
//!
//! A leak inside of a library is not the fault of whoever calls it, and fails every test that does.
//! So a list of such leaks comes with HackLeak, and projects have lists of their own. A site on one
//! is reported as what it is, and fails nothing unless the option `known` is `fail`. Lists have one
//! format, which `docs/known-leaks.md` explains:
//!
//! ```text
//! # a comment
//! library=rocksdbjni; versions=8.10.0..; site=org.rocksdb.ReadOptions.<init> < org.rocksdb.RocksDB.<init>; report=https://…
//! ```
//!
//! What is difficult: the library that a process has loaded was unpacked from a jar, and its file
//! does not tell which version it is. `jars` looks for the jar; where there is none, an entry
//! counts for every version, and the report says so.

mod entry;
mod jars;
mod offer;
mod versions;

use std::io;
use std::path::Path;

use hackleak_options::{Known as OfKnown, Options};
use thiserror::Error;

use crate::input;
use crate::model::{KnownLeak, Process, Site, State};
use crate::sum::{Sum, amount};

pub use entry::{Entry, EntryError};
pub use offer::offer;
pub use versions::Versions;

use jars::Jars;

/// The list that comes with HackLeak.
const SHIPPED: &str = include_str!("known/shipped.txt");
/// What stands for its file.
pub const BUILT_IN: &str = "built-in";

/// Why a list of known leaks cannot be used: one sentence that names the file, the line and the
/// remedy.
#[derive(Debug, Error)]
pub enum KnownError {
    /// It cannot be opened or read.
    #[error("cannot read the known leaks `{file}`: {error}; docs/known-leaks.md has the format")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// A line is no entry.
    #[error("line {line} of the known leaks `{file}` is no entry: {error}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u32,
        /// What is wrong with it, and the remedy.
        error: EntryError,
    },
}

/// The entries of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownLeaks {
    entries: Vec<(u32, Entry)>,
    source: String,
}

impl KnownLeaks {
    /// The list that comes with HackLeak.
    pub fn shipped() -> KnownLeaks {
        KnownLeaks::parse(SHIPPED, BUILT_IN).unwrap_or_default()
    }

    /// Reads the entries in `text`, which came from `source`. Empty lines and comments (`#`) are
    /// skipped.
    ///
    /// # Errors
    ///
    /// The first line that is no entry. Half of a list would fail tests for what its other half
    /// says.
    pub fn parse(text: &str, source: &str) -> Result<KnownLeaks, KnownError> {
        let mut entries = Vec::new();
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = line.parse().map_err(|error| KnownError::Malformed {
                file: source.to_owned(),
                line: number,
                error,
            })?;
            entries.push((number, entry));
        }
        Ok(KnownLeaks {
            entries,
            source: source.to_owned(),
        })
    }

    /// Reads the entries in `file`.
    ///
    /// # Errors
    ///
    /// See [`KnownError`].
    pub fn read(file: &str) -> Result<KnownLeaks, KnownError> {
        let text = input::text(Path::new(file)).map_err(|error| KnownError::Unreadable {
            file: file.to_owned(),
            error,
        })?;
        KnownLeaks::parse(&text, file)
    }

    /// Line and entry of each.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &Entry)> {
        self.entries.iter().map(|(line, entry)| (*line, entry))
    }
}

/// The lists that one process is judged with.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    of_known: OfKnown,
    lists: Vec<KnownLeaks>,
    notes: Vec<String>,
}

/// What the lists made of the sites.
pub(crate) struct Sorted {
    /// What counts as a leak.
    pub(crate) sites: Vec<Site>,
    /// Known leaks that are no failure.
    pub(crate) known: Vec<Site>,
    pub(crate) notes: Vec<String>,
}

impl Lists {
    /// The lists that recorded options name, those that were `given` besides, and the one that
    /// comes with HackLeak. `of_known` decides over the option.
    pub(crate) fn new(options: &str, given: &[KnownLeaks], of_known: Option<OfKnown>) -> Lists {
        let options: Options = options.parse().unwrap_or_default();
        let mut lists: Vec<KnownLeaks> = given.to_vec();
        let mut notes = Vec::new();
        for file in options.known_leaks_files() {
            if lists.iter().any(|known| known.source == file) {
                continue;
            }
            match KnownLeaks::read(file) {
                Ok(list) => lists.push(list),
                Err(error) => notes.push(format!("known leaks not applied: {error}")),
            }
        }
        // What a project says of a leak goes before what is said here.
        lists.push(KnownLeaks::shipped());
        Lists {
            of_known: of_known.unwrap_or(options.known),
            lists,
            notes,
        }
    }

    /// Marks the sites that are known, and takes them out of those that fail, if they are not to.
    pub(crate) fn apply(self, sites: Vec<Site>, process: &Process) -> Sorted {
        let mut jars = Jars::of(
            &process.command,
            (process.state == State::Running).then_some(process.pid),
        );
        let mut sorted = Sorted {
            sites: Vec::new(),
            known: Vec::new(),
            notes: self.notes,
        };
        // Several entries may be of one report.
        let mut said: Vec<(String, Sum)> = Vec::new();
        for mut site in sites {
            site.known = self
                .lists
                .iter()
                .find_map(|list| list.knows(&site, &mut jars));
            match &site.known {
                None => sorted.sites.push(site),
                Some(known) => {
                    let sum = Sum::of(&site);
                    let sentence = format!("{}{}", known.sentence(), known.doubt());
                    match said.iter_mut().find(|(said, _)| *said == sentence) {
                        Some((_, all)) => all.add(sum),
                        None => said.push((sentence, sum)),
                    }
                    match self.of_known {
                        OfKnown::Fail => sorted.sites.push(site),
                        OfKnown::Note => sorted.known.push(site),
                    }
                }
            }
        }
        let said = said.into_iter();
        sorted
            .notes
            .extend(said.map(|(sentence, sum)| format!("{}: {sentence}", amount(sum))));
        sorted
    }
}

impl KnownLeaks {
    /// What the first entry that knows `site` says of it.
    fn knows(&self, site: &Site, jars: &mut Jars) -> Option<KnownLeak> {
        self.entries.iter().find_map(|(line, entry)| {
            if !entry.is_of(site) {
                return None;
            }
            let version = match &entry.versions {
                None => None,
                Some(versions) => {
                    let found = jars.versions(&entry.library);
                    let version = found.iter().find(|found| versions.contains(found));
                    if version.is_none() && !found.is_empty() {
                        return None;
                    }
                    version.cloned()
                }
            };
            Some(KnownLeak {
                library: entry.library.clone(),
                versions: entry.versions.as_ref().map(ToString::to_string),
                version,
                report: entry.report.clone(),
                source: self.source.clone(),
                line: *line,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_that_is_shipped_is_well_formed() {
        let shipped = KnownLeaks::parse(SHIPPED, BUILT_IN).expect("well-formed");
        assert_eq!(shipped.entries().count(), 14);
        let reported = shipped
            .entries()
            .filter(|(_, entry)| entry.report.is_some());
        assert_eq!(reported.count(), 11);
    }

    #[test]
    fn every_mistake_names_file_line_and_remedy() {
        let error =
            KnownLeaks::parse("# mine\n\nlibrary=x; sight=y\n", "my.known").expect_err("bad");
        assert_eq!(
            error.to_string(),
            "line 3 of the known leaks `my.known` is no entry: `sight` is not known: use library, versions, kind, site, report"
        );
        let error = KnownLeaks::read("/no/such.known").expect_err("missing");
        let text = error.to_string();
        assert!(
            text.contains("`/no/such.known`") && text.contains("docs/known-leaks.md"),
            "{text}"
        );
    }
}
