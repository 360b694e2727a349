//! The recorder: a library that is preloaded into a process and records its native allocations.
//!
//! ```text
//! hooks ──► record ──► unwind ──► hackleak_image::writer (the image)
//!             ▲          ▲
//!          thread       jvm (JNI boundary: thunks, Java stacks, the bridge of dev.hackleak)
//! ```
//!
//! What is difficult: hooks run inside the program's every allocation, so nothing on their path
//! may allocate, lock, symbolise, format or panic, and whatever goes wrong inside, the program
//! goes on. See ARCHITECTURE.md for the invariants.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arch;
mod callers;
mod checkpoint;
mod control;
mod findings;
mod gate;
mod holders;
mod hooks;
mod jvm;
mod keep;
mod lifecycle;
mod log;
mod lookup;
mod pools;
mod record;
mod thread;
mod timeline;
mod unwind;
mod word;

use hackleak_image::writer::Writer;

/// The image of this process.
static IMAGE: Writer = Writer::new();
