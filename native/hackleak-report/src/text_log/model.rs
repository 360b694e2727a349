//! The report on text logs. Serialised, it is the JSON; its schema is
//! `docs/schema/find-leak-v1.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Frame, SCHEMA_VERSION, Tool, Verdict};

/// What `hackleak find-leak` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogReport {
    /// The version of this shape.
    pub schema_version: u32,
    /// What wrote the report.
    pub tool: Tool,
    /// One entry per log.
    pub logs: Vec<TextLog>,
}

/// One log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextLog {
    /// Its file, or `-`.
    pub log: String,
    /// The worst that can be said.
    pub verdict: Verdict,
    /// Bytes read.
    pub bytes_read: u64,
    /// Lines read.
    pub lines: u64,
    /// Allocations in it.
    pub allocations: u64,
    /// Frees in it.
    pub frees: u64,
    /// Lines that are no records.
    pub other_lines: u64,
    /// The processes that it names.
    pub processes: Vec<LogProcess>,
    /// What must be known to read the numbers right.
    pub notes: Vec<String>,
    /// What was allocated and not freed.
    pub leaks: Leaks,
}

/// A process that a log names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogProcess {
    /// Its number.
    pub pid: u32,
    /// Its program, when the log has its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// Whether the log has its normal end.
    pub ended: bool,
}

/// What was allocated and not freed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Leaks {
    /// Bytes at all sites.
    pub bytes: u64,
    /// Blocks at all sites.
    pub blocks: u64,
    /// The sites, most bytes first.
    pub sites: Vec<LogSite>,
}

/// Blocks with the same stack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogSite {
    /// Bytes in all blocks.
    pub bytes: u64,
    /// Blocks.
    pub blocks: u64,
    /// The stack, the allocating function first; empty when the log has none.
    pub frames: Vec<Frame>,
    /// The blocks in the order of the log, the first ones where there are many.
    pub first_blocks: Vec<Block>,
}

/// A block that was not freed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Its address, hexadecimal.
    pub address: String,
    /// Its bytes.
    pub size: u64,
    /// The line of the log that says its allocation, from 1.
    pub line: u64,
    /// The thread, as the log has it.
    pub thread: String,
    /// The process; 0 when the log does not say.
    pub pid: u32,
}

impl LogReport {
    /// The report on `logs`, written by this version.
    pub fn new(logs: Vec<TextLog>) -> LogReport {
        LogReport {
            schema_version: SCHEMA_VERSION,
            tool: Tool {
                name: "hackleak".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            logs,
        }
    }

    /// The worst verdict; clean when there is no log.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.logs.iter().map(|log| log.verdict);
        verdicts.max().unwrap_or(Verdict::Clean)
    }
}
