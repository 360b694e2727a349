//! Sites that differ only in how their threads came to run them are one leak.

use std::collections::HashMap;

use crate::coverage::Runtime;
use crate::model::{Frame, InScope, Judgement, Kind, Site};
use crate::owner;

/// Folds sites that are the same but for the roots of their stacks: a pool's thread or `main`, one
/// runner of tests or another. Lines of one function stay apart: each is a call site of its own.
/// The stack that is shown is that of most bytes. Most bytes first.
pub(crate) fn fold_roots(sites: Vec<Site>, runtime: &Runtime) -> Vec<Site> {
    // `sites` come most bytes first, so the first of a kind is the one to show.
    let mut known: HashMap<(&[Frame], Kind, Judgement), usize> = HashMap::new();
    let mut into: Vec<usize> = Vec::with_capacity(sites.len());
    for (index, site) in sites.iter().enumerate() {
        let kept = site.frames.len() - owner::root_frames(&site.frames, runtime);
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
    folded.sort_by_key(|site| std::cmp::Reverse((site.bytes, site.blocks)));
    folded
}

/// Adds what leaks at one site to another.
pub(crate) fn add(to: &mut Site, mut more: Site) {
    add_scopes(to, &mut more);
    to.bytes = to.bytes.saturating_add(more.bytes);
    to.blocks = to.blocks.saturating_add(more.blocks);
    to.freed_older = to.freed_older.saturating_add(more.freed_older);
    to.names.extend(more.names);
    to.names.sort();
    to.names.dedup();
    to.stacks = to.stacks.saturating_add(more.stacks);
    for part in more.epochs {
        match to.epochs.iter_mut().find(|to| to.epoch == part.epoch) {
            Some(to) => {
                to.blocks = to.blocks.saturating_add(part.blocks);
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
}

/// What each scope has, before the sums are added.
fn add_scopes(to: &mut Site, more: &mut Site) {
    if to.scope.is_some() && to.scope == more.scope {
        return;
    }
    let parts = by_name(parts_of(to).into_iter().chain(parts_of(more)));
    to.scope = None;
    to.scopes = parts;
}

/// Adds up the parts that scopes of the same name have, in the order of the first of each.
pub(crate) fn by_name(parts: impl IntoIterator<Item = InScope>) -> Vec<InScope> {
    let mut sums: Vec<InScope> = Vec::new();
    let mut of_name: HashMap<String, usize> = HashMap::new();
    for part in parts {
        let at = *of_name.entry(part.scope.clone()).or_insert(sums.len());
        match sums.get_mut(at) {
            Some(sum) => {
                sum.blocks = sum.blocks.saturating_add(part.blocks);
                sum.bytes = sum.bytes.saturating_add(part.bytes);
            }
            None => sums.push(part),
        }
    }
    sums
}

/// The scopes of a site, also where there is only one.
fn parts_of(site: &mut Site) -> Vec<InScope> {
    match site.scope.take() {
        Some(scope) => vec![InScope {
            scope,
            blocks: site.blocks,
            bytes: site.bytes,
        }],
        None => std::mem::take(&mut site.scopes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(scope: &str, count: u64) -> InScope {
        InScope {
            scope: scope.to_owned(),
            blocks: count,
            bytes: 100 * count,
        }
    }

    fn site(scope: Option<&str>, scopes: &[InScope], count: u64) -> Site {
        Site {
            bytes: 100 * count,
            blocks: count,
            kind: Kind::New,
            threads: Vec::new(),
            scope: scope.map(str::to_owned),
            scopes: scopes.to_vec(),
            stacks: 1,
            epochs: Vec::new(),
            owner: None,
            frames: Vec::new(),
            verdict: Judgement::Lost,
            holder: None,
            growth: None,
            baseline: None,
            grown_to: None,
            known: None,
            freed_older: 0,
            names: Vec::new(),
            also_at: Vec::new(),
        }
    }

    #[test]
    fn what_scopes_have_is_added() {
        let mut one = site(Some("a"), &[], 2);
        add(&mut one, site(Some("a"), &[], 1));
        assert_eq!((one.scope.as_deref(), one.blocks), (Some("a"), 3));
        assert!(one.scopes.is_empty());
        add(&mut one, site(Some("b"), &[], 1));
        assert_eq!(one.scope, None);
        assert_eq!(one.scopes, [part("a", 3), part("b", 1)]);
        add(&mut one, site(None, &[part("b", 2), part("c", 4)], 7));
        assert_eq!(one.scopes, [part("a", 3), part("b", 3), part("c", 4)]);
        // One block of the last belongs to no scope.
        assert_eq!(one.blocks, 11);
    }
}
