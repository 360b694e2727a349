//! The process: how recording begins, in it and in its children.
//!
//! - `lifecycle`: from the constructor on. `forks`: children. `again`: executing once more with the
//!   preload; `agentpath`: the option that asks for it. `frugal`: systems with little room.
//! - `image`: the image's file. `log_file`: the text log's. `messages`: sentences for the user.
//! - `jdk`, `objects`: where the JDK and other libraries lie. `child`: a process that is waited
//!   for.

pub mod again;
pub mod agentpath;
pub mod child;
pub mod forks;
pub mod frugal;
pub mod image;
pub mod jdk;
pub mod lifecycle;
pub mod log_file;
pub mod messages;
pub mod objects;
