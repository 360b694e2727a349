//! What a process has in memory beside what is live in it: whether growth is a leak, or free memory
//! that the allocator keeps.
//!
//! The process writes the figures into its image at its end. One that runs is looked at from
//! outside, where nobody tells what is free in its heaps: there it is what is in memory, less what
//! is live. A process that was killed has no figures.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use hackleak_image::layout::{Footprint, Kind, flags, footprint_flags, module_flags};
use hackleak_image::reader::{LiveRecord, ProcessState};
use hackleak_image::resident::{self, Parts, Tally};
use hackleak_image::{Image, layout};
use hackleak_options::Track;

use crate::model::{Allocator, Amount, Memory, Moment, Resident};
use crate::numbers::{counted, human};

/// The C library gives larger blocks a mapping of their own, at first (`M_MMAP_THRESHOLD`).
const MAPPED: u64 = 128 << 10;
const PAGE: u64 = 4096;
/// Where in its mapping such a block begins.
const HEAD: u64 = 16;
/// Free memory that is not worth a word.
const LITTLE: u64 = 32 << 20;
/// What of a JVM's own memory, which is not recorded, may look like free memory from outside.
const JVM: u64 = 256 << 20;
/// How many arenas no limit would make fewer.
const FEW: u32 = 2;

/// The live blocks that lie in the allocator's memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LiveBlocks {
    amount: Amount,
    /// Bytes of those with a mapping of their own.
    mapped: u64,
}

impl LiveBlocks {
    /// Those of the image as it is.
    pub(crate) fn of(image: &Image) -> LiveBlocks {
        let mut live = LiveBlocks::default();
        image.live_records(0).for_each(|record| live.add(&record));
        live
    }

    /// Adds a live record, if it is one of these.
    pub fn add(&mut self, record: &LiveRecord) {
        let is_memory = match record.kind {
            Kind::New | Kind::NewArray | Kind::Malloc | Kind::Unsafe | Kind::Zip => true,
            Kind::ArrayElements | Kind::StringChars | Kind::StringUtfChars => true,
            Kind::GlobalRef | Kind::WeakGlobalRef | Kind::Monitor | Kind::DirectBuffer => false,
            Kind::ArrayCritical | Kind::StringCritical => false,
            Kind::Pool | Kind::Runtime | Kind::Fd | Kind::Mmap => false,
            Kind::Thread | Kind::Attach | Kind::LocalFrame | Kind::LocalRefs => false,
            Kind::Module => false,
        };
        if !is_memory {
            return;
        }
        self.amount.add(Amount {
            blocks: 1,
            bytes: record.size,
        });
        if record.size >= MAPPED && record.address % PAGE == HEAD {
            self.mapped = self.mapped.saturating_add(record.size);
        }
    }
}

/// What is known of the heaps and the parts.
struct Figures {
    parts: Parts,
    is_other: bool,
    /// Large blocks, and what is free in the heaps.
    told: Option<(u64, u64)>,
}

impl Memory {
    /// What is known of the process of an image, in which these blocks are live. `is_whole` says
    /// that nothing is missing from its record.
    pub fn of(image: &Image, live: &LiveBlocks, is_whole: bool) -> Option<Memory> {
        let header = image.header();
        let footprint = header.footprint;
        let (moment, figures) = match image.process_state() {
            _ if footprint.unix_ns != 0 => (Moment::End, Figures::told(&footprint)),
            ProcessState::Running => (Moment::Running, Figures::seen(image)?),
            ProcessState::Finished | ProcessState::Killed => return None,
        };
        let estimate = Estimate {
            is_whole: is_whole && tracks_all(header.track),
            is_jvm: header.flags & flags::JAVA != 0,
        };
        Some(figures.memory(moment, live, estimate))
    }

    /// Everything in one line.
    pub fn sentence(&self) -> String {
        let live = counted(self.live.blocks, "block");
        let mut text = format!("{} live in {live}; ", human(self.live.bytes));
        if let Some(allocator) = &self.allocator {
            let held = human(allocator.held_bytes);
            let arenas = counted(u64::from(allocator.arenas), "arena");
            text += &match allocator.free_bytes {
                Some(free) => {
                    let free = human(free);
                    format!("the allocator holds {held} in {arenas} ({free} free there); ")
                }
                None => format!("the allocator holds {held} in {arenas}; "),
            };
        }
        let resident = &self.resident;
        text += &format!("{} resident: ", human(resident.bytes));
        let parts = [
            ("Java heap", resident.java_heap),
            ("allocator", resident.allocator),
            ("code", resident.code),
            ("stacks", resident.stacks),
            ("image", resident.image),
            ("other", resident.other),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, bytes)| *bytes > 0)
            .map(|(name, bytes)| format!("{name} {}", human(*bytes)))
            .collect();
        text + &parts.join(", ")
    }

    /// What to do about free memory that the allocator keeps, if it keeps much.
    pub fn note(&self) -> Option<String> {
        let allocator = self.allocator.filter(|_| self.retained)?;
        let kept = human(allocator.kept_bytes);
        let is = match allocator.free_bytes {
            Some(_) => "is",
            None => "is probably",
        };
        let remedy = if allocator.arenas > FEW {
            "set `MALLOC_ARENA_MAX=2`, or call `malloc_trim(0)`"
        } else {
            "call `malloc_trim(0)` to give it back"
        };
        Some(format!(
            "{kept} of the memory {is} free and kept by the allocator, and no leak: {remedy}"
        ))
    }
}

