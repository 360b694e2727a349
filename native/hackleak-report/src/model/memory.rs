//! What was in memory.

use super::Amount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a process had in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// When that was.
    pub moment: Moment,
    /// The recorded blocks of the allocator that were live, in all epochs.
    pub live: Amount,
    /// What the allocator held; absent when it is not the C library's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocator: Option<Allocator>,
    /// What was in memory.
    pub resident: Resident,
    /// Whether most of what the allocator had in memory was free, and no leak.
    pub retained: bool,
}

/// When a process was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// At its end, by the process itself.
    End,
    /// While it ran, from outside.
    Running,
}

/// What the C library's allocator held, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Allocator {
    /// What it had taken from the system.
    pub held_bytes: u64,
    /// Of that, what was free; absent when it did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// What was free and in memory; an estimate when the allocator did not tell.
    pub kept_bytes: u64,
    /// Its arenas.
    pub arenas: u32,
}

/// What was in memory (`Rss`), in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resident {
    /// All of it.
    pub bytes: u64,
    /// Java's heap.
    pub java_heap: u64,
    /// The allocator's heaps, and its large blocks.
    pub allocator: u64,
    /// The program, libraries and compiled code.
    pub code: u64,
    /// Stacks of threads.
    pub stacks: u64,
    /// HackLeak's image.
    pub image: u64,
    /// The rest.
    pub other: u64,
}
