//! Who holds the blocks that are live: the pass that tells what is lost from what is merely kept.
//!
//! ```text
//! roots: data of modules, thread-local storage, stacks of other threads, Java's long fields
//!   └──► blocks and mappings that they point into ──► what those point into ──► …
//! ```
//!
//! A block that was reached is *held*, and the chain to it is known. The rest is *lost*: nothing
//! that can still run has its address, so nobody can free it any more.
//!
//! - `table`: arrays that leave nothing behind; `memory`: reads that cannot fault; `maps`: the
//!   mappings.
//! - `nodes`, `areas`: what can be held; `objects`, `threads`: what can hold, but `bystanders`;
//!   `glibc`: where threads keep what is local to them; `flood`: the way from there.
//! - `reading`: the words of what can be held; `ancestors`: which of it matters, where few are in
//!   question.
//! - `spans`: where recorded mappings lie; `numbers`: native memory that keeps file descriptors.
//! - `streams`: the C library's list of open streams, which holds none of them.
//! - `runners`: stacks that were read while their threads ran.
//! - `stale`: words that are known to be of no use any more; `leftovers`: words on stacks that seem
//!   so.
//! - `owned`: what Java's objects had before garbage was collected.
//! - `ways`: answers that all blocks of a chain have in common.
//! - `verdicts`: what comes of it, in the image.
//!
//! What is difficult: nobody is stopped meanwhile. A pointer may move from a place that was not
//! looked at yet to one that was. So what looks lost is looked at a second time, unless no other
//! thread has run at all (`stillness`). It is lost only if the same block is still there and still
//! not reached. That it is the same, a mark in its record tells: the next block at the address has
//! none. The calling thread's own stack holds nothing: it is where the test has run, and full of
//! words that are of no use any more.
//!
//! None of this runs in hooks.

mod ancestors;
mod areas;
mod bystanders;
mod flood;
mod for_debuggers;
mod glibc;
mod leftovers;
mod maps;
mod memory;
mod nodes;
mod numbers;
mod objects;
mod owned;
mod reading;
mod runners;
mod spans;
pub mod stale;
mod stillness;
mod streams;
mod table;
pub mod threads;
mod verdicts;
mod waiting;
mod ways;

pub use bystanders::JavaStacks;
pub use flood::{Marks, Points};
pub use memory::Memory;
pub use nodes::Parent;
pub use objects::Trust;
pub use stale::{Large, Mapped};
pub use verdicts::{JAVA, JavaRoot};

use crate::IMAGE;
use crate::hot::events::selection::{self, Selection};
use crate::hot::ground::control;
use crate::hot::thread::own_tid;
use bystanders::Codes;
use core::sync::atomic::Ordering::Relaxed;
use flood::Root;
use glibc::Places;
use hackleak_image::layout::flags;
use hackleak_options::Track;
use nodes::Nodes;
use objects::Objects;
use runners::Runners;
use spans::Spans;
use stale::Stale;
use std::sync::{Mutex, PoisonError, TryLockError};
use stillness::Stillness;
use table::Table;

/// Why it cannot be told who holds what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// No memory for the tables.
    NoMemory,
    /// The process may not read its own memory or its own `/proc`.
    NotReadable,
    /// Something is not known.
    Unknown(&'static str),
}

impl core::fmt::Display for Stop {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Stop::NoMemory => f.write_str("there was no memory to look for it"),
            Stop::NotReadable => f.write_str("this process may not read its own memory"),
            Stop::Unknown(what) => write!(f, "it is not known {what}"),
        }
    }
}

/// Where native memory may be held from.
#[derive(Clone, Copy)]
pub enum NativeRoot {
    /// Writable data of the module of this index among the objects.
    Data(usize),
    /// A thread's thread-local block of a module.
    ThreadLocal {
        object: usize,
        tid: u32,
        start: usize,
    },
    /// What the C library keeps for a thread.
    Thread(u32),
    /// A thread's stack.
    Stack(u32),
}

/// What looks at Java's objects: it calls `Marks::word` with every value that may be an address.
pub trait Java {
    /// Looks at the whole heap.
    ///
    /// # Errors
    ///
    /// The heap could not be looked at.
    fn look(&mut self, marks: &mut Marks, memory: &Memory) -> Result<(), Stop>;

