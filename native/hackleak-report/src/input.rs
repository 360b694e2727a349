//! Reading the files that options name, whatever they turn out to be.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The longest text that is read, in bytes.
const MOST: u64 = 16 << 20;

/// The text of a regular file of at most 16 MiB. An image or a command line may name a device that
/// never ends.
///
/// # Errors
///
/// It is no regular file, too long, not UTF-8, or cannot be read.
pub fn text(path: &Path) -> io::Result<String> {
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let mut text = String::new();
    let read = File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if read as u64 > MOST {
        return Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "longer than 16 MiB",
        ));
    }
    Ok(text)
}
