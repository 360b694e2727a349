//! Everything that reads input which somebody else may have damaged or made up, as a function of
//! bytes.
//!
//! - [`targets`]: one function per parser, with the whole way from the bytes to what is printed.
//!   `fuzz/` gives them to cargo-fuzz; `tests/bounded.rs` runs them on mutated seeds in `make
//!   test`, with fixed random numbers and a limit on memory.
//! - [`corpus`]: the seeds: texts from `fuzz/corpus`, and images that are built here.
//! - [`mutate`]: the mutations of the bounded run.
//!
//! A new parser gets a function in [`targets`], a line in [`targets::ALL`], seeds, and a file of
//! three lines in `fuzz/fuzz_targets`.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod mutate;
pub mod targets;
