//! The image: everything that HackLeak records about one process, in one file.
//!
//! The recorder writes it through a shared mapping while the process runs; the reporter reads it
//! with plain file reads, from a finished, a killed or a running process. It holds indices and
//! file offsets, never pointers, so it means the same in any process.
//!
//! ```text
//! offset 0        header page          struct Header
//! 4096            segment 0            4 KiB segment header, 1 MiB data
//! 4096 + stride   segment 1            …
//! ```
//!
//! Every segment says what it holds: a piece of one *arena* (an append-only array of one record
//! type) or the live records of one MiB of address space. Segments appear in the order in which
//! they were needed. A segment whose kind is still [`SegmentKind::Empty`] was being created.
//!
//! - [`layout`]: the records, bit for bit, and the version.
//! - [`frame`]: how one stack frame fits in 64 bits.
//! - [`mapping`], [`resident`]: what the kernel says of a process's memory.
//! - [`Ownership`]: which scope owns what was done in it or by its threads.
//! - [`reader`]: the bounds-checked reader; no `unsafe`, no mapping, so a file that shrinks while
//!   it is read is an error and never a signal.
//! - `writer` (feature): arenas, live table and stack tree as the recorder fills them. Nothing in
//!   it allocates, locks, or panics.

#[cfg(feature = "writer")]
mod arch;
pub mod frame;
pub mod layout;
pub mod mapping;
mod ownership;
pub mod reader;
pub mod resident;
mod shortage;
#[cfg(feature = "writer")]
pub mod writer;

pub use frame::{Frame, Marker};
pub use layout::SegmentKind;
pub use ownership::Ownership;
pub use reader::{Image, ImageError};
pub use shortage::Shortage;