    /// Names the roots that it has given, in the order of their numbers.
    fn roots(&self) -> Vec<JavaRoot>;

    /// Where the Java frames of threads begin.
    fn stacks(&self) -> JavaStacks;
}

/// A finished pass.
struct Pass {
    marks: Marks,
    objects: Objects,
    native: Table<NativeRoot>,
    java: Vec<JavaRoot>,
    /// Suspects of which the way from a root has changed meanwhile.
    doubtful: usize,
}

/// What was found, in one pass or two.
struct Passes<'found> {
    first: &'found Pass,
    second: Option<&'found Pass>,
    /// The threads before that, where anything may be lost.
    stillness: Option<&'found Stillness>,
    /// What Java's objects had before garbage was collected, where that counts.
    owned: Option<owned::Noted>,
}

/// One pass at a time: one would find the other's tables.
static PASS: Mutex<()> = Mutex::new(());

/// Finds out who holds the blocks of `selection`, and keeps that in the image. `java` is `None`
/// where there is no JVM. What has gone of what was noted as `owned` is lost: garbage had it. That
/// is 0 for nothing.
///
/// # Errors
///
/// It cannot be told.
pub fn judge(
    selection: Selection,
    at_exit: bool,
    mut java: Option<&mut dyn Java>,
    owned: u32,
) -> Result<u32, Stop> {
    if !can_judge() {
        return Err(Stop::Unknown(
            "what lies between a root and a block when `track` leaves out `new` or `malloc`",
        ));
    }
    let _alone = PASS.lock().unwrap_or_else(PoisonError::into_inner);
    stale::be_thorough();
    let stillness = Stillness::begin()?;
    let mut first = pass(selection, &mut java, Extent::Ancestors)?;
    let is_final = first.marks.open == 0 || first.doubtful == 0 && stillness.holds();
    if !is_final {
        tag(&mut first.marks.nodes);
    }
    let second = match is_final {
        true => None,
        false => Some(pass(selection, &mut java, Extent::Everything)?),
    };
    let passes = Passes {
        first: &first,
        second: second.as_ref(),
        stillness: Some(&stillness),
        owned: owned::take(owned),
    };
    verdicts::keep(selection, at_exit, java.is_some(), passes)
}

/// Marks what nothing was found to hold for sure: of these, the second look tells those that are
/// still the same.
fn tag(nodes: &mut Nodes) {
    for node in nodes.all.iter_mut() {
        if node.suspect && nodes::is_of_allocator(node.live) && (!node.is_held() || node.doubtful) {
            node.tagged = IMAGE.live.tag(node.start, node.live);
        }
    }
}

/// Notes the blocks of `selection` that an object of Java's has, garbage or not. Gives the number
/// for [`judge`]; 0 for none.
///
/// # Errors
///
/// It cannot be told.
pub fn owned(selection: Selection, java: &mut dyn Java) -> Result<u32, Stop> {
    if !can_judge() {
        return Ok(0);
    }
    let _alone = PASS.lock().unwrap_or_else(PoisonError::into_inner);
    let others = owned::others()?;
    owned::note(
        &pass(selection, &mut Some(java), Extent::Ancestors)?,
        others,
    )
}

/// The same before garbage is collected, which takes long: only if all of it is held by what is no
/// garbage, native memory and Java's `statics`; else `None`, and nothing is kept.
///
/// # Errors
///
/// It cannot be told.
pub fn judge_firm(
    selection: Selection,
    mut statics: Option<&mut dyn Java>,
) -> Result<Option<u32>, Stop> {
    if !can_judge() {
        return Ok(None);
    }
    let _alone = PASS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut handles = false;
    selection::leaks(selection, |_, live| handles |= !nodes::is_judged(live));
    if handles {
        return Ok(None);
    }
    let found = pass(selection, &mut statics, Extent::Everything)?;
    if found.marks.open > 0 {
        return Ok(None);
    }
    // Other objects of Java's were not asked, because nothing is left that they could hold.
    let passes = Passes {
        first: &found,
        second: None,
        stillness: None,
        owned: None,
    };
    verdicts::keep(selection, false, true, passes).map(Some)
}

