//! The records of the image, bit for bit. All integers are little-endian, all offsets in bytes.
//!
//! Changing anything here changes [`VERSION`].

use bytemuck::{Pod, Zeroable};

use crate::resident::Parts;

/// The first eight bytes of an image.
pub const MAGIC: [u8; 8] = *b"HackLeak";
/// The version of this layout; a reader refuses every other.
pub const VERSION: u32 = 9;
/// The header's length; the first segment follows it.
pub const HEADER_LEN: u64 = 4096;
/// The length of a segment's own header.
pub const SEGMENT_HEADER_LEN: u64 = 4096;
/// The length of a segment's data.
pub const SEGMENT_DATA_LEN: u64 = 1 << 20;
/// The distance between segments.
pub const SEGMENT_STRIDE: u64 = SEGMENT_HEADER_LEN + SEGMENT_DATA_LEN;

/// The first four bytes of a segment.
pub const SEGMENT_MAGIC: u32 = u32::from_le_bytes(*b"HLSG");

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum SegmentKind {
    /// Reserved, not yet in use.
    Empty = 0,
    /// Nodes of the stack tree: [`Node`].
    Nodes = 1,
    /// Interned contexts: [`Context`].
    Contexts = 2,
    /// Threads: [`Thread`].
    Threads = 3,
    /// Loaded modules: [`Module`].
    Modules = 4,
    /// Java methods: [`Method`].
    Methods = 5,
    /// Strings and line tables: bytes.
    Blobs = 6,
    /// Scopes: [`Scope`].
    Scopes = 7,
    /// Checkpoints: [`Checkpoint`].
    Checkpoints = 8,
    /// Wrong frees: [`InvalidFree`].
    InvalidFrees = 9,
    /// The timeline of live memory: [`Point`].
    Points = 10,
    /// What became of assertions: [`Assertion`].
    Assertions = 11,
    /// Looks at who holds what: [`Judging`].
    Judgings = 12,
    /// What they found: [`Judged`].
    Judged = 13,
    /// Who holds memory: [`Holder`].
    Holders = 14,
    /// What handles stand for: [`Named`].
    Names = 15,
    /// Live records of one MiB of address space: [`Live`] per 16-byte granule. `base` is the
    /// address divided by one MiB. [`SegmentHeader::summary`] holds the newest epoch per page.
    Live = 16,
    /// The same for addresses that are 8 modulo 16; granule `i` is address `16 i + 8`.
    LiveOdd = 17,
    /// The same for the objects of libraries' own pools, which lie inside of recorded blocks.
    Pool = 18,
    /// The same for pool objects at 8 modulo 16.
    PoolOdd = 19,
}

impl SegmentKind {
    /// The kinds that are arenas, in the order of [`Header::lengths`].
    pub const ARENAS: [SegmentKind; 15] = [
        SegmentKind::Nodes,
        SegmentKind::Contexts,
        SegmentKind::Threads,
        SegmentKind::Modules,
        SegmentKind::Methods,
        SegmentKind::Blobs,
        SegmentKind::Scopes,
        SegmentKind::Checkpoints,
        SegmentKind::InvalidFrees,
        SegmentKind::Points,
        SegmentKind::Assertions,
        SegmentKind::Judgings,
        SegmentKind::Judged,
        SegmentKind::Holders,
        SegmentKind::Names,
    ];

    /// The kind of a number read from a file.
    pub fn from_number(number: u32) -> Option<SegmentKind> {
        use SegmentKind::*;
        match number {
            0 => Some(Empty),
            16 => Some(Live),
            17 => Some(LiveOdd),
            18 => Some(Pool),
            19 => Some(PoolOdd),
            _ => SegmentKind::ARENAS
                .into_iter()
                .find(|kind| *kind as u32 == number),
        }
    }

    /// Bytes of one record of an arena, or of live records.
    pub const fn record_len(self) -> u64 {
        use SegmentKind::*;
        let len = match self {
            Empty | Blobs => 1,
            Nodes => size_of::<Node>(),
            Contexts => size_of::<Context>(),
            Threads => size_of::<Thread>(),
            Modules => size_of::<Module>(),
            Methods => size_of::<Method>(),
            Scopes => size_of::<Scope>(),
            Checkpoints => size_of::<Checkpoint>(),
            InvalidFrees => size_of::<InvalidFree>(),
            Points => size_of::<Point>(),
            Assertions => size_of::<Assertion>(),
            Judgings => size_of::<Judging>(),
            Judged => size_of::<self::Judged>(),
            Holders => size_of::<Holder>(),
            Names => size_of::<Named>(),
            Live | LiveOdd | Pool | PoolOdd => size_of::<self::Live>(),
        };
        len as u64
    }

