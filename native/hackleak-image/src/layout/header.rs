//! The first page: what is known of the whole recording, and what is missing from it.

use super::blob::Blob;
use crate::resident::Parts;
use bytemuck::{Pod, Zeroable};

/// The states of a recorded process, in [`Header::state`].
///
/// ```text
/// RECORDING ──► FINISHED     the process came to its end: an exit, `_exit` or `exec`
///     └── (still RECORDING and the process is gone: it was killed or crashed)
/// ```
pub mod state {
    /// The process records, or was killed.
    pub const RECORDING: u32 = 1;
    /// The process came to its end.
    pub const FINISHED: u32 = 2;
}

/// Bits of [`Header::flags`].
pub mod flags {
    /// Some segments are in the memory of the process only: the file system was full, if no other
    /// bit says why.
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
    /// The process was forked and did not call `exec`: what is recorded begins at its first
    /// allocation.
    pub const FORKED: u32 = 128;
    /// The program made a JVM when it had run for a while, and what is recorded begins there.
    pub const BEGUN_LATE: u32 = 256;
    /// The JVM does not say where it keeps its code: its tables for the Serviceability Agent are
    /// missing.
    pub const NO_JVM_TABLES: u32 = 512;
    /// The JVM has no `AsyncGetCallTrace`.
    pub const NO_CALL_TRACE: u32 = 1024;
    /// The program forbade itself system calls by a filter that ends it: the recorder makes none of
    /// its own since then.
    pub const SANDBOX: u32 = 2048;
    /// With [`MEMORY_ONLY`]: because of [`SANDBOX`].
    pub const FILE_FORBIDDEN: u32 = 4096;
    /// The process became another program (`exec`), which has an image of its own if it is
    /// recorded.
    pub const EXEC: u32 = 8192;
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
    /// Calls of `dlopen` that depend on the search path of their caller; what they opened is not
    /// recorded.
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
    /// The ELF machine of the process (`EM_X86_64` is 62, `EM_AARCH64` 183).
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

/// What a process had in memory at its end, and what of that its allocator kept. All sizes are in
/// bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Footprint {
    /// When, ns since 1970; written last. 0 is never: the process was killed, or its list of
    /// mappings could not be read.
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
/// signal handler interrupted the recorder on it. Their frees are counted by
/// [`Counter::FreesWithoutThread`]. Added to atomically.
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
