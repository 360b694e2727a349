//! What is in the file of an image: for who looks for an error of the recorder, not for leaks.
//!
//! Nothing is symbolised, grouped or judged here. Indices, addresses and epochs are those of the
//! file, so that they can be compared with what the recorder's code does. Two things are
//! difficult. A process that runs changes the file meanwhile: live records are read before the
//! tables that they name. And a damaged file may count anything: every list is cut at a limit, and
//! what had to be left out is told.

mod lists;
mod live;
mod model;

use std::collections::BTreeMap;
use std::path::Path;

use hackleak_image::layout::{Header, SEGMENT_DATA_LEN, flags};
use hackleak_image::reader::{ProcessState, TableSize};
use hackleak_image::{Image, ImageError, Shortage};
use hackleak_options::Track;
use serde::{Deserialize, Serialize};

pub use live::DumpedKind;
pub use model::{
    DumpedBlock, DumpedCheckpoint, DumpedInvalidFree, DumpedModule, DumpedScope, DumpedStack,
    DumpedThread, List, Listed, Lists,
};

use self::live::Live;
use crate::model::State;
use crate::packed;
use crate::redact::{self, Names};

/// What is in an image's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dump {
    /// The file.
    pub file: String,
    /// Its length, which may be more than it takes on the disk.
    pub file_bytes: u64,
    /// Version of the layout.
    pub version: u32,
    /// ELF machine.
    pub machine: u32,
    /// Number of the process.
    pub pid: u32,
    /// What has become of the process.
    pub state: State,
    /// Names of the header's flags that are set.
    pub flags: Vec<String>,
    /// The newest epoch.
    pub epoch: u32,
    /// Start of the recording, ns since 1970.
    pub start_unix_ns: u64,
    /// Start of the process, clock ticks since boot.
    pub start_ticks: u64,
    /// The kinds that are tracked.
    pub track: Vec<String>,
    /// Path of the executable.
    pub exe: String,
    /// The folder that it worked in.
    pub folder: String,
    /// Its arguments.
    pub command: Vec<String>,
    /// Its options, in their text form.
    pub options: String,
    /// Where an error of the recorder stopped the recording; empty when none did.
    pub stopped_at: String,
    /// Segments.
    pub segments: DumpedSegments,
    /// The tables, in the order of the header.
    pub tables: Vec<DumpedTable>,
    /// The pages of live records, by the kind of their segments.
    pub pages: Vec<DumpedPages>,
    /// Counters of losses that are not zero.
    pub counters: BTreeMap<String, u64>,
    /// What all threads did, those without a record too.
    pub events: DumpedEvents,
    /// Live blocks.
    pub blocks: DumpedBlocks,
    /// What the reader had to leave out, with counts.
    pub damage: BTreeMap<String, u64>,
    /// The lists that were asked for.
    #[serde(flatten)]
    pub lists: Lists,
}

/// Segments of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedSegments {
    /// As the header counts them.
    pub counted: u64,
    /// Those that can be read.
    pub readable: u64,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedTable {
    /// What it holds.
    pub name: String,
    /// Records, as the header counts them; bytes for the blobs.
    pub records: u64,
    /// Bytes of one record.
    pub record_bytes: u64,
    /// Segments in the file.
    pub segments: u64,
    /// How full they are, in percent.
    pub percent_used: u64,
}

/// Pages of live records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedPages {
    /// What they hold.
    pub name: String,
    /// Segments, each for one MiB of address space.
    pub segments: u64,
    /// Pages in them.
    pub pages: u64,
    /// Pages that have, or had, a record.
    pub used: u64,
}

/// What threads did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedEvents {
    /// Threads that have a record.
    pub threads: u64,
    /// Those that run.
    pub running: u64,
    /// Allocations recorded.
    pub allocations: u64,
    /// Frees of recorded blocks.
    pub frees: u64,
    /// Bytes allocated.
    pub bytes: u64,
    /// Bytes of recorded blocks that were freed.
    pub freed_bytes: u64,
    /// Allocations of threads without a record, which `allocations` has, too.
    pub stray_allocations: u64,
    /// Stacks that a thread's memory of its last walk gave.
    pub remembered_walks: u64,
    /// Stacks that were walked to their end.
    pub full_walks: u64,
    /// Java stacks that the JVM was asked for.
    pub java_asks: u64,
    /// Java stacks that JVMTI gave because `AsyncGetCallTrace` could not.
    pub java_fallbacks: u64,
}

/// Live blocks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedBlocks {
    /// Blocks and bytes by kind.
    pub kinds: Vec<DumpedKind>,
    /// Different stacks that they have.
    pub stacks: u64,
    /// Different contexts that they have.
    pub contexts: u64,
}

/// The header's flags with the names of their constants.
const FLAGS: [(u32, &str); 14] = [
    (flags::MEMORY_ONLY, "memoryOnly"),
    (flags::JAVA, "java"),
    (flags::JAVA_EARLY, "javaEarly"),
    (flags::SETTLED_AT_EXIT, "settledAtExit"),
    (flags::FILE_LIMIT, "fileLimit"),
    (flags::FILE_GONE, "fileGone"),
    (flags::FILE_REFUSED, "fileRefused"),
    (flags::FORKED, "forked"),
    (flags::BEGUN_LATE, "begunLate"),
    (flags::NO_JVM_TABLES, "noJvmTables"),
    (flags::NO_CALL_TRACE, "noCallTrace"),
    (flags::SANDBOX, "sandbox"),
    (flags::EXEC, "exec"),
    (flags::FILE_FORBIDDEN, "fileForbidden"),
];

