//! Finding the recorder.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The recorder's file name.
const NAME: &str = "libhackleak.so";
/// Names the recorder's file when it is elsewhere.
const VARIABLE: &str = "HACKLEAK_LIBRARY";

/// The recorder: what the variable names, else beside this program, else in `../lib`.
pub(super) fn find() -> anyhow::Result<String> {
    let file = match env::var_os(VARIABLE) {
        Some(file) => {
            let file = PathBuf::from(file);
            if !file.is_file() {
                bail!("{VARIABLE} names `{}`, which is no file", file.display());
            }
            file
        }
        None => beside_this_program()?,
    };
    let file = file
        .canonicalize()
        .with_context(|| format!("cannot read `{}`", file.display()))?;
    preloadable(&file)
}

fn beside_this_program() -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("cannot find out where this program is")?;
    let folder = program.parent().unwrap_or(Path::new("/"));
    let places = [folder.join(NAME), folder.join("../lib").join(NAME)];
    match places.into_iter().find(|place| place.is_file()) {
        Some(place) => Ok(place),
        None => bail!(
            "no {NAME} in `{}`: put it there, or name it in {VARIABLE}",
            folder.display()
        ),
    }
}

/// The loader splits LD_PRELOAD at blanks and colons and knows no quotes.
fn preloadable(file: &Path) -> anyhow::Result<String> {
    match file.to_str() {
        Some(text) if !text.contains([' ', ':', '\t', '\n']) => Ok(text.to_owned()),
        _ => bail!(
            "`{}` cannot be preloaded, because of a blank or colon in its path: move it, and name \
             it in {VARIABLE}",
            file.display()
        ),
    }
}