    /// The name that `hackleak dump` has for it.
    pub const fn name(self) -> &'static str {
        use SegmentKind::*;
        match self {
            Empty => "empty",
            Nodes => "nodes",
            Contexts => "contexts",
            Threads => "threads",
            Modules => "modules",
            Methods => "methods",
            Blobs => "blobs",
            Scopes => "scopes",
            Checkpoints => "checkpoints",
            InvalidFrees => "findings",
            Points => "points",
            Assertions => "assertions",
            Judgings => "judgings",
            Judged => "judged",
            Holders => "holders",
            Names => "names",
            Live => "live",
            LiveOdd => "live at 8",
            Pool => "pool",
            PoolOdd => "pool at 8",
        }
    }

    /// The position of an arena in [`Header::lengths`]; `None` for the other kinds.
    pub fn arena(self) -> Option<usize> {
        SegmentKind::ARENAS.iter().position(|kind| *kind == self)
    }
}

/// A run of bytes in the blobs: offset in the lower, length in the upper 32 bits. Zero is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Blob(pub u64);

impl Blob {
    /// The run of `len` bytes at `offset`.
    pub const fn new(offset: u32, len: u32) -> Blob {
        Blob(offset as u64 | (len as u64) << 32)
    }
    /// Offset of the first byte in the blobs.
    pub const fn offset(self) -> u32 {
        self.0 as u32
    }
    /// Length in bytes.
    pub const fn len(self) -> u32 {
        (self.0 >> 32) as u32
    }
    /// Whether it has no bytes.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// The states of a recorded process, in [`Header::state`].
///
/// ```text
/// RECORDING ──► FINISHED     the process reached its normal exit
///     └── (still RECORDING and the process is gone: it was killed or crashed)
/// ```
pub mod state {
    /// The process records, or was killed.
    pub const RECORDING: u32 = 1;
    /// The process reached its normal exit.
    pub const FINISHED: u32 = 2;
}

/// Bits of [`Header::flags`].
pub mod flags {
    /// Some segments are in the memory of the process only: the file system was full, if no other bit says why.
    pub const MEMORY_ONLY: u32 = 1;
    /// The JNI boundary is watched: Java stacks are recorded.
    pub const JAVA: u32 = 2;
    /// The JNI boundary was watched from before the first class was loaded.
    pub const JAVA_EARLY: u32 = 4;
    /// The process settled (forced GC, drained cleaners) at its exit.
    pub const SETTLED_AT_EXIT: u32 = 8;
    /// With [`MEMORY_ONLY`]: a file-size limit was reached (`RLIMIT_FSIZE`).
    pub const FILE_LIMIT: u32 = 16;
    /// With [`MEMORY_ONLY`]: the program closed the file, and its path names another one or none.
    pub const FILE_GONE: u32 = 32;
    /// With [`MEMORY_ONLY`]: the file system refused for another reason than being full.
    pub const FILE_REFUSED: u32 = 64;
    /// The process was forked and did not call `exec`: what is recorded begins at its first allocation.
    pub const FORKED: u32 = 128;
    /// The program made a JVM when it had run for a while, and what is recorded begins there.
    pub const BEGUN_LATE: u32 = 256;
    /// The JVM does not say where it keeps its code: its tables for the Serviceability Agent are missing.
    pub const NO_JVM_TABLES: u32 = 512;
    /// The JVM has no `AsyncGetCallTrace`.
    pub const NO_CALL_TRACE: u32 = 1024;
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)*) => {
        /// What could not be recorded, or not in full: an index into [`Header::counters`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Counter { $($(#[doc = $doc])+ $name,)* }
        impl Counter {
            /// Every counter, in the order of the header.
            pub const ALL: &[Counter] = &[$(Counter::$name,)*];
            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Counter::$name => $text,)* }
            }
        }
    };
}

impl Counter {
    /// Allocations that are missing from the live table, for whatever reason.
    pub const DROPPED: [Counter; 3] = [
        Counter::DroppedNoSegment,
        Counter::DroppedAddress,
        Counter::InternalErrors,
    ];
}

