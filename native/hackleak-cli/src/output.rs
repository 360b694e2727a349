//! Writing to the terminal. A reader that has gone away (`hackleak report … | head`) is no error.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::{standard_input, terminal};

/// Writes `text` to stdout.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    tolerate(io::stdout().lock(), text.as_bytes()).context("cannot write to stdout")
}

/// Writes `bytes` to stdout.
pub(crate) fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    tolerate(io::stdout().lock(), bytes).context("cannot write to stdout")
}

/// Writes a text report to stdout, in colour where there is colour.
pub(crate) fn print_report(text: &str) -> anyhow::Result<()> {
    match terminal::colours(&io::stdout()) {
        true => print(&terminal::painted(text)),
        false => print(text),
    }
}

/// Writes `text` to stderr.
pub(crate) fn print_aside(text: &str) {
    // There is nowhere left to say that stderr cannot be written.
    let _ = tolerate(io::stderr().lock(), text.as_bytes());
}

/// Writes a text report to stderr, in colour where there is colour.
pub(crate) fn print_report_aside(text: &str) {
    match terminal::colours(&io::stderr()) {
        true => print_aside(&terminal::painted(text)),
        false => print_aside(text),
    }
}

/// Writes `bytes` to a file, `-` being stdout. What could not be written in full is removed: half a
/// report could pass for a whole one.
pub(crate) fn write_file(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if standard_input::is_dash(file) {
        return print_bytes(bytes);
    }
    let written = fs::write(file, bytes);
    if written.is_err() && fs::symlink_metadata(file).is_ok_and(|it| it.is_file()) {
        // When this fails, too, the error of the write is still the one to tell.
        let _ = fs::remove_file(file);
    }
    written.with_context(|| format!("cannot write the report to `{}`", file.display()))
}

/// Writes `bytes` in place of what a file has, as a whole: whoever reads it never sees a part. A
/// link stays a link, the permissions stay, and what is no regular file, such as a device, is
/// written to.
pub(crate) fn replace_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let old = fs::metadata(&file).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return fs::OpenOptions::new()
            .write(true)
            .open(&file)?
            .write_all(bytes);
    }
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let kept = |old: fs::Metadata| fs::set_permissions(&beside, old.permissions());
    let written = fs::write(&beside, bytes).and_then(|()| old.map_or(Ok(()), kept));
    if let Err(error) = written {
        // Half a file is of use to nobody.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    fs::rename(&beside, &file)
}

/// Whether files that are to be written are neither read nor named twice.
///
/// # Errors
///
/// The first one that is, and the remedy.
pub(crate) fn must_be_apart<'a>(
    inputs: &[PathBuf],
    files: impl Iterator<Item = &'a PathBuf>,
) -> anyhow::Result<()> {
    let known = |file: &PathBuf| match is_special(file) {
        true => None,
        false => fs::canonicalize(file).ok(),
    };
    let inputs: Vec<PathBuf> = inputs.iter().filter_map(known).collect();
    let mut seen: Vec<&PathBuf> = Vec::new();
    for file in files {
        if standard_input::is_dash(file) && seen.contains(&file) {
            bail!("`-` is named for several files: standard output can be one of them");
        }
        let name = file.display();
        if known(file).is_some_and(|file| inputs.contains(&file)) {
            bail!("`{name}` is to be read, and would be written over: name another file for it");
        }
        if seen.iter().any(|other| place(other) == place(file)) && !is_special(file) {
            bail!("`{name}` is named for several outputs: each needs a file of its own");
        }
        seen.push(file);
    }
    Ok(())
}

/// A file however it is named, there or not.
fn place(file: &Path) -> PathBuf {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
    let named = folder.map(|folder| folder.join(file.file_name().unwrap_or_default()));
    let found = fs::canonicalize(file).or(named);
    found.unwrap_or_else(|_| file.to_owned())
}

/// Whether it is there and no regular file: a device, a pipe, a folder.
fn is_special(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|it| !it.is_file())
}

/// Says one sentence on stderr.
pub(crate) fn complain(sentence: &str) {
    print_aside(&standard_input::named(&format!("hackleak: {sentence}\n")));
}

/// An error with its causes. A cause that an error tells itself is not told twice.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

fn tolerate(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = || anyhow::anyhow!("no such file");
        assert_eq!(sentence(&error()), "no such file");
        assert_eq!(
            sentence(&error().context("cannot read `x`")),
            "cannot read `x`: no such file"
        );
        let twice = error().context("cannot read `x`: no such file");
        assert_eq!(sentence(&twice), "cannot read `x`: no such file");
        assert_eq!(
            sentence(&twice.context("in `y`")),
            "in `y`: cannot read `x`: no such file"
        );
    }
}
