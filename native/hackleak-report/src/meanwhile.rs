//! What was freed between one check and another, or between a check and the end.
//!
//! Frees are not kept, so this compares what the process noted when it judged with what is live
//! now. That is exact where it says something: blocks of one stack, context and kind that were live
//! then, of which none is live any more, were freed; a context is never entered again once a later
//! checkpoint was taken. Of a part that was freed nothing is said, nor of what no check looked at,
//! nor by whom it was freed.

use std::collections::{HashMap, HashSet};

use hackleak_image::Image;
use hackleak_image::layout::{Check, Judged, Kind, Outcome};
use hackleak_image::reader::JudgingRecord;

use crate::selection::{Blocks, Holding, Selection};
use crate::sum::Sum;

/// Blocks of one stack and context, and kind.
type Origin = (u64, Kind);

/// Blocks by stack and kind.
pub(crate) type Older = HashMap<(u32, Kind), u64>;

/// Blocks that an assertion had reported, and that were freed after it.
pub(crate) struct Reported {
    /// Which of the image's assertions.
    pub(crate) assertion: usize,
    pub(crate) label: String,
    pub(crate) blocks: Vec<Blocks>,
}

/// For the stacks of these blocks, which are not held: blocks from before the checkpoint that an
/// earlier check saw, and that are gone.
pub(crate) fn older(image: &Image, blocks: &[Blocks], selection: &Selection) -> Older {
    let (Some(since), Some(judging)) = (selection.since, selection.judging) else {
        return Older::new();
    };
    let leaking = blocks
        .iter()
        .filter(|block| !matches!(block.holding, Holding::By(_)))
        .map(|block| (block.stack, block.kind));
    let leaking: HashSet<(u32, Kind)> = leaking.collect();
    if leaking.is_empty() {
        return Older::new();
    }
    let mut seen: HashMap<Origin, u64> = HashMap::new();
    for earlier in (1..judging).rev().filter_map(|n| image.judging(n)) {
        let mut here: HashMap<Origin, u64> = HashMap::new();
        for (kind, judged) in image.judged(&earlier) {
            let is_older = || {
                let context = image.context((judged.origin >> 32) as u32);
                context.is_some_and(|context| context.epoch < since)
            };
            if leaking.contains(&(stack(&judged), kind)) && is_older() {
                *here.entry((judged.origin, kind)).or_default() += u64::from(judged.count);
            }
        }
        // The last check that saw them is the one that counts.
        for (origin, count) in here {
            seen.entry(origin).or_insert(count);
        }
    }
    let live = live(image, seen.keys().copied().collect());
    let mut older = Older::new();
    for ((origin, kind), count) in seen {
        if !live.contains(&(origin, kind)) {
            *older.entry((origin as u32, kind)).or_default() += count;
        }
    }
    older
}

/// What failed assertions had found to be lost, and what was freed all the same, in a report on
/// everything.
pub(crate) fn freed_after(image: &Image, selection: &Selection) -> Vec<Reported> {
    if *selection != Selection::default() {
        return Vec::new();
    }
    let numbers = (1..).take_while(|n| image.has_judging(*n));
    let judgings: Vec<JudgingRecord> = numbers.filter_map(|n| image.judging(n)).collect();
    let mut lost: Vec<(usize, String, HashMap<Origin, Sum>)> = Vec::new();
    for (number, assertion) in image.assertions().enumerate() {
        if assertion.outcome != Outcome::Failed || assertion.check != Check::Assertion {
            continue;
        }
        let judging = judgings.iter().rfind(|judging| {
            judging.record.since == assertion.record.since
                && judging.record.unix_ns <= assertion.record.unix_ns
                && !judging.is_at_exit()
        });
        let Some(judging) = judging else { continue };
        let mut blocks: HashMap<Origin, Sum> = HashMap::new();
        for (kind, judged) in image.judged(judging) {
            if judged.holder == 0 {
                blocks.entry((judged.origin, kind)).or_default().add(Sum {
                    bytes: judged.bytes,
                    count: judged.count.into(),
                    noun: None,
                });
            }
        }
        lost.push((number, assertion.label, blocks));
    }
    let wanted = lost
        .iter()
        .flat_map(|(_, _, blocks)| blocks.keys().copied());
    let live = live(image, wanted.collect());
    let freed = lost.into_iter().map(|(assertion, label, blocks)| {
        let gone = blocks
            .into_iter()
            .filter(|(origin, _)| !live.contains(origin));
        let blocks = gone.map(|((origin, kind), sum)| Blocks {
            stack: origin as u32,
            kind,
            rounds: u64::MAX,
            origin: None,
            epoch: 0,
            holding: Holding::Nobody,
            sum,
        });
        Reported {
            assertion,
            label,
            blocks: blocks.collect(),
        }
    });
    freed.filter(|freed| !freed.blocks.is_empty()).collect()
}

fn stack(judged: &Judged) -> u32 {
    judged.origin as u32
}

/// Those of which a block is live.
fn live(image: &Image, wanted: HashSet<Origin>) -> HashSet<Origin> {
    let mut found = HashSet::new();
    if wanted.is_empty() {
        return found;
    }
    for live in image.live_records(0) {
        let origin = u64::from(live.stack) | u64::from(live.context) << 32;
        if wanted.contains(&(origin, live.kind)) {
            found.insert((origin, live.kind));
        }
    }
    found
}
