//! Words that are known to be of no use any more.
//!
//! Unused and emptied places of old blocks keep the pointers that they had: slots of a vector beyond its end,
//! a field after `delete`. When the allocator hands out the same address again, such a word looks as if it
//! held the new block, and a leak would hide behind it. So at checkpoints the words are noted that point at
//! memory near blocks in which no block is live. As long as such a word does not change, it was written before the block that it
//! points at, and is no evidence.
//!
//! What is difficult is the cost: all of it must be read. So only small blocks and roots are, and only so often
//! that it takes a small share of the time (and after each judging, which costs more); what was noted before
//! stays good for as long as the word stays. A program that writes the same address to the same place again
//! would not be noticed. So what was noted is [watched](crate::reuse): such an address is not handed out again,
//! and what was left in freed memory is wiped when it is. Where that could not be done, block and target may
//! both have been allocated again by the same code: then the word is good again. An allocator that hands out
//! what was freed last makes this the usual case for a structure that is made again.

use super::glibc::Places;
use super::maps;
use super::memory::{Memory, WORD};
use super::objects::{Objects, Trust};
use super::table::Table;
use super::{PASS, Stop, threads};
use crate::{IMAGE, clock, mapped, reuse, selection};
use core::cmp::Reverse;
use core::iter::once;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::Frame;
use hackleak_image::layout::{Kind, Live};
use hackleak_image::writer::State;
use std::hash::{DefaultHasher, Hash, Hasher};
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
    /// By address.
    words: Table<Word>,
    ended: u64,
    took: u64,
}

static NOTED: Mutex<Noted> = Mutex::new(Noted {
    words: Table::new(),
    ended: 0,
    took: 0,
});

/// The [`making`] of a block whose record is gone.
const UNKNOWN: u32 = 1 << 31;

/// A word of no use. What stands here must not look like a pointer.
#[derive(Clone, Copy)]
struct Word {
    /// Its address, with all bits turned.
    at: u64,
    /// The word, with all bits turned.
    word: u64,
    /// The [`making`] of a block that it was in, if that had been freed; else 0. Blocks that were freed at
    /// different times may lie over each other: then there is one of these for each.
    block: u32,
    /// The [`making`] of the block that it pointed at, or [`UNKNOWN`].
    target: u32,
}

impl Word {
    /// Whether what stands here was written after it was noted: the word was wiped in between.
    fn is_rewritten(&self) -> bool {
        let at = !self.at as usize;
        let in_block = || {
            let at_start = IMAGE.live.live_at(at);
            at_start.or_else(|| Some(IMAGE.live.around(at)?.1))
        };
        self.block != 0 && in_block().is_some_and(|block| is_wiped(at, block))
    }
}

/// Words of no use, for one pass.
pub struct Stale(Table<Word>);

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

    /// Whether the word at `at` has been `word` since before what it points at was allocated. `blocks` are the
    /// block that it is in, if it is in one, and its target.
    pub fn contains(&self, at: usize, word: u64, blocks: Option<(Live, Live)>) -> bool {
        let key = !(at as u64);
        let first = self.0.partition_point(|noted| noted.at > key);
        let here = self.0[first..].iter().take_while(|noted| noted.at == key);
        let mut known = here.filter(|noted| noted.word == !word);
        if known.clone().next().is_none() {
            return false;
        }
        let Some((block, target)) = blocks else {
            return true;
        };
        if known.clone().all(|noted| noted.block != 0) && is_wiped(at, block) {
            return false;
        }
        // In a block that was live it is old, whatever had been freed there before.
        let was_live = known.clone().any(|noted| noted.block == 0);
        let (block, target) = (making(block), making(target));
        let is_again =
            |noted: &Word| noted.block == block && [target, UNKNOWN].contains(&noted.target);
        was_live || !known.any(is_again)
    }
}

/// Whether a word that was noted in freed memory was wiped before its block was handed out.
fn is_wiped(at: usize, block: Live) -> bool {
    reuse::is_wiped(at, block.size(), selection::epoch_of(block.context()))
}

fn is_native(frame: u64) -> bool {
    matches!(Frame::decode(frame), Some(Frame::Native { .. }))
}

/// Which code has allocated a block, and how large it is: the same for others of the same. The code is told by
/// its innermost native frames, whoever called it.
fn making(live: Live) -> u32 {
    const FRAMES: usize = 4;
    let mut hash = DefaultHasher::new();
    (live.size(), live.kind()).hash(&mut hash);
    let mut at = live.stack();
    for _ in 0..FRAMES {
        let node = (at != 0).then(|| IMAGE.node(at));
        let Some(node) = node.filter(|node| is_native(node.frame)) else {
            break;
        };
        node.frame.hash(&mut hash);
        at = node.parent;
    }
    // As the upper half of a word it is no address: those have no upper bit.
    hash.finish() as u32 | UNKNOWN
}

