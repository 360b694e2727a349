//! Loaded files, and what was seen of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A loaded module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Module {
    /// Path as the loader knew it.
    pub path: String,
    /// GNU build-id in hexadecimal digits, empty when there is none.
    pub build_id: String,
    /// Whether its allocations are recorded; absent for the runtime, which is not under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// Whether the allocation calls of a module reach the recorder, for the kinds that are tracked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// The answer.
    pub visibility: Visibility,
    /// Why, one clause each.
    pub reasons: Vec<String>,
    /// What would make it `seen`, where anything would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// It is blind only because the kinds that it allocates are not tracked.
    #[serde(default)]
    pub untracked: bool,
}

impl Coverage {
    /// The reasons and the remedy, as a clause or more.
    pub(crate) fn why(&self) -> String {
        let mut why = self.reasons.join("; ");
        if let Some(remedy) = &self.remedy {
            why.push_str(". Remedy: ");
            why.push_str(remedy);
        }
        why
    }
}

/// How much of a module's allocations is recorded.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Visibility {
    /// All of the kinds that are tracked.
    Seen,
    /// Its file is gone or cannot be read.
    Unknown,
    /// Some, or as another kind.
    Partly,
    /// Nothing.
    Blind,
}