counters! {
    /// Allocations missing from the live table: its segment could not be had.
    DroppedNoSegment = "droppedNoSegment",
    /// Allocations missing from the live table: an address that it cannot hold.
    DroppedAddress = "droppedAddress",
    /// Allocations whose stack was lost: the stack tree is full.
    StackTreeFull = "stackTreeFull",
    /// Allocations whose stack was lost: they interrupted the recorder.
    StackInterrupted = "stackInterrupted",
    /// Stacks cut at the depth limit.
    StackTruncated = "stackTruncated",
    /// Stacks that needed frame pointers, or ended for want of unwind tables.
    StackNoTables = "stackNoTables",
    /// Allocations whose thread, checkpoint and scope were lost: the contexts are full.
    ContextsFull = "contextsFull",
    /// Times that the JVM gave no Java stack.
    JavaStackMissing = "javaStackMissing",
    /// Nested JNI calls beyond the entry stack; their Java stack is asked for at each allocation.
    JniNestingDeep = "jniNestingDeep",
    /// Java methods or modules whose name was lost: their arena is full.
    NamesFull = "namesFull",
    /// Native methods that were called without a thunk: the pool of thunks is full.
    ThunksFull = "thunksFull",
    /// Threads without a record of their own: the threads are full.
    ThreadsFull = "threadsFull",
    /// Segments that are in memory only because the file could not grow.
    SegmentsInMemory = "segmentsInMemory",
    /// Frees whose thread had no record any more; they are in the live table all the same.
    FreesWithoutThread = "freesWithoutThread",
    /// Libraries that were opened without the `RTLD_DEEPBIND` that was asked for.
    DeepBindDropped = "deepBindDropped",
    /// Direct byte buffers that are not watched: the table of buffers was full.
    BuffersFull = "buffersFull",
    /// Functions of declared pools of which no call could be redirected so far.
    PoolFunctionsUnseen = "poolFunctionsUnseen",
    /// Points of the timeline that were lost: their arena is full.
    TimelineFull = "timelineFull",
    /// Assertions whose outcome was lost: their arena is full.
    AssertionsFull = "assertionsFull",
    /// Batches of lines that could not be written to the text log.
    LogLost = "logLost",
    /// Errors of the recorder's own. After the first one nothing was recorded; see
    /// [`Header::stopped_at`].
    InternalErrors = "internalErrors",
    /// Calls of `dlmopen` for another namespace than the recorder's.
    OtherNamespaces = "otherNamespaces",
    /// Forked children, and theirs, that went on without `exec` and could not be recorded.
    ForksUnrecorded = "forksUnrecorded",
    /// Calls of `dlopen` that depend on the search path of their caller; what they opened is not recorded.
    LibrariesByPath = "librariesByPath",
}

/// Room for counters in the header.
pub const MAX_COUNTERS: usize = 32;

/// The first page of an image.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`]; written last, when everything else holds.
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    /// The ELF machine of the process (`EM_X86_64` is 62).
    pub machine: u32,
    /// The process.
    pub pid: u32,
    /// See [`state`].
    pub state: u32,
    /// See [`flags`].
    pub flags: u32,
    /// The newest checkpoint's epoch; the time before the first one is epoch 1.
    pub epoch: u32,
    /// Start of the recording, ns since 1970. Java's `LeakEvidence` tells images apart by this and
    /// the next field.
    pub start_unix_ns: u64,
    /// Start of the process in clock ticks since boot (field 22 of `/proc/PID/stat`): tells a
    /// running process from a later one with the same number.
    pub start_ticks: u64,
    /// Which kinds are tracked: bits of `hackleak_options::Track`.
    pub track: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// Segments in the file, in use or being created.
    pub segments: u64,
    /// Records per arena, in the order of [`SegmentKind::ARENAS`]; bytes for the blobs.
    pub lengths: [u64; 16],
    /// See [`Counter`].
    pub counters: [u64; MAX_COUNTERS],
    /// Path of the executable.
    pub exe: Blob,
    /// Arguments of the process, each ended by a zero byte.
    pub command: Blob,
    /// The options in their text form.
    pub options: Blob,
    /// The least time between two points of the timeline that traffic alone causes, ns. It
    /// doubles as the points become many; see [`Point`].
    pub timeline_interval_ns: u64,
    /// What threads did that had no record of their own.
    pub strays: UnattributedTotals,
    /// Where in the recorder an error of its own stopped the recording, as `FILE:LINE`.
    pub stopped_at: Blob,
    /// The folder in which the process worked when its recording began.
    pub folder: Blob,
    /// Where Java's heap begins; 0 when nobody knows, or there is none.
    pub java_heap_start: u64,
    /// Where it ends.
    pub java_heap_end: u64,
    /// What the process had in memory at its end.
    pub footprint: Footprint,
}

/// What a process had in memory at its end, and what of that its allocator kept. All sizes are in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Footprint {
    /// When, ns since 1970; written last. 0 is never: the process was killed, or its list of mappings could
    /// not be read.
    pub unix_ns: u64,
    /// What was in memory.
    pub parts: Parts,
    /// With [`footprint_flags::ASKED`]: large blocks, which have mappings of their own.
    pub mapped: u64,
    /// With [`footprint_flags::ASKED`]: what was free in the heaps.
    pub free: u64,
    /// See [`footprint_flags`].
    pub flags: u64,
}

/// Bits of [`Footprint::flags`].
pub mod footprint_flags {
    /// The C library's allocator said what it kept.
    pub const ASKED: u64 = 1;
    /// The program's `malloc` was not the C library's.
    pub const OTHER_ALLOCATOR: u64 = 2;
}

/// Events that have no thread's record: the thread is ending, there is no room for its record, or a
/// signal handler interrupted the recorder on it. Their frees are counted by [`Counter::FreesWithoutThread`]. Added to atomically.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct UnattributedTotals {
    /// Allocations recorded.
    pub allocations: u64,
    /// Bytes allocated.
    pub bytes: u64,
    /// Bytes of recorded blocks that were freed.
    pub freed_bytes: u64,
}

