//! Sentences for the user on standard error, while that is what it was at the start.
//!
//! It may be a file that is as long as the program may write, or a pipe that nobody reads: no
//! signal of that reaches the program.

use hackleak_image::writer::quietly;
use hackleak_platform::stderr;
use std::fmt::Display;
use std::io::Write;

/// Writes one line.
pub fn say(sentence: impl Display) {
    if stderr::is_there() {
        bytes(format!("hackleak: {sentence}\n").as_bytes());
    }
}

/// Writes text as it is, as far as that goes.
pub fn bytes(text: &[u8]) {
    quietly(|| std::io::stderr().write_all(text).is_ok());
}
