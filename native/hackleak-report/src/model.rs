//! The report. Its serialised form is version 1 of the JSON that `docs/schema` publishes: fields
//! may be added to it, never renamed, removed or given another meaning.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::incomplete::Incomplete;

use crate::numbers::{self, BLOCK, counted};

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

/// An image, or a report in JSON, that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// Why, in one sentence, which names the file.
    pub reason: String,
}

/// A baseline that leaks were compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// Its file.
    pub file: String,
    /// Sites that it knows and that have not grown.
    pub sites: u64,
    /// Blocks at those sites.
    pub count: u64,
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
    pub count: u64,
    /// Bytes in all processes.
    pub bytes: u64,
}

/// Bytes and blocks.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Amount {
    /// Blocks.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Amount {
    /// Adds `other`; what does not fit stays the most that fits.
    pub fn add(&mut self, other: Amount) {
        self.count = self.count.saturating_add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
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
    pub count: u64,
    /// Bytes at those sites.
    pub bytes: u64,
}

/// What wrote the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

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
    /// There are wrong frees, and the option `findings` is `fail`.
    Findings,
    /// There are leaks.
    Leaks,
}

impl Verdict {
    /// The name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Clean => "clean",
            Verdict::Incomplete => "incomplete",
            Verdict::Findings => "findings",
            Verdict::Leaks => "leaks",
        }
    }
}

/// What has become of the recorded process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It reached its normal exit.
    Finished,
    /// It is gone without having reached its exit.
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
    /// Wrong frees.
    #[serde(default)]
    pub findings: Vec<InvalidFree>,
    /// The leaks.
    pub leaks: Leaks,
    /// What is live and held, or was made when a library was loaded or a class initialised, and therefore not
    /// among the leaks.
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
}

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

/// A wrong free.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvalidFree {
    /// What is wrong.
    pub problem: InvalidFreeKind,
    /// How often it was seen, with these stacks.
    pub count: u64,
    /// How the block was allocated; for `notHeld`, what the function gives back.
    pub kind: Kind,
    /// Size of the block, or of the direct byte buffer, in bytes; 0 for `notHeld`.
    pub bytes: u64,
    /// The function that freed it, such as `free`, `delete[]` or `ReleaseStringUTFChars`.
    pub released_by: String,
    /// Bytes from the start of the block, for `interior`; the size that the free was told, for
    /// `size`; else 0.
    pub detail: u64,
    /// The stack of the wrong free.
    pub freed: Vec<Frame>,
    /// The stack of the allocation; for `underBuffer`, of the making of the buffer; empty for
    /// `notHeld`.
    pub allocated: Vec<Frame>,
}

/// What is wrong with a free.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum InvalidFreeKind {
    /// The block was freed by another family of functions than it was allocated by.
    Mismatch,
    /// The block had been freed before.
    DoubleFree,
    /// The pointer lies inside a block.
    Interior,
    /// `operator delete` was told another size than `operator new`.
    Size,
    /// A JNI function gave back what nobody held.
    NotHeld,
    /// The memory of a direct byte buffer was freed while Java code could still reach the buffer.
    UnderBuffer,
}

impl InvalidFreeKind {
    /// The name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            InvalidFreeKind::Mismatch => "mismatch",
            InvalidFreeKind::DoubleFree => "doubleFree",
            InvalidFreeKind::Interior => "interior",
            InvalidFreeKind::Size => "size",
            InvalidFreeKind::NotHeld => "notHeld",
            InvalidFreeKind::UnderBuffer => "underBuffer",
        }
    }
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

impl InvalidFree {
    /// What happened, in one clause.
    pub fn sentence(&self) -> String {
        let InvalidFree {
            kind,
            bytes,
            detail,
            released_by,
            ..
        } = self;
        let block = match kind {
            Kind::Fd => "a file descriptor".to_owned(),
            _ => format!("a block of {bytes} bytes from {}", kind.name()),
        };
        match self.problem {
            InvalidFreeKind::DoubleFree if *kind == Kind::Fd => {
                "a file descriptor was closed twice, and the second time it was not open".to_owned()
            }
            InvalidFreeKind::NotHeld if *kind == Kind::Fd => {
                format!("file descriptor {detail} was closed, which is not open")
            }
            InvalidFreeKind::Mismatch => format!("{block} was freed by {released_by}"),
            InvalidFreeKind::DoubleFree => {
                format!("{block} was freed twice, the second time by {released_by}")
            }
            InvalidFreeKind::Interior => {
                format!("{released_by} was given a pointer {detail} bytes inside {block}")
            }
            InvalidFreeKind::Size => format!("{released_by} was told {detail} bytes for {block}"),
            InvalidFreeKind::NotHeld => format!(
                "{released_by} was given what nobody held: never taken, or given back before"
            ),
            InvalidFreeKind::UnderBuffer => format!(
                "the memory of a direct byte buffer of {bytes} bytes was freed by {released_by} \
                 while Java code could still reach the buffer"
            ),
        }
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
    pub count: u64,
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
    /// Something had leaked, or what else fails assertions was found: wrong frees, libraries that
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
    pub count: u64,
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
    /// The process reached its normal exit.
    End,
    /// An assertion ended.
    Assertion,
}

/// The leaks of one process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leaks {
    /// Only blocks allocated in this epoch or later were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u32>,
    /// Only blocks allocated in the scope of this number were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<u32>,
    /// Only these kinds were looked at, by their names in `track`; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Bytes at all sites.
    pub bytes: u64,
    /// Blocks at all sites.
    pub count: u64,
    /// The sites, most bytes first.
    pub sites: Vec<Site>,
}

