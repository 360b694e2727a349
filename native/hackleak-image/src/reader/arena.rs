//! Access to the records of arenas: piece by piece, on demand, kept until the next refresh.

use bytemuck::AnyBitPattern;

use super::cache::Piece;
use super::damage::Damage;
use super::open::{Image, data_of};
use crate::layout::{Blob, SEGMENT_DATA_LEN, SegmentKind};

impl Image {
    /// Records in the arena `kind` as the header counts them; bytes for the blobs.
    pub(super) fn arena_len(&self, kind: SegmentKind) -> u64 {
        kind.arena()
            .map_or(0, |position| self.header.lengths[position])
    }

    /// Record `index` of the arena `kind`. A record that was never written reads as zeros, so
    /// callers look at the field that is written last; `None` when its segment is missing.
    pub(super) fn record<T: AnyBitPattern>(&self, kind: SegmentKind, index: u64) -> Option<T> {
        let per_piece = SEGMENT_DATA_LEN / size_of::<T>() as u64;
        let found = self.piece(kind, index / per_piece).and_then(|piece| {
            let start = (index % per_piece) as usize * size_of::<T>();
            let bytes = piece.get(start..start + size_of::<T>())?;
            bytemuck::try_pod_read_unaligned(bytes).ok()
        });
        if found.is_none() {
            self.damage.add(Damage::BadReference, 1);
        }
        found
    }

    /// How many records of `T` can be there at all: what the header counts, at most what the
    /// segments hold. Bounds every loop over an arena.
    pub(super) fn records<T>(&self, kind: SegmentKind) -> u64 {
        let pieces = self
            .segments
            .pieces
            .keys()
            .filter(|(found, _)| *found == kind);
        let end = pieces
            .map(|(_, base)| base.saturating_add(1))
            .max()
            .unwrap_or(0);
        let present = self.segments.pieces.len() as u64;
        let per_piece = SEGMENT_DATA_LEN / size_of::<T>() as u64;
        self.arena_len(kind)
            .min(end.min(present).saturating_mul(per_piece))
    }

    /// Pages of the arena `kind` from page `first` on that are all zeros, although the header
    /// counts records there besides record 0, which may be zeros.
    pub(super) fn blank_pages(&self, kind: SegmentKind, first: u64) -> u64 {
        const PAGE: u64 = 4096;
        const PER_PIECE: u64 = SEGMENT_DATA_LEN / PAGE;
        let length = self.arena_len(kind).min(u64::from(u32::MAX));
        let pages = match length {
            ..=1 => 0,
            _ => (length * kind.record_len()).div_ceil(PAGE),
        };
        let is_blank = |page: &u64| {
            let piece = self.piece(kind, page / PER_PIECE);
            let start = (page % PER_PIECE * PAGE) as usize;
            piece.is_some_and(|piece| piece[start..start + PAGE as usize] == [0; PAGE as usize])
        };
        // A damaged header may count anything; the segments that are there bound the work.
        let present = self.segments.pieces.len() as u64 * PER_PIECE;
        (first..pages.min(present)).filter(is_blank).count() as u64
    }

    fn piece(&self, kind: SegmentKind, base: u64) -> Piece {
        let offset = *self.segments.pieces.get(&(kind, base))?;
        let mut cache = self.arenas.0.borrow_mut();
        cache
            .entry((kind, base))
            .or_insert_with(|| self.read_piece(offset))
            .clone()
    }

    fn read_piece(&self, offset: u64) -> Piece {
        let mut data = vec![0; SEGMENT_DATA_LEN as usize];
        match self.read_to_end_of_file(&mut data, data_of(offset)) {
            Ok(_) => Some(data.into()),
            Err(_) => {
                self.damage.add(Damage::UnreadableSegment, 1);
                None
            }
        }
    }

    /// The bytes of a blob, at most `most` of them. A blob may cross pieces.
    pub(super) fn blob(&self, blob: Blob, most: usize) -> Vec<u8> {
        let wanted = (blob.len() as usize).min(most);
        let mut bytes = Vec::new();
        while bytes.len() < wanted {
            let at = u64::from(blob.offset()) + bytes.len() as u64;
            let Some(piece) = self.piece(SegmentKind::Blobs, at / SEGMENT_DATA_LEN) else {
                self.damage.add(Damage::BadReference, 1);
                break;
            };
            let rest = &piece[(at % SEGMENT_DATA_LEN) as usize..];
            bytes.extend_from_slice(&rest[..rest.len().min(wanted - bytes.len())]);
        }
        bytes
    }

    /// The text of a blob of at most `most` bytes; what is not UTF-8 is replaced. No text begins or
    /// ends with a zero byte, and a page that was wiped out takes one end of a text or all of it.
    pub(super) fn text(&self, blob: Blob, most: usize) -> String {
        let bytes = self.blob(blob, most);
        let wiped = bytes.first() == Some(&0) || bytes.last() == Some(&0);
        self.damage.add(Damage::LostText, wiped.into());
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
