//! Writing to the terminal. A reader that has gone away (`hackleak report … | head`) is no error.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::Context;

use crate::terminal;

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

/// Writes `bytes` to a file. What could not be written in full is removed: half a report could pass
/// for a whole one.
pub(crate) fn write_file(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = fs::write(file, bytes);
    if written.is_err() && fs::symlink_metadata(file).is_ok_and(|it| it.is_file()) {
        // When this fails, too, the error of the write is still the one to tell.
        let _ = fs::remove_file(file);
    }
    written.with_context(|| format!("cannot write the report to `{}`", file.display()))
}

/// Says one sentence on stderr.
pub(crate) fn complain(sentence: &str) {
    print_aside(&format!("hackleak: {sentence}\n"));
}

fn tolerate(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