/// Notes the words that are of no use now, if that may be afforded, and tells whether it did. Called at checkpoints,
/// not in hooks.
pub fn note() -> bool {
    let _alone = match PASS.try_lock() {
        Ok(alone) => alone,
        Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
        Err(TryLockError::WouldBlock) => return false,
    };
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    let since = clock::of(libc::CLOCK_MONOTONIC).saturating_sub(noted.ended);
    if since < noted.took.saturating_mul(SHARE) {
        return false;
    }
    let started = clock::of(libc::CLOCK_THREAD_CPUTIME_ID);
    let found = look(&noted.words);
    noted.ended = clock::of(libc::CLOCK_MONOTONIC);
    noted.took = clock::of(libc::CLOCK_THREAD_CPUTIME_ID).saturating_sub(started);
    let Ok(found) = found else {
        return false;
    };
    noted.words = found;
    true
}

/// Has all that is noted watched, and where `others` point: what is handed out from the next checkpoint on is told
/// from what these words name.
pub fn watch(others: impl Iterator<Item = u64>) {
    let noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    let words = noted.words.iter();
    let in_freed = words.clone().filter(|noted| noted.block != 0);
    let others = others.map(|word| word as usize);
    let targets = words.filter(|noted| noted.block == 0);
    reuse::watch(
        IMAGE.epoch().load(Relaxed),
        in_freed.map(|noted| !noted.at as usize),
        targets.map(|noted| !noted.word as usize).chain(others),
    );
}

/// A judging has found something to look for: whatever the price, the next checkpoint looks.
pub fn be_thorough() {
    NOTED.lock().unwrap_or_else(PoisonError::into_inner).took = 0;
}

/// Where a block begins and ends, and its record.
type Block = (usize, usize, Live);

/// A look at all that may keep old pointers.
struct Look {
    memory: Memory,
    found: Table<Word>,
    /// Blocks that the table of live blocks does not find from far inside.
    large: Table<(usize, usize)>,
    mapped: Mapped,
    failed: Option<Stop>,
}

fn look(before: &[Word]) -> Result<Table<Word>, Stop> {
    let mut look = Look {
        memory: Memory::new()?,
        found: Table::new(),
        large: Table::new(),
        mapped: Mapped::of_now()?,
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
    // What was mapped while the words were read is none of no use.
    let mapped = Mapped::of_now()?;
    large.sort_unstable();
    let is_in_large = |address: usize| is_in(&large, address);
    let mut kept = Table::new();
    for noted in found.iter() {
        let target = !noted.word as usize;
        if !is_in_large(target) && !mapped.has(target) {
            kept.push(*noted)?;
        }
    }
    // A word that was of no use then and has not changed is of none now, whoever has the address.
    for noted in before {
        let target = !noted.word as usize;
        let is_live =
            IMAGE.live.state_at(target) == State::Live || is_in_large(target) || mapped.has(target);
        if is_live && !noted.is_rewritten() && memory.word(!noted.at as usize) == Some(!noted.word)
        {
            kept.push(*noted)?;
        }
    }
    found.clear();
    kept.sort_unstable_by_key(|noted| Reverse(noted.at));
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
            mapped,
            failed,
            ..
        } = self;
        memory.runs(range, |at, words| {
            for (index, word) in words.iter().enumerate() {
                let at = at + index * WORD;
                if failed.is_none() && is_of_no_use(*word, mapped) {
                    *failed = add(found, at, *word, None).err();
                }
            }
        });
    }

    /// Small blocks, those near each other in one go; and those that were freed: who gets such memory next need
    /// not write all of it.
    fn blocks(&mut self) -> Result<(), Stop> {
        let (mut group, mut inside) = (Table::new(), Table::new());
        let mut failed = None;
        let mut large = Table::new();
        IMAGE
            .live
            .for_each_and_freed(IMAGE.window(), |start, live| {
                if lies_elsewhere(live) {
                    return;
                }
                let end = start + live.size() as usize;
                if live.is_live() && end - start > NEAR && failed.is_none() {
                    failed = large.push((start, end)).err();
                }
                if !may_keep_pointers(live) || end - start > LARGEST || failed.is_some() {
                    return;
                }
                let previous: Option<Block> = group.last().copied();
                let is_inside = previous.is_some_and(|(from, to, _)| from <= start && start < to);
                if !live.is_live() && is_inside {
                    failed = inside.push((start, end, live)).err();
                    return;
                }
                let first = group.first().map_or(start, |block| block.0);
                let last = previous.map_or(start, |block| block.1);
                let joins = start >= last && start - last < GAP && end - first <= RUN;
                if !joins {
                    self.group(&group, &inside);
                    group.clear();
                    inside.clear();
                }
                failed = group.push((start, end, live)).err();
            });
        self.group(&group, &inside);
        self.large = large;
        let failed = failed.or(self.failed.take());
        failed.map_or(Ok(()), Err)
    }

    /// `inside` are those that were freed and lie inside of others of the group.
    fn group(&mut self, group: &[Block], inside: &[Block]) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return;
        };
        let Look {
            memory,
            found,
            mapped,
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
                let Some(block) = current.filter(|block| block.0 <= at) else {
                    continue;
                };
                if failed.is_some() || !is_of_no_use(*word, mapped) {
                    continue;
                }
                let before = match block.2.is_live() {
                    true => 0,
                    false => inside.partition_point(|block| block.0 <= at),
                };
                let near = inside[..before].iter().rev();
                let over = near
                    .take_while(|block| at - block.0 < LARGEST)
                    .filter(|block| at < block.1);
                for (_, _, live) in once(&block).chain(over) {
                    if failed.is_none() {
                        *failed = add(found, at, *word, Some(*live)).err();
                    }
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
            if live.size() as usize > NEAR && failed.is_none() && !lies_elsewhere(live) {
                failed = blocks.push((start, start + live.size() as usize)).err();
            }
        });
        blocks.sort_unstable();
        failed.map_or(Ok(Large(blocks)), Err)
    }

    /// Whether the address lies in one of them.
    pub fn has(&self, address: usize) -> bool {
        is_in(&self.0, address)
    }
}

