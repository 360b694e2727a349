//! What a pass has found, in the image: blocks of one stack, context, kind and holder are one
//! record.

use super::leftovers::Leftovers;
use super::nodes::{self, Node, Parent};
use super::objects::Objects;
use super::stillness::Stillness;
use super::table::Table;
use super::{NativeRoot, Pass, Passes, Stop, threads};
use crate::IMAGE;
use crate::hot::events::selection::{self, Selection};
use core::sync::atomic::{AtomicU64, Ordering::Release};
use hackleak_image::layout::{Blob, Holder, Judged, Judging, Link, Live, Root, judging_flags};
use hackleak_platform::clock;
use std::collections::{HashMap, HashSet};

/// A place in Java's heap that holds native memory.
#[derive(Clone)]
pub struct JavaRoot {
    /// What sort of place.
    pub root: Root,
    /// Class and field as they are shown.
    pub name: String,
}

/// Roots of this number and above are Java's.
pub const JAVA: u32 = 1 << 24;
/// The most blocks of a chain that are kept: those next to the root.
const MAX_CHAIN: usize = 5;

/// Bytes and blocks by origin, kind and holder.
type Sums = HashMap<(u64, u8, u32), (u64, u32)>;

/// Keeps what one pass or two have found. Of what the first one found lost, the second one has the
/// word.
pub fn keep(
    selection: Selection,
    at_exit: bool,
    saw_java: bool,
    passes: Passes<'_>,
) -> Result<u32, Stop> {
    let mut sums = Sums::new();
    let mut lost = HashSet::new();
    // With all bits turned: these lie in the program's memory.
    let mut counted = HashSet::new();
    let (first, second) = (passes.first, passes.second.unwrap_or(passes.first));
    let mut holders = Holders::of(first)?;
    let mut later = Holders::of(second)?;
    // The blocks that are held: by the first pass or else by the second one.
    let mut held: Table<(bool, usize)> = Table::new();
    for (index, node) in first.marks.nodes.all.iter().enumerate() {
        if !node.suspect {
            continue;
        }
        if node.is_held() && !node.doubtful {
            held.push((false, index))?;
        } else if let Some(again) = later.same(node, passes.second.is_some()) {
            // What was on its way twice is alive: something takes it from place to place.
            if second.marks.nodes.all[again].is_held() {
                held.push((true, again))?;
            } else {
                lost.insert(node.live.stack());
                counted.insert(!(node.start as u64));
                add(&mut sums, node.live, 0);
            }
        }
    }
    let stillness = passes.stillness.filter(|_| !lost.is_empty());
    let waiting = stillness.map_or_else(HashSet::new, Stillness::waiting);
    let mut leftovers = Leftovers::of(first, &waiting, &lost)?;
    let mut left_later = Leftovers::of(second, &waiting, &lost)?;
    for (is_later, index) in held.iter().copied() {
        let (holders, leftovers) = match is_later {
            true => (&mut later, &mut left_later),
            false => (&mut holders, &mut leftovers),
        };
        let holder = match leftovers.contains(index)? {
            true => 0,
            false => holders.of_node(index)?,
        };
        let node = &holders.pass.marks.nodes.all[index];
        counted.insert(!(node.start as u64));
        add(&mut sums, node.live, holder);
    }
    for live in passes.owned.iter().flat_map(|owned| owned.gone(&counted)) {
        add(&mut sums, live, 0);
    }
    // Handles are not memory: for them, to be there is to be leaked.
    selection::leaks(selection, |_, live| {
        if !nodes::is_judged(live) {
            add(&mut sums, live, 0);
        }
    });
    write(selection, at_exit, saw_java, &sums)
}

fn add(sums: &mut Sums, live: Live, holder: u32) {
    let sum = sums.entry((live.origin, live.kind(), holder)).or_default();
    let (count, size) = selection::amount(live);
    sum.0 = sum.0.saturating_add(size);
    sum.1 = sum.1.saturating_add(count.try_into().unwrap_or(u32::MAX));
}

fn write(selection: Selection, at_exit: bool, saw_java: bool, sums: &Sums) -> Result<u32, Stop> {
    let count = sums.len() as u32;
    let window = IMAGE.window();
    let first = match count {
        0 => 0,
        _ => IMAGE.judged.reserve(window, count).ok_or(Stop::NoMemory)?,
    };
    for (index, ((origin, kind, holder), (bytes, blocks))) in (first..).zip(sums) {
        let judged = Judged {
            origin: *origin,
            bytes: *bytes,
            count: *blocks,
            kind: u32::from(*kind),
            holder: *holder,
            reserved: 0,
        };
        // SAFETY: the index was reserved for this call alone, and its segment exists.
        unsafe { IMAGE.judged.get(index).write(judged) };
    }
    let mut flags = 0;
    flags |= if saw_java { judging_flags::JAVA } else { 0 };
    flags |= if at_exit { judging_flags::AT_EXIT } else { 0 };
    let judging = Judging {
        unix_ns: 0,
        since: selection.epoch,
        flags,
        first,
        count,
        reserved: 0,
    };
    let index = IMAGE.judgings.push(window, judging).ok_or(Stop::NoMemory)?;
    // SAFETY: the record that was just made; this word tells a reader that it is complete.
    let done = unsafe { AtomicU64::from_ptr(&raw mut (*IMAGE.judgings.get(index)).unix_ns) };
    done.store(clock::now(), Release);
    Ok(index + 1)
}

/// Who holds the blocks of a pass.
struct Holders<'pass> {
    pass: &'pass Pass,
    /// By index of a block: the holder of what it points at, or 0 while it was not asked for.
    known: Table<u32>,
    /// By root and word.
    roots: HashMap<(u32, usize), u32>,
    /// By the holder of a block, and the block's stack: the holder of what it points at.
    below: HashMap<(u32, u32), u32>,
}

