//! What the kernel says of mappings: which of those that are recorded are still there, and what is
//! mapped there.

use crate::IMAGE;
use crate::arch::page_size;
use crate::hot::events::fragments::{Fragment, Fragments};
use crate::hot::events::mapped::{address, fragments, is_tracked, less, name_place};
use crate::hot::events::{names, selection};
use core::ops::Range;
use hackleak_platform::maps;
use std::collections::HashMap;

/// Looks at those that are recorded as mapped and as young as `epoch`: takes out what is not, and
/// keeps in the image what the others are. Not for hooks.
pub fn look(epoch: u32) {
    if !is_tracked() {
        return;
    }
    let is_young = |fragment: &Fragment| {
        let live = IMAGE.live.live_at(address(fragment.record));
        live.is_some_and(|live| {
            live.context() == 0 || selection::context(live.context()).epoch >= epoch
        })
    };
    let all = || fragments().into_iter().flat_map(Fragments::all);
    if !all().any(|fragment| is_young(&fragment)) {
        return;
    }
    let mut all: Vec<Fragment> = all().collect();
    all.sort_unstable_by_key(|fragment| fragment.range.start);
    take_replaced(&mut all);
    // What is mapped while the kernel's list is read is in the one or in the other.
    let mut maps: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    let whole = maps::read(|mapping| {
        maps.push((mapping.range.clone(), name_of(mapping).to_vec()));
        true
    });
    let mut names: HashMap<u32, &[u8]> = HashMap::new();
    for fragment in all.iter().filter(|fragment| whole && is_young(fragment)) {
        let range = &fragment.range;
        let first = maps.partition_point(|(mapping, _)| mapping.end <= range.start);
        let over = maps[first..]
            .iter()
            .take_while(|(mapping, _)| mapping.start < range.end);
        let mut gap = range.start;
        for (mapping, name) in over {
            gone(gap..mapping.start, fragment, is_unmapped);
            gap = mapping.end;
            names.entry(fragment.record).or_insert(name);
        }
        gone(gap..range.end, fragment, is_unmapped);
    }
    for (record, name) in names {
        if let Some(live) = IMAGE.live.live_at(address(record)) {
            names::keep(name_place(record), address(record), live, name);
        }
    }
    // What the program's allocator has must not look as if it held a mapping (`holders::table`).
    let ranges = all.iter_mut().map(|fragment| &mut fragment.range);
    for range in ranges.chain(maps.iter_mut().map(|(range, _)| range)) {
        *range = 0..0;
    }
    core::hint::black_box((&all, &maps));
}

fn name_of<'line>(mapping: &maps::Mapping<'line>) -> &'line [u8] {
    match mapping.path {
        // So the kernel calls what is shared and has no file.
        b"" | b"/dev/zero (deleted)" => b"anonymous",
        path => path,
    }
}

/// Takes out, of what lies over each other, the older part: it was unmapped unseen before the newer
/// one was mapped. `all` is sorted, and stays so.
fn take_replaced(all: &mut Vec<Fragment>) {
    let mut at = 0;
    while at + 1 < all.len() {
        let is_apart = all[at].range.end <= all[at + 1].range.start;
        // Of one mapping that was cut meanwhile, both may be seen: the whole, and what is left of
        // it.
        if is_apart || all[at].order == all[at + 1].order {
            at += 1;
            continue;
        }
        let is_first_older = all[at].order < all[at + 1].order;
        let old = all.remove(if is_first_older { at } else { at + 1 });
        let new = all[at].range.clone();
        let both = old.range.start.max(new.start)..old.range.end.min(new.end);
        gone(both.clone(), &old, |_| true);
        for range in [old.range.start..both.start, both.end..old.range.end] {
            if !range.is_empty() {
                let rest = Fragment { range, ..old };
                let to = all.partition_point(|one| one.range.start < rest.range.start);
                all.insert(to, rest);
            }
        }
        at = at.saturating_sub(1);
    }
}

/// Takes out this part of a fragment, if `is_so` still.
fn gone(range: Range<usize>, of: &Fragment, is_so: fn(&Range<usize>) -> bool) {
    if range.is_empty() || !is_so(&range) {
        return;
    }
    let part = Fragment {
        range,
        record: of.record,
        order: of.order,
    };
    if let Some(fragments) = fragments() {
        fragments.take_of(&part, |piece| less(piece.record, piece.range.len()));
    }
}

/// Whether the kernel still says so: somebody may have mapped something there since it was asked.
fn is_unmapped(range: &Range<usize>) -> bool {
    let mut resident = 0_u8;
    // SAFETY: a question about one page, with a place for its answer.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mincore,
            range.start,
            page_size(),
            &raw mut resident,
        )
    };
    answer < 0
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn mappings_without_a_file_are_anonymous() {
        let name = |line: &str| {
            let mapping = maps::Mapping::parse(line.as_bytes()).expect("a line");
            name_of(&mapping).to_vec()
        };
        assert_eq!(name("7f00-8f00 rw-p 00000000 00:00 0 "), b"anonymous");
        assert_eq!(
            name("1000-2000 r--s 00000000 fe:00 123                        /tmp/a b.db"),
            b"/tmp/a b.db"
        );
        assert_eq!(
            name("1000-2000 rw-s 00000000 00:01 1027   /dev/zero (deleted)"),
            b"anonymous"
        );
    }
}
