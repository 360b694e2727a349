//! What is kept of a session: the raw figures of each run, as JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::render::number;
use crate::statistics::{Summary, summary};

/// The figures of one run, by name. `run.wall` and `run.cpu` are in ms, `run.resident` in GiB (the
/// peak).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample(pub BTreeMap<String, f64>);

/// What a tool found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exactness {
    /// The tool's name.
    pub tool: String,
    /// Leaks through `new`, and as many through `malloc`.
    pub planted: u64,
    /// Whether a JVM ran: valgrind gets the same leaks from C++.
    pub java: bool,
    /// Reported leaks through `new`.
    pub by_new: u64,
    /// Those with the right Java method.
    pub by_new_named: u64,
    /// Reported leaks through `malloc`.
    pub by_malloc: u64,
    /// Those with the right Java method.
    pub by_malloc_named: u64,
    /// Blocks that had been freed and were reported nevertheless.
    pub false_alarms: u64,
    /// Why there is nothing.
    pub failure: Option<String>,
}

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What it ran on: name and value.
    pub machine: Vec<(String, String)>,
    /// `full`, `quick` or `smoke`.
    pub scale: String,
    /// The tools: name, and version or why it is missing.
    pub tools: Vec<(String, Result<String, String>)>,
    /// The workloads that have been measured.
    pub workloads: Vec<Measured>,
    /// How exact each tool is.
    pub exactness: Vec<Exactness>,
}

/// A workload's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Its tools, bare first.
    pub tools: Vec<Runs>,
}

/// One tool's runs of a workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// The tool's name.
    pub tool: String,
    /// The workload's arguments.
    pub arguments: Vec<String>,
    /// Why there are no (more) runs.
    pub failure: Option<String>,
    /// One for each round.
    pub rounds: Vec<Sample>,
}

/// One figure of a tool, compared with the bare runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// The figure itself.
    pub value: Summary,
    /// The difference to the same round's bare figure.
    pub over: Summary,
    /// The ratio to the same round's bare figure.
    pub ratio: Summary,
}

impl Measured {
    /// The runs of a tool.
    pub fn runs(&self, tool: &str) -> Option<&Runs> {
        self.tools.iter().find(|runs| runs.tool == tool)
    }

    /// The names of the figures, without those of the run as a whole.
    pub fn figures(&self) -> Vec<String> {
        let Some(bare) = self.runs("bare").and_then(|bare| bare.rounds.first()) else {
            return Vec::new();
        };
        let printed = bare.0.keys().filter(|name| !name.starts_with("run."));
        let mut names: Vec<String> = printed.cloned().collect();
        names.sort_by_key(|name| natural(name));
        names
    }

    /// The figure of a tool beside the bare one, if both have it.
    pub fn compared(&self, tool: &str, figure: &str) -> Option<Compared> {
        let bare = &self.runs("bare")?.rounds;
        let rounds = &self.runs(tool)?.rounds;
        let pairs: Vec<(f64, f64)> = bare
            .iter()
            .zip(rounds)
            .filter_map(|(bare, with)| Some((*bare.0.get(figure)?, *with.0.get(figure)?)))
            .collect();
        let of = |f: fn(&(f64, f64)) -> f64| summary(&pairs.iter().map(f).collect::<Vec<_>>());
        Some(Compared {
            value: of(|pair| pair.1)?,
            over: of(|pair| pair.1 - pair.0)?,
            ratio: of(|pair| pair.1 / pair.0)?,
        })
    }
}

/// The words and numbers of a name: `depth5` comes before `depth20`.
fn natural(name: &str) -> Vec<(u64, String)> {
    let words = name.split('.').map(|word| {
        let digits = word.trim_start_matches(|c: char| !c.is_ascii_digit());
        (digits.parse().unwrap_or(0), word.to_owned())
    });
    words.collect()
}

impl Runs {
    /// The size of the work, in words: the first number among the arguments.
    pub fn work(&self) -> String {
        let mut numbers = self.arguments.iter().filter_map(|word| word.parse().ok());
        numbers.next().map_or_else(String::new, number)
    }
}

impl Results {
    /// The figures of a workload.
    pub fn measured(&self, workload: &str) -> Option<&Measured> {
        self.workloads
            .iter()
            .find(|measured| measured.name == workload)
    }

    /// Reads what [`Results::save`] wrote; none if there is nothing of that kind.
    pub fn load(file: &Path) -> Option<Results> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// Writes everything; the file is never half written.
    pub fn save(&self, file: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        let new = file.with_extension(format!("new{}", std::process::id()));
        let written = fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))
            .and_then(|()| fs::write(&new, text + "\n"))
            .and_then(|()| fs::rename(&new, file));
        written.map_err(|error| format!("{}: {error}", file.display()))
    }
}