impl<'pass> Holders<'pass> {
    fn of(pass: &'pass Pass) -> Result<Holders<'pass>, Stop> {
        Ok(Holders {
            known: Table::filled(pass.marks.nodes.all.len(), 0)?,
            pass,
            roots: HashMap::new(),
            below: HashMap::new(),
        })
    }

    /// The index of the block that is the same as `node`, of this pass or, if it `is_later`, of one
    /// before.
    fn same(&self, node: &Node, is_later: bool) -> Option<usize> {
        let nodes = &self.pass.marks.nodes.all;
        let index = nodes
            .binary_search_by_key(&node.start, |other| other.start)
            .ok()?;
        let other = &nodes[index];
        let now = IMAGE.live.live_at(node.start)?;
        let is_marked = node.tagged && now.pins() != 0;
        if is_later && nodes::is_of_allocator(node.live) && !is_marked {
            // A loop that allocates and frees gets the same address again and again.
            return None;
        }
        let is_it = |live: Live| live.without_pins() == node.live.without_pins();
        (is_it(now) && is_it(other.live)).then_some(index)
    }

    /// The holder of a block that is held: the root, with the blocks that lie between.
    fn of_node(&mut self, index: usize) -> Result<u32, Stop> {
        let node = &self.pass.marks.nodes.all[index];
        let (mut parent, mut via) = (node.parent, node.via);
        // What lies between the block and the first one of which the holder is known.
        let mut way = Table::new();
        let mut number = loop {
            match parent {
                Parent::Node(node) => {
                    let known = self.known[node as usize];
                    if known != 0 {
                        break known;
                    }
                    way.push(parent)?;
                    let node = &self.pass.marks.nodes.all[node as usize];
                    (parent, via) = (node.parent, node.via);
                }
                Parent::Area(area) => {
                    way.push(parent)?;
                    (parent, via) = self.pass.marks.parent_of_area(area);
                }
                Parent::Root(root) => break self.root(root, via)?,
                Parent::None => return Ok(0),
            }
        };
        while let Some(step) = way.pop() {
            number = self.below(number, step)?;
            if let Parent::Node(node) = step {
                self.known[node as usize] = number;
            }
        }
        Ok(number)
    }

    /// The holder that a root is, without anything between.
    fn root(&mut self, root: u32, via: usize) -> Result<u32, Stop> {
        let mut holder = Holder {
            root: 0,
            module: 0,
            offset: 0,
            tid: 0,
            reserved: 0,
            name: Blob::default(),
            chain: Blob::default(),
        };
        let native = self.pass.native.get(root as usize).copied();
        let word = match native {
            Some(NativeRoot::Data(_) | NativeRoot::ThreadLocal { .. }) => via,
            _ => 0,
        };
        if let Some(known) = self.roots.get(&(root, word)) {
            return Ok(*known);
        }
        if let Some(native) = native {
            describe(&self.pass.objects, native, via, &mut holder);
            if holder.tid != 0 {
                holder.name = IMAGE.blob(threads::name(holder.tid).as_bytes());
            }
        } else if let Some(java) = self.pass.java.get((root - JAVA) as usize) {
            holder.root = java.root as u32;
            holder.name = IMAGE.blob(java.name.as_bytes());
        }
        let number = keep_holder(holder)?;
        self.roots.insert((root, word), number);
        Ok(number)
    }

    /// The holder of what `step` points at, which `number` holds.
    fn below(&mut self, number: u32, step: Parent) -> Result<u32, Stop> {
        let mut link = Link {
            size: 0,
            stack: 0,
            kind: 0,
        };
        if let Parent::Node(node) = step {
            let live = self.pass.marks.nodes.all[node as usize].live;
            link.size = live.size();
            link.stack = live.stack();
            link.kind = u32::from(live.kind());
        }
        let key = (number, link.stack);
        if let Some(known) = self.below.get(&key) {
            return Ok(*known);
        }
        let mut holder = IMAGE.holders.read(number - 1).ok_or(Stop::NoMemory)?;
        let mut chain = IMAGE.bytes(holder.chain);
        let below = if chain.len() < MAX_CHAIN * size_of::<Link>() {
            chain.extend_from_slice(&link.size.to_le_bytes());
            chain.extend_from_slice(&link.stack.to_le_bytes());
            chain.extend_from_slice(&link.kind.to_le_bytes());
            holder.chain = IMAGE.blob(&chain);
            keep_holder(holder)?
        } else {
            number
        };
        self.below.insert(key, below);
        Ok(below)
    }
}

/// Puts a holder into the image, and gives its number.
fn keep_holder(holder: Holder) -> Result<u32, Stop> {
    let index = IMAGE.holders.push(IMAGE.window(), holder);
    Ok(index.ok_or(Stop::NoMemory)? + 1)
}

fn describe(objects: &Objects, native: NativeRoot, via: usize, holder: &mut Holder) {
    let module = |index: usize| objects.all[index].module.map_or(0, |module| module + 1);
    match native {
        NativeRoot::Data(object) => {
            holder.root = Root::Data as u32;
            holder.module = module(object);
            holder.offset = via.wrapping_sub(objects.all[object].bias) as u64;
        }
        NativeRoot::ThreadLocal { object, tid, start } => {
            holder.root = Root::ThreadLocal as u32;
            holder.module = module(object);
            holder.offset = via.wrapping_sub(start) as u64;
            holder.tid = tid;
        }
        NativeRoot::Thread(tid) => {
            holder.root = Root::Thread as u32;
            holder.tid = tid;
        }
        NativeRoot::Stack(tid) => {
            holder.root = Root::Stack as u32;
            holder.tid = tid;
        }
    }
}
