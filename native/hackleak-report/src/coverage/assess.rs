//! From what a file says to a verdict on it.

use hackleak_options::Track;

use super::facts::{Facts, Family};
use super::reason::{Reason, ToMalloc};
use crate::model::{Coverage, Visibility};

/// Which of the families that libraries call are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked {
    /// `operator new`.
    pub new: bool,
    /// The malloc family.
    pub malloc: bool,
    /// Mapped memory.
    pub mmap: bool,
}

impl Tracked {
    /// The families in the bits of an image.
    pub fn of_bits(bits: u32) -> Tracked {
        Tracked {
            new: bits & Track::NEW.bits() != 0,
            malloc: bits & Track::MALLOC.bits() != 0,
            mmap: bits & Track::MMAP.bits() != 0,
        }
    }

    fn has(self, family: Family) -> bool {
        match family {
            Family::New => self.new,
            Family::Malloc => self.malloc,
        }
    }
}

impl From<Track> for Tracked {
    fn from(track: Track) -> Tracked {
        Tracked::of_bits(track.bits())
    }
}

/// What becomes of a library's calls.
#[derive(Default)]
struct Calls {
    /// Some arrive and are recorded.
    recorded: bool,
    /// Families whose calls arrive but are not tracked.
    untracked: Vec<Family>,
    /// Calls that arrive as something else.
    changed: Vec<Reason>,
    /// Calls that do not arrive.
    lost: Vec<Reason>,
}

/// The coverage of a library in a process that tracks `tracked`, and whose executable, when it is
/// known, is `executable`.
pub fn assess(facts: &Facts, tracked: Tracked, executable: Option<&Facts>) -> Coverage {
    if let Some(reason) = never(facts) {
        return coverage(Visibility::Blind, &[reason], facts);
    }
    let calls = calls(facts, tracked, executable);
    let idle = !calls.recorded && calls.untracked.is_empty() && calls.lost.is_empty();
    if idle && calls.changed.is_empty() {
        return match facts.maps {
            true if tracked.mmap && !facts.breaks => coverage(Visibility::Seen, &[], facts),
            true => coverage(Visibility::Partly, &[Reason::Maps], facts),
            false => {
                let mut coverage = coverage(Visibility::Seen, &[], facts);
                coverage
                    .reasons
                    .insert(0, "it calls no allocation function".to_owned());
                coverage
            }
        };
    }
    let arrives = calls.recorded || !calls.changed.is_empty();
    let untracked = !arrives && calls.lost.is_empty();
    let mut reasons = calls.lost;
    let verdict = match (arrives, reasons.is_empty()) {
        (true, true) if calls.changed.is_empty() => Visibility::Seen,
        (true, _) => Visibility::Partly,
        (false, _) => Visibility::Blind,
    };
    reasons.extend(calls.changed);
    if !calls.untracked.is_empty() && verdict != Visibility::Seen {
        reasons.push(Reason::Untracked(calls.untracked));
    }
    Coverage {
        untracked,
        ..coverage(verdict, &reasons, facts)
    }
}

/// Why nothing at all can be recorded.
fn never(facts: &Facts) -> Option<Reason> {
    if let Some(machine) = &facts.foreign {
        Some(Reason::Foreign(machine.clone()))
    } else if facts.statically_linked {
        Some(Reason::Static)
    } else {
        facts.privileged.then_some(Reason::Privileged)
    }
}

fn calls(facts: &Facts, tracked: Tracked, executable: Option<&Facts>) -> Calls {
    let mut calls = Calls::default();
    // The executable comes before whatever is preloaded; its own calls are bound inside it.
    let shadowed = |family| {
        executable.is_some_and(|executable| executable.bound(family).exported) && !facts.executable
    };
    let malloc_arrives = facts.malloc.global && !shadowed(Family::Malloc);
    for family in [Family::New, Family::Malloc] {
        if !facts.bound(family).global {
            continue;
        }
        if shadowed(family) {
            calls.lost.push(Reason::Shadowed(family));
        } else if tracked.has(family) {
            calls.recorded = true;
        } else {
            calls.untracked.push(family);
        }
    }
    if let Some(own) = facts
        .malloc
        .own
        .filter(|_| tracked.malloc || !facts.new.global)
    {
        calls.lost.push(Reason::OwnMalloc(own));
    }
    if let Some(own) = facts.new.own.filter(|_| tracked.new) {
        let to_malloc = match (malloc_arrives && facts.malloc.own.is_none(), tracked.malloc) {
            (true, true) => ToMalloc::Recorded,
            (true, false) => ToMalloc::Untracked,
            (false, _) => ToMalloc::Never,
        };
        let reason = Reason::OwnNew { own, to_malloc };
        if to_malloc == ToMalloc::Recorded {
            calls.changed.push(reason);
        } else {
            calls.lost.push(reason);
            calls.untracked.retain(|family| *family != Family::Malloc);
        }
    }
    calls
        .lost
        .extend(facts.allocators.iter().copied().map(Reason::Inside));
    if !facts.others.is_empty() {
        calls
            .lost
            .push(Reason::Others(facts.others.iter().cloned().collect()));
    }
    if facts.rust_allocator && facts.allocators.is_empty() {
        calls.lost.push(Reason::RustAllocator);
    }
    calls
}

fn coverage(visibility: Visibility, reasons: &[Reason], facts: &Facts) -> Coverage {
    let mut remedies: Vec<String> = Vec::new();
    for remedy in reasons.iter().filter_map(Reason::remedy) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    let mut texts: Vec<String> = reasons.iter().map(Reason::text).collect();
    if !facts.libc.is_empty() && visibility != Visibility::Blind {
        let names: Vec<&str> = facts.libc.iter().map(String::as_str).collect();
        texts.push(format!(
            "memory that the C library allocates for it (`{}`) is not seen",
            names.join("`, `")
        ));
    }
    Coverage {
        visibility,
        reasons: texts,
        untracked: false,
        remedy: (!remedies.is_empty()).then(|| remedies.join("; ")),
    }
}
