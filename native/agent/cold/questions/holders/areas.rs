//! Memory that a program mapped for itself: what nothing allocated and yet may keep pointers, such
//! as the table of RocksDB's block cache.
//!
//! What is difficult is that most mappings are not of that sort, and nobody says of which sort one
//! is. Left out are:
//!
//! - heaps of allocators, whose free blocks are full of old pointers, and whose own tables have the
//!   address of each large block;
//! - stacks, also of threads that have ended, which the C library keeps for later ones;
//! - what modules have for their zeros (`.bss`), which are roots, or hold nothing;
//! - the Java heap, what the JVM has mapped, and the recorder's own memory.
//!
//! The kernel joins neighbours, so what is left out may be a part of a mapping. Where the joined
//! ones were asked for with `mmap`, they are areas of their own: what one of them holds, a pointer
//! into the other does not. The kernel also splits what was asked for at once, where a part of it
//! has other rights or is locked. Such parts are one: who has the address of one of them has the
//! others.

use super::maps::{Mapping, Of};
use super::memory::{Memory, WORD};
use super::nodes::{self, Node, Parent};
use super::objects::Objects;
use super::table::{self, Table};
use super::threads::{self, Thread};
use super::{Stop, glibc};
use crate::arch;
use crate::hot::ground::mappings::{self, Asked};
use crate::hot::thread::ThreadState;
use core::cell::LazyCell;
use core::ops::Range;
use hackleak_image::layout::Kind;

/// A mapping, or a part of one.
#[derive(Clone, Copy)]
pub struct Area {
    pub start: usize,
    pub end: usize,
    pub parent: Parent,
    pub via: usize,
    /// What was asked for at once has the same number; 0 where nobody knows.
    pub asked: usize,
}

/// The areas, by their indices, that were asked for at once with that of this index. They are one,
/// although the kernel has split it.
pub fn together(areas: &[Area], index: usize) -> Range<usize> {
    let asked = areas[index].asked;
    let is_part = |other: &&Area| other.asked == asked && asked != 0;
    let before = areas[..index].iter().rev().take_while(is_part);
    let after = areas[index + 1..].iter().take_while(is_part);
    index - before.count()..index + 1 + after.count()
}

/// Who has mapped what lies there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    /// The program, with the number of what it asked for.
    Program(usize),
    /// The JVM or the allocator under test.
    Other,
    /// Whoever did not call `mmap` by its name.
    Unseen,
}

/// The C library's further heaps begin at multiples of their greatest length.
const HEAP_LEN: usize = 64 << 20;

/// The areas of this process, by address.
pub fn read(
    maps: &[Mapping],
    memory: &Memory,
    blocks: &[Node],
    objects: &Objects,
    running: &[Thread],
) -> Result<Table<Area>, Stop> {
    let layout = glibc::layout()?;
    let mut areas = Table::new();
    let mut holes: Table<(usize, usize)> = Table::new();
    let mut asked: Table<Asked> = Table::new();
    for one in mappings::asked() {
        asked.push(one)?;
    }
    let mut near: Table<Asked> = Table::new();
    let mut cuts: Table<usize> = Table::new();
    for (index, mapping) in maps.iter().enumerate() {
        if matches!(mapping.of, Of::Heap | Of::Other) || !mapping.readable {
            continue;
        }
        let is_plain = is_plain(mapping, objects);
        cuts_in(&mapping.range(), &asked, &mut near, &mut cuts)?;
        // The C library maps stacks unseen, so an older border may lie in the middle of one.
        let guard = guard_before(maps, index);
        let stack_end = LazyCell::new(|| match arch::RECORD_NAMES_ITSELF {
            true => guard.and_then(|_| end_of_stack(memory, &mapping.range())),
            false => end_of_described_stack(memory, &mapping.range(), guard?),
        });
        let mut start = mapping.start;
        for end in cuts.iter().copied().chain([mapping.end]) {
            let part = start..end;
            start = end;
            let asked = match owner(&part, &near, objects) {
                Owner::Program(asked) => asked,
                Owner::Unseen if is_plain => 0,
                Owner::Unseen | Owner::Other => continue,
            };
            if is_heap(blocks, &part) {
                continue;
            }
            holes.clear();
            for (start, end) in objects.all_data() {
                // The last page has more than the module needs.
                holes.push((start, end.next_multiple_of(arch::page_size())))?;
            }
            for stack in threads::recorder_stacks() {
                holes.push((stack.start, stack.end + size_of::<ThreadState>()))?;
            }
            for table in table::mappings() {
                holes.push((table.start, table.end))?;
            }
            for thread in running.iter().filter(|thread| thread.record != 0) {
                // The whole stack, below what is in use too.
                let range = match guard {
                    Some(_) => mapping.range(),
                    None => part.clone(),
                };
                if range.contains(&thread.record) {
                    holes.push((
                        range.start,
                        layout.end_of(thread.record).max(thread.record + RECORD_LEN),
                    ))?;
                }
            }
            heaps_of_libc(memory, &part, &mut holes)?;
            if let Some(end) = *stack_end {
                holes.push((mapping.start, end))?;
            }
            without(&part, asked, &mut holes, &mut areas)?;
        }
    }
    Ok(areas)
}

/// Where one mapping ends and the next one begins in what the kernel has joined, by address.
fn cuts_in(
    range: &Range<usize>,
    asked: &[Asked],
    near: &mut Table<Asked>,
    cuts: &mut Table<usize>,
) -> Result<(), Stop> {
    near.clear();
    cuts.clear();
    for one in asked {
        if one.start < range.end && range.start < one.end {
            near.push(*one)?;
        }
    }
    for one in near.iter() {
        for end in [one.start, one.end] {
            if range.start < end && end < range.end && mappings::is_cut(end, near) {
                cuts.push(end)?;
            }
        }
    }
    cuts.sort_unstable();
    Ok(())
}

