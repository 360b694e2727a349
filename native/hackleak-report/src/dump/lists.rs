//! The lists of a dump, each cut at the limit.

use std::collections::{BTreeMap, HashMap, HashSet};

use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::{
    CONTEXT_IGNORED, CONTEXT_INHERITED, Finding, Kind, Release, Wrong, module_flags,
};
use hackleak_image::reader::{LiveRecord, LoadedModule};
use hackleak_image::{Frame, Image};
use serde::{Deserialize, Serialize};

use super::DumpedKind;
use crate::model::Problem;

/// The most frames of a stack that are listed. A damaged tree may go round in circles.
const MAX_FRAMES: usize = 1 << 10;

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
    /// Wrong frees.
    Findings,
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
    /// See [`List::Findings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<Listed<DumpedFinding>>,
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
    pub memo_hits: u64,
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

/// A wrong free.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedFinding {
    /// What is wrong.
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

/// Blocks and bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Amount {
    blocks: u64,
    bytes: u64,
}

/// The live records, summed, and the first of them.
#[derive(Default)]
pub(super) struct Live {
    first: Vec<LiveRecord>,
    kinds: BTreeMap<u8, (Kind, Amount)>,
    pub(super) stacks: HashMap<u32, Amount>,
    pub(super) contexts: HashSet<u32>,
}

impl Live {
    pub(super) fn read(image: &Image, limit: usize) -> Live {
        let mut live = Live::default();
        for record in image.live_records(0) {
            let kind = live.kinds.entry(record.kind as u8);
            let (_, kind) = kind.or_insert((record.kind, Amount::default()));
            for sum in [kind, live.stacks.entry(record.stack).or_default()] {
                sum.blocks += 1;
                sum.bytes = sum.bytes.saturating_add(record.size);
            }
            live.contexts.insert(record.context);
            if live.first.len() < limit {
                live.first.push(record);
            }
        }
        live
    }

    fn total(&self) -> u64 {
        self.kinds.values().map(|(_, sum)| sum.blocks).sum()
    }

    pub(super) fn by_kind(&self) -> Vec<DumpedKind> {
        let kinds = self.kinds.values().map(|(kind, sum)| DumpedKind {
            kind: kind.name().to_owned(),
            blocks: sum.blocks,
            bytes: sum.bytes,
        });
        kinds.collect()
    }
}

impl Lists {
    pub(super) fn read(image: &Image, live: &Live, lists: &[List], limit: usize) -> Lists {
        let mut read = Lists::default();
        for list in lists {
            match list {
                List::Records => read.records = Some(records(image, live)),
                List::Stacks => read.stacks = Some(stacks(image, live, limit)),
                List::Modules => read.modules = Some(modules(image, limit)),
                List::Threads => read.threads = Some(threads(image, limit)),
                List::Scopes => read.scopes = Some(scopes(image, limit)),
                List::Checkpoints => read.checkpoints = Some(checkpoints(image, limit)),
                List::Findings => read.findings = Some(findings(image, limit)),
            }
        }
        read
    }
}

