//! One recorded process.

use super::checks::{Assertion, Checkpoint, TimelinePoint};
use super::invalid_free::InvalidFree;
use super::memory::Memory;
use super::modules::{Coverage, Module, Visibility};
use super::site::{Held, Leaks};
use super::{StrictFailure, Suppression};
use crate::incomplete::Incomplete;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the report says about a process.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// No leak among what was tracked, and nothing of that is missing from the record.
    #[default]
    Clean,
    /// No leak was seen, but the record is incomplete, so that says nothing.
    Incomplete,
    /// There are invalid frees, and the option `invalid-frees` is `fail`.
    InvalidFrees,
    /// There are leaks.
    Leaks,
}

impl Verdict {
    /// The name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Clean => "clean",
            Verdict::Incomplete => "incomplete",
            Verdict::InvalidFrees => "invalidFrees",
            Verdict::Leaks => "leaks",
        }
    }
}

/// What has become of the recorded process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It came to its end: an exit, `_exit`, or that it became another program (`exec`).
    Finished,
    /// It is gone, and had no time to say anything: it was killed, or crashed.
    Killed,
    /// It was still running when the report was made.
    Running,
}

/// One recorded process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Path of its executable.
    pub exe: String,
    /// Its arguments, its name first.
    pub command: Vec<String>,
    /// The folder in which it worked when its recording began; empty when nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// The commit that was checked out there at that time, where there is a Git repository that
    /// remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// What has become of it.
    pub state: State,
    /// What the report says about it.
    pub verdict: Verdict,
    /// What it would say if there were no leaks.
    #[serde(default)]
    pub verdict_without_leaks: Verdict,
    /// Why the record is incomplete, also where there are leaks; empty for a whole one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<Incomplete>,
    /// The image that was read.
    pub image: PathBuf,
    /// The options it was recorded with.
    pub options: String,
    /// Which kinds of allocation were tracked.
    pub track: Vec<String>,
    /// Everything recorded, freed or not.
    pub totals: Totals,
    /// What could not be recorded, or not in full, by name; only what is not zero.
    pub counters: BTreeMap<String, u64>,
    /// Threads that allocated.
    pub threads: u64,
    /// Modules that were seen in the process.
    pub modules: Vec<Module>,
    /// When the recording began, ns since 1970; times in this report count from here.
    #[serde(default)]
    pub start_unix_ns: u64,
    /// Checkpoints in the order in which they were taken.
    pub checkpoints: Vec<Checkpoint>,
    /// What became of the assertions of this process, in the order in which they ended.
    #[serde(default)]
    pub assertions: Vec<Assertion>,
    /// What was live when. Empty in reports of older versions.
    #[serde(default)]
    pub timeline: Vec<TimelinePoint>,
    /// What it had in memory; absent when nobody knows, and in a report on a part of what is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// What must be known to read the numbers right, one sentence each.
    pub notes: Vec<String>,
    /// Invalid frees.
    #[serde(default)]
    pub invalid_frees: Vec<InvalidFree>,
    /// The leaks.
    pub leaks: Leaks,
    /// What is live and held, or was made when a library was loaded or a class initialised, and
    /// therefore not among the leaks.
    #[serde(default, skip_serializing_if = "Held::is_empty")]
    pub held: Held,
    /// Known leaks of libraries, which fail nothing and are therefore not among the leaks.
    #[serde(default, skip_serializing_if = "Held::is_empty")]
    pub known: Held,
    /// The rules that leave leaks out: every rule of the files, and the built-in ones that
    /// matched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<Suppression>,
    /// Stacks, by their node and the number of the kind, that rules match whatever lies there; only
    /// when they were asked for. For the process itself, which need not ask again about these.
    #[serde(skip)]
    pub covered: Vec<(u32, u32)>,
    /// What the selection names and the process has not, in a sentence: nothing of it was looked
    /// at. It is a note as well.
    #[serde(skip)]
    pub selects_nothing: Option<String>,
}

impl Process {
    /// Leaves out what happened before the checkpoint that the leaks are counted from: of the
    /// timeline, the checkpoints and the assertions.
    pub fn only_since(&mut self) {
        let Some(since) = self.leaks.since else {
            return;
        };
        self.timeline.retain(|point| point.epoch >= since);
        self.assertions.retain(|ended| ended.since >= since);
        self.checkpoints.retain(|taken| taken.epoch >= since);
    }
}

impl Process {
    /// With `strict=true`, the libraries under test that are blind, or of which that is not known.
    pub fn strict_failures(&self) -> Vec<StrictFailure<'_>> {
        if !crate::coverage::is_strict(&self.options) {
            return Vec::new();
        }
        let failing = self.modules.iter().filter(|module| module.fails_strict());
        failing
            .map(|module| {
                let coverage = module.coverage.as_ref();
                StrictFailure {
                    path: &module.path,
                    is_known: coverage.is_none_or(|it| it.visibility != Visibility::Unknown),
                    why: coverage.map(Coverage::why).unwrap_or_default(),
                }
            })
            .collect()
    }

    /// Whether leaks since the checkpoint of this label were looked for.
    pub(crate) fn is_since(&self, label: &str) -> bool {
        self.leaks.since.is_some_and(|since| {
            let mut checkpoints = self.checkpoints.iter();
            checkpoints.any(|checkpoint| checkpoint.epoch == since && checkpoint.label == label)
        })
    }
}

/// Everything recorded in a process, freed or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Allocations.
    pub allocations: u64,
    /// Frees of recorded blocks.
    pub frees: u64,
    /// Bytes allocated.
    pub bytes: u64,
}
