//! Opening an image: the header's checks and the index of segments.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytemuck::Zeroable;

use super::cache::ArenaCache;
use super::damage::{Damage, DamageCounts};
use super::error::ImageError;
use super::process::ProcessState;
use crate::layout::{
    Counter, HEADER_LEN, Header, MAGIC, SEGMENT_DATA_LEN, SEGMENT_HEADER_LEN, SEGMENT_MAGIC,
    SEGMENT_STRIDE, SegmentKind, VERSION, state,
};

/// `EM_X86_64` and `EM_AARCH64`: images of both look the same.
const MACHINES: [u32; 2] = [62, 183];
/// The most segments that are indexed: 4 TiB of records.
const MAX_SEGMENTS: u64 = 1 << 22;
/// The first MiB of address space that no process has: 2^56 bytes.
const END_OF_ADDRESSES: u64 = 1 << 36;

/// An image, open for reading.
#[derive(Debug)]
pub struct Image {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) header: Header,
    pub(super) segments: Segments,
    pub(super) arenas: ArenaCache,
    pub(super) damage: DamageCounts,
}

/// Where each segment's header starts in the file.
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// Pieces of arenas, by kind and number.
    pub(super) pieces: HashMap<(SegmentKind, u64), u64>,
    /// Live records in the order of the file: kind, MiB of address space, offset.
    pub(super) live: Vec<(SegmentKind, u64, u64)>,
}

impl Image {
    /// Opens the image at `path` and checks its header.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no image of this version and machine.
    pub fn open(path: &Path) -> Result<Image, ImageError> {
        let cannot_open = |source| ImageError::Open {
            path: path.to_owned(),
            source,
        };
        // Before it is opened, too: a pipe without a writer would never open.
        let is_file = || std::fs::metadata(path).map(|about| about.is_file());
        if !is_file().map_err(cannot_open)? {
            return Err(ImageError::NotAFile {
                path: path.to_owned(),
            });
        }
        let file = File::open(path).map_err(cannot_open)?;
        if !file.metadata().map_err(cannot_open)?.is_file() {
            return Err(ImageError::NotAFile {
                path: path.to_owned(),
            });
        }
        Image::of_file(path, file)
    }

    /// The image in `file`, which messages call `path`: it may have been packed there.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no image of this version and machine.
    pub fn of_file(path: &Path, file: File) -> Result<Image, ImageError> {
        let mut image = Image {
            path: path.to_owned(),
            file,
            header: Header::zeroed(),
            segments: Segments::default(),
            arenas: ArenaCache::default(),
            damage: DamageCounts::default(),
        };
        image.refresh()?;
        Ok(image)
    }

    /// Reads the header and the index of segments again and forgets everything that was read:
    /// what a running process has added since then becomes visible. Damage that was met stays
    /// counted, that of the index is counted anew.
    ///
    /// # Errors
    ///
    /// As for [`Image::open`].
    pub fn refresh(&mut self) -> Result<(), ImageError> {
        self.damage.forget_index();
        self.arenas = ArenaCache::default();
        let cannot_read = |source| ImageError::Read {
            path: self.path.clone(),
            source,
        };
        // A running process adds a segment to the file after it has counted it.
        let before = self.file.metadata().map_err(cannot_read)?.len();
        self.header = self.read_header(before)?;
        let len = self.file.metadata().map_err(cannot_read)?.len();
        let extra = segments_in(before).saturating_sub(self.header.segments);
        self.damage.add(Damage::ExtraSegments, extra);
        self.segments = self.index(len)?;
        self.check_tables();
        Ok(())
    }

    fn read_header(&self, len: u64) -> Result<Header, ImageError> {
        let path = || self.path.clone();
        if len < HEADER_LEN {
            return Err(ImageError::TooShort { path: path(), len });
        }
        let mut header = Header::zeroed();
        self.file
            .read_exact_at(bytemuck::bytes_of_mut(&mut header), 0)
            .map_err(|source| ImageError::Read {
                path: path(),
                source,
            })?;
        if header.magic == [0; 8] {
            return Err(ImageError::NotStarted { path: path() });
        }
        if header.magic != MAGIC {
            return Err(ImageError::Magic { path: path() });
        }
        if header.version != VERSION {
            return Err(ImageError::Version {
                path: path(),
                found: header.version,
            });
        }
        if !MACHINES.contains(&header.machine) {
            return Err(ImageError::Machine {
                path: path(),
                found: header.machine,
            });
        }
        if ![state::RECORDING, state::FINISHED].contains(&header.state) {
            return Err(ImageError::State {
                path: path(),
                found: header.state,
            });
        }
        Ok(header)
    }