/// Whether the mapping is of the sort that programs make, so that it counts although nobody saw who
/// made it. HotSpot puts a Java heap with short pointers, and every heap of ZGC, below where the
/// kernel maps. Another allocator than the C library's may map unseen: where one is under test,
/// nothing counts so.
fn is_plain(mapping: &Mapping, objects: &Objects) -> bool {
    let may_be_of_jvm = mapping.start < arch::lowest_mapping() && !objects.jvm.is_empty();
    let may_be_of_allocator = !objects.allocator.is_empty() && mappings::knows_all();
    match mapping.of {
        // Nobody calls `mmap` for it.
        Of::Segment => mapping.writable,
        Of::Anonymous => mapping.is_data() && !may_be_of_jvm && !may_be_of_allocator,
        Of::Shared | Of::Heap | Of::Copy | Of::Other => false,
    }
}

/// Who has asked for this memory.
fn owner(part: &Range<usize>, near: &Table<Asked>, objects: &Objects) -> Owner {
    let over = near
        .iter()
        .filter(|one| one.start < part.end && part.start < one.end);
    let last = over.max_by_key(|one| one.order);
    match last.filter(|one| one.by != 0 && one.start <= part.start && part.end <= one.end) {
        None => Owner::Unseen,
        Some(one) if objects.jvm.contains(&one.by) => Owner::Other,
        Some(one) if objects.allocator.contains(&one.by) => Owner::Other,
        Some(one) => Owner::Program(one.order),
    }
}

/// More than the length of `struct pthread`.
const RECORD_LEN: usize = 4096;

/// Whether blocks lie in `range` that are no mapping of their own, which begins sixteen bytes into
/// a page.
fn is_heap(blocks: &[Node], range: &Range<usize>) -> bool {
    blocks[nodes::in_range(blocks, range)].iter().any(|node| {
        let page = node.start & 0xfff;
        page != 0x10 && page != 0 && Kind::from_number(node.live.kind()) != Some(Kind::GlobalRef)
    })
}

/// Adds the C library's heaps in the part of a mapping: `heap_info` at their start tells where
/// their arena lies and how long they are.
fn heaps_of_libc(
    memory: &Memory,
    part: &Range<usize>,
    holes: &mut Table<(usize, usize)>,
) -> Result<(), Stop> {
    let mut at = part.start.next_multiple_of(HEAP_LEN);
    while at < part.end {
        let word = |index| memory.word(at + index * WORD).unwrap_or(0) as usize;
        let (arena, size, usable) = (word(0), word(2), word(3));
        let is_length = |len: usize| len != 0 && len.is_multiple_of(4096) && len <= HEAP_LEN;
        let near_start = arena != 0 && arena % HEAP_LEN < 256;
        if near_start && is_length(size) && is_length(usable) && size <= usable {
            holes.push((at, at + usable))?;
        }
        at += HEAP_LEN;
    }
    Ok(())
}

/// The length of what lies right before the mapping and nobody may touch.
fn guard_before(maps: &[Mapping], index: usize) -> Option<usize> {
    let before = maps.get(index.checked_sub(1)?)?;
    let joins = before.is_guard() && before.end == maps[index].start;
    joins.then(|| before.end - before.start)
}

/// Where the stack at the start of the mapping ends: after the record of the thread that had it.
fn end_of_stack(memory: &Memory, mapping: &Range<usize>) -> Option<usize> {
    const SELF: u64 = 2;
    let mut end = None;
    memory.runs(mapping.clone(), |at, words| {
        for (index, word) in words.iter().enumerate() {
            let place = at + index * WORD;
            let is_record = *word == place as u64
                && place.is_multiple_of(64)
                && words.get(index + SELF as usize) == Some(&(place as u64));
            if end.is_none() && is_record {
                end = Some(place + RECORD_LEN);
            }
        }
    });
    end
}

/// The same where records do not have their own addresses: the record says where the memory of its
/// stack begins, how long that is, and how long the guard is that it begins with.
fn end_of_described_stack(memory: &Memory, mapping: &Range<usize>, guard: usize) -> Option<usize> {
    const STEP: usize = 4096;
    let first = mapping.start - guard;
    let mut end = None;
    memory.runs(mapping.clone(), |_, words| {
        for described in words.array_windows::<3>() {
            let [start, len, own_guard] = described.map(|word| word as usize);
            let stop = start.saturating_add(len);
            // The JVM makes the guard longer from inside, and the kernel may have joined one with
            // others' memory.
            let is_record = (first..=mapping.start).contains(&start)
                && start.is_multiple_of(STEP)
                && len.is_multiple_of(STEP)
                && own_guard.is_multiple_of(STEP)
                && own_guard <= mapping.start - start
                && stop > mapping.start
                && stop <= mapping.end;
            if is_record {
                end = end.max(Some(stop));
            }
        }
    });
    end
}

/// Adds what is left of `range` without the holes.
fn without(
    range: &Range<usize>,
    asked: usize,
    holes: &mut Table<(usize, usize)>,
    areas: &mut Table<Area>,
) -> Result<(), Stop> {
    holes.sort_unstable();
    let mut start = range.start;
    for (from, to) in holes.iter().copied().chain([(range.end, range.end)]) {
        if to <= start || from > range.end {
            continue;
        }
        if from > start {
            areas.push(Area {
                start,
                end: from,
                parent: Parent::None,
                via: 0,
                asked,
            })?;
        }
        start = start.max(to);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
