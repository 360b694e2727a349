//! What is known and not reported: the arguments that several commands share.

use std::path::PathBuf;

use anyhow::Context;
use hackleak_report::Besides;
use hackleak_report::known::KnownLeaks;
use hackleak_report::suppress::Suppressions;

use crate::standard_input;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Leaks not to report, in LeakSanitizer's syntax, besides those that were recorded with; may
    /// be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) suppressions: Vec<PathBuf>,
    /// Also report what runtimes hold for the life of the process
    #[arg(long)]
    pub(crate) no_builtin_suppressions: bool,
    /// Known leaks of libraries, besides those that come with HackLeak; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) known_leaks: Vec<PathBuf>,
    /// Leaks to start from: only new ones and those that have grown are reported
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
}

impl Args {
    /// What the files have.
    pub(crate) fn besides(&self) -> anyhow::Result<Besides> {
        let known = self.known_leaks.iter().map(|file| {
            let file = standard_input::or_kept(file)?;
            let file = std::path::absolute(&file).unwrap_or(file);
            Ok(KnownLeaks::read(&file.to_string_lossy())?)
        });
        Ok(Besides {
            suppressions: self.rules()?,
            built_in: self.built_in(),
            known: known.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Whether something is named here that a report in JSON cannot be told without its image.
    pub(crate) fn needs_image(&self) -> bool {
        !self.suppressions.is_empty() || !self.known_leaks.is_empty() || self.built_in().is_some()
    }

    fn rules(&self) -> anyhow::Result<Vec<Suppressions>> {
        let rules = self.suppressions.iter().map(|file| {
            let file = standard_input::or_kept(file)?;
            let file = std::path::absolute(&file).unwrap_or(file);
            let file = file.to_string_lossy();
            Suppressions::read(&file)
                .with_context(|| format!("cannot read the suppressions `{file}`"))
        });
        rules.collect()
    }

    /// Whether built-in rules apply, when the command line says so.
    fn built_in(&self) -> Option<bool> {
        self.no_builtin_suppressions.then_some(false)
    }
}
