//! Writing to the terminal. A reader that has gone away (`hackleak report … | head`) is no error.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::Context;

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
