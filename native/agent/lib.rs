//! The recorder: a library that is preloaded into a process and records its native allocations.
//!
//! ```text
//! cold    the start, the end, libraries that are loaded, questions; the JVM's agent
//! ─────   below this line everything is hook-safe
//! hot     hooks ──► events ──► thread, unwind, jvm ──► ground
//! arch    what depends on the processor
//! ```
//!
//! What is recorded goes into the image (`hackleak_image::writer`).
//!
//! What is difficult: hooks run inside the program's every allocation. So nothing on their path may
//! allocate, lock, symbolise, format or panic. Whatever goes wrong inside, the program goes on. See
//! ARCHITECTURE.md for the invariants.

#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod arch;
mod cold;
mod hot;

use hackleak_image::writer::Writer;

/// The image of this process.
static IMAGE: Writer = Writer::new();
