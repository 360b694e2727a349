//! What the loader has really bound the calls of a library to, in a running process. That shows
//! what no file says: `RTLD_DEEPBIND`, `dlmopen`, and a library preloaded before the recorder.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hackleak_report::coverage::{Facts, Family, Tracked, bypassed};
use hackleak_report::{Coverage, Visibility};

use crate::maps::{Maps, Module};

/// The start of a page.
const PAGE: u64 = !0xfff;

/// The memory of a process and what is mapped there.
pub(super) struct Bindings<'a> {
    memory: File,
    maps: &'a Maps,
    recorder: &'a str,
}

impl<'a> Bindings<'a> {
    /// The memory of the process with this folder in `/proc`; `None` when it may not be read.
    pub(super) fn open(folder: &Path, maps: &'a Maps, recorder: &'a str) -> Option<Bindings<'a>> {
        Some(Bindings {
            memory: File::open(folder.join("mem")).ok()?,
            maps,
            recorder,
        })
    }

    /// The coverage of `module` if calls of tracked families are bound past the recorder.
    pub(super) fn check(
        &self,
        module: &Module,
        facts: &Facts,
        tracked: Tracked,
    ) -> Option<Coverage> {
        let bias = module.first.start.wrapping_sub(facts.base & PAGE);
        let mut past = None;
        let mut reached = false;
        for slot in &facts.slots {
            let followed = match slot.family {
                Family::New => tracked.new,
                Family::Malloc => tracked.malloc,
            };
            let mut word = [0; 8];
            let at = bias.wrapping_add(slot.vaddr);
            if !followed || self.memory.read_exact_at(&mut word, at).is_err() {
                continue;
            }
            match self.maps.at(u64::from_le_bytes(word)) {
                // Not bound before the first call, or a call of its own: the file tells.
                None => {}
                Some(path) if path == module.path => {}
                Some(path) if path.rsplit('/').next() == Some(self.recorder) => reached = true,
                Some(path) => past = past.or(Some((&slot.name, path))),
            }
        }
        let (symbol, to) = past?;
        let mut coverage = bypassed(symbol, to);
        if reached {
            coverage.visibility = Visibility::Partly;
        }
        Some(coverage)
    }
}
