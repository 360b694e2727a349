//! What the report was compared with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A baseline that leaks were compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// Its file.
    pub file: String,
    /// Sites that it knows and that have not grown.
    pub sites: u64,
    /// Blocks at those sites.
    pub blocks: u64,
    /// Bytes at those sites.
    pub bytes: u64,
    /// Sites that it knows and that leak no more; only when everything was looked at.
    pub fixed: Vec<KnownSite>,
}

/// A site as a baseline has it: by names, which a rebuild does not change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct KnownSite {
    /// The names of its frames, the allocating function first: `function (module)`, or
    /// `at class.method`.
    pub frames: Vec<String>,
    /// How the blocks were allocated.
    pub kind: String,
    /// Blocks in all processes.
    pub blocks: u64,
    /// Bytes in all processes.
    pub bytes: u64,
}