impl Dump {
    /// Reads the image at `path`, with these lists of at most `limit` entries each.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no image of this version.
    pub fn of_image(path: &Path, lists: &[List], limit: usize) -> Result<Dump, ImageError> {
        let mut image = packed::open(path)?;
        let live = Live::read(&image, limit);
        image.refresh()?;
        let cannot_read = |source| ImageError::Read {
            path: path.to_owned(),
            source,
        };
        let file_bytes = image.file_len().map_err(cannot_read)?;
        let pages = image.live_pages().map_err(cannot_read)?;
        image.check_records();
        let header = *image.header();
        let mut dump = Dump {
            file: path.to_string_lossy().into_owned(),
            file_bytes,
            version: header.version,
            machine: header.machine,
            pid: header.pid,
            state: state(&image),
            flags: names_of_flags(header.flags),
            epoch: header.epoch,
            start_unix_ns: header.start_unix_ns,
            start_ticks: header.start_ticks,
            track: Track::names(header.track),
            exe: image.exe(),
            folder: image.folder(),
            command: image.command(),
            options: image.options(),
            stopped_at: image.stopped_at(),
            segments: DumpedSegments {
                counted: header.segments,
                readable: image.readable_segments(),
            },
            tables: tables(&image),
            pages: pages
                .into_iter()
                .map(|sum| DumpedPages {
                    name: sum.kind.name().to_owned(),
                    segments: sum.segments,
                    pages: sum.pages,
                    used: sum.used,
                })
                .collect(),
            counters: image
                .counters()
                .map(|(counter, count)| (counter.name().to_owned(), count))
                .collect(),
            events: events(&image, &header),
            blocks: DumpedBlocks {
                kinds: live.by_kind(),
                stacks: live.stacks.len() as u64,
                contexts: live.contexts.len() as u64,
            },
            damage: BTreeMap::new(),
            lists: lists::read(&image, &live, lists, limit),
        };
        // Reading everything else has met the damage.
        let damage = image.damage().into_iter();
        dump.damage = damage.map(|(what, n)| (what.to_string(), n)).collect();
        Ok(dump)
    }

    /// Takes out the command line and the names of users and hosts, if that is asked for here or
    /// by the options of the process; returns the names then.
    ///
    /// # Errors
    ///
    /// It cannot be looked through: then it must not be shown.
    pub fn redact(&mut self, asked: bool) -> serde_json::Result<Option<Names>> {
        if !asked && !redact::is_asked_by(&self.options) {
            return Ok(None);
        }
        let names = Names::of(self)?;
        self.command.clear();
        *self = names.without(self)?;
        Ok(Some(names))
    }
}

fn state(image: &Image) -> State {
    match image.process_state() {
        ProcessState::Finished => State::Finished,
        ProcessState::Killed => State::Killed,
        ProcessState::Running => State::Running,
    }
}

/// The names of the flags; a number for bits that have none, and why the file could not grow.
fn names_of_flags(bits: u32) -> Vec<String> {
    let set = FLAGS.iter().filter(|(flag, _)| bits & flag != 0);
    let mut names: Vec<String> = set.map(|(_, name)| (*name).to_owned()).collect();
    let known = FLAGS.iter().fold(0, |known, (flag, _)| known | flag);
    if bits & !known != 0 {
        names.push(format!("unknown {:#x}", bits & !known));
    }
    names.extend(Shortage::of_flags(bits).map(|why| why.reason().to_owned()));
    names
}

fn tables(image: &Image) -> Vec<DumpedTable> {
    let table = |table: TableSize| {
        let record = table.kind.record_len();
        let room = u128::from(table.segments) * u128::from(SEGMENT_DATA_LEN / record);
        let used = (u128::from(table.records) * 100).div_ceil(room.max(1));
        DumpedTable {
            name: table.kind.name().to_owned(),
            records: table.records,
            record_bytes: record,
            segments: table.segments,
            percent_used: if room == 0 { 0 } else { used.min(100) as u64 },
        }
    };
    image.tables().map(table).collect()
}

fn events(image: &Image, header: &Header) -> DumpedEvents {
    let strays = header.strays;
    let mut sum = DumpedEvents {
        allocations: strays.allocations,
        bytes: strays.bytes,
        freed_bytes: strays.freed_bytes,
        stray_allocations: strays.allocations,
        ..DumpedEvents::default()
    };
    for thread in image.threads() {
        let thread = thread.record;
        sum.threads += 1;
        sum.running += u64::from(thread.running == 1);
        for (sum, own) in [
            (&mut sum.allocations, thread.allocations),
            (&mut sum.frees, thread.frees),
            (&mut sum.bytes, thread.bytes),
            (&mut sum.freed_bytes, thread.freed_bytes),
            (&mut sum.remembered_walks, thread.remembered_walks),
            (&mut sum.full_walks, thread.full_walks),
            (&mut sum.java_asks, thread.java_asks),
            (&mut sum.java_fallbacks, thread.java_fallbacks),
        ] {
            *sum = sum.saturating_add(own);
        }
    }
    sum
}
