//! The records of the image, bit for bit. All integers are little-endian, all offsets in bytes.
//!
//! Changing anything here changes [`VERSION`].

mod blob;
mod checks;
mod header;
mod invalid_frees;
mod live;
mod program;
mod segments;

pub use blob::Blob;
pub use checks::{
    Assertion, Cause, Check, Checkpoint, Holder, Judged, Judging, Link, Outcome, Point, Root,
    judging_flags,
};
pub use header::{
    Counter, Footprint, Header, MAX_COUNTERS, UnattributedTotals, flags, footprint_flags, state,
};
pub use invalid_frees::{InvalidFree, InvalidFreeKind, Release};
pub use live::{FREED, Kind, LIVE, LOCAL_BOUND, Live, MAX_PINS, MAX_SIZE, PIN_SHIFT, SIZE_BITS};
pub use program::{
    CONTEXT_IGNORED, CONTEXT_INHERITED, Context, Method, Module, Named, Node, Scope, Thread,
    kept_name, module_flags, rebuilt_name,
};
pub use segments::{SUMMARY_LEN, SegmentHeader, SegmentKind};

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
