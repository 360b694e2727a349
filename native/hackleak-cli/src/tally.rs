//! `hackleak tally`: how many tests were checked, for the last line of a build.

use std::path::PathBuf;

use anyhow::Context;
use hackleak_report::tally::Tally;

use crate::{exit, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images of the test JVMs
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// Counts and returns the exit code.
pub(crate) fn tally(arguments: &Args) -> anyhow::Result<u8> {
    let mut tally = Tally::default();
    for image in &arguments.images {
        let name = image.display();
        tally
            .add(image)
            .with_context(|| format!("cannot read the image `{name}`"))?;
    }
    output::print(&tally.rows())?;
    Ok(exit::CLEAN)
}