/// Blocks of one site that were allocated in one epoch: between two checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InEpoch {
    /// The epoch.
    pub epoch: u32,
    /// Blocks.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Blocks of one site that were allocated in scopes of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InScope {
    /// The name.
    pub scope: String,
    /// Blocks.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Blocks with the same frames and kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// Bytes in all blocks, as they were asked for.
    pub bytes: u64,
    /// Blocks.
    pub count: u64,
    /// How they were allocated.
    pub kind: Kind,
    /// The threads that allocated them.
    pub threads: Vec<Thread>,
    /// The scope they were allocated in, when it is the same for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What was allocated in which scope, when it is not the same for all of them. Blocks that
    /// belong to no scope are the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<InScope>,
    /// How many stacks are one here, because they differ only in how their threads started.
    #[serde(default = "one")]
    pub stacks: u64,
    /// In which epochs the blocks were allocated, where the process took checkpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<InEpoch>,
    /// Where to look first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The merged stack, the allocating function first.
    pub frames: Vec<Frame>,
    /// What is known of who holds the blocks.
    #[serde(default)]
    pub verdict: Judgement,
    /// Who holds them, for `held` and `growing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// How they became more with successive tests, for those that did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// What the baseline has for it, when it has grown since; a new site has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Amount>,
    /// What leaks there now in all processes, when it has grown since the baseline.
    #[serde(default, rename = "grownTo", skip_serializing_if = "Option::is_none")]
    pub grown_to: Option<Amount>,
    /// Whose known leak it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownLeak>,
    /// Blocks from before the checkpoint with this stack that an earlier check saw, and that were
    /// freed meanwhile.
    #[serde(default, rename = "freedOlder", skip_serializing_if = "is_zero")]
    pub freed_older: u64,
    /// What handles stand for, each name once: the paths of file descriptors, what is mapped, names of
    /// threads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Other lines of the same functions from which as well: `Store.cpp:42`.
    #[serde(default, rename = "alsoAt", skip_serializing_if = "Vec::is_empty")]
    pub also_at: Vec<String>,
}

/// A known leak of a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownLeak {
    /// The library.
    pub library: String,
    /// The versions that leak, when the entry says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<String>,
    /// The version that the process has, when that was looked for and found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Address of the report; absent for what was not reported yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The file that has the entry, or `built-in`.
    pub source: String,
    /// Its line in that file.
    pub line: u32,
}

impl KnownLeak {
    /// Whose leak it is, and where it was reported.
    pub fn sentence(&self) -> String {
        let report = self.report.as_deref();
        let report = report.map_or(Cow::Borrowed("not reported yet"), short_address);
        format!("known leak of {}, {report}", self.library)
    }

    /// What must be said where the version that the process has is not known.
    pub(crate) fn doubt(&self) -> String {
        match (&self.versions, &self.version) {
            (Some(versions), None) => {
                format!(" (of versions {versions}; which one this is could not be told)")
            }
            _ => String::new(),
        }
    }
}

/// `owner/project#1` for an issue or pull request on GitHub, else the address.
fn short_address(address: &str) -> Cow<'_, str> {
    let parts: Vec<&str> = match address.strip_prefix("https://github.com/") {
        Some(path) => path.split('/').collect(),
        None => Vec::new(),
    };
    match parts[..] {
        [owner, project, "issues" | "pull", number] => format!("{owner}/{project}#{number}").into(),
        _ => address.into(),
    }
}

impl Site {
    /// Its bytes and blocks.
    pub fn amount(&self) -> Amount {
        Amount {
            count: self.count,
            bytes: self.bytes,
        }
    }
}

