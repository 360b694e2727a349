//! The live records, streamed in the order of the file.
//!
//! What is difficult: a page of records that was wiped out looks like a page without blocks. But no
//! free takes the origin of a record away. The recorder raises a page's word in the summary after
//! it has written the first record's origin there, and before the record's block. So a page is all
//! zeros only if its word is 0, and has blocks, live or freed, only if it is not.

use bytemuck::Zeroable;

use super::damage::Damage;
use super::open::{Image, data_of};
use crate::layout::{Kind, Live, SEGMENT_DATA_LEN, SUMMARY_LEN, SegmentHeader, SegmentKind};

/// Bytes of records that one word of [`SegmentHeader::summary`] stands for.
const PAGE: usize = SEGMENT_DATA_LEN as usize / SUMMARY_LEN;
/// Bytes of address space that one record stands for.
const GRANULE: u64 = 16;

/// One live block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveRecord {
    /// Its address in the process.
    pub address: u64,
    /// Its size in bytes as it was asked for.
    pub size: u64,
    /// How many it stands for: local references are counted, not recorded each.
    pub count: u64,
    /// How it was allocated.
    pub kind: Kind,
    /// Node of the stack tree; see [`Image::stack`].
    pub stack: u32,
    /// Index of its context; see [`Image::context`]. 0 is unknown.
    pub context: u32,
}

/// Iterates over the live records; memory is one segment's data.
#[derive(Debug)]
pub struct LiveRecords<'image> {
    image: &'image Image,
    since: u32,
    /// The next segment to read.
    next: usize,
    /// Address of the first record in `data`, which is one run of pages.
    address: u64,
    data: Vec<u8>,
    /// Bytes of `data` that were handed out.
    position: usize,
    /// Pages of the segment at `next - 1` still to read, last first: start and end.
    runs: Vec<(usize, usize)>,
    /// The summary of that segment.
    summary: [u32; SUMMARY_LEN],
    /// Which of its pages are not in the file.
    in_memory: [u64; SUMMARY_LEN / 64],
}

impl Image {
    /// The live records on pages where something was recorded in epoch `since` or later, and all
    /// of them when `since` is 0. Such a page may also hold older blocks: look at the context.
    pub fn live_records(&self, since: u32) -> LiveRecords<'_> {
        LiveRecords {
            image: self,
            since,
            next: 0,
            address: 0,
            data: Vec::new(),
            position: 0,
            runs: Vec::new(),
            summary: [0; SUMMARY_LEN],
            in_memory: [0; SUMMARY_LEN / 64],
        }
    }
}

impl LiveRecords<'_> {
    /// Reads the next run of pages; `false` when there is none.
    fn advance(&mut self) -> bool {
        loop {
            if let Some((start, end)) = self.runs.pop() {
                self.read_run(start, end);
                return true;
            }
            let Some((_, _, offset)) = self.image.segments.live.get(self.next) else {
                return false;
            };
            self.next += 1;
            let mut header = SegmentHeader::zeroed();
            match self
                .image
                .read_to_end_of_file(bytemuck::bytes_of_mut(&mut header), *offset)
            {
                Ok(_) => {
                    self.runs = runs(&header.summary, self.since);
                    self.summary = header.summary;
                    self.in_memory = header.in_memory;
                }
                Err(_) => self.image.damage.add(Damage::UnreadableSegment, 1),
            }
        }
    }

    fn read_run(&mut self, start: usize, end: usize) {
        let (kind, base, offset) = self.image.segments.live[self.next - 1];
        let odd = if matches!(kind, SegmentKind::LiveOdd | SegmentKind::PoolOdd) {
            GRANULE / 2
        } else {
            0
        };
        let first = (start * PAGE / size_of::<Live>()) as u64;
        self.address = (base << 20) + first * GRANULE + odd;
        self.position = 0;
        self.data.resize((end - start) * PAGE, 0);
        let offset = data_of(offset) + (start * PAGE) as u64;
        let filled = self
            .image
            .read_to_end_of_file(&mut self.data, offset)
            .unwrap_or_else(|_| {
                self.image.damage.add(Damage::UnreadableSegment, 1);
                0
            });
        self.data.truncate(filled);
        self.check_pages(start);
    }

    /// Compares the pages that were read, from page `start` on, with the summary.
    fn check_pages(&self, start: usize) {
        for (page, records) in self.data.chunks(PAGE).enumerate() {
            let page = start + page;
            let used = self.summary[page] != 0 && self.in_memory[page / 64] >> (page % 64) & 1 == 0;
            if used && is_blank(records) {
                self.image.damage.add(Damage::BlankPage, 1);
            } else if !used && has_blocks(records) {
                self.image.damage.add(Damage::UncountedPage, 1);
            }
        }
    }
}

/// Whether a record of the page has a block, live or freed.
fn has_blocks(page: &[u8]) -> bool {
    let mut records = page.chunks_exact(size_of::<Live>());
    !is_blank(page) && records.any(|record| bytemuck::pod_read_unaligned::<Live>(record).block != 0)
}

/// Whether there are only zeros in the page, or in what there is of it.
fn is_blank(page: &[u8]) -> bool {
    static ZEROS: [u8; PAGE] = [0; PAGE];
    ZEROS.get(..page.len()) == Some(page)
}

/// The runs of pages whose summary says that they matter, last first. Who looks at everything
/// trusts no summary.
fn runs(summary: &[u32; SUMMARY_LEN], since: u32) -> Vec<(usize, usize)> {
    if since == 0 {
        return vec![(0, SUMMARY_LEN)];
    }
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (page, newest) in summary.iter().enumerate() {
        if *newest == 0 || *newest < since {
            continue;
        }
        match runs.last_mut() {
            Some((_, end)) if *end == page => *end += 1,
            _ => runs.push((page, page + 1)),
        }
    }
    runs.reverse();
    runs
}

impl Iterator for LiveRecords<'_> {
    type Item = LiveRecord;

    fn next(&mut self) -> Option<LiveRecord> {
        loop {
            let Some(bytes) = self
                .data
                .get(self.position..self.position + size_of::<Live>())
            else {
                if self.advance() {
                    continue;
                }
                return None;
            };
            if self.position.is_multiple_of(PAGE)
                && is_blank(&self.data[self.position..self.data.len().min(self.position + PAGE)])
            {
                self.position += PAGE;
                continue;
            }
            let live: Live = bytemuck::pod_read_unaligned(bytes);
            let granule = (self.position / size_of::<Live>()) as u64;
            self.position += size_of::<Live>();
            if !live.is_live() {
                continue;
            }
            let Some(kind) = Kind::from_number(live.kind()) else {
                self.image.damage.add(Damage::BadBlock, 1);
                continue;
            };
            if kind == Kind::Runtime {
                continue;
            }
            let is_count = kind == Kind::LocalRefs;
            return Some(LiveRecord {
                address: self.address + granule * GRANULE,
                size: if is_count { 0 } else { live.size() },
                count: if is_count { live.size() } else { 1 },
                kind,
                stack: live.stack(),
                context: live.context(),
            });
        }
    }
}
