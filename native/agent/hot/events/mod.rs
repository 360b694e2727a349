//! What an event means for the record: a block, a handle or a mapping comes, changes or goes.
//!
//! - `record`: blocks of memory. `lent`: those that the C library hands out. `invalid_frees`: frees
//!   that are wrong. `peaks`: what a scope has at once. `reuse`: what may be handed out again.
//! - `descriptors`, `mapped` (`fragments`), `started`, `libraries`, `attached`, `references`: the
//!   other kinds. `places`: where these are in the live table. `names`: what they are called.
//! - `origin`: whose call it is. `selection`: which records a question is about.
//! - `inherited`: what a forked child has from its parent.
//! - `log`, `timeline`: what is written down besides.

pub mod attached;
pub mod descriptors;
pub mod fragments;
pub mod inherited;
pub mod invalid_frees;
pub mod lent;
pub mod libraries;
pub mod log;
pub mod mapped;
pub mod names;
pub mod origin;
pub mod peaks;
pub mod places;
pub mod record;
pub mod references;
pub mod reuse;
pub mod selection;
pub mod started;
pub mod timeline;