impl Site {
    /// `, grown from 3 bytes in 1 block to 9 bytes in 2 blocks`; nothing for a new site.
    pub(crate) fn grown(&self) -> String {
        let noun = self.kind.noun();
        let words = |amount: Amount| numbers::amount(amount.bytes, amount.count, noun);
        let Some(before) = self.baseline else {
            return String::new();
        };
        let now = self.grown_to.unwrap_or(self.amount());
        let all = match now == self.amount() {
            true => "",
            false => " in all processes",
        };
        format!(", grown from {} to {}{all}", words(before), words(now))
    }
}

/// The same number of blocks more with each of several tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Growth {
    /// Blocks that each of the tests has added.
    pub blocks: u64,
    /// The tests.
    pub tests: u64,
}

impl Growth {
    /// `1 block more with each of 5 tests`.
    pub fn sentence(self) -> String {
        let more = counted(self.blocks, "block");
        format!("{more} more with each of {}", counted(self.tests, "test"))
    }
}

/// What is live, but held: whoever holds it can still free it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// Bytes at all sites.
    pub bytes: u64,
    /// Blocks at all sites.
    pub count: u64,
    /// The sites, most bytes first.
    pub sites: Vec<Site>,
}

impl Held {
    /// The sum of these sites.
    pub fn of(sites: Vec<Site>) -> Held {
        let mut sum = Amount::default();
        sites.iter().for_each(|site| sum.add(site.amount()));
        Held {
            bytes: sum.bytes,
            count: sum.count,
            sites,
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }
}

/// What is known of who holds blocks.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Judgement {
    /// Nothing that can still run has their addresses.
    Lost,
    /// Something holds them.
    Held,
    /// Something holds them, and more of them with every round of a test that was repeated, or with
    /// each of several tests.
    Growing,
    /// There was no process to ask, or it could not tell.
    #[default]
    Unknown,
}

impl Judgement {
    /// The name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Judgement::Lost => "lost",
            Judgement::Held => "held",
            Judgement::Growing => "growing",
            Judgement::Unknown => "unknown",
        }
    }
}

/// Who holds blocks: where the chain of pointers to them begins, and what lies between.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// What sort of root it is.
    pub root: HolderRoot,
    /// The variable; for Java, the class and its field, the method or the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Path of the module that the variable belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The module's section that it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Its address in the module's file, or its offset in the module's thread-local storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// The thread that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
    /// Fields of Java objects between the root and native memory, the root's side first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// The blocks on the way to one that is held, the root's side first.
    pub chain: Vec<String>,
    /// Further holders of blocks of the same site.
    pub others: u64,
}

/// What sort of root a chain of pointers begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HolderRoot {
    /// A variable of a module.
    Data,
    /// A thread-local variable of a module.
    ThreadLocal,
    /// Data specific to a thread that the C library keeps for it.
    Thread,
    /// The stack of a thread.
    Stack,
    /// A static field of a Java class.
    StaticField,
    /// A field of a live Java object.
    Field,
    /// An element of a live Java array.
    Element,
    /// A local variable of a Java method that runs.
    Local,
    /// A JNI global reference to a Java object.
    GlobalReference,
    /// A Java thread: its fields, and its values of `ThreadLocal`s.
    JavaThread,
}

impl From<hackleak_image::layout::Root> for HolderRoot {
    fn from(root: hackleak_image::layout::Root) -> HolderRoot {
        use hackleak_image::layout::Root;
        match root {
            Root::Data => HolderRoot::Data,
            Root::ThreadLocal => HolderRoot::ThreadLocal,
            Root::Thread => HolderRoot::Thread,
            Root::Stack => HolderRoot::Stack,
            Root::StaticField => HolderRoot::StaticField,
            Root::Field => HolderRoot::Field,
            Root::Element => HolderRoot::Element,
            Root::Local => HolderRoot::Local,
            Root::GlobalReference => HolderRoot::GlobalReference,
            Root::JavaThread => HolderRoot::JavaThread,
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn one() -> u64 {
    1
}

/// The likely owner of a site: the first frame in the user's own code on each side, which is
/// neither the runtime's nor a test framework's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The Java method and its line, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub java: Option<String>,
    /// Its index in the frames of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub java_frame: Option<u32>,
    /// The native function and its line or library, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    /// Its index in the frames of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_frame: Option<u32>,
}

impl Owner {
    /// Both sides in one line.
    pub fn sentence(&self) -> String {
        let sides = [&self.java, &self.native];
        let sides: Vec<&str> = sides.into_iter().flatten().map(String::as_str).collect();
        sides.join(", native ")
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal,)*) => {
        /// What was allocated, and how.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Kind { $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)* }
        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];
            /// The name, as in the JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }
        }
        impl From<hackleak_image::layout::Kind> for Kind {
            fn from(kind: hackleak_image::layout::Kind) -> Kind {
                match kind { $(hackleak_image::layout::Kind::$name => Kind::$name,)* }
            }
        }
    };
}

