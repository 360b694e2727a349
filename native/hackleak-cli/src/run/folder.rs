//! A folder for one run, so that images of older runs are never mixed in.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Creates `run-N` in `out` with the next free number; returns its absolute path.
pub(super) fn create(out: &Path) -> anyhow::Result<PathBuf> {
    let cannot_create = || format!("cannot create a folder in `{}`", out.display());
    fs::create_dir_all(out).with_context(cannot_create)?;
    let out = out.canonicalize().with_context(cannot_create)?;
    let mut number = 1 + newest(&out);
    loop {
        let folder = out.join(format!("run-{number}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            // Another run was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error).with_context(cannot_create),
        }
    }
}

/// The greatest number of a run in `out`, 0 when there is none.
fn newest(out: &Path) -> u32 {
    let Ok(entries) = fs::read_dir(out) else {
        return 0;
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let numbers = names.filter_map(|name| name.strip_prefix("run-")?.parse().ok());
    numbers
        .filter(|number| *number < u32::MAX)
        .max()
        .unwrap_or(0)
}
