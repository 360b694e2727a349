//! The blocks that can be held, and which of them an address lies in.
//!
//! Blocks are sorted by address. For each MiB of address space that has any there is a table of its
//! pages, with the first block that reaches into the page; so an address costs two look-ups and a
//! short search.

use super::Stop;
use super::table::Table;
use crate::IMAGE;
use crate::hot::events::inherited;
use crate::hot::events::reuse::ADDRESS;
use crate::hot::jvm::resources;
use core::ops::Range;
use hackleak_image::layout::{Kind, Live};

/// One block.
#[derive(Clone, Copy)]
pub struct Node {
    pub start: usize,
    pub live: Live,
    /// What was found to point at it.
    pub parent: Parent,
    /// Address of the word that does.
    pub via: usize,
    /// Whether the question is who holds it.
    pub suspect: bool,
    /// What was found to hold it is gone already.
    pub doubtful: bool,
    /// Its record was marked when it was looked at for the first time.
    pub tagged: bool,
}

/// What points at a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parent {
    /// Nothing that was looked at so far.
    None,
    /// A root, by its number.
    Root(u32),
    /// Another block, by its index.
    Node(u32),
    /// A mapping, by its index.
    Area(u32),
}

impl Node {
    /// One that nothing was found to point at so far.
    fn of(start: usize, live: Live, suspect: bool) -> Node {
        Node {
            start,
            live,
            parent: Parent::None,
            via: 0,
            suspect,
            doubtful: false,
            tagged: false,
        }
    }

    /// The bytes that a pointer to the block points at. One byte at least: `malloc(0)` is a block,
    /// too.
    pub fn len(&self) -> usize {
        match Kind::from_number(self.live.kind()) {
            // A handle is its address and has nothing behind it. Where a mapping lies, `spans`
            // tells.
            Some(Kind::GlobalRef | Kind::WeakGlobalRef | Kind::Mmap) => 8,
            _ => (self.live.size() as usize).max(1),
        }
    }

    /// The memory in which there may be pointers.
    pub fn memory(&self) -> Range<usize> {
        match Kind::from_number(self.live.kind()) {
            Some(Kind::GlobalRef | Kind::WeakGlobalRef | Kind::Mmap) => self.start..self.start,
            _ => self.start..self.start + self.live.size() as usize,
        }
    }

    /// Whether `word` points at it.
    pub fn is_meant_by(&self, word: u64) -> bool {
        let address = (word & ADDRESS) as usize;
        match self.reference() {
            Some(kind) => self.start == address & !7 && resources::is_handle(kind, address),
            None => (self.start..=self.start + self.len()).contains(&address),
        }
    }

    /// What sort of reference it is, if it is one.
    fn reference(&self) -> Option<Kind> {
        let kind = Kind::from_number(self.live.kind());
        kind.filter(|kind| matches!(kind, Kind::GlobalRef | Kind::WeakGlobalRef))
    }

    pub fn is_held(&self) -> bool {
        self.parent != Parent::None
    }
}

const MIB_BITS: u32 = 20;
const PAGE_BITS: u32 = 12;
const PAGES: usize = 1 << (MIB_BITS - PAGE_BITS);
/// No block reaches into the page.
const NOTHING: u32 = u32::MAX;

/// All blocks.
pub struct Nodes {
    pub all: Table<Node>,
    /// Open addressing by MiB: its number plus one, and where its pages begin in `pages`.
    regions: Table<(usize, u32)>,
    pages: Table<u32>,
    low: usize,
    high: usize,
}

/// Whether a record is of memory, or of a handle that can be held like memory.
fn can_be_held(live: Live) -> bool {
    use Kind::*;
    match Kind::from_number(live.kind()) {
        Some(New | NewArray | Malloc | Zip | Unsafe | Runtime) => true,
        Some(GlobalRef | WeakGlobalRef | Fd | Mmap | Module) => true,
        Some(ArrayElements | StringChars | StringUtfChars) => live.size() > 0,
        Some(ArrayCritical | StringCritical | Monitor | Pool | DirectBuffer) | None => false,
        Some(Attach | LocalFrame | LocalRefs | Thread) => false,
    }
}

/// Whether it matters for a block's verdict who holds it. Handles of the JVM's must be given back,
/// whoever knows them, except for references, which may be kept, and file descriptors.
pub fn is_judged(live: Live) -> bool {
    use Kind::*;
    matches!(
        Kind::from_number(live.kind()),
        Some(
            New | NewArray | Malloc | Zip | Unsafe | GlobalRef | WeakGlobalRef | Fd | Mmap | Module
        )
    )
}

/// Whether it is a block of an allocator's, which hands out the same address again at once.
pub fn is_of_allocator(live: Live) -> bool {
    use Kind::*;
    matches!(
        Kind::from_number(live.kind()),
        Some(New | NewArray | Malloc | Unsafe)
    )
}

/// The blocks that are live now, by address; `suspect` tells which of them are in question.
pub fn read(suspect: impl Fn(Live) -> bool) -> Result<Table<Node>, Stop> {
    let mut all = Table::new();
    let mut failed = None;
    IMAGE.live.for_each(IMAGE.window(), |start, live| {
        if failed.is_none() && can_be_held(live) {
            failed = all
                .push(Node::of(start, live, is_judged(live) && suspect(live)))
                .err();
        }
    });
    all.sort_unstable_by_key(|node| node.start);
    failed.map_or(Ok(()), Err)?;
    inherited(&mut all)?;
    Ok(all)
}

