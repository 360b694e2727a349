//! Takes from the disk what an image has reserved and does not need.
//!
//! The recorder reserves the blocks of a file before it writes there, so that a full disk harms no
//! program. Most of them stay zeros. The process cannot give them back: others of its threads may
//! allocate to its very end. So this is done when a report is made on a process that is gone. The
//! image stays the same to the last byte.
//!
//! What is difficult: whether it is gone. The process may be one of another container, of which
//! nobody here knows. So the recorder has a lock on the file, which lasts as long as anybody has
//! the file mapped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{
    FallocateFlags, FlockOperation, Timespec, Timestamps, fallocate, flock, futimens,
};

/// Less on the disk is left as it is.
const LARGE: u64 = 4 << 20;
/// What is read together.
const PIECE: usize = 1 << 20;
/// What is looked at together, and taken away together: a block of most file systems.
const BLOCK: usize = 4 << 10;

/// Takes the zeros of the image's file from the disk, if nobody writes there any more. Where that
/// cannot be done, the file stays as large as it is, and nothing else is lost.
pub(crate) fn thin(image: &Path) {
    // A file of somebody else's is not ours to change.
    let Ok(file) = OpenOptions::new().read(true).write(true).open(image) else {
        return;
    };
    let _ = give_back_zeros(&file);
}

fn give_back_zeros(mut file: &File) -> io::Result<()> {
    let before = file.metadata()?;
    if !before.is_file() || before.blocks() * 512 < LARGE {
        return Ok(());
    }
    flock(file, FlockOperation::NonBlockingLockExclusive)?;
    let mut piece = vec![0; PIECE];
    let (mut at, mut zeros) = (0, 0..0);
    loop {
        let len = read_whole(&mut file, &mut piece)?;
        for block in piece[..len].chunks(BLOCK) {
            let end = at + block.len() as u64;
            if block.iter().all(|byte| *byte == 0) {
                zeros = if zeros.is_empty() { at } else { zeros.start }..end;
            } else {
                take_away(file, &zeros)?;
                zeros = 0..0;
            }
            at = end;
        }
        if len == 0 {
            break;
        }
    }
    take_away(file, &zeros)?;
    // When it was written last is when the process ended.
    let time = |seconds, nanoseconds| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time(before.atime(), before.atime_nsec()),
        last_modification: time(before.mtime(), before.mtime_nsec()),
    };
    Ok(futimens(file, &times)?)
}

fn take_away(file: &File, zeros: &Range<u64>) -> io::Result<()> {
    if zeros.is_empty() {
        return Ok(());
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(fallocate(
        file,
        flags,
        zeros.start,
        zeros.end - zeros.start,
    )?)
}

/// Fills the piece, if the file has so much; the number of bytes.
fn read_whole(file: &mut &File, piece: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < piece.len() {
        match file.read(&mut piece[len..])? {
            0 => break,
            more => len += more,
        }
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Bytes of a part of a file.
    const PART: usize = 64 << 10;

    /// A file of parts, each of zeros or of something, with all of it on the disk.
    fn file(parts: &[bool]) -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
        let folder = tempfile::tempdir().expect("a temporary folder is writable");
        let path = folder.path().join("1.hackleak");
        let mut content = vec![0; parts.len() * PART];
        for (index, is_something) in parts.iter().enumerate() {
            content[index * PART + 4711] = u8::from(*is_something);
        }
        content.push(0);
        fs::write(&path, &content).expect("a temporary folder is writable");
        (folder, path, content)
    }

    fn on_disk(path: &Path) -> u64 {
        path.metadata().expect("it is there").blocks() * 512
    }

    #[test]
    fn zeros_are_taken_from_the_disk_and_the_image_stays_the_same() {
        let mut parts = vec![false; 200];
        for something in [0, 7, 8, 150] {
            parts[something] = true;
        }
        let (_folder, path, content) = file(&parts);
        let modified = path.metadata().expect("it is there").modified().ok();
        assert!(on_disk(&path) >= 200 * PART as u64);
        thin(&path);
        let left = on_disk(&path) / BLOCK as u64;
        assert!((4..12).contains(&left), "{left} blocks are left");
        assert!(fs::read(&path).expect("it is there") == content);
        assert_eq!(
            path.metadata().expect("it is there").modified().ok(),
            modified
        );
    }

    #[test]
    fn what_somebody_still_writes_stays_as_it_is() {
        let (_folder, path, _) = file(&[false; 200]);
        let before = on_disk(&path);
        let recorder = File::open(&path).expect("it is there");
        flock(&recorder, FlockOperation::NonBlockingLockShared).expect("nobody has it");
        thin(&path);
        assert_eq!(on_disk(&path), before);
        drop(recorder);
        thin(&path);
        assert!(on_disk(&path) < before / 100);
    }

    #[test]
    fn what_cannot_be_thinned_is_left_alone() {
        let (folder, path, content) = file(&[false; 2]);
        let before = on_disk(&path);
        thin(&path);
        assert_eq!(on_disk(&path), before, "small");
        thin(folder.path());
        thin(&folder.path().join("missing"));
        assert!(fs::read(&path).expect("it is there") == content);
    }
}
