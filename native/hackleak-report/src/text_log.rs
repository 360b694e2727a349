//! The text log of `log=` and of the recorder's forerunner: from TRACK and TRACE lines to leaks.
//!
//! - `lines`: the log, line by line, whatever is in it.
//! - `record`: what one line says.
//! - `pairing`: which blocks are live, from one pass; memory follows them and the distinct
//!   stacks, not the log.
//! - `stacks`: the texts and stacks of a log, each kept once.
//! - `frames`: the frames of TRACE lines with names, files and lines.
//! - [`model`]: the report, which is also the JSON.
//!
//! What is difficult: a log on stderr has other output in it, and lines may be cut. Several
//! processes may write to one file, in which addresses mean nothing by themselves. What cannot be
//! paired with certainty is counted and said, never guessed silently.

pub(crate) mod frames;
mod lines;
pub mod model;
mod pairing;
mod record;
mod stacks;

pub use model::{LogReport, TextLog};

use std::io::{self, Read};

use crate::model::Verdict;
use crate::numbers::thousands;
use model::{Block, Leaks, LogProcess, LogSite};
use pairing::Pairing;

/// How a log is read.
#[derive(Debug, Clone, Copy)]
pub struct LogOptions {
    /// The most blocks that are listed at each site; bytes and blocks are always summed.
    pub blocks_per_site: usize,
    /// The most blocks that are followed at once, which bounds the memory: about 64 bytes each.
    pub most_live: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            blocks_per_site: 10,
            most_live: 1 << 25,
        }
    }
}

impl TextLog {
    /// Reads a log from its start to its end; `name` is what it is called in the report.
    ///
    /// # Errors
    ///
    /// It cannot be read. Lines that are not as documented are no error: they are counted.
    pub fn read(name: &str, log: impl Read, options: LogOptions) -> io::Result<TextLog> {
        let mut lines = lines::Lines::new(log);
        let mut pairing = Pairing::new(options.most_live);
        while let Some(line) = lines.next()? {
            pairing.line(&line);
        }
        Ok(summed(name, pairing.finish(), lines.bytes(), options))
    }
}

/// The leaks by stack, named, most bytes first.
fn summed(name: &str, paired: pairing::Paired, bytes_read: u64, options: LogOptions) -> TextLog {
    let mut sites: Vec<LogSite> = Vec::new();
    sites.resize_with(paired.stacks.len(), LogSite::default);
    let mut live: Vec<_> = paired.live.into_iter().collect();
    live.sort_unstable_by_key(|(_, block)| block.line);
    for ((process, address), block) in live {
        let site = &mut sites[block.stack as usize];
        site.bytes = site.bytes.saturating_add(block.size);
        site.blocks += 1;
        if site.first_blocks.len() < options.blocks_per_site {
            let thread = paired.threads.get(block.thread);
            site.first_blocks.push(Block {
                address: format!("{address:#x}"),
                size: block.size,
                line: block.line,
                thread: String::from_utf8_lossy(thread).into_owned(),
                pid: paired.processes[process as usize].pid,
            });
        }
    }
    let mut notes = Vec::new();
    let mut named = frames::name(&paired.stacks, &sites, &mut notes);
    let mut leaks = Leaks::default();
    for (number, mut site) in sites.into_iter().enumerate() {
        if site.blocks == 0 {
            continue;
        }
        leaks.bytes = leaks.bytes.saturating_add(site.bytes);
        leaks.blocks += site.blocks;
        site.frames = named.remove(&number).unwrap_or_default();
        leaks.sites.push(site);
    }
    merge_same(&mut leaks.sites, options.blocks_per_site);
    leaks
        .sites
        .sort_by_key(|site| std::cmp::Reverse((site.bytes, site.blocks)));
    let count = &paired.count;
    let certain = count.replaced == 0 && count.damaged == 0 && count.unfollowed == 0;
    let mut all = notes_of(count);
    let unended = paired
        .processes
        .iter()
        .filter(|process| process.exe.is_some() && !process.ended)
        .count();
    if unended > 0 && leaks.blocks > 0 {
        all.push(format!(
            "the log has no end of {unended} of its processes: killed, crashed, or still running; \
             what would be freed on the way out is reported too"
        ));
    }
    if count.allocations == 0 {
        all.push("the log has no TRACK lines: nothing was recorded in it".to_owned());
    }
    all.append(&mut notes);
    TextLog {
        log: name.to_owned(),
        bytes_read,
        lines: count.lines,
        allocations: count.allocations,
        frees: count.frees,
        other_lines: count.other,
        verdict: if leaks.blocks > 0 {
            Verdict::Leaks
        } else if certain && count.allocations > 0 {
            Verdict::Clean
        } else {
            Verdict::Incomplete
        },
        processes: paired
            .processes
            .into_iter()
            .filter(|process| process.pid != 0)
            .map(|process| LogProcess {
                pid: process.pid,
                exe: process
                    .exe
                    .map(|exe| String::from_utf8_lossy(&exe).into_owned()),
                ended: process.ended,
            })
            .collect(),
        notes: all,
        leaks,
    }
}

/// Stacks of two processes differ in their addresses, and may be the same once they are named.
fn merge_same(sites: &mut Vec<LogSite>, blocks_per_site: usize) {
    let mut known = std::collections::HashMap::new();
    let mut merged: Vec<LogSite> = Vec::with_capacity(sites.len());
    for site in sites.drain(..) {
        let at = *known.entry(site.frames.clone()).or_insert(merged.len());
        match merged.get_mut(at) {
            None => merged.push(site),
            Some(same) => {
                same.bytes = same.bytes.saturating_add(site.bytes);
                same.blocks += site.blocks;
                same.first_blocks.extend(site.first_blocks);
                same.first_blocks.truncate(blocks_per_site);
            }
        }
    }
    *sites = merged;
}

fn notes_of(count: &pairing::Count) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |number: u64, text: &dyn Fn(String) -> String| {
        if number > 0 {
            notes.push(text(thousands(number)));
        }
    };
    note(count.damaged, &|n| {
        format!("TRACK or TRACE lines that are cut or garbled: {n}; what they said is missing")
    });
    note(count.replaced, &|n| {
        format!(
            "allocations at an address that had not been freed: {n}; either FREE lines are lost, \
             or several processes share the log without telling who freed: only the last \
             allocation at each address is counted; give each process a log of its own \
             (log=FILE-%p)"
        )
    });
    note(count.ambiguous, &|n| {
        format!(
            "frees of an address that several processes held: {n}; taken as frees of the newest \
             allocation; give each process a log of its own (log=FILE-%p)"
        )
    });
    note(count.unpaired, &|n| {
        format!("frees of addresses that the log does not say were allocated: {n}")
    });
    note(count.unfollowed, &|n| {
        format!("allocations that were not followed, because too many blocks are live: {n}")
    });
    note(count.lost_frames, &|n| {
        format!("stacks that lack frames in the log: {n}")
    });
    note(count.lost_stacks, &|n| {
        format!("stacks that were not kept, because too many differ: {n}")
    });
    notes
}
