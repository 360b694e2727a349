//! What HackLeak costs, measured beside the tools that a user would otherwise take.
//!
//! Machines are noisy and drift, so all tools do the same work in turns, round after round, and a
//! round's figures are compared with that round's bare ones only. glibc's trimming makes loops of
//! malloc and free bimodal with no tool at all, so its tunables are fixed for all runs. Nothing
//! here passes or fails by time: people judge.
//!
//! * [`workload`] the list of workloads, [`tool`] how each tool gets into a process, [`program`]
//!   what is compiled
//! * [`run`] one run of one tool, [`results`] what is kept of it, [`statistics`] medians and
//!   spreads
//! * [`exactness`] how many planted leaks each tool reports, which [`parse`] reads from its output
//! * [`goals`] what is to be reached, [`render`] tables and plots

mod exactness;
mod goals;
mod machine;
mod maven;
mod options;
mod parse;
mod program;
mod render;
mod results;
mod run;
mod session;
mod statistics;
mod tool;
mod workload;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match session::run(&options::Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bench: {reason}");
            ExitCode::FAILURE
        }
    }
}
