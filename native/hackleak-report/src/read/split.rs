//! Live blocks by who holds them.

use std::collections::HashMap;

use hackleak_image::Image;
use hackleak_image::layout::{Judged, Kind};
use hackleak_image::reader::JudgingRecord;

use crate::allowance::Group;
use crate::selection::{Holding, Live, Selection};
use crate::sum::Sum;

/// Blocks by stack, context, kind and who holds them.
type Sums = HashMap<(u32, u32, Kind, Holding), Sum>;

/// All of it with nobody to ask.
pub(super) fn unknown(live: Live) -> Sums {
    let with = |((stack, context, kind), sum)| ((stack, context, kind, Holding::Unknown), sum);
    live.into_iter().map(with).collect()
}

/// What the process itself found live at the judging. What has been allocated since then was not
/// asked for.
pub(super) fn judged(image: &Image, judging: &JudgingRecord, selection: &Selection) -> Sums {
    let mut sums = Sums::new();
    for (kind, judged) in image.judged(judging) {
        if !selection.kinds.is_empty() && !selection.kinds.contains(&Group::of(kind)) {
            continue;
        }
        let (stack, context, holding) = parts(&judged);
        let sum = sums.entry((stack, context, kind, holding)).or_default();
        sum.add(Sum {
            bytes: judged.bytes,
            count: judged.count.into(),
            noun: None,
        });
    }
    sums
}

/// What is live now, as it was judged at the end of the process: what was freed after that is gone,
/// and of what came after it nothing is known. What came after it from threads that still ran is
/// given apart: the process ended while they were at work.
pub(super) fn split(image: &Image, judging: &JudgingRecord, mut live: Live) -> (Sums, Live) {
    let mut found: Vec<(Kind, Judged)> = image.judged(judging).collect();
    // What is lost stays; what went was held.
    found.sort_by_key(|(_, judged)| judged.holder);
    let mut sums = Sums::new();
    for (kind, judged) in found {
        let (stack, context, holding) = parts(&judged);
        let Some(left) = live.get_mut(&(stack, context, kind)) else {
            continue;
        };
        let count = left.count.min(judged.count.into());
        let bytes = if count == left.count {
            left.bytes
        } else {
            left.bytes.min(judged.bytes)
        };
        if count > 0 {
            let sum = sums.entry((stack, context, kind, holding)).or_default();
            sum.add(Sum {
                bytes,
                count,
                noun: None,
            });
        }
        left.count -= count;
        left.bytes -= bytes;
    }
    live.retain(|_, left| left.count > 0);
    let (in_use, rest) = live
        .into_iter()
        .partition(|((_, context, _), _)| is_of_running_thread(image, *context));
    sums.extend(unknown(rest));
    (sums, in_use)
}

/// Whether the context is one of a thread that had not ended, but for the one that the process
/// began with: that one ends it as a rule.
fn is_of_running_thread(image: &Image, context: u32) -> bool {
    let thread = image.context(context).map(|context| context.thread);
    let thread = thread.and_then(|thread| image.thread(thread));
    thread.is_some_and(|thread| thread.record.ended == 0 && thread.record.tid != image.header().pid)
}

fn parts(judged: &Judged) -> (u32, u32, Holding) {
    let holding = match judged.holder {
        0 => Holding::Nobody,
        number => Holding::By(number),
    };
    (judged.origin as u32, (judged.origin >> 32) as u32, holding)
}
