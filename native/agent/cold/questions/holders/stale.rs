//! Words that are known to be of no use any more.
//!
//! Unused and emptied places of old blocks keep the pointers that they had: slots of a vector
//! beyond its end, a field after `delete`. The allocator hands out the same address again. Then
//! such a word looks as if it held the new block, and a leak would hide behind it. So at
//! checkpoints the words are noted that point at memory near blocks in which no block is live. As
//! long as such a word does not change, it was written before the block that it points at, and is
//! no evidence.
//!
//! What is difficult is the cost: all of it must be read. So only small blocks and roots are, and
//! only so often that it takes a small share of the time. After each judging, which costs more,
//! they are read in any case. What was noted before stays good for as long as the word stays. A
//! program that writes the same address to the same place again would not be noticed. So what was
//! noted is [watched](crate::hot::events::reuse): such an address is not handed out again, and what
//! was left in freed memory is wiped when it is. Where that could not be done, block and target may
//! both have been allocated again by the same code: then the word is good again. An allocator that
//! hands out what was freed last makes this the usual case for a structure that is made again.

mod covered;
mod look;
mod targets;

pub use targets::{Large, Mapped, is_of_no_use};

use super::table::Table;
use super::{PASS, Stop};
use crate::IMAGE;
use crate::hot::events::{reuse, selection};
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::Frame;
use hackleak_image::layout::Live;
use hackleak_platform::clock;
use look::look;
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
    /// The [`making`] of a block that it was in, if that had been freed; else 0. Blocks that were
    /// freed at different times may lie over each other: then there is one of these for each.
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
    /// No words at all.
    pub fn none() -> Stale {
        Stale(Table::new())
    }

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
    /// `blocks` are the block that it is in, if it is in one, and its target.
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

/// Which code has allocated a block, and how large it is: the same for others of the same. The code
/// is told by its innermost native frames, whoever called it.
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

/// Notes the words that are of no use now, if that may be afforded, and tells whether it did.
/// Called at checkpoints, not in hooks.
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

/// Has all that is noted watched, and where `others` point: what is handed out from the next
/// checkpoint on is told from what these words name.
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

#[cfg(test)]
mod tests;
