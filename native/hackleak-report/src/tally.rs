//! How many tests were checked, and how many of them leaked: the last line of a build.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hackleak_image::Image;

use crate::group::own_frames;
use crate::history;
use crate::model::{Assertion, Check, Frame, Outcome, Report, Site};

/// What a label has between the class and the test.
const BETWEEN: &str = " > ";

/// The sum over images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Processes.
    pub processes: u64,
    /// Tests that were looked at, and were told from others by their names.
    pub checked: u64,
    /// Those that leaked.
    pub leaked: u64,
    /// Those of which it is not known.
    pub unknown: u64,
    /// Classes with such tests, by their simple names.
    pub classes: BTreeSet<String>,
    /// The code that leaked, each with the number of tests.
    pub sites: BTreeMap<String, u64>,
}

impl Tally {
    /// Adds the process of an image, and the reports on its failing checks that lie beside it.
    ///
    /// # Errors
    ///
    /// The image cannot be read. A report that cannot be read only lacks in the sites.
    pub fn add(&mut self, path: &Path) -> io::Result<()> {
        let image = Image::open(path).map_err(|error| io::Error::other(error.to_string()))?;
        self.processes += 1;
        let assertions = history::assertions(&image);
        let tests = assertions
            .iter()
            .filter(|ended| ended.check == Check::Assertion && !ended.label.is_empty());
        let mut failed: Vec<&Assertion> = Vec::new();
        for ended in tests {
            let (class, test) = ended
                .label
                .split_once(BETWEEN)
                .unwrap_or((&ended.label, ""));
            self.classes.insert(class.to_owned());
            if test.is_empty() && ended.outcome != Outcome::Failed {
                // A class as a whole is none of its tests, and a checkpoint of the program's own
                // is no test.
                continue;
            }
            self.checked += 1;
            match ended.outcome {
                Outcome::Failed => {
                    self.leaked += 1;
                    failed.push(ended);
                }
                Outcome::Error => self.unknown += 1,
                Outcome::Passed | Outcome::Incomplete => {}
            }
        }
        if !failed.is_empty() {
            for json in reports(path, image.header().pid) {
                self.sites_of(&json, &failed);
            }
        }
        Ok(())
    }

    fn sites_of(&mut self, json: &Path, failed: &[&Assertion]) {
        let text = fs::read_to_string(json).unwrap_or_default();
        let Ok(report) = serde_json::from_str::<Report>(&text) else {
            return;
        };
        for process in &report.processes {
            let since = process.leaks.since;
            if !failed.iter().any(|ended| Some(ended.since) == since) {
                continue;
            }
            let keys: BTreeSet<String> = process.leaks.sites.iter().map(key).collect();
            for key in keys {
                *self.sites.entry(key).or_default() += 1;
            }
        }
    }

    /// Rows for the build plugins, which have no parser for more: a name, a tab and a value.
    pub fn rows(&self) -> String {
        let mut text = format!(
            "processes\t{}\nchecked\t{}\nleaked\t{}\nunknown\t{}\n",
            self.processes, self.checked, self.leaked, self.unknown
        );
        for class in &self.classes {
            text += &format!("class\t{}\n", class.replace(['\t', '\n'], " "));
        }
        for (site, tests) in &self.sites {
            text += &format!("site\t{tests}\t{}\n", site.replace(['\t', '\n'], " "));
        }
        text
    }
}

/// The frames up to the owner's: what calls the project's own code makes no other site.
fn key(site: &Site) -> String {
    let own = own_frames(&site.frames);
    let owner = site.owner.as_ref().and_then(|owner| owner.java_frame);
    let end = owner.map_or(own.len(), |owner| (owner as usize + 1).min(own.len()));
    let java: Vec<String> = own[..end]
        .iter()
        .filter(|frame| matches!(frame, Frame::Java(_)))
        .map(crate::render::frame_name)
        .collect();
    if !java.is_empty() {
        return java.join(" < ");
    }
    let native = own.iter().map(crate::render::frame_name);
    native.collect::<Vec<_>>().join(" < ")
}

/// The reports on checks of a process, which lie beside its image.
fn reports(image: &Path, pid: u32) -> Vec<PathBuf> {
    let start = format!("leaks-{pid}-");
    let folder = image.parent().map(fs::read_dir);
    let Some(Ok(entries)) = folder else {
        return Vec::new();
    };
    let is_report = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&start) && name.ends_with(".json")
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_report)
        .collect();
    found.sort();
    found
}
