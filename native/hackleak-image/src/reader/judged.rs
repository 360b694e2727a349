//! What the process found out about who holds its memory.

use bytemuck::Zeroable;

use super::names::MAX_NAME;
use super::open::Image;
use crate::layout::{Holder, Judged, Judging, Kind, Link, Named, Root, SegmentKind, judging_flags};

/// The longest chain that is read, in bytes.
const MAX_CHAIN: usize = 64 * size_of::<Link>();

/// A look at who holds what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JudgingRecord {
    /// Its number, which begins at 1.
    pub number: u32,
    /// Everything else about it.
    pub record: Judging,
}

impl JudgingRecord {
    /// Whether Java objects were among those that could hold something.
    pub fn saw_java(&self) -> bool {
        self.record.flags & judging_flags::JAVA != 0
    }

    /// Whether the process was at its end.
    pub fn is_at_exit(&self) -> bool {
        self.record.flags & judging_flags::AT_EXIT != 0
    }
}

/// What a handle stood for when somebody last looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRecord {
    /// What it is called.
    pub name: String,
    /// Everything else about it.
    pub record: Named,
}

/// Who holds memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderRecord {
    /// What sort of root it is.
    pub root: Root,
    /// Index of the module that the word belongs to.
    pub module: Option<u32>,
    /// Name of the thread, or class and field of Java's.
    pub name: String,
    /// The blocks on the way.
    pub chain: Vec<Link>,
    /// Everything else about it.
    pub record: Holder,
}

impl Image {
    /// The judging of this number, if it was completed.
    pub fn judging(&self, number: u32) -> Option<JudgingRecord> {
        if !self.has_judging(number) {
            return None;
        }
        let index = number - 1;
        let record: Judging = self.record(SegmentKind::Judgings, index.into())?;
        (record.unix_ns != 0).then_some(JudgingRecord { number, record })
    }

    /// Whether there is a judging of this number, completed or not.
    pub fn has_judging(&self, number: u32) -> bool {
        number != 0 && u64::from(number) <= self.records::<Judging>(SegmentKind::Judgings)
    }

    /// The last judging that was completed at the end of the process.
    pub fn judging_at_exit(&self) -> Option<JudgingRecord> {
        let count = self.records::<Judging>(SegmentKind::Judgings);
        (1..=count as u32)
            .rev()
            .filter_map(|number| self.judging(number))
            .find(JudgingRecord::is_at_exit)
    }

    /// What a judging found, as far as it can be read.
    pub fn judged(&self, judging: &JudgingRecord) -> impl Iterator<Item = (Kind, Judged)> {
        let first = u64::from(judging.record.first);
        let end = first + u64::from(judging.record.count);
        let end = end.min(self.records::<Judged>(SegmentKind::Judged));
        (first..end).filter_map(|index| {
            let record: Judged = self.record(SegmentKind::Judged, index)?;
            let kind = Kind::from_number(u8::try_from(record.kind).ok()?)?;
            (record.count != 0).then_some((kind, record))
        })
    }

    /// What handles stood for, oldest first.
    pub fn named(&self) -> impl Iterator<Item = NamedRecord> {
        (0..self.records::<Named>(SegmentKind::Names)).filter_map(|index| {
            let record: Named = self.record(SegmentKind::Names, index)?;
            (record.address != 0).then(|| NamedRecord {
                name: self.text(record.name, MAX_NAME),
                record,
            })
        })
    }

    /// The holder that [`Judged::holder`] names.
    pub fn holder(&self, number: u32) -> Option<HolderRecord> {
        let index = number.checked_sub(1)?;
        let record: Holder = self.record(SegmentKind::Holders, index.into())?;
        let chain = self.blob(record.chain, MAX_CHAIN);
        let chain = chain.chunks_exact(size_of::<Link>()).map(|bytes| {
            let mut link = Link::zeroed();
            bytemuck::bytes_of_mut(&mut link).copy_from_slice(bytes);
            link
        });
        Some(HolderRecord {
            root: Root::from_number(record.root)?,
            module: record.module.checked_sub(1),
            name: self.text(record.name, MAX_NAME),
            chain: chain.collect(),
            record,
        })
    }
}
