//! Where what a program maps for itself begins and ends.
//!
//! The kernel joins neighbours with the same rights, so `/proc/self/maps` does not tell one
//! program's table from the next one's. Who has the address of the one must not seem to hold the
//! other. And what the JVM maps has none of the program's addresses, so it is noted who asked.
//!
//! Nothing is taken out when memory is unmapped: a later mapping over a noted end makes that end
//! void (`is_cut`). Memory that the C library maps for itself is not seen here; it is told by other
//! signs. Only atomic words are written, so a hook may be interrupted anywhere, and may run before
//! the constructor.

use core::ffi::c_void;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

/// A place of the table: once it has a start it keeps it, since programs get the same addresses
/// again.
struct Place {
    start: AtomicUsize,
    end: AtomicUsize,
    order: AtomicUsize,
    by: AtomicUsize,
}

const BITS: u32 = 12;
const PLACES: usize = 1 << BITS;
/// So many places are tried for a start.
const TRIED: usize = 64;

static TABLE: [Place; PLACES] = [const {
    Place {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        order: AtomicUsize::new(0),
        by: AtomicUsize::new(0),
    }
}; PLACES];
static ORDER: AtomicUsize = AtomicUsize::new(1);
/// A mapping found no place: then none is told from its neighbours any more.
static FULL: AtomicBool = AtomicBool::new(false);

/// A mapping that was asked for, and the how manieth it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    pub order: usize,
    pub start: usize,
    pub end: usize,
    /// The address of code to which the function returned that was called for it; 0 where it has
    /// gone since.
    pub by: usize,
}

/// What was asked for and has not been asked for anew at the same address.
pub fn asked() -> impl Iterator<Item = Asked> {
    let known = if knows_all() { PLACES } else { 0 };
    TABLE[..known].iter().filter_map(|place| {
        let asked = Asked {
            order: place.order.load(Acquire),
            start: place.start.load(Relaxed),
            end: place.end.load(Relaxed),
            by: place.by.load(Relaxed),
        };
        (asked.order != 0).then_some(asked)
    })
}

/// Whether all that was asked for found a place.
pub fn knows_all() -> bool {
    !FULL.load(Acquire)
}

/// Whether `address` lies between two mappings, as far as `asked` knows.
pub fn is_cut(address: usize, asked: &[Asked]) -> bool {
    let at_an_end = asked
        .iter()
        .filter(|one| one.start == address || one.end == address);
    let last = at_an_end.map(|one| one.order).max();
    last.is_some_and(|last| {
        let mut later = asked.iter().filter(|one| one.order > last);
        !later.any(|one| one.start < address && address < one.end)
    })
}

/// The places that are tried for a mapping that begins there.
fn places(start: usize) -> impl Iterator<Item = &'static Place> {
    let hash = (start >> 12).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - BITS);
    (hash..hash + TRIED).filter_map(|at| TABLE.get(at % PLACES))
}

/// A mapping was made, by the code at `by`. May be called in hooks, and before the constructor.
pub fn note(range: Range<usize>, by: usize) {
    let order = ORDER.fetch_add(1, Relaxed);
    for place in places(range.start) {
        let known = match place
            .start
            .compare_exchange(0, range.start, AcqRel, Acquire)
        {
            Ok(_) => range.start,
            Err(known) => known,
        };
        if known == range.start {
            place.end.store(range.end, Relaxed);
            place.by.store(by, Relaxed);
            place.order.store(order, Release);
            return;
        }
    }
    FULL.store(true, Release);
}

/// A mapping that begins where `range` does has gone, or its first part has: others may get the
/// memory unseen. May be called in hooks.
pub fn gone(range: &Range<usize>) {
    let known = places(range.start)
        .map_while(|place| match place.start.load(Acquire) {
            0 => None,
            start => Some((place, start)),
        })
        .find(|(_, start)| *start == range.start);
    if let Some((place, _)) = known {
        let (by, end) = (place.by.swap(0, Relaxed), place.end.load(Relaxed));
        if by != 0 && range.end < end {
            note(range.end..end, by);
        }
    }
}

/// Memory for the recorder's own tables, which are known by other means. It must not fill the table
/// here.
pub fn own_memory(len: usize) -> *mut c_void {
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let at = unsafe { libc::syscall(libc::SYS_mmap, 0usize, len, rights, flags, -1, 0usize) };
    at as *mut c_void
}

/// Makes such memory longer. It may move.
///
/// # Safety
///
/// `old` is of `own_memory` or of this function, and has `old_len` bytes.
pub unsafe fn longer(old: *mut c_void, old_len: usize, len: usize) -> *mut c_void {
    // SAFETY: the caller's.
    let at = unsafe { libc::syscall(libc::SYS_mremap, old, old_len, len, libc::MREMAP_MAYMOVE) };
    at as *mut c_void
}

#[cfg(test)]
mod tests {
    use super::{Asked, gone, is_cut, note};
    use core::ops::Range;

    fn asked(all: &[(usize, usize)]) -> Vec<Asked> {
        let all = all.iter().enumerate();
        all.map(|(order, (start, end))| Asked {
            order: order + 1,
            start: *start,
            end: *end,
            by: 0,
        })
        .collect()
    }

    #[test]
    fn neighbours_are_told_apart_until_something_lies_over_their_border() {
        let neighbours = asked(&[(0x3000, 0x5000), (0x1000, 0x3000)]);
        assert!(is_cut(0x3000, &neighbours));
        assert!(!is_cut(0x4000, &neighbours));
        let covered = asked(&[(0x3000, 0x5000), (0x1000, 0x3000), (0x2000, 0x4000)]);
        assert!(!is_cut(0x3000, &covered));
        assert!(is_cut(0x2000, &covered) && is_cut(0x4000, &covered));
    }

    /// Who asked for what begins in this range, by its start.
    fn askers(range: &Range<usize>) -> Vec<(usize, usize, usize)> {
        let near = super::asked().filter(|one| range.contains(&one.start));
        let mut near: Vec<_> = near.map(|one| (one.start, one.end, one.by)).collect();
        near.sort_unstable();
        near
    }

    #[test]
    fn nobody_has_asked_for_what_has_gone() {
        // No mapping of a process lies here.
        const AT: usize = 0x1234_5000_0000;
        let near = AT..AT + 0x10_0000;
        note(AT..AT + 0x8000, 7);
        gone(&(AT + 0x1000..AT + 0x2000));
        assert_eq!(askers(&near), [(AT, AT + 0x8000, 7)], "another start");
        // Its first part, as where a place was wanted at a multiple of more than a page.
        gone(&(AT..AT + 0x3000));
        let rest = (AT + 0x3000, AT + 0x8000, 7);
        assert_eq!(askers(&near), [(AT, AT + 0x8000, 0), rest]);
        gone(&(AT + 0x3000..AT + 0x8000));
        assert!(askers(&near).iter().all(|(_, _, by)| *by == 0));
        note(AT..AT + 0x1000, 8);
        assert_eq!(askers(&near)[0], (AT, AT + 0x1000, 8), "asked for anew");
    }

    #[test]
    fn a_border_is_one_again_when_it_is_asked_for_again() {
        let again = asked(&[(0x3000, 0x5000), (0x2000, 0x4000), (0x3000, 0x6000)]);
        assert!(is_cut(0x3000, &again));
        assert!(!is_cut(0x4000, &again));
    }
}
