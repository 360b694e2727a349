//! The recorder: a library that is preloaded into a process and records its native allocations.
//!
//! ```text
//! hooks ──► record ──► unwind ──► hackleak_image::writer (the image)
//!             ▲          ▲
//!          thread       jvm (JNI boundary: thunks, Java stacks, the bridge of dev.hackleak)
//! ```
//!
//! What is difficult: hooks run inside the program's every allocation. So nothing on their path may
//! allocate, lock, symbolise, format or panic. Whatever goes wrong inside, the program goes on. See
//! ARCHITECTURE.md for the invariants.

#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod again;
mod agentpath;
mod arch;
mod attached;
mod boundary;
mod checkpoint;
mod child;
mod clock;
mod concurrent_map;
mod control;
mod descriptors;
mod dynamic;
mod end;
mod footprint;
mod forks;
mod fragments;
mod frugal;
mod gate;
mod gnu_hash;
mod handles;
mod holders;
mod hooks;
mod image;
mod inherited;
mod interrupted;
mod invalid_frees;
mod jdk;
mod jvm;
mod lent;
mod libraries;
mod lifecycle;
mod loader_lock;
mod log;
mod mapped;
mod mappings;
mod maps;
mod module_copies;
mod module_policy;
mod names;
mod origin;
mod paper;
mod peaks;
mod peek;
mod places;
mod pools;
mod real;
mod record;
mod references;
mod reuse;
mod sandbox;
mod search_path;
mod selection;
mod stack_bounds;
mod stack_word;
mod started;
mod stderr;
mod symbols;
mod this_library;
mod thread;
mod timeline;
mod unwind;

use hackleak_image::writer::Writer;

/// The image of this process.
static IMAGE: Writer = Writer::new();
