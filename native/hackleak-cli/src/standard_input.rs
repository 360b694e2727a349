//! `-` as a file: what comes in on standard input, kept in a file while this program runs.
//!
//! Images are mapped and files of rules are read twice, which a pipe does not allow. Standard input
//! is read once, however often it is named.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

/// What stands for standard input, and for standard output.
pub(crate) const DASH: &str = "-";
/// What it is called in messages.
const NAME: &str = "standard input";

static KEPT: OnceLock<PathBuf> = OnceLock::new();

/// Whether a file is named `-`.
pub(crate) fn is_dash(file: &Path) -> bool {
    file.as_os_str() == DASH
}

/// The file itself, or the one with standard input in it.
pub(crate) fn or_kept(file: &Path) -> anyhow::Result<PathBuf> {
    if !is_dash(file) {
        return Ok(file.to_owned());
    }
    if let Some(kept) = KEPT.get() {
        return Ok(kept.clone());
    }
    let kept = keep().context("cannot read standard input")?;
    Ok(KEPT.get_or_init(|| kept).clone())
}

fn keep() -> io::Result<PathBuf> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let name = format!("hackleak-{}-{}", std::process::id(), now.as_nanos());
    let folder = std::env::temp_dir().join(name);
    DirBuilder::new().mode(0o700).create(&folder)?;
    let kept = folder.join("standard-input");
    let copied =
        File::create_new(&kept).and_then(|mut to| io::copy(&mut io::stdin().lock(), &mut to));
    if copied.is_err() {
        remove(&kept);
    }
    copied.map(|_| kept)
}

fn remove(kept: &Path) {
    // There is nothing to be done where that fails, and nothing is wrong with the report then.
    let _ = fs::remove_file(kept);
    let _ = kept.parent().map(fs::remove_dir);
}

/// Removes the file. Called once, at the end.
pub(crate) fn forget() {
    if let Some(kept) = KEPT.get() {
        remove(kept);
    }
}

/// `text` with standard input called by its name, not by that of the file it is kept in.
pub(crate) fn named(text: &str) -> String {
    match KEPT.get() {
        Some(kept) => {
            let path = kept.display().to_string();
            text.replace(&format!("`{path}`"), NAME)
                .replace(&path, NAME)
        }
        None => text.to_owned(),
    }
}
