//! The lists of a dump, which are also its JSON.

use serde::{Deserialize, Serialize};

/// A list that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Live records, in the order of the file.
    Records,
    /// The stacks of live blocks, those with the most bytes first.
    Stacks,
    /// Modules.
    Modules,
    /// Threads.
    Threads,
    /// Scopes.
    Scopes,
    /// Checkpoints.
    Checkpoints,
    /// Invalid frees.
    InvalidFrees,
}

/// The lists that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lists {
    /// See [`List::Records`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Listed<DumpedBlock>>,
    /// See [`List::Stacks`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stacks: Option<Listed<DumpedStack>>,
    /// See [`List::Modules`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modules: Option<Listed<DumpedModule>>,
    /// See [`List::Threads`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<Listed<DumpedThread>>,
    /// See [`List::Scopes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Listed<DumpedScope>>,
    /// See [`List::Checkpoints`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<Listed<DumpedCheckpoint>>,
    /// See [`List::InvalidFrees`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_frees: Option<Listed<DumpedInvalidFree>>,
}

/// The first entries of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed<T> {
    /// Entries that there are.
    pub total: u64,
    /// Those that the limit leaves.
    pub shown: Vec<T>,
}

/// A live record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedBlock {
    /// Its address in the process.
    pub address: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// How it was allocated.
    pub kind: String,
    /// Node of its stack.
    pub stack: u32,
    /// What it belongs to besides.
    pub context: DumpedContext,
}

/// A context.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedContext {
    /// Its index; 0 is unknown.
    pub index: u32,
    /// The epoch; 0 when the context is not there.
    pub epoch: u32,
    /// The scope, or 0.
    pub scope: u32,
    /// Index of the thread.
    pub thread: u32,
    /// `ignored`, `inherited`.
    pub flags: Vec<String>,
}

/// A stack of live blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedStack {
    /// Its node.
    pub stack: u32,
    /// Live blocks with this stack.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Its frames as the image has them, the allocating function first.
    pub frames: Vec<String>,
    /// Whether frames are missing: the image is damaged.
    pub incomplete: bool,
}

/// A module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedModule {
    /// Its index.
    pub index: u32,
    /// Its path.
    pub path: String,
    /// Its build-id, or empty.
    pub build_id: String,
    /// Where it began.
    pub start: String,
    /// Where it ended.
    pub end: String,
    /// Address in the process less address in the file.
    pub bias: String,
    /// `recorder`, `executable`, `apart`, `allocator`.
    pub flags: Vec<String>,
}

/// A thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedThread {
    /// Its index.
    pub index: u32,
    /// The kernel's number.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// The epoch in which it ended; 0 while it runs.
    pub ended: u32,
    /// Allocations recorded.
    pub allocations: u64,
    /// Frees of recorded blocks.
    pub frees: u64,
    /// Bytes allocated.
    pub bytes: u64,
    /// Bytes of recorded blocks that it freed.
    pub freed_bytes: u64,
    /// Stacks that its memory of the last walk gave.
    pub remembered_walks: u64,
    /// Stacks that were walked to their end.
    pub full_walks: u64,
    /// Java stacks that the JVM was asked for.
    pub java_asks: u64,
    /// Java stacks that JVMTI gave.
    pub java_fallbacks: u64,
}

/// A scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedScope {
    /// Its number.
    pub scope: u32,
    /// Its name.
    pub name: String,
    /// The scope inside of which it was opened, or 0.
    pub parent: u32,
    /// The epoch that began when it was closed, or 0.
    pub closed: u32,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedCheckpoint {
    /// The epoch that it began.
    pub epoch: u32,
    /// Its label, or empty.
    pub label: String,
    /// Index of the thread that took it.
    pub thread: u32,
    /// When, ns since 1970.
    pub unix_ns: u64,
}

/// An invalid free.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedInvalidFree {
    /// What is invalid.
    pub problem: String,
    /// The function that freed.
    pub released_by: String,
    /// The pointer.
    pub address: String,
    /// The size that the free was told, or the distance from the block's start.
    pub detail: u64,
    /// Size of the block.
    pub bytes: u64,
    /// How it was allocated.
    pub kind: String,
    /// Node of the free's stack.
    pub freed: u32,
    /// Node of the allocation's stack.
    pub allocated: u32,
}

impl<T> Listed<T> {
    /// The first `limit` of them; counts the rest.
    pub(super) fn of(all: impl Iterator<Item = T>, limit: usize) -> Listed<T> {
        let mut listed = Listed {
            total: 0,
            shown: Vec::new(),
        };
        for entry in all {
            listed.total += 1;
            if listed.shown.len() < limit {
                listed.shown.push(entry);
            }
        }
        listed
    }
}
