//! The side that runs inside the recorded process.
//!
//! What is difficult: it runs inside `operator new`, on any thread, between any two instructions of
//! the program. So nothing that hooks call allocates, takes a lock, panics or waits for another
//! thread; every table that can run full says so to its caller, who counts it.

mod arena;
mod create_error;
mod file;
mod leaves;
mod ledger;
mod live;
mod node_cache;
mod path;
pub mod quiet;
mod space;
pub mod sync;
mod tree;
mod window;

pub use arena::Arena;
pub use create_error::CreateError;
pub use file::KeepErrno;
pub use ledger::Ledger;
pub use live::{InsertError, LiveTable, State};
pub use node_cache::NodeCache;
pub use quiet::quietly;
pub use space::left as address_space_left;
pub use tree::StackTree;
pub use window::Window;

use crate::layout::{
    Assertion, Blob, Checkpoint, Context, Counter, Footprint, Header, Holder, InvalidFree, Judged,
    Judging, Method, Module, Named, Node, Point, Scope, SegmentKind, Thread, UnattributedTotals,
};
use core::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, Release},
};

/// Everything that the recorder writes. One instance lives in a `static` of the recorder.
pub struct Writer {
    window: Window,
    /// Stack tree, over its arena of nodes.
    pub tree: StackTree,
    /// Live blocks by address.
    pub live: LiveTable,
    /// Live objects of libraries' own pools, by address.
    pub pool: LiveTable,
    /// Interned contexts; index 0 is "unknown".
    pub contexts: Arena<Context>,
    /// Threads.
    pub threads: Arena<Thread>,
    /// Modules.
    pub modules: Arena<Module>,
    /// Java methods.
    pub methods: Arena<Method>,
    /// Scopes; index 0 is "none".
    pub scopes: Arena<Scope>,
    /// Checkpoints.
    pub checkpoints: Arena<Checkpoint>,
    /// Invalid frees.
    pub invalid_frees: Arena<InvalidFree>,
    /// The timeline.
    pub points: Arena<Point>,
    /// Assertions that have ended.
    pub assertions: Arena<Assertion>,
    /// Looks at who holds what.
    pub judgings: Arena<Judging>,
    /// What they found.
    pub judged: Arena<Judged>,
    /// Who holds memory.
    pub holders: Arena<Holder>,
    /// What handles stand for.
    pub names: Arena<Named>,
    blobs: Arena<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Writer::new()
    }
}

impl Writer {
    /// A writer without a file; nothing but [`Writer::create`] may be called on it.
    pub const fn new() -> Writer {
        Writer {
            window: Window::new(),
            tree: StackTree::new(),
            live: LiveTable::new(SegmentKind::Live, SegmentKind::LiveOdd),
            pool: LiveTable::new(SegmentKind::Pool, SegmentKind::PoolOdd),
            contexts: Arena::new(SegmentKind::Contexts),
            threads: Arena::new(SegmentKind::Threads),
            modules: Arena::new(SegmentKind::Modules),
            methods: Arena::new(SegmentKind::Methods),
            scopes: Arena::new(SegmentKind::Scopes),
            checkpoints: Arena::new(SegmentKind::Checkpoints),
            invalid_frees: Arena::new(SegmentKind::InvalidFrees),
            points: Arena::new(SegmentKind::Points),
            assertions: Arena::new(SegmentKind::Assertions),
            judgings: Arena::new(SegmentKind::Judgings),
            judged: Arena::new(SegmentKind::Judged),
            holders: Arena::new(SegmentKind::Holders),
            names: Arena::new(SegmentKind::Names),
            blobs: Arena::new(SegmentKind::Blobs),
        }
    }

    /// Creates the file and maps it. Called once, before any other thread uses the writer, and
    /// again after [`Writer::leave`].
    ///
    /// # Errors
    ///
    /// The file cannot be created (it exists, the folder is missing or read-only), not a byte can
    /// be written to it, or no address space is left for the window. A file that cannot grow any
    /// more is no error: see [`crate::layout::flags::MEMORY_ONLY`].
    pub fn create(&self, path: &'static core::ffi::CStr) -> Result<(), CreateError> {
        self.window.create(path)?;
        self.tree.init(&self.window);
        let zero = [Context {
            epoch: 0,
            scope: 0,
            thread: 0,
            flags: 0,
        }];
        self.contexts.push(&self.window, zero[0]);
        self.scopes.push(
            &self.window,
            Scope {
                name: Blob::default(),
                closed: 0,
                parent: 0,
                written: 1,
                reserved: [0; 3],
            },
        );
        Ok(())
    }