/// Pages of live records in a segment.
pub const SUMMARY_LEN: usize = 256;

/// The first page of a segment.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SegmentHeader {
    /// [`SEGMENT_MAGIC`].
    pub magic: u32,
    /// A [`SegmentKind`]; written last.
    pub kind: u32,
    /// Which piece of the arena, or which MiB of address space.
    pub base: u64,
    /// Live records only: the newest epoch recorded in each 4 KiB page of records; 0 is none.
    pub summary: [u32; SUMMARY_LEN],
}

/// A node of the stack tree: one frame below another. The root is node 0, which is not stored
/// as a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Node {
    /// A [`crate::Frame`]; 0 while the node is being written.
    pub frame: u64,
    /// The node on the root side.
    pub parent: u32,
    /// The writer's hash of the path; of no meaning to a reader.
    pub hash: u32,
}

/// What an allocation belongs to besides its stack. Context 0 is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Context {
    /// The epoch it was made in.
    pub epoch: u32,
    /// The scope, or 0.
    pub scope: u32,
    /// Index into the threads.
    pub thread: u32,
    /// [`CONTEXT_IGNORED`], [`CONTEXT_INHERITED`].
    pub flags: u32,
}

/// [`Context::flags`]: the allocation leaks on purpose.
pub const CONTEXT_IGNORED: u32 = 1;
/// [`Context::flags`]: the thread did not enter the scope itself but was started in it.
pub const CONTEXT_INHERITED: u32 = 2;

/// A thread. Its numbers are written by that thread alone.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Thread {
    /// The kernel's thread number.
    pub tid: u32,
    /// 1 while the thread runs.
    pub running: u32,
    /// Name as the kernel knows it, ended by a zero byte.
    pub name: [u8; 16],
    /// Allocations recorded.
    pub allocations: u64,
    /// Frees of recorded blocks.
    pub frees: u64,
    /// Bytes allocated.
    pub bytes: u64,
    /// Bytes of recorded blocks that it freed, its own or other threads'.
    pub freed_bytes: u64,
    /// Stacks found by the memo alone, without walking to the end.
    pub memo_hits: u64,
    /// Stacks walked to the end.
    pub full_walks: u64,
    /// Java stacks asked of the JVM.
    pub java_asks: u64,
    /// Java stacks that JVMTI gave because `AsyncGetCallTrace` could not.
    pub java_fallbacks: u64,
    /// The epoch in which it ended; 0 while it runs.
    pub ended: u32,
    /// Reserved, zero: the record fills two cache lines.
    pub reserved: [u32; 9],
}

/// A loaded module, as it was when it was first seen.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Module {
    /// Path as the loader knows it.
    pub path: Blob,
    /// The GNU build-id, `build_id_len` bytes.
    pub build_id: [u8; 32],
    /// Length of the build-id; 0 when there is none.
    pub build_id_len: u32,
    /// See [`module_flags`].
    pub flags: u32,
    /// Load bias: address in the process less address in the file.
    pub bias: u64,
    /// Start of the mapping in the process.
    pub start: u64,
    /// End of the mapping in the process; written last.
    pub end: u64,
}

/// The name in the folder `modules` of a copy of module `index`: its build-id, or where it has none the
/// process and its place there.
pub fn kept_name(build_id: &[u8], start_unix_ns: u64, pid: u32, index: u32) -> String {
    use core::fmt::Write;
    let mut name = String::new();
    for byte in build_id {
        let _ = write!(name, "{byte:02x}");
    }
    if name.is_empty() {
        let _ = write!(name, "{start_unix_ns}-{pid}-{index}");
    }
    name
}

/// The name of the file that is written from a module's memory, where there is none to keep under the
/// name `kept`.
pub fn rebuilt_name(kept: &str) -> String {
    format!("{kept}-from-memory")
}

/// Bits of [`Module::flags`].
pub mod module_flags {
    /// HackLeak's own library: its frames are not shown.
    pub const RECORDER: u32 = 1;
    /// The executable itself.
    pub const EXECUTABLE: u32 = 2;
    /// Loaded by `dlmopen` into another namespace than the recorder.
    pub const APART: u32 = 4;
    /// The process's `malloc` is this library's, to which the recorder passes calls on.
    pub const ALLOCATOR: u32 = 8;
}

/// A Java method, resolved while it was live on a stack.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Method {
    /// Class as Java names it: `java.util.HashMap$Node`.
    pub class: Blob,
    /// Method name.
    pub name: Blob,
    /// JVM signature.
    pub signature: Blob,
    /// Source file, or empty.
    pub file: Blob,
    /// Line table: pairs of little-endian u16 {first byte-code index, line}, ascending.
    pub lines: Blob,
}

/// A scope named by `HackLeak.scope`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Scope {
    /// Its name.
    pub name: Blob,
    /// The epoch that began when it was closed; 0 while it is open, and for good when nobody
    /// wants to know.
    pub closed: u32,
    /// The scope inside of which it was opened, or 0; a lower number than its own.
    pub parent: u32,
    /// 1: all else may be zero, and a record that was wiped out must not pass for such a scope.
    pub written: u32,
    /// Reserved, zero.
    pub reserved: [u32; 3],
}

