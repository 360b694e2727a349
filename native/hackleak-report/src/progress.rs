//! What takes long, said while it happens: for a progress bar.
//!
//! One observer per program, as with a logger: whoever reads an image deep inside need not be
//! handed it. Without an observer nothing is said. Calls come from any thread.

use std::sync::OnceLock;

/// Something that takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Live records are read; of how many is not known.
    Reading,
    /// Addresses are looked up in the modules' symbols and debug information.
    Symbolising,
}

/// Gets told how far the work is.
pub trait Observer: Send + Sync {
    /// `done` of `total` things; `total` is 0 when it is not known. The last call of a stage has
    /// `done == total`, or `done` 0 when the total was never known.
    fn step(&self, stage: Stage, done: u64, total: u64);
}

static OBSERVER: OnceLock<Box<dyn Observer>> = OnceLock::new();

/// Sets the observer; only the first call does anything.
pub fn observe(observer: Box<dyn Observer>) {
    let _ = OBSERVER.set(observer);
}

pub(crate) fn step(stage: Stage, done: u64, total: u64) {
    if let Some(observer) = OBSERVER.get() {
        observer.step(stage, done, total);
    }
}