/// What an estimate rests on.
#[derive(Clone, Copy)]
struct Estimate {
    is_whole: bool,
    is_jvm: bool,
}

fn tracks_all(track: u32) -> bool {
    let all = Track::NEW.bits() | Track::MALLOC.bits();
    track & all == all
}

impl Figures {
    fn told(footprint: &Footprint) -> Figures {
        let has = |flag| footprint.flags & flag != 0;
        Figures {
            parts: footprint.parts,
            is_other: has(footprint_flags::OTHER_ALLOCATOR),
            told: has(footprint_flags::ASKED).then_some((footprint.mapped, footprint.free)),
        }
    }

    /// Looks at the process from outside; `None` where that is not permitted.
    fn seen(image: &Image) -> Option<Figures> {
        let layout::Header {
            pid,
            java_heap_start,
            java_heap_end,
            ..
        } = *image.header();
        let list = fs::read(format!("/proc/{pid}/smaps")).ok()?;
        let memory = File::open(format!("/proc/{pid}/mem")).ok();
        let mut tally = Tally::new(Outside(memory), java_heap_start..java_heap_end);
        list.split(|byte| *byte == b'\n')
            .for_each(|line| tally.line(line));
        let parts = tally.finish();
        let is_other = image.modules().any(|module| {
            let name = module.path.rsplit('/').next().unwrap_or_default();
            let is_library = name.starts_with("libc.so") || name.starts_with("libc-");
            module.flags & module_flags::ALLOCATOR != 0 && !is_library
        });
        (parts.resident > 0).then_some(Figures {
            parts,
            is_other,
            told: None,
        })
    }

    fn memory(&self, moment: Moment, live: &LiveBlocks, estimate: Estimate) -> Memory {
        let parts = &self.parts;
        let known = [
            parts.java_heap,
            parts.heaps,
            parts.code,
            parts.stacks,
            parts.image,
        ];
        let sum = known
            .iter()
            .fold(0u64, |sum, part| sum.saturating_add(*part));
        let rest = parts.resident.saturating_sub(sum);
        let large = match self.told {
            Some((large, _)) => large,
            None if self.is_other => 0,
            None => live.mapped,
        };
        // Most of what was allocated was touched.
        let large_resident = large.min(rest);
        let small = live.amount.bytes.saturating_sub(live.mapped);
        let kept = match self.told {
            Some((_, free)) => {
                free.min(parts.heaps.saturating_sub(parts.taken.saturating_sub(free)))
            }
            None => parts.heaps.saturating_sub(small),
        };
        let allocator = (!self.is_other).then_some(Allocator {
            held_bytes: parts.taken.saturating_add(large),
            free_bytes: self.told.map(|(_, free)| free),
            kept_bytes: kept,
            arenas: parts.arenas.try_into().unwrap_or(u32::MAX),
        });
        let in_memory = parts.heaps.saturating_add(large_resident);
        let least = match self.told {
            Some(_) => Some(LITTLE),
            None if !estimate.is_whole => None,
            None => Some(if estimate.is_jvm { JVM } else { LITTLE }),
        };
        Memory {
            moment,
            live: live.amount,
            allocator,
            resident: Resident {
                bytes: parts.resident,
                java_heap: parts.java_heap,
                allocator: in_memory,
                code: parts.code,
                stacks: parts.stacks,
                image: parts.image,
                other: rest.saturating_sub(large_resident),
            },
            retained: allocator.is_some()
                && least.is_some_and(|least| kept >= least)
                && kept > in_memory / 2,
        }
    }
}

/// Reads another process's memory, if that is permitted.
struct Outside(Option<File>);

impl resident::Process for Outside {
    fn word(&self, address: u64) -> Option<u64> {
        let mut word = [0; 8];
        let read = self.0.as_ref()?.read_exact_at(&mut word, address);
        read.is_ok().then(|| u64::from_le_bytes(word))
    }
}

#[cfg(test)]
mod tests;
