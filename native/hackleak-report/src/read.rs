//! The live blocks of an image, selected and summed by stack, kind and context.

mod split;

use std::collections::BTreeSet;

use hackleak_image::layout::{CONTEXT_IGNORED, CONTEXT_INHERITED};
use hackleak_image::reader::JudgingRecord;
use hackleak_image::{Image, ImageError};

use crate::allowance::Group;
use crate::progress::{self, Stage};
use crate::selection::{Blocks, Live, Selection};
use crate::sum::Sum;

/// Live records between two steps of the progress.
const RECORDS_PER_STEP: u64 = 1 << 18;

/// What the selection took, and what it met on the way.
#[derive(Debug, Default)]
pub(crate) struct Selected {
    pub(crate) blocks: Vec<Blocks>,
    /// Allocated inside `HackLeak.ignore()`: left out.
    pub(crate) ignored: Sum,
    /// The kernel's numbers of the threads that were started in a scope that has ended since the
    /// selection begins: those that the test has started.
    pub(crate) started: BTreeSet<u32>,
    /// Who holds what is known: from a judging, which saw Java's objects or did not.
    pub(crate) judging: Option<JudgingRecord>,
    /// Allocated after the last look by threads that still ran: left out.
    pub(crate) in_use: Sum,
    /// Of unknown context, although the selection asks for one: taken, to be safe.
    pub(crate) unknown: Sum,
    /// Of unknown context where one scope was asked for among those that run in parallel: left
    /// out, though some may be the scope's.
    pub(crate) left_out: Sum,
}

/// Streams the live records, then refreshes the image so that all they name is visible.
pub(crate) fn select(image: &mut Image, selection: &Selection) -> Result<Selected, ImageError> {
    let asked = selection.judging.map(|number| image.judging(number));
    let judging = match asked {
        Some(found) => found,
        None => image.judging_at_exit(),
    };
    let mut in_use = Live::new();
    let sums = match judging {
        Some(judging) if asked.is_some() => split::judged(image, &judging, selection),
        Some(judging) => {
            let live = live(image, selection);
            image.refresh()?;
            let (sums, others) = split::split(image, &judging, live);
            in_use = others;
            sums
        }
        None => split::unknown(live(image, selection)),
    };
    image.refresh()?;
    let mut selected = Selected {
        judging,
        ..Selected::default()
    };
    for ((_, context, _), sum) in in_use {
        let context = image.context(context);
        if context.is_some_and(|context| selection.selects(image, &context)) {
            selected.in_use.add(sum);
        }
    }
    for ((stack, context, kind, holding), sum) in sums {
        let context = image.context(context);
        if context.is_none() && !selection.selects_unknown() {
            selected.left_out.add(sum);
            continue;
        }
        if context.is_none() && *selection != Selection::default() {
            selected.unknown.add(sum);
        }
        if let Some(context) = context {
            if !selection.selects(image, &context) {
                continue;
            }
            if context.flags & CONTEXT_IGNORED != 0 {
                selected.ignored.add(sum);
                continue;
            }
            let closed = image.scope_closed(context.scope);
            if context.flags & CONTEXT_INHERITED != 0
                && closed.is_some_and(|closed| selection.since.is_some_and(|since| closed >= since))
                && let Some(thread) = image.thread(context.thread)
            {
                selected.started.insert(thread.record.tid);
            }
        }
        let origin = context.map(|context| (context.thread, context.scope));
        selected.blocks.push(Blocks {
            stack,
            kind,
            rounds: context.map_or(u64::MAX, |context| selection.rounds_of(context.epoch)),
            origin,
            epoch: context.map_or(0, |context| context.epoch),
            holding,
            sum,
        });
    }
    Ok(selected)
}

/// The live blocks, summed by stack, context and kind.
fn live(image: &Image, selection: &Selection) -> Live {
    let mut sums = Live::new();
    for (number, live) in (1..).zip(image.live_records(selection.since.unwrap_or(0))) {
        if number % RECORDS_PER_STEP == 0 {
            progress::step(Stage::Reading, number, 0);
        }
        if !selection.kinds.is_empty() && !selection.kinds.contains(&Group::of(live.kind)) {
            continue;
        }
        let sum = sums
            .entry((live.stack, live.context, live.kind))
            .or_default();
        sum.add(Sum {
            bytes: live.size,
            count: live.count,
            noun: None,
        });
    }
    progress::step(Stage::Reading, 0, 0);
    sums
}
