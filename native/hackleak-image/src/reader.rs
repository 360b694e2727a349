//! The bounds-checked reader: plain reads of a file that is finished, left over by a killed
//! process, or being written right now.
//!
//! What makes it difficult is that nothing in the file can be trusted. Every index and offset is
//! checked against the segments that are really there; no length from the file decides how much
//! memory is taken, only the length of the file itself does. A header that cannot be right is an
//! [`ImageError`]; anything damaged behind it is left out and counted in [`Image::damage`].
//!
//! A running process changes the file meanwhile. [`Image`] keeps the pieces of arenas that it has
//! read, so read the live records first, then call [`Image::refresh`], then resolve what the
//! records name: all of it was written before them.

mod arena;
mod cache;
mod contents;
mod damage;
mod error;
mod judged;
mod live;
mod names;
mod open;
mod process;
mod stack;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use contents::{LivePages, ScopeRecord, TableSize};
pub use damage::Damage;
pub use error::ImageError;
pub use judged::{HolderRecord, JudgingRecord};
pub use live::{LiveRecord, LiveRecords};
pub use names::{AssertionRecord, CheckpointRecord, JavaMethod, LoadedModule, ThreadRecord};
pub use open::Image;
pub use process::{ProcessState, start_ticks};
pub use stack::Stack;
