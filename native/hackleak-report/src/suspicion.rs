//! Which of several leaks to look at first.
//!
//! What a program does again and again leaks again and again. So a site with several equal blocks,
//! or with references, looks most like the leak that somebody will care about. What was made once
//! may be a cache. What was made while a library was loaded or a class initialised comes last: it
//! is not made again.

use std::cmp::Reverse;

use crate::judge::held::beginning;
use crate::model::{Kind, Site};
use crate::sum::Sum;

/// How much a site looks like a leak that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// Several equal blocks, or references.
    Repeated,
    /// One block, or several of different sizes.
    Once,
    /// Made while something was loaded or initialised.
    Loading,
}

/// What one site looks like.
pub(crate) fn look(site: &Site) -> Look {
    if beginning(&site.frames).is_some() {
        Look::Loading
    } else if is_reference(site.kind) || (site.blocks > 1 && site.bytes.is_multiple_of(site.blocks))
    {
        Look::Repeated
    } else {
        Look::Once
    }
}

/// Whether it is no memory of its own: it keeps an object alive or locked, or a file open.
fn is_reference(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::GlobalRef | Kind::WeakGlobalRef | Kind::Monitor | Kind::Pool | Kind::Fd
    )
}

/// The order of sites that belong together, by all of them: the best look decides, then the size.
pub(crate) fn key(sites: &[&Site]) -> (Look, Reverse<(u64, u64)>) {
    let best = sites.iter().map(|site| look(site)).min();
    let sum = Sum::of_all(sites.iter().copied());
    (
        best.unwrap_or(Look::Loading),
        Reverse((sum.bytes, sum.count)),
    )
}

/// The sites with the most suspicious first.
pub(crate) fn sorted(sites: &[Site]) -> Vec<&Site> {
    let mut sorted: Vec<&Site> = sites.iter().collect();
    sorted.sort_by_cached_key(|site| key(&[site]));
    sorted
}
