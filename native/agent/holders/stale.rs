//! Words that are known to be of no use any more.
//!
//! Unused and emptied places of old blocks keep the pointers that they had: slots of a vector beyond its end,
//! a field after `delete`. When the allocator hands out the same address again, such a word looks as if it
//! held the new block, and a leak would hide behind it. So at checkpoints the words are noted that point at
//! memory near blocks in which no block is live. As long as such a word does not change, it was written before the block that it
//! points at, and is no evidence.
//!
//! What is difficult is the cost: all of it must be read. So only small blocks and roots are, and only so often
//! that it takes a small share of the time (and after each judging, which costs more); what was noted before stays good for as long as the word stays.
//! A program that writes the same address to the same place again is not noticed.

use super::glibc::Places;
use super::maps;
use super::memory::{Memory, WORD};
use super::objects::{Objects, Trust};
use super::table::Table;
use super::{PASS, Stop, threads};
use crate::IMAGE;
use crate::clock;
use core::ops::Range;
use hackleak_image::layout::{Kind, Live};
use hackleak_image::writer::State;
use std::sync::{Mutex, PoisonError, TryLockError};

/// Larger blocks are not looked at: buffers rather than containers.
const LARGEST: usize = 64 << 10;
/// Blocks up to this length are found by the table of live blocks from any address inside.
const NEAR: usize = 4096;
/// The share of the time that looking may take: one part in so many.
const SHARE: u64 = 32;
/// The most words that are noted.
const MOST: usize = 1 << 20;
/// Blocks with less between them are read together.
const GAP: usize = 1024;
/// The most that is read together.
const RUN: usize = 256 << 10;

/// What was noted last, and when.
struct Noted {
    /// Address and value, by address. With all bits turned: what stands here must not look like a pointer.
    words: Table<(u64, u64)>,
    ended: u64,
    took: u64,
}

static NOTED: Mutex<Noted> = Mutex::new(Noted {
    words: Table::new(),
    ended: 0,
    took: 0,
});

/// Words of no use, for one pass.
pub struct Stale(Table<(u64, u64)>);

impl Stale {
    /// What was noted at the last checkpoint that could afford it.
    pub fn of_now() -> Result<Stale, Stop> {
        let noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = Table::new();
        for word in noted.words.iter() {
            words.push(*word)?;
        }
        Ok(Stale(words))
    }

    /// Whether the word at `at` has been `word` since before what it points at was allocated.
    pub fn contains(&self, at: usize, word: u64) -> bool {
        let key = !(at as u64);
        let found = self.0.binary_search_by(|(noted, _)| key.cmp(noted));
        found.is_ok_and(|index| self.0[index].1 == !word)
    }
}

