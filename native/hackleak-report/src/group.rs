//! Blocks with the same frames and kind are one site.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use hackleak_image::Image;
use hackleak_image::layout;

use crate::fold;
use crate::holders::Holders;
use crate::meanwhile::Older;
use crate::model::{Frame, Holder, InEpoch, InScope, Judgement, Site, Thread};
use crate::named::Names;
use crate::render::fold::framework_frames;
use crate::selection::{Blocks, Holding};
use crate::sum::Sum;
use crate::symbolise::Symbolised;

/// A site being summed up.
#[derive(Default)]
struct Group {
    sum: Sum,
    rounds: u64,
    threads: BTreeSet<u32>,
    scopes: BTreeMap<Option<u32>, Sum>,
    older: u64,
    names: BTreeSet<String>,
    epochs: BTreeMap<u32, Sum>,
    /// Blocks of each holder.
    holders: BTreeMap<u32, u64>,
}

/// The most names of handles that a site has.
const MAX_NAMES: usize = 100;

/// The sites of `blocks`, most bytes first, as far as they have blocks of all `rounds`.
pub(crate) fn group(
    image: &Image,
    blocks: &[Blocks],
    rounds: u64,
    symbolised: &Symbolised,
    holders: &Holders,
    older: &Older,
    names: &Names,
) -> Vec<Site> {
    // The same node has the same frames, so most blocks meet here without comparing stacks.
    let mut by_node: HashMap<(u32, layout::Kind, Judgement), Group> = HashMap::new();
    for block in blocks {
        let key = (block.stack, block.kind, block.holding.judgement());
        let group = by_node.entry(key).or_default();
        if let Holding::By(holder) = block.holding {
            *group.holders.entry(holder).or_default() += block.sum.count;
        }
        group.sum.add(block.sum);
        group.epochs.entry(block.epoch).or_default().add(block.sum);
        group.rounds |= block.rounds;
        group.threads.extend(block.origin.map(|(thread, _)| thread));
        let scope = block.origin.map(|(_, scope)| scope);
        group.scopes.entry(scope).or_default().add(block.sum);
    }
    let mut by_frames: HashMap<(Rc<[Frame]>, layout::Kind, Judgement), Group> = HashMap::new();
    for ((stack, kind, judgement), group) in by_node {
        let Some(frames) = symbolised.stacks.get(&stack) else {
            continue;
        };
        let key = (Rc::clone(frames), kind, judgement);
        let site = by_frames.entry(key).or_default();
        for (holder, blocks) in group.holders {
            *site.holders.entry(holder).or_default() += blocks;
        }
        if judgement != Judgement::Held {
            let older = older.get(&(stack, kind)).copied();
            site.older = site.older.saturating_add(older.unwrap_or(0));
        }
        site.names.extend(names.of(stack, kind));
        site.sum.add(group.sum);
        for (epoch, sum) in group.epochs {
            site.epochs.entry(epoch).or_default().add(sum);
        }
        site.rounds |= group.rounds;
        site.threads.extend(group.threads);
        for (scope, sum) in group.scopes {
            site.scopes.entry(scope).or_default().add(sum);
        }
    }
    // A framework need not call each round of a test in the same way.
    let mut rounds_of: HashMap<(&[Frame], layout::Kind), u64> = HashMap::new();
    for ((frames, kind, _), group) in &by_frames {
        *rounds_of.entry((own_frames(frames), *kind)).or_default() |= group.rounds;
    }
    let grows = |frames: &[Frame], kind| {
        let of_site = rounds_of.get(&(own_frames(frames), kind));
        of_site.is_some_and(|of_site| of_site & rounds == rounds)
    };
    let by_frames = by_frames.iter();
    let has_checkpoints = image.checkpoints().next().is_some();
    let mut names = Threads {
        image,
        known: HashMap::new(),
    };
    let mut sites: Vec<Site> = by_frames
        .filter(|((frames, kind, _), _)| grows(frames, *kind))
        .map(|((frames, kind, judgement), group)| Site {
            bytes: group.sum.bytes,
            blocks: group.sum.count,
            kind: (*kind).into(),
            threads: names.of(&group.threads),
            scope: only_scope(image, &group.scopes),
            scopes: in_scopes(image, &group.scopes),
            stacks: 1,
            epochs: match has_checkpoints {
                true => in_epochs(&group.epochs),
                false => Vec::new(),
            },
            owner: None,
            frames: frames.to_vec(),
            verdict: *judgement,
            holder: holder(group, holders, symbolised),
            growth: None,
            baseline: None,
            grown_to: None,
            known: None,
            also_at: Vec::new(),
            freed_older: group.older,
            names: group.names.iter().take(MAX_NAMES).cloned().collect(),
        })
        .collect();
    sites.sort_by(|a, b| {
        let size = (b.bytes, b.blocks).cmp(&(a.bytes, a.blocks));
        let name = |site: &Site| (site.kind.name(), site.verdict);
        size.then_with(|| (&a.frames, name(a)).cmp(&(&b.frames, name(b))))
    });
    sites
}

fn in_epochs(epochs: &BTreeMap<u32, Sum>) -> Vec<InEpoch> {
    let known = epochs.iter().filter(|(epoch, _)| **epoch != 0);
    known
        .map(|(epoch, sum)| InEpoch {
            epoch: *epoch,
            blocks: sum.count,
            bytes: sum.bytes,
        })
        .collect()
}

/// Who holds most of the blocks.
fn holder(group: &Group, holders: &Holders, symbolised: &Symbolised) -> Option<Holder> {
    // The lowest number of those with most blocks, so that the same image gives the same report.
    let held = group.holders.iter();
    let (most, _) = held.max_by_key(|(number, blocks)| (**blocks, std::cmp::Reverse(**number)))?;
    holders.holder(*most, group.holders.len() as u64 - 1, symbolised)
}

/// The frames without those that only say how the test was started.
pub(crate) fn own_frames(frames: &[Frame]) -> &[Frame] {
    &frames[..frames.len() - framework_frames(frames)]
}

fn only_scope(image: &Image, scopes: &BTreeMap<Option<u32>, Sum>) -> Option<String> {
    match scopes.keys().collect::<Vec<_>>()[..] {
        [Some(scope)] => image.scope(*scope),
        _ => None,
    }
}

/// What each scope has, by its name, where there is more than [`only_scope`] tells.
fn in_scopes(image: &Image, scopes: &BTreeMap<Option<u32>, Sum>) -> Vec<InScope> {
    if scopes.len() < 2 {
        return Vec::new();
    }
    let parts = scopes.iter().filter_map(|(scope, sum)| {
        Some(InScope {
            scope: image.scope((*scope)?)?,
            blocks: sum.count,
            bytes: sum.bytes,
        })
    });
    fold::by_name(parts)
}

/// Threads that were looked up.
struct Threads<'image> {
    image: &'image Image,
    known: HashMap<u32, Option<Thread>>,
}

impl Threads<'_> {
    fn of(&mut self, indices: &BTreeSet<u32>) -> Vec<Thread> {
        let mut threads: Vec<Thread> = Vec::new();
        for index in indices {
            let thread = self.known.entry(*index).or_insert_with(|| {
                let thread = self.image.thread(*index)?;
                Some(Thread {
                    tid: thread.record.tid,
                    name: thread.name,
                })
            });
            threads.extend(thread.clone());
        }
        threads.sort();
        threads.dedup();
        threads
    }
}
