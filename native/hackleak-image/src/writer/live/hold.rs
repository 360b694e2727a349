//! Records that several threads change at once: what is held several times, and what gets smaller
//! and larger.

use super::super::window::Window;
use super::{InsertError, LiveTable, prepare, put, words};
use crate::layout::{FREED, LIVE, Live, MAX_PINS, MAX_SIZE, PIN_SHIFT};
use core::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

impl LiveTable {
    /// Records one more hold of a resource that can be held several times at one address, by
    /// several threads at once.
    ///
    /// # Errors
    ///
    /// See [`InsertError`].
    pub fn pin(
        &self,
        window: &Window,
        address: usize,
        live: Live,
        epoch: u32,
    ) -> Result<(), InsertError> {
        let segment = self.segment_or_new(window, address)?;
        self.make_ready(window, segment, address)?;
        let (_, block) = words(segment, (address >> 4) & 0xffff);
        loop {
            let more = block.fetch_update(Relaxed, Relaxed, |word| {
                let held = Live {
                    origin: 0,
                    block: word,
                };
                let same = held.is_live() && held.kind() == live.kind();
                (same && held.pins() < MAX_PINS).then_some(word + (1 << PIN_SHIFT))
            });
            let Err(found) = more else {
                return Ok(());
            };
            if found & LIVE != 0 {
                // Of another kind, or held more often than can be counted.
                put(segment, address, live, epoch);
                return Ok(());
            }
            // Another thread may begin to hold it at this moment. One of them makes the record, and
            // the other adds its hold; the origin is one of theirs.
            let block = prepare(segment, address, live, epoch);
            if block
                .compare_exchange(found, live.block, Release, Relaxed)
                .is_ok()
            {
                return Ok(());
            }
        }
    }

    /// Marks a live block that has no hold yet, if it is the one of this record: whoever gets the
    /// address next has a record without the mark. Tells whether it is marked now.
    pub fn tag(&self, address: usize, live: Live) -> bool {
        let segment = self.segment(address);
        if segment.is_null() || address & 7 != 0 {
            return false;
        }
        let (_, block) = words(segment, (address >> 4) & 0xffff);
        if live.pins() != 0 {
            return block.load(Relaxed) == live.block;
        }
        let tagged = live.block | 1 << PIN_SHIFT;
        block
            .compare_exchange(live.block, tagged, AcqRel, Relaxed)
            .is_ok()
    }

    /// Ends one hold; false when there is none on record.
    pub fn unpin(&self, address: usize) -> bool {
        let segment = self.segment(address);
        if segment.is_null() || address & 7 != 0 {
            return false;
        }
        let (_, block) = words(segment, (address >> 4) & 0xffff);
        let ended = block.fetch_update(Release, Relaxed, |word| {
            let held = Live {
                origin: 0,
                block: word,
            };
            match held.pins() {
                _ if !held.is_live() => None,
                0 => Some(0),
                _ => Some(word - (1 << PIN_SHIFT)),
            }
        });
        ended.is_ok()
    }

    /// Makes a live record `less` bytes smaller and `more` bytes larger, as several threads may at
    /// once. One that has no bytes left has ended, and keeps the size that it had. The bytes that
    /// are left; `None` when none is live.
    pub fn resize(&self, address: usize, less: u64, more: u64) -> Option<u64> {
        let segment = self.segment(address);
        if segment.is_null() || address & 7 != 0 {
            return None;
        }
        let (_, block) = words(segment, (address >> 4) & 0xffff);
        let left = |word: u64| (word & MAX_SIZE).saturating_sub(less).saturating_add(more);
        let resized = block.fetch_update(AcqRel, Relaxed, |word| {
            let resized = match left(word) {
                0 => word ^ (LIVE | FREED),
                left => word & !MAX_SIZE | left.min(MAX_SIZE),
            };
            (word & LIVE != 0).then_some(resized)
        });
        resized.ok().map(left)
    }
}