/// Whether the record is of a mapping or of a count: neither has bytes where the record has its place.
fn lies_elsewhere(live: Live) -> bool {
    live.kind() == Kind::Mmap as u8 || live.kind() == Kind::LocalRefs as u8
}

fn may_keep_pointers(live: Live) -> bool {
    use Kind::*;
    matches!(
        Kind::from_number(live.kind()),
        Some(New | NewArray | Malloc | Zip | Unsafe | Runtime)
    )
}

/// Recorded mappings: those that are there, and where others have been.
pub struct Mapped {
    now: Table<(usize, usize)>,
    ended: Table<(usize, usize)>,
}

impl Mapped {
    /// Those of now.
    pub fn of_now() -> Result<Mapped, Stop> {
        let (mut now, mut ended) = (Table::new(), Table::new());
        for (range, _) in mapped::all() {
            now.push((range.start, range.end))?;
        }
        for range in mapped::unmapped() {
            ended.push((range.start, range.end))?;
        }
        now.sort_unstable();
        ended.sort_unstable();
        // Each reaches as far as those before it: they may lie over each other.
        let mut end = 0;
        for range in ended.iter_mut() {
            end = end.max(range.1);
            range.1 = end;
        }
        Ok(Mapped { now, ended })
    }

    /// Whether the address lies in one of now.
    pub fn has(&self, address: usize) -> bool {
        is_in(&self.now, address)
    }
}

/// Whether the address lies in one of these, which are sorted.
fn is_in(ranges: &[(usize, usize)], address: usize) -> bool {
    let after = ranges.partition_point(|(start, _)| *start <= address);
    after
        .checked_sub(1)
        .is_some_and(|at| address < ranges[at].1)
}

/// Whether a word points near blocks, or where a mapping has been, and at nothing that is live, as far as that
/// is known from the table of live blocks alone: see [`Large`].
pub fn is_of_no_use(word: u64, mapped: &Mapped) -> bool {
    /// No mapping begins below.
    const LOWEST: usize = 1 << 16;
    let address = word as usize;
    if address < LOWEST {
        return false;
    }
    match IMAGE.live.state_at(address) {
        State::Live => false,
        // Memory that is not recorded may become a block's as well as memory that was freed.
        State::Freed | State::Unknown => !mapped.has(address),
        State::Elsewhere => is_in(&mapped.ended, address) && !mapped.has(address),
    }
}

/// `block` is what the word is in, live or freed; `None` in a root.
fn add(found: &mut Table<Word>, at: usize, word: u64, block: Option<Live>) -> Result<(), Stop> {
    if found.len() < MOST {
        let block = block.filter(|block| !block.is_live());
        let target = IMAGE.live.freed_at(word as usize);
        found.push(Word {
            at: !(at as u64),
            word: !word,
            block: block.map_or(0, making),
            target: target.map_or(UNKNOWN, making),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
