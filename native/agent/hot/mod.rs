//! What runs inside the program's allocations, and whatever else it does all the time.
//!
//! Everything here is hook-safe: it never allocates, locks, formats or panics, and it imports
//! nothing of `cold`. Two tests hold that: `layers.rs` the imports, and `hook_safe.rs` the calls.
//!
//! - `hooks`: the exported functions in front of the C and C++ libraries' own.
//! - `events`: what an event means for the record, by kind.
//! - `thread`, `unwind`: a thread's state, and native stacks.
//! - `jvm`: the JNI boundary and Java stacks.
//! - `ground`: what all of these stand on.

pub mod events;
pub mod ground;
pub mod hooks;
pub mod jvm;
pub mod thread;
pub mod unwind;
