//! What grows with each test: memory that is held, and yet a leak.
//!
//! A list that is only ever added to holds all that it has, so reachability hides it. What is
//! difficult is to tell it from a cache. One that replaces its entry has none of the earlier
//! tests', and one that drops old entries has lost some (`fell`). One that has filled up has
//! stopped. One of different things rarely gets the same number of blocks each time. What a thread
//! holds may end with the thread, so it does not count. Nor does what was made when a library was
//! loaded or a class initialised.
//!
//! Each test has a stack of its own. So sites are compared without the frames of the test and its
//! class.

use std::collections::{HashMap, HashSet};

use hackleak_image::layout;

use crate::group::own_frames;
use crate::holders::Holders;
use crate::judge::held::beginning;
use crate::model::{Frame, Growth, HolderRoot, Judgement, Kind, Site};
use crate::selection::{Blocks, Holding, Selection, Tests};
use crate::symbolise::Symbolised;

/// The frames that sites of different tests have in common, and the kind.
type Key = (Vec<Frame>, Kind);

/// What tests have left of one key.
struct Added {
    /// Blocks of each test.
    by_test: Vec<u64>,
    /// Whether any lies behind another block or an object: only there it can be added to.
    is_behind: bool,
}

/// What grows, by frames and kind.
#[derive(Debug, Default)]
pub(crate) struct Growing(HashMap<Key, Growth>);

impl Growing {
    /// Looks at blocks whose rounds are tests.
    pub(crate) fn of(
        blocks: &[Blocks],
        selection: &Selection,
        tests: &Tests,
        symbolised: &Symbolised,
        holders: &Holders,
    ) -> Growing {
        let fell = tests.fell.iter();
        let fell: HashSet<&[Frame]> = fell
            .filter_map(|stack| symbolised.stacks.get(stack))
            .map(|frames| shared(frames))
            .collect();
        let rounds = selection.rounds.len().saturating_sub(1);
        let mut more: HashMap<(&[Frame], layout::Kind), Added> = HashMap::new();
        for block in blocks {
            let Holding::By(holder) = block.holding else {
                continue;
            };
            let Some(frames) = symbolised.stacks.get(&block.stack) else {
                continue;
            };
            let shared = shared(frames);
            let of_one_test = block.rounds.count_ones() == 1;
            let counts = of_one_test
                && holders.root(holder).is_some_and(lasts)
                && beginning(frames).is_none()
                && !fell.contains(shared);
            if counts {
                let added = more.entry((shared, block.kind)).or_insert_with(|| Added {
                    by_test: vec![0; rounds],
                    is_behind: false,
                });
                added.is_behind |= !holders.has_one_place(holder);
                let test = block.rounds.trailing_zeros() as usize;
                if let Some(more) = added.by_test.get_mut(test) {
                    *more += block.sum.count;
                }
            }
        }
        let growing = more.into_iter().filter(|(_, added)| added.is_behind);
        let growing = growing.filter_map(|((frames, kind), added)| {
            let growth = growth(&added.by_test, tests.fewest)?;
            Some(((frames.to_vec(), Kind::from(kind)), growth))
        });
        Growing(growing.collect())
    }

    /// One site for each of those that grow, with all of its blocks; the others are dropped.
    pub(crate) fn only(&self, sites: Vec<Site>) -> Vec<Site> {
        let mut found: Vec<(Key, Site)> = Vec::new();
        for mut site in sites {
            let held = site.holder.as_ref().is_some_and(|held| lasts(held.root));
            let key = (shared(&site.frames).to_vec(), site.kind);
            let Some(growth) = self.0.get(&key).filter(|_| held) else {
                continue;
            };
            site.verdict = Judgement::Growing;
            site.growth = Some(*growth);
            match found.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => {
                    known.bytes = known.bytes.saturating_add(site.bytes);
                    known.blocks = known.blocks.saturating_add(site.blocks);
                    known.threads.extend(site.threads);
                    known.threads.sort();
                    known.threads.dedup();
                    known.scope = None;
                }
                // The stack of one of the tests, so that it can be seen from where.
                None => found.push((key, site)),
            }
        }
        let mut found: Vec<Site> = found.into_iter().map(|(_, site)| site).collect();
        found.sort_by(|a, b| (b.bytes, b.blocks, &a.frames).cmp(&(a.bytes, a.blocks, &b.frames)));
        found
    }
}

/// Whether what such a root holds may be there for good.
fn lasts(root: HolderRoot) -> bool {
    match root {
        HolderRoot::Data
        | HolderRoot::StaticField
        | HolderRoot::Field
        | HolderRoot::Element
        | HolderRoot::GlobalReference => true,
        HolderRoot::ThreadLocal
        | HolderRoot::Thread
        | HolderRoot::Stack
        | HolderRoot::Local
        | HolderRoot::JavaThread => false,
    }
}

/// Whether the blocks that the tests have added tell of growth.
fn growth(more: &[u64], fewest: u32) -> Option<Growth> {
    let first = more.iter().position(|more| *more > 0)?;
    let blocks = more[first];
    let added: Vec<u64> = more.iter().copied().filter(|more| *more > 0).collect();
    let tests = added.len();
    // What has stopped growing for as long as it grew has filled up.
    let goes_on = tests * 2 >= more.len() - first;
    let alike = added.iter().all(|more| *more == blocks);
    (tests >= fewest.max(2) as usize && goes_on && alike).then_some(Growth {
        blocks,
        tests: tests as u64,
    })
}

/// The frames without those of the test and of what called it.
fn shared(frames: &[Frame]) -> &[Frame] {
    let own = own_frames(frames);
    let Some(Frame::Java(test)) = own.last() else {
        return own;
    };
    let test = outer_class(&test.class);
    let is_test =
        |frame: &&Frame| matches!(frame, Frame::Java(java) if outer_class(&java.class) == test);
    let of_test = own.iter().rev().take_while(is_test).count();
    let first_java = own.iter().position(|frame| matches!(frame, Frame::Java(_)));
    let least = first_java.map_or(own.len(), |first| first + 1);
    &own[..least.max(own.len() - of_test)]
}

/// The class in whose file a class stands.
fn outer_class(class: &str) -> &str {
    class.split('$').next().unwrap_or(class)
}
