//! Invalid frees, with the stacks of the allocation and of the free. Those that are alike are one.

use std::collections::HashMap;

use hackleak_image::Image;
use hackleak_image::layout::{self, Release};

use crate::model::{Frame, InvalidFree, InvalidFreeKind};
use crate::selection::Selection;
use crate::symbolise::Symbolised;

impl From<layout::InvalidFreeKind> for InvalidFreeKind {
    fn from(kind: layout::InvalidFreeKind) -> InvalidFreeKind {
        match kind {
            layout::InvalidFreeKind::Mismatch => InvalidFreeKind::Mismatch,
            layout::InvalidFreeKind::DoubleFree => InvalidFreeKind::DoubleFree,
            layout::InvalidFreeKind::Interior => InvalidFreeKind::Interior,
            layout::InvalidFreeKind::Size => InvalidFreeKind::Size,
            layout::InvalidFreeKind::NotAllocated => InvalidFreeKind::NotAllocated,
            layout::InvalidFreeKind::UnderBuffer => InvalidFreeKind::UnderBuffer,
        }
    }
}

/// The invalid frees that were made in the selection, as the image has them. It is the free that
/// counts: when and in which scope it was made, not the allocation.
pub(crate) fn read(image: &Image, selection: &Selection) -> Vec<layout::InvalidFree> {
    let selected = |invalid_free: &layout::InvalidFree| {
        // One whose context was lost could be anyone's.
        let context = image.context((invalid_free.freed >> 32) as u32);
        context.is_none_or(|context| selection.selects(image, &context))
    };
    image.invalid_frees().filter(selected).collect()
}

/// The nodes of the stacks of the invalid frees.
pub(crate) fn stacks(invalid_frees: &[layout::InvalidFree]) -> impl Iterator<Item = u32> {
    invalid_frees
        .iter()
        .flat_map(|invalid_free| [invalid_free.allocated.stack(), invalid_free.freed as u32])
}

/// The invalid frees with their stacks, the most frequent first.
pub(crate) fn symbolised(
    invalid_frees: &[layout::InvalidFree],
    symbolised: &Symbolised,
) -> Vec<InvalidFree> {
    let frames = |node: u32| -> Vec<Frame> {
        let known = symbolised.stacks.get(&node);
        known.map(|frames| frames.to_vec()).unwrap_or_default()
    };
    let mut counts: HashMap<InvalidFree, u64> = HashMap::new();
    for invalid_free in invalid_frees {
        let (Some(problem), Some(release)) = (
            layout::InvalidFreeKind::from_number(invalid_free.problem),
            Release::from_number(invalid_free.release),
        ) else {
            continue;
        };
        let kind = match problem {
            layout::InvalidFreeKind::NotAllocated => Some(release.kind()),
            _ => layout::Kind::from_number(invalid_free.allocated.kind()),
        };
        let Some(kind) = kind else {
            continue;
        };
        let invalid_free = InvalidFree {
            problem: problem.into(),
            count: 0,
            kind: kind.into(),
            bytes: invalid_free.allocated.size(),
            released_by: release.name().to_owned(),
            detail: invalid_free.detail,
            freed: frames(invalid_free.freed as u32),
            allocated: if problem == layout::InvalidFreeKind::NotAllocated {
                Vec::new()
            } else {
                frames(invalid_free.allocated.stack())
            },
        };
        *counts.entry(invalid_free).or_default() += 1;
    }
    let mut invalid_frees: Vec<InvalidFree> = counts
        .into_iter()
        .map(|(invalid_free, count)| InvalidFree {
            count,
            ..invalid_free
        })
        .collect();
    invalid_frees.sort_by(|a, b| {
        let place = |invalid_free: &InvalidFree| {
            (
                invalid_free.problem,
                invalid_free.bytes,
                invalid_free.detail,
            )
        };
        let order = b.count.cmp(&a.count).then_with(|| place(a).cmp(&place(b)));
        order.then_with(|| (&a.freed, &a.allocated).cmp(&(&b.freed, &b.allocated)))
    });
    invalid_frees
}