/// A checkpoint.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Checkpoint {
    /// Allocations from now on have this epoch or a later one.
    pub epoch: u32,
    /// Index of the thread that took it.
    pub thread: u32,
    /// Label, or empty.
    pub label: Blob,
    /// When, ns since 1970.
    pub unix_ns: u64,
}

macro_rules! numbered {
    (
        $(#[doc = $doc:literal])+
        $type:ident { $($(#[doc = $each:literal])+ $name:ident = $number:literal,)* }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $type { $($(#[doc = $each])+ $name = $number,)* }
        impl $type {
            /// The meaning of a number read from a file.
            pub fn from_number(number: u32) -> Option<$type> {
                match number { $($number => Some($type::$name),)* _ => None }
            }
        }
    };
}

numbered! {
    /// Why a [`Point`] was written.
    Cause {
        /// The recording began.
        Start = 1,
        /// A thread allocated or freed more than a MiB since its last look.
        Traffic = 2,
        /// A checkpoint was taken; the point's epoch is the checkpoint's.
        Checkpoint = 3,
        /// The process reached its normal exit.
        End = 4,
        /// An assertion ended.
        Assertion = 5,
    }
}

/// A point of the timeline: what was live at a moment, over all threads.
///
/// Threads go on while the sum is made, so it may be off by what they do meanwhile. Points that
/// traffic causes keep a distance, 10 ms at first, which doubles with every 1024 of them: a day of
/// traffic is some 13,000 points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Point {
    /// When, ns since 1970; 0 while it is being written.
    pub unix_ns: u64,
    /// Bytes live.
    pub bytes: u64,
    /// Blocks live.
    pub blocks: u64,
    /// The newest epoch then.
    pub epoch: u32,
    /// A [`Cause`].
    pub cause: u32,
}

numbered! {
    /// What became of an assertion.
    Outcome {
        /// Nothing had leaked.
        Passed = 1,
        /// Something had leaked, or what else fails assertions was found: wrong frees, libraries
        /// that are not seen.
        Failed = 2,
        /// Nothing was seen, but events are missing from the record.
        Incomplete = 3,
        /// The check itself failed.
        Error = 4,
    }
}

numbered! {
    /// What kind of assertion it was.
    Check {
        /// `HackLeak.assertNoLeaks`, which `@NoLeaks` uses too.
        Assertion = 1,
        /// The check at the exit of the JVM.
        Exit = 2,
    }
}

/// An assertion that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Assertion {
    /// An [`Outcome`]; written last, 0 is none.
    pub outcome: u32,
    /// A [`Check`].
    pub check: u32,
    /// The epoch of the checkpoint that it looked back to; 0 is the start of the process.
    pub since: u32,
    /// The scope that it looked at, or 0 for all.
    pub scope: u32,
    /// When it ended, ns since 1970.
    pub unix_ns: u64,
    /// Bytes that had leaked.
    pub bytes: u64,
    /// Blocks that had leaked.
    pub blocks: u64,
    /// Sites of these blocks; 0 when they were not told apart.
    pub sites: u32,
    /// Index of the thread that asserted.
    pub thread: u32,
    /// The label of the checkpoint, which is the test's name under `@NoLeaks`; may be empty.
    pub label: Blob,
    /// For [`Outcome::Error`], what went wrong; else empty.
    pub detail: Blob,
}

/// A look at who holds the blocks that were live at a moment.
///
/// A reader finds it by its number, which the assertion passes on, or takes the last one that looked at
/// everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Judging {
    /// When it ended, ns since 1970; written last, 0 while it is under way.
    pub unix_ns: u64,
    /// The epoch that it looked back to; 0 is everything.
    pub since: u32,
    /// See [`judging_flags`].
    pub flags: u32,
    /// Index of its first record among the [`Judged`].
    pub first: u32,
    /// How many records are its own.
    pub count: u32,
    /// Reserved, zero.
    pub reserved: u64,
}

/// Bits of [`Judging::flags`].
pub mod judging_flags {
    /// The Java heap was looked at; else only native memory could hold anything.
    pub const JAVA: u32 = 1;
    /// The process was at its end.
    pub const AT_EXIT: u32 = 2;
}

/// Blocks of one stack, context and kind, with what was found out about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Judged {
    /// Node and context, as in [`Live::origin`].
    pub origin: u64,
    /// Bytes of the blocks.
    pub bytes: u64,
    /// Blocks; 0 while the record is being written.
    pub count: u32,
    /// A [`Kind`].
    pub kind: u32,
    /// Index of the [`Holder`] plus one; 0 when nothing holds them.
    pub holder: u32,
    /// Reserved, zero.
    pub reserved: u32,
}

