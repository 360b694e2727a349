//! The report. Its serialised form is version 1 of the JSON that `docs/schema` publishes: fields
//! may be added to it, never renamed, removed or given another meaning.

mod baseline;
mod checks;
mod frame;
mod held;
mod invalid_free;
mod kind;
mod known;
mod memory;
mod modules;
mod process;
mod site;

pub use baseline::{Baseline, KnownSite};
pub use checks::{Assertion, Cause, Check, Checkpoint, Outcome, TimelinePoint};
pub use frame::{Frame, JavaFrame, NativeFrame, Thread};
pub use held::{Holder, HolderRoot, Judgement};
pub use invalid_free::{InvalidFree, InvalidFreeKind};
pub use kind::Kind;
pub use known::KnownLeak;
pub use memory::{Allocator, Memory, Moment, Resident};
pub use modules::{Coverage, Module, Visibility};
pub use process::{Process, State, Totals, Verdict};
pub use site::{Growth, Held, InEpoch, InScope, Leaks, Owner, Site, noun};

use crate::incomplete::Incomplete;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the JSON.
pub const SCHEMA_VERSION: u32 = 1;

/// What is live, and was not freed, in one or many processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of this format.
    #[schemars(range(min = 1, max = 1))]
    pub schema_version: u32,
    /// What wrote the report.
    pub tool: Tool,
    /// One entry per image.
    pub processes: Vec<Process>,
    /// Images that cannot be read. With one of them, nothing is clean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
    /// The baselines that leaks were compared with; what they know is not among the leaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Baseline>,
}

impl Report {
    /// The report on `processes`, written by this version.
    pub fn new(processes: Vec<Process>) -> Report {
        let tool = Tool {
            name: "hackleak".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Report {
            schema_version: SCHEMA_VERSION,
            tool,
            processes,
            unreadable: Vec::new(),
            baselines: Vec::new(),
        }
    }

    /// Per library that a process recorded with `strict=true` fails because of: a sentence.
    pub fn strict_failures(&self) -> Vec<String> {
        let failures = self.processes.iter().flat_map(Process::strict_failures);
        failures.map(|failure| failure.sentence()).collect()
    }

    /// The worst verdict; clean when there is no process. What cannot be read may hold leaks, so
    /// the rest does not make the report clean.
    pub fn verdict(&self) -> Verdict {
        let unreadable = (!self.unreadable.is_empty()).then_some(Verdict::Incomplete);
        self.processes
            .iter()
            .map(|process| process.verdict)
            .chain(unreadable)
            .max()
            .unwrap_or(Verdict::Clean)
    }

    /// Why the record of any process is incomplete, each cause once.
    pub fn incomplete(&self) -> Vec<Incomplete> {
        let unreadable = (!self.unreadable.is_empty()).then_some(Incomplete::Unreadable);
        let causes = self
            .processes
            .iter()
            .flat_map(|process| &process.incomplete);
        let mut causes: Vec<Incomplete> = causes.copied().chain(unreadable).collect();
        causes.sort_unstable();
        causes.dedup();
        causes
    }

    /// A sentence for each image that cannot be read.
    pub(crate) fn unreadable_notes(&self) -> impl Iterator<Item = String> {
        self.unreadable.iter().map(|image| {
            format!(
                "incomplete ({}): {}",
                Incomplete::Unreadable.code(),
                image.reason
            )
        })
    }

    /// Bytes and blocks leaked in all processes.
    pub fn leaked(&self) -> (u64, u64) {
        let leaks = self.processes.iter().map(|process| &process.leaks);
        leaks.fold((0, 0), |(bytes, count), leaks| {
            (
                bytes.saturating_add(leaks.bytes),
                count.saturating_add(leaks.blocks),
            )
        })
    }
}

/// An image, or a report in JSON, that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// Why, in one sentence, which names the file.
    pub reason: String,
}

/// A rule that leaves leaks out, and what it left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suppression {
    /// The rule: `leak:pattern`, or the name of a built-in one.
    pub rule: String,
    /// The file that has it, or `built-in`.
    pub source: String,
    /// Its line in that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Sites that it left out; 0 for a rule that matched nothing.
    pub sites: u64,
    /// Blocks at those sites.
    pub blocks: u64,
    /// Bytes at those sites.
    pub bytes: u64,
}

/// Bytes and blocks.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Amount {
    /// Blocks.
    pub blocks: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Amount {
    /// Adds `other`; what does not fit stays the most that fits.
    pub fn add(&mut self, other: Amount) {
        self.blocks = self.blocks.saturating_add(other.blocks);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What wrote the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A library that fails a test or a run with `strict=true`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrictFailure<'report> {
    /// Its path.
    pub path: &'report str,
    /// Whether it is known that its allocations are not seen.
    is_known: bool,
    /// Why, with the remedy.
    why: String,
}

impl StrictFailure<'_> {
    /// All of it.
    pub fn sentence(&self) -> String {
        let StrictFailure { path, why, .. } = self;
        match self.is_known {
            true => {
                format!("strict: `{path}` is blind, so nothing can be said about its leaks: {why}")
            }
            false => format!(
                "strict: whether the allocations of `{path}` are seen is not known, so nothing can \
                 be said about its leaks: {why}"
            ),
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn one() -> u64 {
    1
}
