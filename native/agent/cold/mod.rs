//! What runs at the start, at the end, when a library is loaded, and when somebody asks a question.
//!
//! None of it is on the way of an allocation, so it may allocate, lock and format. What it
//! allocates itself is not recorded: a thread that is inside the recorder is told apart. One part
//! is called from a hook, through a pointer: what a forked child does at its first event
//! (`process::forks`). It makes system calls and uses plain memory alone, because locks may have
//! been held at the fork.
//!
//! - `process`: the constructor, forks, executing again, the image's file.
//! - `hooks`: exported functions that load libraries, make a JVM, forbid system calls, or end the
//!   program.
//! - `loading`: what is done with a library that is new.
//! - `questions`: checkpoints, who holds what, and the end.
//! - `jvm`: the JVM's agent.

pub mod hooks;
pub mod jvm;
pub mod loading;
pub mod process;
pub mod questions;
