//! The reporter's JSON as the tests read it.
//!
//! Every JSON is validated against the published schema before anything else is looked at, so each
//! test that reads a report is a test of the schema too.

mod questions;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A report on one image or on a folder of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of the format.
    pub schema_version: u32,
    /// The recorded processes.
    pub processes: Vec<Process>,
}

/// One recorded process.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Path of the program.
    pub exe: String,
    /// `finished`, `killed` or `running`.
    pub state: String,
    /// `leaks`, `incomplete` (none seen, but not all was recorded) or `clean`.
    pub verdict: String,
    /// Which kinds were tracked.
    #[serde(default)]
    pub track: Vec<String>,
    /// Events of the whole run.
    pub totals: Totals,
    /// What could not be recorded, by name.
    pub counters: BTreeMap<String, u64>,
    /// Threads that were seen.
    pub threads: u64,
    /// Loaded files.
    pub modules: Vec<Module>,
    /// Checkpoints, oldest first.
    pub checkpoints: Vec<Checkpoint>,
    /// What became of assertions, in the order in which they ended.
    pub assertions: Vec<Assertion>,
    /// What was live when, oldest first.
    pub timeline: Vec<TimelinePoint>,
    /// What was in memory.
    pub memory: Option<Memory>,
    /// What the reader must know, in words.
    pub notes: Vec<String>,
    /// What is left.
    pub leaks: Leaks,
    /// What is left too, but held.
    #[serde(default)]
    pub held: Leaks,
    /// Invalid frees.
    #[serde(default)]
    pub invalid_frees: Vec<InvalidFree>,
    /// Rules that leave leaks out.
    #[serde(default)]
    pub suppressions: Vec<Suppression>,
}

/// What was in memory.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// `end` or `running`.
    pub moment: String,
    /// Live blocks of the allocator.
    pub live: Amount,
    /// What the C library's allocator held.
    pub allocator: Option<Allocator>,
    /// What was in memory.
    pub resident: Resident,
    /// Whether most of that is free and no leak.
    pub retained: bool,
}

/// Bytes and blocks.
#[derive(Debug, Clone, Deserialize)]
pub struct Amount {
    /// Blocks.
    pub blocks: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What the C library's allocator held, in bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allocator {
    /// Taken from the system.
    pub held_bytes: u64,
    /// Free, as it said.
    pub free_bytes: Option<u64>,
    /// Free and in memory.
    pub kept_bytes: u64,
    /// Arenas.
    pub arenas: u32,
}

/// What was in memory, in bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resident {
    /// All of it.
    pub bytes: u64,
    /// Java's heap.
    pub java_heap: u64,
    /// The allocator's.
    pub allocator: u64,
    /// Code.
    pub code: u64,
    /// Stacks.
    pub stacks: u64,
    /// HackLeak's image.
    pub image: u64,
    /// The rest.
    pub other: u64,
}

/// A rule, and what it left out.
#[derive(Debug, Deserialize)]
pub struct Suppression {
    /// `leak:pattern`, or the name of a built-in rule.
    pub rule: String,
    /// Its file, or `built-in`.
    pub source: String,
    /// Sites left out.
    pub sites: u64,
    /// Blocks left out.
    pub blocks: u64,
    /// Bytes left out.
    pub bytes: u64,
}

/// What became of an assertion.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assertion {
    /// `passed`, `failed`, `incomplete` or `error`.
    pub outcome: String,
    /// `assertion` or `exit`.
    pub check: String,
    /// The label of its checkpoint.
    pub label: String,
    /// The epoch of its checkpoint.
    pub since: u32,
    /// The scope that it was limited to.
    pub scope: Option<String>,
    /// When it ended, ns since the start of the recording.
    pub at_ns: u64,
    /// Bytes that had leaked.
    pub bytes: u64,
    /// Blocks that had leaked.
    pub blocks: u64,
    /// Sites of these.
    pub sites: u32,
}