/// Adds what a forked child has from its parent: nobody asks who holds it. Where the child's own
/// blocks lie, there is none of it any more.
fn inherited(all: &mut Table<Node>) -> Result<(), Stop> {
    if !inherited::is_whole() {
        return Err(Stop::Unknown("what the process had from its parent"));
    }
    let mut frees = Table::new();
    for free in inherited::frees() {
        frees.push(free)?;
    }
    frees.sort_unstable();
    let own = all.len();
    for (start, size, place) in inherited::blocks() {
        let after =
            frees.partition_point(|(address, before)| (*address, *before) <= (start, place));
        let is_freed = frees
            .get(after)
            .is_some_and(|(address, _)| *address == start);
        let end = start + size as usize;
        let next = all[..own].partition_point(|node| node.start < end);
        let is_taken = next > 0 && all[next - 1].start + all[next - 1].len() > start;
        if !is_freed && !is_taken {
            let live = Live::new(0, u32::MAX, size, Kind::Malloc);
            all.push(Node::of(start, live, false))?;
        }
    }
    all.sort_unstable_by_key(|node| node.start);
    Ok(())
}

/// The indices of those blocks that begin in `range`; they are sorted by address.
pub fn in_range(blocks: &[Node], range: &Range<usize>) -> Range<usize> {
    let first = blocks.partition_point(|node| node.start < range.start);
    let end = blocks.partition_point(|node| node.start < range.end);
    first..end
}

impl Nodes {
    /// These blocks, in whatever order.
    pub fn of(mut all: Table<Node>) -> Result<Nodes, Stop> {
        all.sort_unstable_by_key(|node| node.start);
        let mut nodes = Nodes {
            low: all.first().map_or(usize::MAX, |node| node.start),
            high: all.last().map_or(0, |node| node.start + node.len() + 1),
            all,
            regions: Table::new(),
            pages: Table::new(),
        };
        nodes.index()?;
        Ok(nodes)
    }

    fn index(&mut self) -> Result<(), Stop> {
        let mut mib = usize::MAX;
        let mut count = 0;
        for node in self.all.iter() {
            let (first, last) = (
                node.start >> MIB_BITS,
                (node.start + node.len()) >> MIB_BITS,
            );
            count += last - first + usize::from(first != mib);
            mib = last;
        }
        self.regions = Table::filled((count * 2).next_power_of_two().max(2), (0, 0))?;
        for index in 0..self.all.len() {
            let node = self.all[index];
            // Its end counts as its own: see `find`.
            let pages = node.start >> PAGE_BITS..=(node.start + node.len()) >> PAGE_BITS;
            for page in pages {
                let region = self.enter(page / PAGES)?;
                let first = &mut self.pages[region + page % PAGES];
                if *first == NOTHING {
                    *first = index as u32;
                }
            }
        }
        Ok(())
    }

    fn slot(&self, mib: usize) -> usize {
        let mask = self.regions.len() - 1;
        let mut slot = mib.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & mask;
        while self.regions[slot].0 != 0 && self.regions[slot].0 != mib + 1 {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn enter(&mut self, mib: usize) -> Result<usize, Stop> {
        let slot = self.slot(mib);
        if self.regions[slot].0 == 0 {
            self.regions[slot] = (mib + 1, self.pages.len() as u32);
            for _ in 0..PAGES {
                self.pages.push(NOTHING)?;
            }
        }
        Ok(self.regions[slot].1 as usize)
    }

    /// No address outside of these points at a block.
    pub fn bounds(&self) -> Range<usize> {
        self.low..self.high
    }

    /// The block that `address` points at. A pointer to the end of eight bytes counts when
    /// `is_cookie` says so of the block: it is what `new T[0]` gives where the count of objects is
    /// kept before them.
    pub fn find(&self, address: usize, is_cookie: impl Fn(usize) -> bool) -> Option<usize> {
        if !(self.low..self.high).contains(&address) {
            return None;
        }
        let page = address >> PAGE_BITS;
        let slot = self.slot(page / PAGES);
        let (mib, region) = self.regions[slot];
        if mib == 0 {
            return None;
        }
        let first = self.pages[region as usize + page % PAGES];
        if first == NOTHING {
            return None;
        }
        let rest = &self.all[first as usize..];
        // Blocks of a page begin at most every eight bytes; one may begin before it.
        let most = rest.len().min((1 << PAGE_BITS) / 8 + 1);
        let after = rest[..most].partition_point(|node| node.start <= address);
        let index = first as usize + after.checked_sub(1)?;
        let node = &self.all[index];
        let offset = address - node.start;
        if let Some(kind) = node.reference() {
            return (offset < 8 && resources::is_handle(kind, address)).then_some(index);
        }
        let inside =
            offset < node.len() || offset == 8 && node.live.size() == 8 && is_cookie(node.start);
        inside.then_some(index)
    }
}

#[cfg(test)]
pub mod tests;