numbered! {
    /// What sort of root a chain of pointers begins at.
    Root {
        /// A word of a module's writable data.
        Data = 1,
        /// A word of a thread's thread-local storage that belongs to a module.
        ThreadLocal = 2,
        /// A thread's own record in the C library: `pthread_setspecific` and the like.
        Thread = 3,
        /// The stack of a thread.
        Stack = 4,
        /// A static field of a Java class.
        StaticField = 5,
        /// A field of a live Java object.
        Field = 6,
        /// An element of a live Java array.
        Element = 7,
        /// A local variable of a Java method that runs.
        Local = 8,
        /// A JNI global reference to a Java object.
        GlobalReference = 9,
        /// A Java thread: its fields, and its values of `ThreadLocal`s.
        JavaThread = 10,
    }
}

/// Who holds memory: the root that a chain of pointers begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Holder {
    /// A [`Root`]; written last.
    pub root: u32,
    /// For [`Root::Data`] and [`Root::ThreadLocal`], the module plus one; 0 is unknown.
    pub module: u32,
    /// Address of the word in the module's file, or its offset in the module's thread-local block.
    pub offset: u64,
    /// For threads, the kernel's number.
    pub tid: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// Name of the thread, or class and field of Java's as they are shown; then, on a line each, what lies
    /// between that root and the native memory: fields of Java's, the last one with the address.
    pub name: Blob,
    /// The blocks on the way from the root to the first block that it holds: a [`Link`] each.
    pub chain: Blob,
}

/// A block on the way from a root, in [`Holder::chain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Link {
    /// Size of the block.
    pub size: u64,
    /// Node of its stack; 0 for memory that is not recorded, such as a mapping.
    pub stack: u32,
    /// A [`Kind`], or 0.
    pub kind: u32,
}

/// What a handle stood for when somebody last looked: the path behind a file descriptor or a mapping. For one address the last
/// such record is the one that counts, if its origin is that of the live record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Named {
    /// The handle's place in the live table.
    pub address: u64,
    /// Node and context, as in [`Live::origin`].
    pub origin: u64,
    /// What it is called.
    pub name: Blob,
    /// A [`Kind`].
    pub kind: u32,
    /// Reserved, zero.
    pub reserved: u32,
}

/// What is wrong with a free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum InvalidFreeKind {
    /// The block was freed by another family of functions than it was allocated by.
    Mismatch = 1,
    /// The block had been freed before.
    DoubleFree = 2,
    /// The pointer lies inside a block.
    Interior = 3,
    /// `operator delete` was told another size than `operator new`.
    Size = 4,
    /// A JNI function gave back what nobody holds: it was never taken, or given back before.
    NotHeld = 5,
    /// The memory of a direct byte buffer was freed while Java code could still reach the buffer.
    UnderBuffer = 6,
}

impl InvalidFreeKind {
    /// The kind of a number read from a file.
    pub fn from_number(number: u32) -> Option<InvalidFreeKind> {
        [
            InvalidFreeKind::Mismatch,
            InvalidFreeKind::DoubleFree,
            InvalidFreeKind::Interior,
            InvalidFreeKind::Size,
            InvalidFreeKind::NotHeld,
            InvalidFreeKind::UnderBuffer,
        ]
        .into_iter()
        .find(|kind| *kind as u32 == number)
    }
}

/// A wrong free, with the stacks of the allocation and of the free.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct InvalidFree {
    /// An [`InvalidFreeKind`]; written last.
    pub problem: u32,
    /// How it was freed: a [`Release`].
    pub release: u32,
    /// The pointer that was freed.
    pub address: u64,
    /// Size that the free was told, for [`InvalidFreeKind::Size`]; distance from the block's
    /// start, for [`InvalidFreeKind::Interior`].
    pub detail: u64,
    /// Node and context of the free, as in [`Live::origin`].
    pub freed: u64,
    /// The block's record: [`Live::origin`] and [`Live::block`]. Of the buffer, for
    /// [`InvalidFreeKind::UnderBuffer`]; zero for [`InvalidFreeKind::NotHeld`].
    pub allocated: Live,
}

/// Which function freed a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Release {
    /// `free` and its like.
    Free = 1,
    /// `operator delete`.
    Delete = 2,
    /// `operator delete[]`.
    DeleteArray = 3,
    /// `Unsafe.freeMemory`.
    UnsafeFree = 4,
    /// `DeleteGlobalRef`.
    DeleteGlobalRef = 5,
    /// `DeleteWeakGlobalRef`.
    DeleteWeakGlobalRef = 6,
    /// `Release<Type>ArrayElements`.
    ReleaseElements = 7,
    /// `ReleaseStringChars`.
    ReleaseStringChars = 8,
    /// `ReleaseStringUTFChars`.
    ReleaseStringUtfChars = 9,
    /// `ReleasePrimitiveArrayCritical`.
    ReleaseArrayCritical = 10,
    /// `ReleaseStringCritical`.
    ReleaseStringCritical = 11,
    /// `close`.
    Close = 12,
}

