//! What the recorder asks of the operating system, the loader and its own process.
//!
//! All of it may be called in a hook: nothing here allocates, locks, formats or panics. A test of
//! the recorder (`hook_safe.rs`) reads the calls. Nothing here knows what is recorded, so each
//! module can be tested without a process that is. Whoever links this crate calls `init` of
//! [`this_library`] and [`stderr`] once, before other threads are there; the rest needs no
//! preparation.
//!
//! - [`clock`], [`maps`], [`loader_lock`], [`stderr`]: what the kernel and the loader tell.
//! - [`dynamic`], [`this_library`]: what is loaded.
//! - [`peek`], [`paper`], [`stack_word`]: memory that may be gone, memory for a text, and a word
//!   that may be another thread's.
//! - [`concurrent_map`]: a map that threads read and grow without waiting.

pub mod clock;
pub mod concurrent_map;
pub mod dynamic;
pub mod loader_lock;
pub mod maps;
pub mod paper;
pub mod peek;
pub mod stack_word;
pub mod stderr;
pub mod this_library;
