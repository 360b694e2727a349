//! The exit codes of the `hackleak` command: what it tells scripts, build tools, the recorder and
//! the Java library, all of which take them from here.
//!
//! Where several are due, the first of this list is given: [`LEAKS`], [`INCOMPLETE`], [`FAILED`],
//! [`CLEAN`]. A leak that was seen is there, whatever else is missing from the record; without
//! one, a record that is not whole says nothing.

/// No leaks, and nothing that was tracked is missing from the record.
pub const CLEAN: u8 = 0;
/// Wrong usage, input that cannot be read, or a run of which nothing was recorded.
pub const FAILED: u8 = 1;
/// Leaks, or what an option makes as bad as leaks.
pub const LEAKS: u8 = 23;
/// No leaks were seen, but the record is incomplete, so there may be some.
pub const INCOMPLETE: u8 = 24;
