//! Mapped memory, which is recorded from `mmap` to `munmap`.
//!
//! A mapping may be cut in pieces, grown and moved, and stays one record: [`Fragments`] knows which
//! parts of the address space are whose, and the live table has the bytes that are left. There the
//! record lies at a place of its own, because a block of an allocator may begin where a mapping
//! does. Recorded is what code under test maps and what the libraries of the JDK map for Java code.
//!
//! What is difficult: not every way to unmap is seen. So before anybody is told what is mapped, the
//! kernel is asked ([`look`]), which also says what is mapped there. And the recorder maps memory
//! for itself, within a hook perhaps: such calls pass ([`is_own`]).

use crate::IMAGE;
use crate::arch::{self, CallSite};
use crate::hot::events::fragments::{Fragment, Fragments};
use crate::hot::events::places::MAPPINGS;
use crate::hot::events::{origin, peaks, record};
use crate::hot::ground::{boundary, control, gate};
use core::ops::Range;
use core::ptr;
use core::sync::atomic::AtomicU32;
use hackleak_image::layout::{Counter, Kind, Live};
use hackleak_image::writer::KeepErrno;
use hackleak_options::Track;
use hackleak_platform::this_library;
use once_cell::race::OnceRef;

const GROUPS: usize = 2048;
const PLACES: usize = GROUPS * 64;
const _: () = assert!(PLACES <= MAPPINGS.most());

/// What is known of all mappings. All zeros is a table of none.
struct Tables {
    fragments: Fragments<GROUPS>,
    /// The last name that the image has for each: its index there plus one.
    names: [AtomicU32; PLACES],
}

/// Made where the kind is tracked: some megabytes, for which a process that tracks others may have
/// no room.
static TABLES: OnceRef<'static, Tables> = OnceRef::new();

/// Makes the tables. Called before the gate opens; without them mappings are counted as not
/// recorded.
pub fn begin() {
    // SAFETY: memory of the kernel's choice.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size_of::<Tables>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if at != libc::MAP_FAILED {
        // SAFETY: memory of this size, never unmapped, whose zeros are atomic words.
        let _ = TABLES.set(unsafe { &*at.cast::<Tables>() });
    }
}

/// The pieces that the recorded mappings are cut into.
pub fn fragments() -> Option<&'static Fragments<GROUPS>> {
    TABLES.get().map(|tables| &tables.fragments)
}

/// Where the last name of this record is noted.
pub fn name_place(record: u32) -> Option<&'static AtomicU32> {
    TABLES.get()?.names.get(record as usize)
}

/// Where the table has the record of this number.
pub fn address(record: u32) -> usize {
    MAPPINGS.address(record as usize)
}

/// The pages that `len` bytes from `start` on take; none where that is no range of pages.
pub fn pages(start: usize, len: usize) -> Range<usize> {
    let end = start
        .checked_add(len)
        .and_then(|end| end.checked_next_multiple_of(arch::page_size()));
    match end {
        Some(end) if start.is_multiple_of(arch::page_size()) && end <= 1 << arch::ADDRESS_BITS => {
            start..end
        }
        _ => 0..0,
    }
}

/// Whether they are recorded.
pub fn is_tracked() -> bool {
    gate::is_open() && control::tracks(Track::MMAP)
}

/// In a forked child: its image has nothing of the parent's.
pub fn left_parent() {
    // A name that is left counts only if the new image has the same at its place.
    if let Some(fragments) = fragments() {
        fragments.clear();
    }
}

/// Whether the recorder itself called.
fn is_own(call_site: CallSite) -> bool {
    // SAFETY: where the hook was called from lies at this place of the caller's stack.
    this_library::has(unsafe { (call_site.slot as *const usize).read() })
}

/// Records what was just mapped.
#[inline(always)]
pub fn made(range: Range<usize>, call_site: CallSite) {
    if control::tracks(Track::MMAP) && !is_own(call_site) {
        made_by_others(range, call_site);
    }
}

#[inline(never)]
fn made_by_others(range: Range<usize>, call_site: CallSite) {
    let _errno = KeepErrno::new();
    // The first event of a forked child may be this one.
    if !gate::is_open_to_allocate() {
        return;
    }
    let Some(fragments) = fragments() else {
        IMAGE.count(Counter::DroppedNoSegment);
        return;
    };
    if fragments.begins_at(range.start) {
        // It was unmapped in a way that is not seen.
        if let Some(stale) = unmapping(range.clone()) {
            stale.succeeded();
        }
    }
    if !boundary::guarded(|| origin::opens(call_site)).unwrap_or(false) {
        return;
    }
    if range.is_empty() {
        // Beyond 47 bits, where nobody maps who has not asked for it.
        IMAGE.count(Counter::DroppedAddress);
        return;
    }
    let is_free = |number| IMAGE.live.live_at(address(number)).is_none();
    match fragments.put_new(range.clone(), is_free) {
        Some(number) => {
            record::allocated(address(number), range.len(), Kind::Mmap, call_site);
        }
        None => IMAGE.count(Counter::DroppedNoSegment),
    }
}