/// Notes the words that are of no use now, if that may be afforded. Called at checkpoints, not in hooks.
pub fn note() {
    let _alone = match PASS.try_lock() {
        Ok(alone) => alone,
        Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    let since = clock::of(libc::CLOCK_MONOTONIC).saturating_sub(noted.ended);
    if since < noted.took.saturating_mul(SHARE) {
        return;
    }
    let started = clock::of(libc::CLOCK_THREAD_CPUTIME_ID);
    let found = look(&noted.words);
    noted.ended = clock::of(libc::CLOCK_MONOTONIC);
    noted.took = clock::of(libc::CLOCK_THREAD_CPUTIME_ID).saturating_sub(started);
    if let Ok(found) = found {
        noted.words = found;
    }
}

/// A judging has found something to look for: whatever the price, the next checkpoint looks.
pub fn be_thorough() {
    NOTED.lock().unwrap_or_else(PoisonError::into_inner).took = 0;
}

/// A look at all that may keep old pointers.
struct Look {
    memory: Memory,
    found: Table<(u64, u64)>,
    /// Blocks that the table of live blocks does not find from far inside.
    large: Table<(usize, usize)>,
    failed: Option<Stop>,
}

fn look(before: &[(u64, u64)]) -> Result<Table<(u64, u64)>, Stop> {
    let mut look = Look {
        memory: Memory::new()?,
        found: Table::new(),
        large: Table::new(),
        failed: None,
    };
    look.roots()?;
    look.blocks()?;
    let Look {
        memory,
        mut found,
        mut large,
        ..
    } = look;
    large.sort_unstable();
    let is_in_large = |address: usize| {
        let after = large.partition_point(|(start, _)| *start <= address);
        after.checked_sub(1).is_some_and(|at| address < large[at].1)
    };
    let mut kept = Table::new();
    for (at, word) in found.iter() {
        if !is_in_large(!*word as usize) {
            kept.push((*at, *word))?;
        }
    }
    // A word that was of no use then and has not changed is of none now, whoever has the address.
    for (at, word) in before.iter() {
        let target = !*word as usize;
        let is_live = IMAGE.live.state_at(target) == State::Live || is_in_large(target);
        if is_live && memory.word(!*at as usize) == Some(!*word) {
            kept.push((*at, *word))?;
        }
    }
    found.clear();
    kept.sort_unstable_by(|a, b| b.cmp(a));
    Ok(kept)
}

impl Look {
    fn roots(&mut self) -> Result<(), Stop> {
        let objects = Objects::read()?;
        for object in objects.all.iter().filter(|o| o.trust != Trust::None) {
            for data in objects.data_of(object) {
                self.range(data);
            }
        }
        let maps = maps::read()?;
        let places = Places::read(&self.memory, &objects)?;
        for thread in threads::read(&self.memory, &maps)?.iter() {
            let mut locals: Table<(usize, usize)> = Table::new();
            threads::locals(&self.memory, &objects, &places, thread, |range, object| {
                let trust = object.map_or(Trust::All, |object| objects.all[object].trust);
                if trust != Trust::None && self.failed.is_none() {
                    self.failed = locals.push((range.start, range.end)).err();
                }
            });
            for (start, end) in locals.iter().copied().chain([thread.stack]) {
                self.range(start..end);
            }
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    fn range(&mut self, range: Range<usize>) {
        let Look {
            memory,
            found,
            failed,
            ..
        } = self;
        memory.runs(range, |at, words| {
            for (index, word) in words.iter().enumerate() {
                let at = at + index * WORD;
                if failed.is_none() && is_of_no_use(*word) {
                    *failed = add(found, at, *word).err();
                }
            }
        });
    }

    /// Small blocks, those near each other in one go; and those that were freed: who gets such memory next need
    /// not write all of it.
    fn blocks(&mut self) -> Result<(), Stop> {
        let mut group: Table<(usize, usize)> = Table::new();
        let mut failed = None;
        let mut large = Table::new();
        IMAGE
            .live
            .for_each_and_freed(IMAGE.window(), |start, live| {
                let end = start + live.size() as usize;
                if live.is_live() && end - start > NEAR && failed.is_none() {
                    failed = large.push((start, end)).err();
                }
                let previous = group.last().copied();
                let is_inside = previous.is_some_and(|(from, to)| from <= start && start < to);
                if !live.is_live() && is_inside {
                    return;
                }
                if !may_keep_pointers(live) || end - start > LARGEST || failed.is_some() {
                    return;
                }
                let first = group.first().map_or(start, |block| block.0);
                let last = previous.map_or(start, |block| block.1);
                let joins = start >= last && start - last < GAP && end - first <= RUN;
                if !joins {
                    self.group(&group);
                    group.clear();
                }
                failed = group.push((start, end)).err();
            });
        self.group(&group);
        self.large = large;
        let failed = failed.or(self.failed.take());
        failed.map_or(Ok(()), Err)
    }

    fn group(&mut self, group: &[(usize, usize)]) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return;
        };
        let Look {
            memory,
            found,
            failed,
            ..
        } = self;
        let mut blocks = group.iter().copied();
        let mut current = blocks.next();
        memory.runs(first.0..last.1, |at, words| {
            for (index, word) in words.iter().enumerate() {
                let at = at + index * WORD;
                while current.is_some_and(|block| block.1 < at + WORD) {
                    current = blocks.next();
                }
                let inside = current.is_some_and(|block| block.0 <= at);
                if inside && failed.is_none() && is_of_no_use(*word) {
                    *failed = add(found, at, *word).err();
                }
            }
        });
    }
}

/// The blocks that the table of live blocks does not find from far inside.
pub struct Large(Table<(usize, usize)>);

impl Large {
    /// Those of now.
    pub fn of_now() -> Result<Large, Stop> {
        let mut blocks = Table::new();
        let mut failed = None;
        IMAGE.live.for_each(IMAGE.window(), |start, live| {
            if live.size() as usize > NEAR && failed.is_none() {
                failed = blocks.push((start, start + live.size() as usize)).err();
            }
        });
        blocks.sort_unstable();
        failed.map_or(Ok(Large(blocks)), Err)
    }

    /// Whether the address lies in one of them.
    pub fn has(&self, address: usize) -> bool {
        let after = self.0.partition_point(|(start, _)| *start <= address);
        let last = after.checked_sub(1).map(|at| self.0[at]);
        last.is_some_and(|(_, end)| address < end)
    }
}

fn may_keep_pointers(live: Live) -> bool {
    use Kind::*;
    matches!(
        Kind::from_number(live.kind()),
        Some(New | NewArray | Malloc | Unsafe | Runtime)
    )
}

/// Whether a word points near blocks, and at none that is live, as far as that is known from the table of live
/// blocks alone: see [`Large`].
pub fn is_of_no_use(word: u64) -> bool {
    /// No mapping begins below.
    const LOWEST: usize = 1 << 16;
    let address = word as usize;
    // Memory that is not recorded may become a block's as well as memory that was freed.
    address >= LOWEST && matches!(IMAGE.live.state_at(address), State::Freed | State::Unknown)
}

fn add(found: &mut Table<(u64, u64)>, at: usize, word: u64) -> Result<(), Stop> {
    if found.len() < MOST {
        found.push((!(at as u64), !word))?;
    }
    Ok(())
}