    fn index(&self, len: u64) -> Result<Segments, ImageError> {
        let claimed = self.header.segments;
        let count = claimed.min(segments_in(len));
        if count > MAX_SEGMENTS {
            return Err(ImageError::Segments {
                path: self.path.clone(),
                found: claimed,
            });
        }
        self.damage.add(Damage::MissingSegments, claimed - count);
        let mut segments = Segments::default();
        let mut seen = HashSet::new();
        for number in 0..count {
            let offset = HEADER_LEN + number * SEGMENT_STRIDE;
            if len - offset < SEGMENT_STRIDE {
                self.damage.add(Damage::CutSegment, 1);
            }
            match self.segment_kind(offset) {
                // Two threads may create the same segment at once: one stays behind unused.
                Ok(None) => {}
                Ok(Some(key)) => {
                    let double = !seen.insert(key);
                    self.damage.add(Damage::DoubleSegment, double.into());
                    if key.0.arena().is_none() {
                        segments.live.push((key.0, key.1, offset));
                    } else if !double {
                        segments.pieces.insert(key, offset);
                    }
                }
                Err(damage) => self.damage.add(damage, 1),
            }
        }
        Ok(segments)
    }

    /// Compares the lengths of the arenas with the segments that are there. A length is raised
    /// before a segment is made for it, so it is beyond the start of the last one.
    fn check_tables(&self) {
        // These begin with a record that stands for none.
        let never_empty = [
            SegmentKind::Nodes,
            SegmentKind::Contexts,
            SegmentKind::Scopes,
        ];
        for kind in SegmentKind::ARENAS {
            let length = self.arena_len(kind).min(u64::from(u32::MAX));
            let per_piece = SEGMENT_DATA_LEN / kind.record_len();
            let needed = length.div_ceil(per_piece);
            let pieces = self.segments.pieces.keys();
            let bases = pieces.filter(|(found, _)| *found == kind);
            let (inside, beyond): (Vec<u64>, Vec<u64>) = bases
                .map(|(_, base)| *base)
                .partition(|base| *base < needed);
            let missing = needed.saturating_sub(inside.len() as u64);
            self.damage.add(Damage::MissingPiece, missing);
            let short = length == 0 && never_empty.contains(&kind);
            self.damage
                .add(Damage::ShortTable, beyond.len() as u64 + u64::from(short));
        }
    }

    /// What the segment at `offset` holds; `None` when it was made and not used.
    fn segment_kind(&self, offset: u64) -> Result<Option<(SegmentKind, u64)>, Damage> {
        let mut start = [0; 16];
        match self.read_to_end_of_file(&mut start, offset) {
            Ok(16) => {}
            Ok(_) => return Err(Damage::BlankSegment),
            Err(_) => return Err(Damage::UnreadableSegment),
        }
        let [magic, kind, base_low, base_high] = bytemuck::cast::<[u8; 16], [u32; 4]>(start);
        let base = u64::from(base_low) | u64::from(base_high) << 32;
        let kind = SegmentKind::from_number(kind).ok_or(Damage::BadSegment)?;
        match (kind, magic) {
            (SegmentKind::Empty, SEGMENT_MAGIC) => return Ok(None),
            (SegmentKind::Empty, 0) => return Err(Damage::BlankSegment),
            _ => {}
        }
        let in_range = kind.arena().is_some() || base < END_OF_ADDRESSES;
        if magic != SEGMENT_MAGIC || !in_range {
            return Err(Damage::BadSegment);
        }
        Ok(Some((kind, base)))
    }

    /// Fills `buffer` from `offset` and returns how many bytes there were; the rest stays as it
    /// is. A file that ends early is no error here: a killed process may leave one.
    pub(super) fn read_to_end_of_file(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self
                .file
                .read_at(&mut buffer[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The header as it was at [`Image::open`] or the last [`Image::refresh`].
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether bit `flag` of [`crate::layout::flags`] is set.
    pub fn has_flag(&self, flag: u32) -> bool {
        self.header.flags & flag != 0
    }

    /// The count of one kind of loss.
    pub fn counter(&self, counter: Counter) -> u64 {
        self.header.counters[counter as usize]
    }

    /// The counters that are not zero, with their names.
    pub fn counters(&self) -> impl Iterator<Item = (Counter, u64)> {
        Counter::ALL
            .iter()
            .map(|counter| (*counter, self.counter(*counter)))
            .filter(|(_, n)| *n > 0)
    }

    /// What has become of the process, as far as this machine can tell now.
    pub fn process_state(&self) -> ProcessState {
        ProcessState::of(&self.header)
    }

    /// What had to be left out until now, with counts.
    pub fn damage(&self) -> Vec<(Damage, u64)> {
        self.damage.list()
    }
}

/// Segments in a file of `len` bytes. The last one counts even when it is cut off.
fn segments_in(len: u64) -> u64 {
    len.saturating_sub(HEADER_LEN).div_ceil(SEGMENT_STRIDE)
}

/// Bytes of a segment's data that precede the data of `offset`'s segment header.
pub(super) const fn data_of(offset: u64) -> u64 {
    offset + SEGMENT_HEADER_LEN
}
