//! Why a file cannot be read as an image: one sentence each, with the file and the remedy.

use std::io;
use std::path::PathBuf;

use crate::layout::{HEADER_LEN, VERSION};

/// A file that is no image that this reader can read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file cannot be opened.
    #[error("cannot open the image `{}`: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the image `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not a plain file.
    #[error("`{}` is not a file: name an image, `….hackleak`", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// A packed image that ends too early.
    #[error(
        "the packed image `{}` was cut off: copy it again from where it was written",
        path.display()
    )]
    CutOff {
        /// The file.
        path: PathBuf,
    },
    /// A packed image that is not unpacked in memory.
    #[error(
        "the packed image `{}` is too large to be unpacked in memory: `gunzip` it, and name what \
         comes out",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A packed image that is damaged.
    #[error(
        "cannot unpack the image `{}`: {source}; copy it again from where it was written",
        path.display()
    )]
    Unpack {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// Shorter than the header.
    #[error(
        "`{}` is not a HackLeak image: it has {len} bytes, fewer than the {HEADER_LEN} of the header",
        path.display()
    )]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
    },
    /// The header was never completed.
    #[error(
        "the image `{}` is empty: its process ended before the recorder was ready, or is just starting",
        path.display()
    )]
    NotStarted {
        /// The file.
        path: PathBuf,
    },
    /// The magic is missing.
    #[error("`{}` is not a HackLeak image: it starts with other bytes", path.display())]
    Magic {
        /// The file.
        path: PathBuf,
    },
    /// Another version of the layout.
    #[error(
        "the image `{}` has format version {found}, this reporter reads version {VERSION}: use the \
         `hackleak` of the same release as the library that recorded it",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that it states.
        found: u32,
    },
    /// Recorded on a machine that this reader does not know.
    #[error(
        "the image `{}` was recorded on ELF machine {found}, this reporter reads x86-64 (62) and \
         aarch64 (183)",
        path.display()
    )]
    Machine {
        /// The file.
        path: PathBuf,
        /// The ELF machine that it states.
        found: u32,
    },
    /// A state that no process can be in.
    #[error("the image `{}` is damaged: its process has the unknown state {found}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// The state that it states.
        found: u32,
    },
    /// More segments than any process can fill.
    #[error("the image `{}` is damaged: it claims {found} segments", path.display())]
    Segments {
        /// The file.
        path: PathBuf,
        /// How many segments it claims.
        found: u64,
    },
}
