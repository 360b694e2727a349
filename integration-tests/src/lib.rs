//! The harness of the integration tests: victims, recordings and what the reporter says about them.
//!
//! A test reads like this:
//!
//! ```no_run
//! use integration_tests::{Recording, cpp};
//!
//! let run = Recording::of(cpp("pairs")).args(["8", "1000000", "2"]).run();
//! assert_eq!(run.report().process().blocks_of(1_000_003), 2);
//! ```
//!
//! * [`artefacts`] builds what is tested: the recorder, the recorder that checks itself, the CLI.
//! * [`victims`] compiles the C and C++ programs, [`java`] the Java ones and finds the JDKs.
//! * [`runtimes`] fetches Java runtimes of more releases.
//! * [`recording`] runs a victim under the recorder, within a time limit.
//! * [`verdict`] reads what the verifying recorder says.
//! * [`report`] reads the reporter's JSON, after validating it against the published schema.
//!
//! Everything panics with a full account of the failed command: these are tests, and a panic is how
//! a test fails.

pub mod artefacts;
pub mod java;
pub mod process;
pub mod recording;
pub mod report;
pub mod runtimes;
pub mod verdict;
pub mod victims;
pub mod workspace;

pub use java::{Jdk, Victim};
pub use recording::{Recording, Run};
pub use report::{Frame, InvalidFree, Process, Report, Site};
pub use verdict::Verdict;
pub use victims::{cpp, cpp_with, library, plugin};
