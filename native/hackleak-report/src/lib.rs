//! From an image to a report that a person can act on.
//!
//! The folders are the pipeline:
//!
//! ```text
//! read ─► symbolise ─► group ─► suppress ─► judge ─► render
//! ```
//!
//! - [`model`]: the report itself, which is also the JSON; [`schema`] publishes its shape.
//! - `read`: live blocks of an image, summed by stack, kind and context.
//! - `symbolise`: frames with names, files and lines; never a symbol of another build.
//! - `group`: blocks with the same frames and kind are one site.
//! - `fold`: sites that differ only in the roots of their stacks are one; `own` finds whose they
//!   are.
//! - [`suppress`]: sites that are known and not reported.
//! - [`known`]: known leaks of libraries, which are reported and fail nothing.
//! - [`stable`]: names that survive a rebuild; [`baseline`]: leaks that are known by them.
//! - [`coverage`]: whether the calls of each library reach the recorder at all.
//! - `holders`: who holds what is not lost.
//! - `history`: the timeline, and what became of the assertions.
//! - `meanwhile`: what was freed between two checks, or after one.
//! - [`packed`]: images that travelled from another machine.
//! - [`memory`]: whether growth is a leak, or free memory that the allocator keeps.
//! - `redact`: reports without what says who ran something where.
//! - `revision`: which commit was checked out.
//! - `judge`: the verdict, and the notes that qualify it. Nothing is clean that was not seen.
//! - [`Incomplete`]: why a record is incomplete, as codes for programs.
//! - [`dump`]: what is in an image's file, for who looks for errors of the recorder.
//! - [`text_log`]: the same for the text log of `log=`, which is no image.
//! - [`progress`]: how far the work is.
//! - [`origin`]: where the source of the likely owner is.
//! - [`render`]: text for terminals and IDE consoles, JSON, and lines for the Java side.
//!
//! Start at [`Process::of_image`].
#![forbid(unsafe_code)]

mod allowance;
pub mod baseline;
pub mod coverage;
mod demangle;
pub mod dump;
mod fold;
mod group;
mod growth;
mod history;
mod holders;
mod incomplete;
pub mod input;
mod invalid_frees;
mod judge;
pub mod known;
mod meanwhile;
pub mod memory;
pub mod merge;
pub mod model;
mod named;
pub mod numbers;
pub mod origin;
mod owner;
pub mod packed;
mod process;
pub mod progress;
mod read;
mod redact;
pub mod render;
mod revision;
pub mod schema;
mod selection;
mod stable;
mod sum;
pub mod suppress;
mod suspicion;
mod symbolise;
pub mod tally;
pub mod text_log;

pub use allowance::{Allowance, Group};
pub use hackleak_image::Ownership;
pub use incomplete::Incomplete;
pub use model::{Coverage, Process, Report, Verdict, Visibility};
pub use process::Besides;
pub use redact::Names;
pub use selection::{Selection, Tests};
pub use symbolise::{keep, stacks};
pub use text_log::TextLog;
