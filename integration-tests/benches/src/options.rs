//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures HackLeak beside the tools that a user would otherwise take.
#[derive(Debug, Parser)]
pub struct Options {
    /// How much work each run does.
    #[arg(long, value_enum, default_value = "full")]
    pub scale: Scale,
    /// Only the workloads whose name contains one of these; all by default. Can be repeated.
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,
    /// Only these tools, beside the bare run; all by default, but for quick HackLeak alone. Can be
    /// repeated; see --list.
    #[arg(long, value_name = "NAME")]
    pub tool: Vec<String>,
    /// Interleaved rounds: 5 for full, 3 for quick, 1 for smoke by default.
    #[arg(long)]
    pub rounds: Option<usize>,
    /// The JDK's feature release; the oldest installed from 17 on by default.
    #[arg(long)]
    pub jdk: Option<u32>,
    /// Fewer rounds where needed to end within about this time.
    #[arg(long)]
    pub max_minutes: Option<f64>,
    /// Goes on with the last session of this scale: measures what it lacks, or anew what --only
    /// names.
    #[arg(long)]
    pub resume: bool,
    /// Writes benchmarks.md and the folder benchmarks with plots and raw JSON into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub write: Option<PathBuf>,
    /// Lists workloads and tools, and measures nothing.
    #[arg(long)]
    pub list: bool,
}

impl Options {
    /// Whether the workload of this name is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| name.contains(text))
    }
}

/// How much work each run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// For figures that are published.
    Full,
    /// For a developer who waits.
    Quick,
    /// Proves that the harness works; its figures mean nothing.
    Smoke,
}

impl Scale {
    /// Rounds, unless the user says otherwise.
    pub fn rounds(self) -> usize {
        match self {
            Scale::Full => 5,
            Scale::Quick => 3,
            Scale::Smoke => 1,
        }
    }

    /// The size for this scale.
    pub fn of<T>(self, full: T, quick: T, smoke: T) -> T {
        match self {
            Scale::Full => full,
            Scale::Quick => quick,
            Scale::Smoke => smoke,
        }
    }
}
