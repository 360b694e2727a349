//! The one codec of HackLeak's options, and the exit codes of its command: what all parts of it,
//! in Rust and in Java, must agree on.
//!
//! The same text, `key=value,key=value`, is read from the environment variable
//! [`ENVIRONMENT`], from `-agentpath:libhackleak.so=…`, and is written by the command line and
//! the build plugins. Values hold no comma; a list inside a value is joined by `+`.
//!
//! The crate has no dependencies because it is linked into the preloaded library.

mod choices;
mod codec;
pub mod exit_code;
mod keys;
mod pools;
mod track;

pub use choices::{Exit, Follow, Held, InvalidFrees, Known, OptionError, Stacks};
pub use codec::{MAX_DEPTH, Options};
pub use keys::{KEYS, Key};
pub use pools::{PoolFunctions, PoolsError, parse_pools};
pub use track::Track;

/// The environment variable that carries the options into a process.
pub const ENVIRONMENT: &str = "HACKLEAK_OPTIONS";
