//! What a file holds, table by table: for who looks into an image rather than at leaks.

use std::collections::BTreeMap;
use std::io;

use bytemuck::Zeroable;

use super::names::MAX_NAME;
use super::open::Image;
use crate::layout::{SUMMARY_LEN, Scope, SegmentHeader, SegmentKind};

/// One table of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSize {
    /// What it holds.
    pub kind: SegmentKind,
    /// Records, as the header counts them; bytes for the blobs.
    pub records: u64,
    /// Segments that are in the file.
    pub segments: u64,
}

/// The segments that hold one kind of live records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivePages {
    /// What they hold.
    pub kind: SegmentKind,
    /// Segments, each for one MiB of address space.
    pub segments: u64,
    /// Pages of records in them.
    pub pages: u64,
    /// Pages that have, or had, a record.
    pub used: u64,
}

/// A scope.
#[derive(Debug, Clone)]
pub struct ScopeRecord {
    /// Its number, which begins at 1.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Everything else about it.
    pub record: Scope,
}

impl Image {
    /// The file's length in bytes.
    ///
    /// # Errors
    ///
    /// The system does not say it.
    pub fn file_len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Segments that can be read.
    pub fn readable_segments(&self) -> u64 {
        (self.segments.pieces.len() + self.segments.live.len()) as u64
    }

    /// Every table, in the order of the header.
    pub fn tables(&self) -> impl Iterator<Item = TableSize> {
        SegmentKind::ARENAS.into_iter().map(|kind| TableSize {
            kind,
            records: self.arena_len(kind),
            segments: {
                let pieces = self.segments.pieces.keys();
                pieces.filter(|(found, _)| *found == kind).count() as u64
            },
        })
    }

    /// The segments of live records by kind, as far as there are any.
    ///
    /// # Errors
    ///
    /// The header of a segment cannot be read.
    pub fn live_pages(&self) -> io::Result<Vec<LivePages>> {
        let mut sums: BTreeMap<u32, LivePages> = BTreeMap::new();
        for (kind, _, offset) in &self.segments.live {
            let mut header = SegmentHeader::zeroed();
            self.read_to_end_of_file(bytemuck::bytes_of_mut(&mut header), *offset)?;
            let sum = sums.entry(*kind as u32).or_insert(LivePages {
                kind: *kind,
                segments: 0,
                pages: 0,
                used: 0,
            });
            sum.segments += 1;
            sum.pages += SUMMARY_LEN as u64;
            sum.used += header.summary.iter().filter(|epoch| **epoch != 0).count() as u64;
        }
        Ok(sums.into_values().collect())
    }

    /// Every scope that was written in full.
    pub fn scopes(&self) -> impl Iterator<Item = ScopeRecord> {
        let count = self.records::<Scope>(SegmentKind::Scopes) as u32;
        (1..count).filter_map(|number| {
            let record: Scope = self.record(SegmentKind::Scopes, number.into())?;
            (record.written != 0).then(|| ScopeRecord {
                number,
                name: self.text(record.name, MAX_NAME),
                record,
            })
        })
    }
}