/// Does something during which no pass runs; nothing, if one runs.
pub fn between_passes(work: impl FnOnce()) {
    if !can_judge() {
        return;
    }
    let _alone = match PASS.try_lock() {
        Ok(alone) => alone,
        Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    work();
}

/// Whether everything is tracked that may lie between a root and a block.
pub fn can_judge() -> bool {
    control::tracks(Track::NEW) && control::tracks(Track::MALLOC)
}

/// The same for a program without a JVM, at its end. Where it cannot be told, the report says so.
pub fn at_end() {
    if IMAGE.flags().load(Relaxed) & flags::JAVA == 0 {
        let _ = std::panic::catch_unwind(|| judge(Selection::EVERYTHING, true, None, 0));
    }
}

/// What a pass goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All blocks.
    Everything,
    /// Those by which suspects may be held, where these are few.
    Ancestors,
}

fn pass(
    selection: Selection,
    java: &mut Option<&mut dyn Java>,
    extent: Extent,
) -> Result<Pass, Stop> {
    // Before anything here has tables: what they hold is held by nobody.
    let maps = maps::read()?;
    let memory = Memory::new()?;
    let objects = Objects::read()?;
    let mut threads = threads::read(&memory, &maps)?;
    let blocks = nodes::read(|live| selection.suspects(live))?;
    let areas = areas::read(&maps, &memory, &blocks, &objects, &threads)?;
    let ancestors = match extent {
        Extent::Ancestors => ancestors::of(&memory, &blocks, &areas)?,
        Extent::Everything => None,
    };
    let nodes = Nodes::of(ancestors.unwrap_or(blocks))?;
    let spans = Spans::read(&nodes)?;
    let mut marks = Marks::new(nodes, areas, spans, Stale::of_now()?);
    marks.links = streams::links(&memory)?;
    let mut native = Table::new();
    let mut look = |marks: &mut Marks, root: Root, of: NativeRoot| {
        let number = native.len() as u32;
        marks.root(&memory, number, &root);
        native.push(of).map(|()| number)
    };
    for (index, object) in objects.all.iter().enumerate() {
        let trust = object.trust;
        if trust == Trust::None {
            continue;
        }
        for data in objects.data_of(object) {
            let root = Root::of(data, trust);
            look(&mut marks, root, NativeRoot::Data(index))?;
        }
    }
    // What lasts comes first: a thread whose stack has the same address, an old word perhaps, must
    // not seem to be what holds a block.
    marks.flood(&memory)?;
    let mut roots = Vec::new();
    if marks.open > 0
        && let Some(java) = java
    {
        java.look(&mut marks, &memory)?;
        marks.flood(&memory)?;
        roots = java.roots();
        // That took a while: threads are elsewhere by now.
        threads = threads::read(&memory, &maps)?;
    }
    let codes = Codes::of(&objects, &maps)?;
    let stacks = java.as_ref().map(|java| java.stacks());
    let stacks = stacks.unwrap_or_default();
    let places = Places::read(&memory, &objects)?;
    let mut locals: Table<(Root, NativeRoot)> = Table::new();
    let mut in_use = Table::new();
    for thread in threads.iter() {
        let tid = thread.tid;
        let mut failed = None;
        threads::locals(&memory, &objects, &places, thread, |range, object| {
            let start = range.start;
            let (trust, of) = match object {
                Some(object) => (
                    objects.all[object].trust,
                    NativeRoot::ThreadLocal { object, tid, start },
                ),
                None => (Trust::All, NativeRoot::Thread(tid)),
            };
            if trust != Trust::None {
                failed = failed.or(locals.push((Root::of(range, trust), of)).err());
            }
        });
        failed.map_or(Ok(()), Err)?;
        if codes.run_on(&memory, thread) {
            let part = codes.part_of_program(&memory, thread, &stacks);
            in_use.push((Root::of(part, Trust::Edges), thread))?;
        }
    }
    for (root, of) in locals.iter() {
        look(&mut marks, *root, *of)?;
    }
    let mut runners = Runners::new();
    for (root, thread) in in_use.iter() {
        let number = look(&mut marks, *root, NativeRoot::Stack(thread.tid))?;
        if thread.waits.is_none() && thread.tid != own_tid() {
            runners.add(number, thread.tid, root.start..root.end)?;
        }
    }
    marks.flood(&memory)?;
    let doubtful = marks.doubt(&memory, &mut runners)?;
    numbers::hold(&mut marks, &memory, &objects, &native);
    Ok(Pass {
        doubtful,
        marks,
        objects,
        native,
        java: roots,
    })
}