/// So many pieces can be put back after a call that failed.
const MOST_PIECES: usize = 8;

/// What was taken out of the table before a call that ends it.
pub struct Unmapping {
    pieces: [Option<Fragment>; MOST_PIECES],
    /// There were more, which cannot be put back.
    has_more: bool,
}

/// Takes out what is recorded in the range, before a call that unmaps it. `None` where nothing is
/// recorded at all.
pub fn unmapping(range: Range<usize>) -> Option<Unmapping> {
    if range.is_empty() || !is_tracked() {
        return None;
    }
    let _errno = KeepErrno::new();
    let fragments = fragments()?;
    let mut unmapping = Unmapping {
        pieces: [const { None }; MOST_PIECES],
        has_more: false,
    };
    let mut places = unmapping.pieces.iter_mut();
    let is_whole = fragments.take(&range, |piece| match places.next() {
        Some(place) if range.contains(&piece.range.start) => *place = Some(piece),
        _ => {
            unmapping.has_more = true;
            less(piece.record, piece.range.len());
        }
    });
    if !is_whole {
        IMAGE.count(Counter::DroppedNoSegment);
    }
    Some(unmapping)
}

impl Unmapping {
    /// The call did it.
    pub fn succeeded(&self) {
        let _errno = KeepErrno::new();
        for piece in self.pieces.iter().flatten() {
            less(piece.record, piece.range.len());
        }
    }

    /// The call failed. Nothing has changed, but where the kernel had made room for a fixed address
    /// before it failed: what is gone then is known when somebody looks.
    pub fn failed(&self) {
        let _errno = KeepErrno::new();
        if self.has_more {
            IMAGE.count(Counter::DroppedNoSegment);
        }
        for piece in self.pieces.iter().flatten() {
            put(piece.range.clone(), piece.record, piece.order);
        }
    }

    /// The call has moved what began at `old.start` to `new.start`, and made it longer or shorter.
    pub fn moved(&self, old: &Range<usize>, new: &Range<usize>) {
        let _errno = KeepErrno::new();
        if self.has_more {
            IMAGE.count(Counter::DroppedNoSegment);
        }
        for piece in self.pieces.iter().flatten() {
            let start = piece.range.start - old.start + new.start;
            let is_last = piece.range.end == old.end;
            let end = match is_last && new.len() > old.len() {
                true => new.end,
                false => (start + piece.range.len()).min(new.end),
            };
            let (before, after) = (piece.range.len(), end.saturating_sub(start));
            if after > 0 {
                let order = fragments().map_or(0, Fragments::next_order);
                put(start..end, piece.record, order);
            }
            if after > before {
                more(piece.record, after - before);
            } else if after < before {
                less(piece.record, before - after);
            }
        }
    }
}

fn put(range: Range<usize>, record: u32, order: u64) {
    let len = range.len();
    let Some(fragments) = fragments() else {
        return;
    };
    if !fragments.put(range.clone(), record, order) {
        // What found a place goes, too: the record ends as a whole.
        let _ = fragments.take(&range, |_| {});
        less(record, len);
        IMAGE.count(Counter::DroppedNoSegment);
    }
}

/// The mapping has so many bytes less; without any it has ended.
pub fn less(record: u32, bytes: usize) {
    let live = counted(record);
    let left = IMAGE.live.resize(address(record), bytes as u64, 0);
    if let (Some(live), Some(_)) = (live, left) {
        peaks::resized(live, bytes as u64, 0);
    }
    match left {
        Some(0) => record::removed(bytes as u64),
        Some(_) => record::resized(bytes as u64, 0),
        None => {}
    }
}

/// The record, if what its scope has may be counted.
fn counted(record: u32) -> Option<Live> {
    if gate::is_counted() {
        IMAGE.live.live_at(address(record))
    } else {
        None
    }
}

/// The mapping has so many bytes more.
fn more(record: u32, bytes: usize) {
    let live = counted(record);
    if IMAGE
        .live
        .resize(address(record), 0, bytes as u64)
        .is_some()
    {
        record::resized(0, bytes as u64);
        if let Some(live) = live {
            peaks::resized(live, 0, bytes as u64);
        }
    }
}

/// What is recorded as mapped now: where it lies, and where the table has its record.
pub fn all() -> impl Iterator<Item = (Range<usize>, usize)> {
    let all = fragments().into_iter().flat_map(Fragments::all);
    all.map(|fragment| (fragment.range, address(fragment.record)))
}

/// What was recorded and has been unmapped, as far as that is known. Something may be there again.
pub fn unmapped() -> impl Iterator<Item = Range<usize>> {
    fragments().into_iter().flat_map(Fragments::unmapped)
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_whole_and_nothing_else_is_a_range() {
        assert_eq!(pages(0x1000, 1), 0x1000..0x2000);
        assert_eq!(pages(0x1000, 0x2000), 0x1000..0x3000);
        for (start, len) in [(0x1001, 1), (0x1000, 0), (0x1000, usize::MAX)] {
            assert!(pages(start, len).is_empty(), "{start} {len}");
        }
    }
}
