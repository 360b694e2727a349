//! Checkpoints, assertions and the timeline.

use super::Amount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// Allocations from then on have this epoch or a later one.
    pub epoch: u32,
    /// Its label, empty when it has none.
    pub label: String,
    /// When it was taken, ns since the start of the recording.
    #[serde(default)]
    pub at_ns: u64,
}

/// What became of an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Assertion {
    /// What became of it.
    pub outcome: Outcome,
    /// What kind of assertion it was.
    pub check: Check,
    /// The label of its checkpoint, the test's name under `@NoLeaks`; may be empty.
    pub label: String,
    /// The epoch of its checkpoint; 0 is the start of the process.
    pub since: u32,
    /// The scope that it was limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it ended, ns since the start of the recording.
    pub at_ns: u64,
    /// Bytes that had leaked.
    pub bytes: u64,
    /// Blocks that had leaked.
    pub blocks: u64,
    /// Sites of these blocks; 0 when they were not told apart.
    pub sites: u32,
    /// What went wrong with the check, for `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What of the leaks was freed after it, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freed_later: Option<Amount>,
}

/// What became of an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Nothing had leaked.
    Passed,
    /// Something had leaked, or what else fails assertions was found: invalid frees, libraries that
    /// are not seen.
    Failed,
    /// Nothing was seen, but events are missing from the record.
    Incomplete,
    /// The check itself failed.
    Error,
}

impl Outcome {
    /// The name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Incomplete => "incomplete",
            Outcome::Error => "error",
        }
    }
}

impl Assertion {
    /// What people call it.
    pub fn title(&self) -> String {
        match (self.check, self.label.as_str()) {
            (Check::Exit, _) => "exit of the JVM".to_owned(),
            (Check::Assertion, "") => format!("assertion since checkpoint {}", self.since),
            (Check::Assertion, label) => label.to_owned(),
        }
    }
}

/// What kind of assertion it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// `HackLeak.assertNoLeaks`, which `@NoLeaks` uses too.
    Assertion,
    /// The check at the exit of the JVM.
    Exit,
}

/// What was live at a moment, over all threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelinePoint {
    /// When, ns since the start of the recording.
    pub at_ns: u64,
    /// Bytes live, of all epochs and scopes.
    pub bytes: u64,
    /// Blocks live.
    pub blocks: u64,
    /// The newest epoch then.
    pub epoch: u32,
    /// Why there is a point.
    pub cause: Cause,
}

/// Why there is a point in the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// The recording began.
    Start,
    /// Memory was allocated or freed.
    Traffic,
    /// A checkpoint was taken; its epoch is the point's.
    Checkpoint,
    /// The process came to its end.
    End,
    /// An assertion ended.
    Assertion,
}