impl<T> Listed<T> {
    /// The first `limit` of them; counts the rest.
    fn of(all: impl Iterator<Item = T>, limit: usize) -> Listed<T> {
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

fn hex(number: u64) -> String {
    format!("{number:#x}")
}

/// The names of the bits that are set.
fn bits(bits: u32, names: &[(u32, &str)]) -> Vec<String> {
    let set = names.iter().filter(|(bit, _)| bits & bit != 0);
    set.map(|(_, name)| (*name).to_owned()).collect()
}

fn records(image: &Image, live: &Live) -> Listed<DumpedBlock> {
    let shown = live.first.iter().map(|record| DumpedBlock {
        address: hex(record.address),
        bytes: record.size,
        kind: record.kind.name().to_owned(),
        stack: record.stack,
        context: context(image, record.context),
    });
    Listed {
        total: live.total(),
        shown: shown.collect(),
    }
}

fn context(image: &Image, index: u32) -> DumpedContext {
    let Some(found) = image.context(index) else {
        return DumpedContext {
            index,
            ..DumpedContext::default()
        };
    };
    DumpedContext {
        index,
        epoch: found.epoch,
        scope: found.scope,
        thread: found.thread,
        flags: bits(
            found.flags,
            &[
                (CONTEXT_IGNORED, "ignored"),
                (CONTEXT_INHERITED, "inherited"),
            ],
        ),
    }
}

fn stacks(image: &Image, live: &Live, limit: usize) -> Listed<DumpedStack> {
    let mut largest: Vec<(u32, Amount)> = live.stacks.iter().map(|(k, v)| (*k, *v)).collect();
    largest.sort_by_key(|(node, sum)| (std::cmp::Reverse(sum.bytes), *node));
    let shown = largest.iter().take(limit).map(|(node, sum)| {
        let stack = image.stack_up_to(*node, MAX_FRAMES);
        DumpedStack {
            stack: *node,
            blocks: sum.blocks,
            bytes: sum.bytes,
            frames: stack.frames.iter().map(|it| frame(image, *it)).collect(),
            incomplete: stack.incomplete,
        }
    });
    Listed {
        total: largest.len() as u64,
        shown: shown.collect(),
    }
}

/// A frame as the image has it, not symbolised.
fn frame(image: &Image, frame: Frame) -> String {
    match frame {
        Frame::Native { module, vaddr } => {
            let path = image.module(module).map(|module| module.path);
            match path.as_deref() {
                Some("") | None => format!("module {module}+{vaddr:#x}"),
                Some(path) => format!("{path}+{vaddr:#x}"),
            }
        }
        Frame::Java { method, bci } => {
            let at = match bci {
                BCI_NATIVE => "native".to_owned(),
                bci => format!("bci {bci}"),
            };
            match image.method(method) {
                Some(method) => {
                    format!("{}.{}{} {at}", method.class, method.name, method.signature)
                }
                None => format!("method {method} {at}"),
            }
        }
        Frame::Marker(marker) => format!("[{marker:?}]"),
        Frame::Address(address) => hex(address),
    }
}

fn modules(image: &Image, limit: usize) -> Listed<DumpedModule> {
    const FLAGS: [(u32, &str); 4] = [
        (module_flags::RECORDER, "recorder"),
        (module_flags::EXECUTABLE, "executable"),
        (module_flags::APART, "apart"),
        (module_flags::ALLOCATOR, "allocator"),
    ];
    let dumped = |module: LoadedModule| DumpedModule {
        index: module.index,
        build_id: module.build_id_hex(),
        start: hex(module.mapped.start),
        end: hex(module.mapped.end),
        bias: hex(module.bias),
        flags: bits(module.flags, &FLAGS),
        path: module.path,
    };
    Listed::of(image.modules().map(dumped), limit)
}

fn threads(image: &Image, limit: usize) -> Listed<DumpedThread> {
    let dumped = image.threads().map(|thread| DumpedThread {
        index: thread.index,
        tid: thread.record.tid,
        name: thread.name,
        ended: thread.record.ended,
        allocations: thread.record.allocations,
        frees: thread.record.frees,
        bytes: thread.record.bytes,
        freed_bytes: thread.record.freed_bytes,
        memo_hits: thread.record.memo_hits,
        full_walks: thread.record.full_walks,
        java_asks: thread.record.java_asks,
        java_fallbacks: thread.record.java_fallbacks,
    });
    Listed::of(dumped, limit)
}

fn scopes(image: &Image, limit: usize) -> Listed<DumpedScope> {
    let dumped = image.scopes().map(|scope| DumpedScope {
        scope: scope.number,
        name: scope.name,
        parent: scope.record.parent,
        closed: scope.record.closed,
    });
    Listed::of(dumped, limit)
}

fn checkpoints(image: &Image, limit: usize) -> Listed<DumpedCheckpoint> {
    let dumped = image.checkpoints().map(|checkpoint| DumpedCheckpoint {
        epoch: checkpoint.record.epoch,
        label: checkpoint.label,
        thread: checkpoint.record.thread,
        unix_ns: checkpoint.record.unix_ns,
    });
    Listed::of(dumped, limit)
}

fn findings(image: &Image, limit: usize) -> Listed<DumpedFinding> {
    let unknown = |number: u32| format!("unknown {number}");
    let dumped = |finding: Finding| {
        let kind = finding.allocated.kind();
        DumpedFinding {
            problem: Wrong::from_number(finding.wrong).map_or_else(
                || unknown(finding.wrong),
                |wrong| Problem::from(wrong).name().to_owned(),
            ),
            released_by: Release::from_number(finding.release).map_or_else(
                || unknown(finding.release),
                |release| release.name().to_owned(),
            ),
            address: hex(finding.address),
            detail: finding.detail,
            bytes: finding.allocated.size(),
            kind: Kind::from_number(kind)
                .map_or_else(|| unknown(kind.into()), |kind| kind.name().to_owned()),
            freed: finding.freed as u32,
            allocated: finding.allocated.stack(),
        }
    };
    Listed::of(image.findings().map(dumped), limit)
}