/// What was live at a moment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelinePoint {
    /// When, ns since the start of the recording.
    pub at_ns: u64,
    /// Bytes live.
    pub bytes: u64,
    /// Blocks live.
    pub blocks: u64,
    /// The newest epoch.
    pub epoch: u32,
    /// `start`, `traffic`, `checkpoint` or `end`.
    pub cause: String,
}

/// An invalid free.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidFree {
    /// `mismatch`, `doubleFree`, `interior`, `size`, `notAllocated` or `underBuffer`.
    pub problem: String,
    /// How the block was allocated.
    pub kind: String,
    /// Size of the block.
    pub bytes: u64,
    /// The function that freed it.
    pub released_by: String,
    /// Distance or size, depending on the problem.
    pub detail: u64,
    /// The stack of the free.
    pub freed: Vec<Frame>,
    /// The stack of the allocation.
    pub allocated: Vec<Frame>,
}

/// Events of the whole run.
#[derive(Debug, Deserialize)]
pub struct Totals {
    /// Recorded allocations.
    pub allocations: u64,
    /// Recorded frees.
    pub frees: u64,
}

/// One loaded file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Module {
    /// Its path when it was loaded.
    pub path: String,
    /// Its GNU build-id in hexadecimal, if it has one.
    pub build_id: Option<String>,
    /// What is seen of it, if it is under test.
    pub coverage: Option<Coverage>,
}

/// What is seen of a library.
#[derive(Debug, Clone, Deserialize)]
pub struct Coverage {
    /// `seen`, `partly`, `blind` or `unknown`.
    pub visibility: String,
    /// Why.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// One checkpoint.
#[derive(Debug, Deserialize)]
pub struct Checkpoint {
    /// Its number.
    pub epoch: u32,
    /// Its label; empty for none.
    pub label: Option<String>,
}

/// What is left.
#[derive(Debug, Default, Deserialize)]
pub struct Leaks {
    /// Bytes in all sites.
    pub bytes: u64,
    /// Blocks in all sites.
    pub blocks: u64,
    /// One entry for each stack and kind.
    pub sites: Vec<Site>,
}

/// A leaking site: blocks with one stack.
#[derive(Debug, Deserialize)]
pub struct Site {
    /// Bytes of all blocks.
    pub bytes: u64,
    /// Number of blocks.
    pub blocks: u64,
    /// `new`, `new[]`, …
    pub kind: String,
    /// The stack, innermost frame first.
    pub frames: Vec<Frame>,
    /// `lost`, `held` or `unknown`.
    pub verdict: String,
    /// Who holds it.
    pub holder: Option<Holder>,
    /// What handles stand for.
    #[serde(default)]
    pub names: Vec<String>,
}

/// Who holds a site's blocks.
#[derive(Debug, Deserialize)]
pub struct Holder {
    /// `data`, `staticField`, …
    pub root: String,
    /// What the root is called.
    pub name: Option<String>,
    /// The blocks on the way from the root.
    #[serde(default)]
    pub chain: Vec<String>,
    /// Fields of Java's between the root and native memory.
    #[serde(default)]
    pub path: Vec<String>,
}

/// One frame.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Frame {
    /// A frame of native code.
    Native {
        /// Demangled name.
        function: Option<String>,
        /// Source file.
        file: Option<String>,
        /// Source line.
        line: Option<u64>,
        /// Path of the module.
        module: Option<String>,
        /// Offset in the module's file, as the reporter writes it.
        offset: Option<Value>,
        /// Whether the call was inlined into the next frame.
        #[serde(default)]
        inlined: bool,
    },
    /// A Java frame.
    Java {
        /// Class, with dots.
        class: String,
        /// Method.
        method: String,
        /// Source file.
        file: Option<String>,
        /// Source line.
        line: Option<u64>,
        /// Whether it is a native method.
        #[serde(default)]
        native: bool,
    },
    /// Something that is no frame, such as "stack truncated here".
    Mark {
        /// What it says.
        text: String,
    },
}