    /// In a forked child: forgets the parent's image. What is left of it is one word for children
    /// that could not be recorded.
    ///
    /// # Safety
    ///
    /// The process was forked since [`Writer::create`], and nobody uses the writer in it.
    pub unsafe fn leave(&self) -> Ledger {
        // SAFETY: the caller's.
        let ledger = unsafe {
            self.live.clear();
            self.pool.clear();
            self.tree.clear();
            self.window.leave()
        };
        self.contexts.clear();
        self.threads.clear();
        self.modules.clear();
        self.methods.clear();
        self.scopes.clear();
        self.checkpoints.clear();
        self.invalid_frees.clear();
        self.points.clear();
        self.assertions.clear();
        self.blobs.clear();
        ledger
    }

    /// Leaves the ledger to the process's own children: it could not be recorded itself.
    pub fn keep_ledger(&self, ledger: Ledger) {
        self.window.keep_ledger(ledger);
    }

    /// Whether [`Writer::create`] succeeded.
    pub fn is_open(&self) -> bool {
        self.window.is_open()
    }

    /// The window: where arenas get their segments from.
    #[inline(always)]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The header, for its plain fields.
    ///
    /// # Safety
    ///
    /// The writer is open, and no other thread reads or writes the fields that the caller writes.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn header_mut(&self) -> &mut Header {
        // SAFETY: the window is open, so the header page is mapped; exclusivity is the caller's.
        unsafe { &mut *self.window.header() }
    }

    /// The current epoch's word.
    #[inline(always)]
    pub fn epoch(&self) -> &AtomicU32 {
        // SAFETY: the header page stays mapped for the life of the process once it is open, and
        // until then `header()` points at a static page.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.window.header()).epoch) }
    }

    /// The flags' word.
    pub fn flags(&self) -> &AtomicU32 {
        // SAFETY: as for `epoch`.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.window.header()).flags) }
    }

    /// The state's word.
    pub fn state(&self) -> &AtomicU32 {
        // SAFETY: as for `epoch`.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.window.header()).state) }
    }

    /// The least time between two points of the timeline, ns.
    pub fn timeline_interval(&self) -> &AtomicU64 {
        // SAFETY: as for `epoch`.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.window.header()).timeline_interval_ns) }
    }

    /// Notes where in the recorder an error stopped the recording. Called at most once.
    #[cold]
    pub fn set_stopped_at(&self, place: &str) {
        let place = self.blob(place.as_bytes());
        // SAFETY: the header page is mapped, or a static page; nobody else writes the field.
        unsafe { (&raw mut (*self.window.header()).stopped_at).write_volatile(place) };
    }

    /// Notes where Java's heap lies.
    #[cold]
    pub fn set_java_heap(&self, range: core::ops::Range<u64>) {
        // SAFETY: as above; one thread starts a JVM's agent.
        unsafe {
            let header = self.window.header();
            (&raw mut (*header).java_heap_start).write_volatile(range.start);
            (&raw mut (*header).java_heap_end).write_volatile(range.end);
        }
    }

    /// Where Java's heap lies; empty when nobody knows.
    pub fn java_heap(&self) -> core::ops::Range<u64> {
        // SAFETY: as for `epoch`; written before anybody asks.
        unsafe {
            let header = self.window.header();
            let start = (&raw const (*header).java_heap_start).read_volatile();
            start..(&raw const (*header).java_heap_end).read_volatile()
        }
    }

    /// Notes what the process has in memory. One thread at a time.
    #[cold]
    pub fn set_footprint(&self, footprint: Footprint) {
        let when = footprint.unix_ns;
        let unfinished = Footprint {
            unix_ns: 0,
            ..footprint
        };
        // SAFETY: the header page is mapped, or a static page; the caller is the only one to write
        // these.
        unsafe {
            let place = &raw mut (*self.window.header()).footprint;
            AtomicU64::from_ptr(&raw mut (*place).unix_ns).store(0, Release);
            place.write_volatile(unfinished);
            AtomicU64::from_ptr(&raw mut (*place).unix_ns).store(when, Release);
        }
    }

    /// Changes which kinds are tracked. Called before any of those that change was recorded.
    #[cold]
    pub fn set_track(&self, track: u32) {
        // SAFETY: as above; one thread starts a JVM's agent.
        unsafe { (&raw mut (*self.window.header()).track).write_volatile(track) };
    }

    /// Adds what threads without a record did.
    #[cold]
    pub fn add_unattributed(&self, more: UnattributedTotals) {
        // SAFETY: as for `epoch`; these words are only accessed atomically.
        let [allocations, bytes, freed_bytes] = unsafe {
            let strays = &raw mut (*self.window.header()).strays;
            [
                AtomicU64::from_ptr(&raw mut (*strays).allocations),
                AtomicU64::from_ptr(&raw mut (*strays).bytes),
                AtomicU64::from_ptr(&raw mut (*strays).freed_bytes),
            ]
        };
        allocations.fetch_add(more.allocations, Relaxed);
        bytes.fetch_add(more.bytes, Relaxed);
        freed_bytes.fetch_add(more.freed_bytes, Relaxed);
    }

    /// What threads without a record did until now.
    pub fn strays(&self) -> UnattributedTotals {
        // SAFETY: as for `epoch`; the words may be counted up meanwhile.
        unsafe { (&raw const (*self.window.header()).strays).read_volatile() }
    }

    /// One counter.
    pub fn counter(&self, counter: Counter) -> &AtomicU64 {
        self.window.counter(counter)
    }

    /// Adds one to a counter.
    #[cold]
    pub fn count(&self, counter: Counter) {
        self.counter(counter).fetch_add(1, Relaxed);
    }

    /// Stores bytes; at most one MiB less one byte, the rest is cut. The empty blob when full.
    pub fn blob(&self, bytes: &[u8]) -> Blob {
        self.blobs.push_bytes(&self.window, bytes)
    }

    /// The bytes of a blob, where they lie.
    pub fn slice(&self, blob: Blob) -> &[u8] {
        let place = self.blobs.get(blob.offset());
        if blob.is_empty() || place.is_null() {
            return &[];
        }
        // SAFETY: as in `blob_ends_with`.
        unsafe { core::slice::from_raw_parts(place, blob.len() as usize) }
    }

    /// The bytes of a blob. Allocates: not for hooks.
    pub fn bytes(&self, blob: Blob) -> Vec<u8> {
        self.slice(blob).to_vec()
    }

    /// The bytes of a blob as text. Allocates: not for hooks.
    pub fn text(&self, blob: Blob) -> String {
        String::from_utf8_lossy(&self.bytes(blob)).into_owned()
    }

    /// Whether the blob ends with `bytes`.
    pub fn blob_ends_with(&self, blob: Blob, bytes: &[u8]) -> bool {
        let place = self.blobs.get(blob.offset());
        if place.is_null() {
            return false;
        }
        // SAFETY: a blob lies within one segment and never changes once it was handed out.
        unsafe { core::slice::from_raw_parts(place, blob.len() as usize) }.ends_with(bytes)
    }

    /// The node for `frame` below `parent`; `None` when the tree is full.
    #[inline]
    pub fn intern(&self, parent: u32, frame: u64) -> Option<u32> {
        self.tree.intern_one(&self.window, parent, frame)
    }

    /// The nodes for `frames` below `parent`, the leaf first in both; false when the tree is full.
    /// With the calling thread's cache.
    #[inline(always)]
    pub fn intern_all(
        &self,
        cache: &mut NodeCache,
        parent: u32,
        frames: &[u64],
        nodes: &mut [u32],
    ) -> bool {
        self.tree.intern(&self.window, cache, parent, frames, nodes)
    }

    /// A node of the tree, or a zero node for an index that was never handed out.
    pub fn node(&self, index: u32) -> Node {
        self.tree.node(index)
    }
}

#[cfg(all(test, feature = "interleavings"))]
mod interleaved;
#[cfg(test)]
mod tests;
