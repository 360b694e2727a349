//! A look at all that may keep old pointers.

use super::covered::Covered;
use super::targets::{
    Mapped, each_that_may_be, is_in, is_of_no_use, lies_elsewhere, may_keep_pointers,
};
use super::{GAP, LARGEST, MOST, NEAR, RUN, UNKNOWN, Word, making};
use crate::IMAGE;
use crate::cold::questions::holders::glibc::Places;
use crate::cold::questions::holders::memory::{Memory, WORD};
use crate::cold::questions::holders::objects::{Objects, Trust};
use crate::cold::questions::holders::table::Table;
use crate::cold::questions::holders::{Stop, maps, threads};
use core::cmp::Reverse;
use core::iter::once;
use core::ops::Range;
use hackleak_image::layout::Live;
use hackleak_image::writer::State;

/// Where a block begins and ends, and its record.
type Block = (usize, usize, Live);

/// A look at all that may keep old pointers.
struct Look {
    memory: Memory,
    found: Table<Word>,
    /// Blocks that the table of live blocks does not find from far inside.
    large: Table<(usize, usize)>,
    covered: Covered,
    mapped: Mapped,
    failed: Option<Stop>,
}

/// The words that are of no use now; those of `before` as long as they stay.
pub fn look(before: &[Word]) -> Result<Table<Word>, Stop> {
    let mut look = Look {
        memory: Memory::new()?,
        found: Table::new(),
        large: Table::new(),
        covered: Covered::of_now()?,
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
            covered,
            mapped,
            failed,
            ..
        } = self;
        memory.runs(range, |at, words| {
            each_that_may_be(words, covered, mapped, |index| {
                let word = words[index];
                if failed.is_none() && is_of_no_use(word, mapped) {
                    *failed = add(found, at + index * WORD, word, None).err();
                }
            });
        });
    }

    /// Small blocks, those near each other in one go; and those that were freed: who gets such
    /// memory next need not write all of it.
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
            covered,
            mapped,
            failed,
            ..
        } = self;
        let mut blocks = group.iter().copied();
        let mut current = blocks.next();
        memory.runs(first.0..last.1, |at, words| {
            each_that_may_be(words, covered, mapped, |index| {
                let (at, word) = (at + index * WORD, words[index]);
                while current.is_some_and(|block| block.1 < at + WORD) {
                    current = blocks.next();
                }
                let Some(block) = current.filter(|block| block.0 <= at) else {
                    return;
                };
                if failed.is_some() || !is_of_no_use(word, mapped) {
                    return;
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
                        *failed = add(found, at, word, Some(*live)).err();
                    }
                }
            });
        });
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
