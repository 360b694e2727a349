//! Small entries of a zip file, which a jar is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::DeflateDecoder;

/// The longest directory of a jar, and the longest entry, that is read.
const MAX_READ: u64 = 64 << 20;
const MAX_ENTRY: u64 = 1 << 20;

/// As much of a zip file as is needed to read small entries. Whatever it says is checked.
pub(super) struct Zip {
    file: File,
    directory: Vec<u8>,
}

/// Length of the record that ends a zip file, without its comment.
const END_LEN: u64 = 22;
/// Length of an entry of the directory, without its name and what else follows.
const ENTRY_LEN: usize = 46;

impl Zip {
    pub(super) fn open(path: &Path) -> io::Result<Zip> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let tail = length.min(END_LEN + u64::from(u16::MAX));
        file.seek(SeekFrom::Start(length - tail))?;
        let mut end = Vec::new();
        (&mut file).take(tail).read_to_end(&mut end)?;
        let at = end.windows(4).rposition(|bytes| bytes == b"PK\x05\x06");
        let end = at.and_then(|at| end.get(at..at + END_LEN as usize));
        let end = end.ok_or(io::ErrorKind::InvalidData)?;
        let (size, start) = (number(end, 12, 4), number(end, 16, 4));
        file.seek(SeekFrom::Start(start))?;
        let mut directory = Vec::new();
        (&mut file)
            .take(size.min(MAX_READ))
            .read_to_end(&mut directory)?;
        Ok(Zip { file, directory })
    }

    /// The first entry whose name is wanted.
    pub(super) fn text(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut rest = &*self.directory;
        while rest.starts_with(b"PK\x01\x02") && rest.len() >= ENTRY_LEN {
            let [name, extra, comment] = [28, 30, 32].map(|at| number(rest, at, 2) as usize);
            let text = rest.get(ENTRY_LEN..ENTRY_LEN + name)?;
            if str::from_utf8(text).is_ok_and(&wanted) {
                let method = number(rest, 10, 2);
                let (packed, start) = (number(rest, 20, 4), number(rest, 42, 4));
                return read(&mut self.file, method, packed, start);
            }
            rest = rest.get(ENTRY_LEN + name + extra + comment..)?;
        }
        None
    }
}

/// An entry's text; its own header at `start` may be longer than that of the directory.
fn read(file: &mut File, method: u64, packed: u64, start: u64) -> Option<String> {
    const HEADER_LEN: u64 = 30;
    let mut header = [0; HEADER_LEN as usize];
    file.seek(SeekFrom::Start(start)).ok()?;
    file.read_exact(&mut header).ok()?;
    let before = HEADER_LEN + number(&header, 26, 2) + number(&header, 28, 2);
    file.seek(SeekFrom::Start(start + before)).ok()?;
    let packed = file.take(packed);
    let mut bytes = Vec::new();
    match method {
        0 => packed.take(MAX_ENTRY).read_to_end(&mut bytes).ok()?,
        8 => DeflateDecoder::new(packed)
            .take(MAX_ENTRY)
            .read_to_end(&mut bytes)
            .ok()?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

/// A little-endian number of some bytes; 0 where there are none.
fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let bytes = bytes.get(at..at + length).unwrap_or_default();
    let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    bytes.iter().rev().fold(0, add)
}
