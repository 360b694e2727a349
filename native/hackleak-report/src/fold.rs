//! Sites that differ only in how their threads came to run them are one leak.

use std::collections::HashMap;

use crate::coverage::Runtime;
use crate::model::{Frame, Judgement, Kind, Site};
use crate::own;

/// Folds sites that are the same but for the roots of their stacks: a pool's thread or `main`, one runner
/// of tests or another. Lines of one function stay apart: each is a call site of its own. The stack that is
/// shown is that of most bytes. Most bytes first.
pub(crate) fn fold_roots(sites: Vec<Site>, runtime: &Runtime) -> Vec<Site> {
    // `sites` come most bytes first, so the first of a kind is the one to show.
    let mut known: HashMap<(&[Frame], Kind, Judgement), usize> = HashMap::new();
    let mut into: Vec<usize> = Vec::with_capacity(sites.len());
    for (index, site) in sites.iter().enumerate() {
        let kept = site.frames.len() - own::root_frames(&site.frames, runtime);
        let first = *known
            .entry((&site.frames[..kept], site.kind, site.verdict))
            .or_insert(index);
        into.push(first);
    }
    if into
        .iter()
        .enumerate()
        .all(|(index, first)| index == *first)
    {
        return sites;
    }
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut folded: Vec<Site> = Vec::new();
    for (index, site) in sites.into_iter().enumerate() {
        if into[index] == index {
            places.insert(index, folded.len());
            folded.push(site);
        } else {
            add(&mut folded[places[&into[index]]], site);
        }
    }
    folded.sort_by_key(|site| std::cmp::Reverse((site.bytes, site.count)));
    folded
}

/// Adds what leaks at one site to another.
pub(crate) fn add(to: &mut Site, more: Site) {
    to.bytes = to.bytes.saturating_add(more.bytes);
    to.count = to.count.saturating_add(more.count);
    to.freed_older = to.freed_older.saturating_add(more.freed_older);
    to.names.extend(more.names);
    to.names.sort();
    to.names.dedup();
    to.stacks = to.stacks.saturating_add(more.stacks);
    for part in more.epochs {
        match to.epochs.iter_mut().find(|to| to.epoch == part.epoch) {
            Some(to) => {
                to.count = to.count.saturating_add(part.count);
                to.bytes = to.bytes.saturating_add(part.bytes);
            }
            None => to.epochs.push(part),
        }
    }
    to.epochs.sort_by_key(|part| part.epoch);
    to.threads.extend(more.threads);
    to.threads.sort();
    to.threads.dedup();
    if let (Some(to), Some(more)) = (&mut to.holder, &more.holder)
        && to != more
    {
        to.others = to.others.saturating_add(more.others + 1);
    }
    if to.scope != more.scope {
        to.scope = None;
    }
}