impl Release {
    /// Whether it gives back a handle of the JVM, which is no block of its own.
    pub const fn is_of_handle(self) -> bool {
        matches!(
            self,
            Release::DeleteGlobalRef | Release::DeleteWeakGlobalRef
        )
    }

    const ALL: [Release; 12] = [
        Release::Free,
        Release::Delete,
        Release::DeleteArray,
        Release::UnsafeFree,
        Release::DeleteGlobalRef,
        Release::DeleteWeakGlobalRef,
        Release::ReleaseElements,
        Release::ReleaseStringChars,
        Release::ReleaseStringUtfChars,
        Release::ReleaseArrayCritical,
        Release::ReleaseStringCritical,
        Release::Close,
    ];
    /// The function of a number read from a file.
    pub fn from_number(number: u32) -> Option<Release> {
        Release::ALL
            .into_iter()
            .find(|release| *release as u32 == number)
    }
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Release::Free => "free",
            Release::Delete => "delete",
            Release::DeleteArray => "delete[]",
            Release::UnsafeFree => "Unsafe.freeMemory",
            Release::DeleteGlobalRef => "DeleteGlobalRef",
            Release::DeleteWeakGlobalRef => "DeleteWeakGlobalRef",
            Release::ReleaseElements => "Release<Type>ArrayElements",
            Release::ReleaseStringChars => "ReleaseStringChars",
            Release::ReleaseStringUtfChars => "ReleaseStringUTFChars",
            Release::ReleaseArrayCritical => "ReleasePrimitiveArrayCritical",
            Release::ReleaseStringCritical => "ReleaseStringCritical",
            Release::Close => "close",
        }
    }
    /// Whether it is a function of the JVM's.
    #[inline]
    pub const fn is_java(self) -> bool {
        let number = self as u32;
        number >= Release::UnsafeFree as u32 && number < Release::Close as u32
    }
    /// The kind that it is the right function for.
    pub const fn kind(self) -> Kind {
        match self {
            Release::Free => Kind::Malloc,
            Release::Delete => Kind::New,
            Release::DeleteArray => Kind::NewArray,
            Release::UnsafeFree => Kind::Unsafe,
            Release::DeleteGlobalRef => Kind::GlobalRef,
            Release::DeleteWeakGlobalRef => Kind::WeakGlobalRef,
            Release::ReleaseElements => Kind::ArrayElements,
            Release::ReleaseStringChars => Kind::StringChars,
            Release::ReleaseStringUtfChars => Kind::StringUtfChars,
            Release::ReleaseArrayCritical => Kind::ArrayCritical,
            Release::ReleaseStringCritical => Kind::StringCritical,
            Release::Close => Kind::Fd,
        }
    }
    /// Whether blocks of this kind are those it is for. Others that it may free are rare.
    #[inline]
    pub const fn is_for(self, kind: Kind) -> bool {
        self.kind() as u8 == kind as u8
    }
    /// Whether it is a right function for a block of this kind.
    pub const fn fits(self, kind: Kind) -> bool {
        self.is_for(kind) || matches!((self, kind), (Release::Free, Kind::Zip))
    }
}

/// Local references of one native call are of interest beyond so many. JNI promises room for 16.
pub const LOCAL_BOUND: u32 = 512;

/// One live block: sixteen bytes at the place that its address decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Live {
    /// Node of the stack tree in the lower, context in the upper 32 bits.
    pub origin: u64,
    /// Size in the lower 48 bits, then 8 bits [`Kind`], then 6 bits [`Live::pins`]; bit 62 says
    /// that it was freed, bit 63 that it is live. Written after `origin`; 0 is no block.
    pub block: u64,
}

/// [`Live::block`]: the block is live.
pub const LIVE: u64 = 1 << 63;
/// [`Live::block`]: the block was freed, and nobody has the address since.
pub const FREED: u64 = 1 << 62;
/// [`Live::block`]: the bits of the size.
pub const SIZE_BITS: u32 = 48;
/// The largest size that [`Live::block`] has room for.
pub const MAX_SIZE: u64 = (1 << SIZE_BITS) - 1;

/// [`Live::block`]: where the count of [`Live::pins`] begins.
pub const PIN_SHIFT: u32 = 56;
/// The most that [`Live::pins`] counts.
pub const MAX_PINS: u8 = 63;

