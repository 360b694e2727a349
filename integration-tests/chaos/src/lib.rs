//! The chaos suite: random programs put together from pieces, each run bare and recorded.
//!
//! A seed decides everything about a [`Case`]: the script that a prebuilt victim interprets, the
//! recorder's options and the surroundings. A case holds if both runs say the same and end in the
//! same way. The record must have exactly the blocks that the script leaves, and every Java stack
//! must be the one that the victim itself saw.
//!
//! * [`script`]: what a program does and what it leaves; `victims/chaos/chaos.cpp` and
//!   `victims/jni/Chaos.java` read it.
//! * [`native`] and [`java`] draw cases from a seed.
//! * [`run`] runs a case within a time limit, and never panics: a hang is a finding.
//! * [`check`] compares; [`stacks`] does so for Java stacks.
//! * [`suite`] runs seeds one after the other, keeps the folder of a failure and makes its script
//!   shorter.
//!
//! What is difficult: nothing here may depend on timing. A process that is killed from outside is
//! only held to what it had said before; blocks of threads that still run at the end are recognised
//! by their even sizes.

pub mod case;
pub mod check;
pub mod java;
pub mod native;
pub mod run;
pub mod script;
pub mod stacks;
pub mod suite;

pub use case::Case;
