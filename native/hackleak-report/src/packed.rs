//! Images as other machines send them: packed with gzip, or as they are.
//!
//! What is difficult: an image is mostly zeros, so a small file may be packed from a large one, and
//! a hostile one from one without an end. Zeros become holes of a file that is in memory only, and
//! both the length and what is no zeros have a bound.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use hackleak_image::{Image, ImageError};
use rustix::fs::{MemfdFlags, memfd_create};

/// What a packed file begins with: see RFC 1952.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The end of the names of packed images.
pub const EXTENSION: &str = ".hackleak.gz";
/// What is unpacked together.
const PIECE: usize = 64 << 10;
/// What is a hole or none.
const BLOCK: usize = 4 << 10;
/// The longest image, in bytes: some twenty seconds of work.
const MOST: u64 = 32 << 30;
/// The most bytes that are no zeros.
const MOST_IN_MEMORY: u64 = 2 << 30;

/// Opens an image, packed or not.
///
/// # Errors
///
/// As [`Image::open`]; a packed one that was cut off, is damaged, or is too large to be unpacked in
/// memory.
pub fn open(path: &Path) -> Result<Image, ImageError> {
    if !is_packed(path) {
        return Image::open(path);
    }
    let unpacked = File::open(path).and_then(|packed| unpacked(packed, MOST, MOST_IN_MEMORY));
    let file = unpacked.map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof => ImageError::CutOff {
            path: path.to_owned(),
        },
        ErrorKind::FileTooLarge => ImageError::TooLarge {
            path: path.to_owned(),
        },
        _ => ImageError::Unpack {
            path: path.to_owned(),
            source,
        },
    })?;
    Image::of_file(path, file)
}

/// Whether a file begins as a packed one does; an image never does.
pub fn is_packed(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    let is_file = std::fs::metadata(path).is_ok_and(|about| about.is_file());
    is_file
        && File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok())
        && start == MAGIC
}

/// What is packed there, in memory.
fn unpacked(packed: impl Read, most: u64, most_in_memory: u64) -> io::Result<File> {
    let mut from = MultiGzDecoder::new(io::BufReader::new(packed));
    let mut to = File::from(memfd_create("hackleak-unpacked", MemfdFlags::CLOEXEC)?);
    let mut piece = vec![0; PIECE];
    let (mut length, mut in_memory) = (0u64, 0u64);
    loop {
        let len = fill(&mut from, &mut piece)?;
        for block in piece[..len].chunks(BLOCK) {
            if block.iter().any(|byte| *byte != 0) {
                to.seek(SeekFrom::Start(length))?;
                to.write_all(block)?;
                in_memory += block.len() as u64;
            }
            length += block.len() as u64;
        }
        if length > most || in_memory > most_in_memory {
            return Err(ErrorKind::FileTooLarge.into());
        }
        if len < piece.len() {
            break;
        }
    }
    to.set_len(length)?;
    Ok(to)
}

/// Fills the piece, if there is so much; the number of bytes.
fn fill(from: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < piece.len() {
        match from.read(&mut piece[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::os::unix::fs::MetadataExt;

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    }

    /// Zeros with something at both sides of an edge, and an end in the middle of a block.
    fn content() -> Vec<u8> {
        let mut content = vec![0; 40 * PIECE + 4711];
        for at in [1, 7 * PIECE - 1, 7 * PIECE, 40 * PIECE] {
            content[at] = 1;
        }
        content
    }

    fn read(mut file: File) -> Vec<u8> {
        let mut content = Vec::new();
        file.rewind().expect("a file");
        file.read_to_end(&mut content).expect("a file");
        content
    }

    #[test]
    fn what_was_packed_is_there_again_with_holes() {
        let content = content();
        let file = unpacked(&packed(&content)[..], MOST, MOST_IN_MEMORY).expect("it is whole");
        let in_memory = file.metadata().expect("a file").blocks() * 512;
        assert_eq!(in_memory, 4 * BLOCK as u64);
        assert!(read(file) == content);
        // As the plugin of Spark writes it: several members, one after the other.
        let (one, other) = content.split_at(3 * PIECE + 5);
        let members = [packed(one), packed(other)].concat();
        let file = unpacked(&members[..], MOST, MOST_IN_MEMORY).expect("it is whole");
        assert!(read(file) == content);
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let content = content();
        let of = |most, in_memory| {
            let refused = unpacked(&packed(&content)[..], most, in_memory).err();
            refused.map(|error| error.kind())
        };
        let length = content.len() as u64;
        assert_eq!(of(length, 4 * BLOCK as u64), None);
        let too_large = Some(ErrorKind::FileTooLarge);
        assert_eq!(of(length - 1, MOST), too_large);
        assert_eq!(of(length, 4 * BLOCK as u64 - 1), too_large);
    }

    #[test]
    fn what_was_cut_off_is_said_with_its_name() {
        let folder = tempfile::tempdir().expect("a temporary folder is writable");
        let path = folder.path().join("1.hackleak.gz");
        let whole = packed(&content());
        for length in [2, 9, 20, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).expect("a temporary folder is writable");
            let error = open(&path).expect_err("it was cut off").to_string();
            let name = path.display().to_string();
            assert!(
                error.contains(&name) && error.contains("cut off"),
                "{length}: {error}"
            );
        }
        let mut damaged = whole.clone();
        let crc = damaged.len() - 6;
        damaged[crc] ^= 1;
        std::fs::write(&path, &damaged).expect("a temporary folder is writable");
        let error = open(&path).expect_err("it is damaged");
        assert!(matches!(error, ImageError::Unpack { .. }), "{error}");
        // Whole, and no image.
        std::fs::write(&path, packed(b"short")).expect("a temporary folder is writable");
        let error = open(&path).expect_err("it is no image");
        assert!(
            matches!(error, ImageError::TooShort { len: 5, .. }),
            "{error}"
        );
    }
}