impl Live {
    /// The record of a live block.
    #[inline]
    pub const fn new(stack: u32, context: u32, size: u64, kind: Kind) -> Live {
        let size = if size > MAX_SIZE { MAX_SIZE } else { size };
        Live {
            origin: stack as u64 | (context as u64) << 32,
            block: size | (kind as u64) << SIZE_BITS | LIVE,
        }
    }
    /// A block of the runtime's, which no report has. It has an origin, though none that exists: a page
    /// where all blocks were forgotten is still not blank.
    #[inline]
    pub const fn of_runtime(size: u64) -> Live {
        Live::new(0, u32::MAX, size, Kind::Runtime)
    }
    /// Whether the block is live.
    #[inline]
    pub const fn is_live(self) -> bool {
        self.block & LIVE != 0
    }
    /// Size in bytes as it was asked for.
    #[inline]
    pub const fn size(self) -> u64 {
        self.block & MAX_SIZE
    }
    /// The number of the [`Kind`].
    #[inline]
    pub const fn kind(self) -> u8 {
        (self.block >> SIZE_BITS) as u8
    }
    /// How often the resource is held beyond once, for the kinds that nest; for memory, not 0 if a
    /// direct byte buffer was made over it; for a file descriptor, if a library of the JDK has opened it.
    #[inline]
    pub const fn pins(self) -> u8 {
        (self.block >> PIN_SHIFT) as u8 & MAX_PINS
    }
    /// Node of the stack tree.
    #[inline]
    pub const fn stack(self) -> u32 {
        self.origin as u32
    }
    /// Index into the contexts.
    #[inline]
    pub const fn context(self) -> u32 {
        (self.origin >> 32) as u32
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal $text:literal,)*) => {
        /// What was allocated, and how.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[doc = $doc])+ $name = $number,)* }
        impl Kind {
            /// The kind of a number read from a file.
            pub fn from_number(number: u8) -> Option<Kind> {
                match number { $($number => Some(Kind::$name),)* _ => None }
            }
            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// `operator new`.
    New = 1 "new",
    /// `operator new[]`.
    NewArray = 2 "new[]",
    /// The malloc family.
    Malloc = 3 "malloc",
    /// `Unsafe.allocateMemory`.
    Unsafe = 4 "unsafe",
    /// `NewGlobalRef`. The address is the reference's, without its tag bits.
    GlobalRef = 5 "global reference",
    /// `NewWeakGlobalRef`.
    WeakGlobalRef = 6 "weak global reference",
    /// `Get<Type>ArrayElements`.
    ArrayElements = 7 "array elements",
    /// `GetPrimitiveArrayCritical`. [`Live::pins`] counts how often.
    ArrayCritical = 8 "critical array",
    /// `GetStringChars`.
    StringChars = 9 "string characters",
    /// `GetStringUTFChars`.
    StringUtfChars = 10 "UTF string characters",
    /// `GetStringCritical`. [`Live::pins`] counts how often.
    StringCritical = 11 "critical string",
    /// `MonitorEnter`. The address is made of the object's identity hash; [`Live::pins`] counts
    /// how often.
    Monitor = 12 "monitor",
    /// `hackleak_alloc`: an object of a pool of the library's own.
    Pool = 13 "pool object",
    /// `NewDirectByteBuffer` over a recorded block. Never live: it only tells, in a
    /// [`InvalidFreeKind::UnderBuffer`], where the buffer was made.
    DirectBuffer = 14 "direct byte buffer",
    /// Memory of the C library, the loader or one of the JDK's libraries. Never a leak, and on no report: it
    /// is in the table because what it points at is held.
    Runtime = 15 "memory of the runtime",
    /// A file descriptor. The address is made of its number.
    Fd = 16 "file descriptor",
    /// `mmap`. The address is made of the record's number; the size is what is still mapped.
    Mmap = 17 "mapping",
    /// Memory that the JDK's libzip has zlib take for Java's `Deflater` and `Inflater`.
    Zip = 18 "zlib memory",
    /// A thread that was started. The address is made of its place among the recorder's.
    Thread = 19 "thread",
    /// `AttachCurrentThread` without `DetachCurrentThread`. The address is made of the thread's number.
    Attach = 20 "attached thread",
    /// `PushLocalFrame` without `PopLocalFrame`. The address is made of the thread's place in the image.
    LocalFrame = 21 "local frame",
    /// More local references than [`LOCAL_BOUND`] in one native call, or in an attached thread. The address is
    /// made of the thread's place in the image; the size is how many there are.
    LocalRefs = 22 "local reference",
    /// `dlopen` without `dlclose`. The address is made of its place among the recorder's.
    Module = 23 "library handle",
}

const _: () = {
    assert!(size_of::<Header>() <= HEADER_LEN as usize);
    // `LeakEvidence.START` in Java.
    assert!(std::mem::offset_of!(Header, start_unix_ns) == 32);
    assert!(std::mem::offset_of!(Header, start_ticks) == 40);
    assert!(size_of::<SegmentHeader>() <= SEGMENT_HEADER_LEN as usize);
    assert!(size_of::<Node>() == 16 && size_of::<Live>() == 16 && size_of::<Context>() == 16);
    assert!(size_of::<Thread>() == 128);
    assert!(size_of::<Judging>() == 32 && size_of::<Judged>() == 32 && size_of::<Link>() == 16);
    assert!(size_of::<Named>() == 32);
    assert!(SegmentKind::ARENAS.len() <= 16);
    assert!(Counter::ALL.len() <= MAX_COUNTERS);
};
