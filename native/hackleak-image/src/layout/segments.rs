//! What the file is divided into.

use super::checks::{Assertion, Checkpoint, Holder, Judged, Judging, Point};
use super::invalid_frees::InvalidFree;
use super::live::Live;
use super::program::{Context, Method, Module, Named, Node, Scope, Thread};
use bytemuck::{Pod, Zeroable};

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
    /// Invalid frees: [`InvalidFree`].
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
            InvalidFrees => "invalid frees",
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
    /// Live records only: how many pages got a place on the disk one at a time, and whether all
    /// have one now.
    pub single_pages: u32,
    /// See `single_pages`.
    pub is_whole: u32,
    /// Live records only, a bit for each page: those for which the disk had no room, and of these
    /// the ones that are in memory only. A reader finds zeros there.
    pub refused: [u64; SUMMARY_LEN / 64],
    /// See `refused`.
    pub in_memory: [u64; SUMMARY_LEN / 64],
}
