//! Wrong frees, with the stacks of the allocation and of the free. Those that are alike are one.

use std::collections::HashMap;

use hackleak_image::Image;
use hackleak_image::layout::{self, Release, Wrong};

use crate::model::{Finding, Frame, Problem};
use crate::selection::Selection;
use crate::symbolise::Symbolised;

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Problem {
        match wrong {
            Wrong::Mismatch => Problem::Mismatch,
            Wrong::DoubleFree => Problem::DoubleFree,
            Wrong::Interior => Problem::Interior,
            Wrong::Size => Problem::Size,
            Wrong::NotHeld => Problem::NotHeld,
            Wrong::UnderBuffer => Problem::UnderBuffer,
        }
    }
}

/// The wrong frees that were made in the selection, as the image has them. It is the free that
/// counts: when and in which scope it was made, not the allocation.
pub(crate) fn read(image: &Image, selection: &Selection) -> Vec<layout::Finding> {
    let selected = |finding: &layout::Finding| {
        // A finding whose context was lost could be anyone's.
        let context = image.context((finding.freed >> 32) as u32);
        context.is_none_or(|context| selection.takes(image, &context))
    };
    image.findings().filter(selected).collect()
}

/// The nodes of the stacks of the findings.
pub(crate) fn stacks(findings: &[layout::Finding]) -> impl Iterator<Item = u32> {
    findings
        .iter()
        .flat_map(|finding| [finding.allocated.stack(), finding.freed as u32])
}

/// The findings with their stacks, the most frequent first.
pub(crate) fn symbolised(findings: &[layout::Finding], symbolised: &Symbolised) -> Vec<Finding> {
    let frames = |node: u32| -> Vec<Frame> {
        let known = symbolised.stacks.get(&node);
        known.map(|frames| frames.to_vec()).unwrap_or_default()
    };
    let mut counts: HashMap<Finding, u64> = HashMap::new();
    for finding in findings {
        let (Some(wrong), Some(release)) = (
            Wrong::from_number(finding.wrong),
            Release::from_number(finding.release),
        ) else {
            continue;
        };
        let kind = match wrong {
            Wrong::NotHeld => Some(release.kind()),
            _ => layout::Kind::from_number(finding.allocated.kind()),
        };
        let Some(kind) = kind else {
            continue;
        };
        let finding = Finding {
            problem: wrong.into(),
            count: 0,
            kind: kind.into(),
            bytes: finding.allocated.size(),
            released_by: release.name().to_owned(),
            detail: finding.detail,
            freed: frames(finding.freed as u32),
            allocated: if wrong == Wrong::NotHeld {
                Vec::new()
            } else {
                frames(finding.allocated.stack())
            },
        };
        *counts.entry(finding).or_default() += 1;
    }
    let mut findings: Vec<Finding> = counts
        .into_iter()
        .map(|(finding, count)| Finding { count, ..finding })
        .collect();
    findings.sort_by(|a, b| {
        let place = |finding: &Finding| (finding.problem, finding.bytes, finding.detail);
        let order = b.count.cmp(&a.count).then_with(|| place(a).cmp(&place(b)));
        order.then_with(|| (&a.freed, &a.allocated).cmp(&(&b.freed, &b.allocated)))
    });
    findings
}