kinds! {
    /// `operator new`.
    New "new",
    /// `operator new[]`.
    NewArray "new[]",
    /// The malloc family.
    Malloc "malloc",
    /// `Unsafe.allocateMemory`, and with it direct byte buffers.
    Unsafe "unsafe",
    /// `NewGlobalRef` without `DeleteGlobalRef`.
    GlobalRef "global reference",
    /// `NewWeakGlobalRef` without `DeleteWeakGlobalRef`.
    WeakGlobalRef "weak global reference",
    /// `Get<Type>ArrayElements` without `Release<Type>ArrayElements`.
    ArrayElements "array elements",
    /// `GetPrimitiveArrayCritical` without `ReleasePrimitiveArrayCritical`.
    ArrayCritical "critical array",
    /// `GetStringChars` without `ReleaseStringChars`.
    StringChars "string characters",
    /// `GetStringUTFChars` without `ReleaseStringUTFChars`.
    StringUtfChars "UTF string characters",
    /// `GetStringCritical` without `ReleaseStringCritical`.
    StringCritical "critical string",
    /// `MonitorEnter` without `MonitorExit`.
    Monitor "monitor",
    /// An object of a pool of the library's own.
    Pool "pool object",
    /// `NewDirectByteBuffer` over native memory; only in invalid frees.
    DirectBuffer "direct byte buffer",
    /// Memory of the C library, the loader or one of the JDK's libraries; on no report.
    Runtime "memory of the runtime",
    /// A file descriptor that is still open.
    Fd "file descriptor",
    /// Memory that is still mapped: `mmap` without `munmap`, or `FileChannel.map`.
    Mmap "mapping",
    /// Memory that zlib took for Java's `Deflater` or `Inflater`, which was not ended.
    Zip "zlib memory",
    /// A thread that was started and still runs, or has ended and was neither joined nor detached.
    Thread "thread",
    /// A thread that is attached to the JVM: `AttachCurrentThread` without `DetachCurrentThread`.
    Attach "attached thread",
    /// `PushLocalFrame` without `PopLocalFrame`.
    LocalFrame "local frame",
    /// Local references beyond a bound in one native call, or in an attached thread.
    LocalRefs "local reference",
    /// A library that was opened with `dlopen` and not closed.
    Module "library handle",
}

impl Kind {
    /// What one of the kind is called where it is counted. Handles and mappings are no blocks.
    pub const fn noun(self) -> &'static str {
        match self {
            Kind::GlobalRef
            | Kind::WeakGlobalRef
            | Kind::ArrayCritical
            | Kind::StringCritical
            | Kind::Monitor
            | Kind::Fd
            | Kind::Mmap
            | Kind::Thread
            | Kind::Attach
            | Kind::LocalFrame
            | Kind::LocalRefs
            | Kind::Module => self.name(),
            _ => BLOCK,
        }
    }
}

/// The noun for all of these sites: their own, if it is the same; "handle" if none has bytes.
pub fn noun<'site>(sites: impl IntoIterator<Item = &'site Site>) -> &'static str {
    let nouns = sites.into_iter().map(|site| site.kind.noun());
    nouns.reduce(numbers::common_noun).unwrap_or(BLOCK)
}

/// A thread.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Thread {
    /// The kernel's number.
    pub tid: u32,
    /// The name as the kernel knew it.
    pub name: String,
}

/// One frame of a merged stack.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Frame {
    /// A native function.
    Native(NativeFrame),
    /// A Java method.
    Java(JavaFrame),
    /// Something that must be said about the stack at this place.
    Mark {
        /// What must be said.
        text: String,
    },
}

/// A native function.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct NativeFrame {
    /// Name, demangled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in the source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether it was inlined into the next native frame.
    pub inlined: bool,
    /// Path of its module as the loader knew it.
    pub module: String,
    /// Last byte of the call, as the module's file counts addresses: what `addr2line` takes.
    pub offset: String,
}

/// A Java method.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct JavaFrame {
    /// Class as Java names it: `java.util.HashMap$Node`.
    pub class: String,
    /// Method.
    pub method: String,
    /// Source file, without its folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in the source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether the method is native.
    pub native: bool,
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
                count.saturating_add(leaks.count),
            )
        })
    }
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
