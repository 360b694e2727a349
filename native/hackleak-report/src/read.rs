//! The live blocks of an image, selected and summed by stack, kind and context.

mod split;

use std::collections::{BTreeSet, HashMap};

use hackleak_image::layout::{CONTEXT_IGNORED, CONTEXT_INHERITED, Context, Kind};
use hackleak_image::reader::JudgingRecord;
use hackleak_image::{Image, ImageError, Whose};
use hackleak_options::Held;

use crate::allowance::{Allowance, Group};
use crate::model::{BLOCK, Judgement, Site};
use crate::progress::{self, Stage};

/// Live records between two steps of the progress.
const RECORDS_PER_STEP: u64 = 1 << 18;

/// Which live blocks are leaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only blocks allocated in this epoch or later.
    pub since: Option<u32>,
    /// Only blocks allocated in the scope of this number.
    pub scope: Option<u32>,
    /// Whose blocks, where scopes run in parallel.
    pub whose: Whose,
    /// Only these kinds; empty means all.
    pub kinds: Vec<Group>,
    /// Only sites at which blocks of every round are live. The epochs at which the rounds begin,
    /// and at last the one at which the last round has ended.
    pub rounds: Vec<u32>,
    /// Sites that are small enough to be no leak.
    pub allowance: Allowance,
    /// Patterns as in suppression files, without their `leak:`.
    pub suppress: Vec<String>,
    /// What the process itself found out about who holds what: the number of its judging. Without
    /// one, the last that it made at its end.
    pub judging: Option<u32>,
    /// Whether known leaks fail, over what the process was recorded with.
    pub known: Option<hackleak_options::Known>,
    /// What becomes of what is held; without it, what the recorder was told.
    pub held: Option<Held>,
    /// The rounds are tests that came one after the other, and only what grows with them is looked for.
    pub tests: Option<Tests>,
    /// Whether to tell which stacks rules match: [`crate::Process::covered`].
    pub covered: bool,
}

/// When held memory grows with tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tests {
    /// The fewest tests that must have added to it.
    pub fewest: u32,
    /// Stacks of which some blocks that a test had left behind have been freed since.
    pub fell: Vec<u32>,
}

impl Selection {
    /// Whether what was done in `context` is looked at.
    pub(crate) fn takes(&self, image: &Image, context: &Context) -> bool {
        self.since.is_none_or(|since| context.epoch >= since)
            && image.is_whose(self.whose, self.scope.unwrap_or(0), context)
    }

    /// Whether blocks whose context was lost are looked at: they could be anyone's.
    fn takes_unknown(&self) -> bool {
        !matches!(self.whose, Whose::Owned | Whose::Claimed)
    }

    /// The rounds that have blocks of `epoch`, as bits.
    fn rounds_of(&self, epoch: u32) -> u64 {
        let bounds = self.rounds.windows(2).take(MAX_ROUNDS);
        (0..)
            .zip(bounds)
            .filter(|(_, bounds)| (bounds[0]..bounds[1]).contains(&epoch))
            .fold(0, |bits, (round, _)| bits | 1 << round)
    }

    /// The bits of all rounds.
    pub(crate) fn all_rounds(&self) -> u64 {
        let rounds = self.rounds.len().saturating_sub(1).min(MAX_ROUNDS);
        u64::MAX.checked_shr(64 - rounds as u32).unwrap_or(0)
    }
}

/// The most rounds that are told apart.
const MAX_ROUNDS: usize = 64;

/// Live blocks by stack, context and kind.
type Live = HashMap<(u32, u32, Kind), Sum>;

/// Bytes and blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    pub(crate) count: u64,
    /// What is counted, if it is all of one sort: see [`crate::model::Kind::noun`].
    pub(crate) noun: Option<&'static str>,
}

impl Sum {
    /// All of a site.
    pub(crate) fn of(site: &Site) -> Sum {
        Sum {
            bytes: site.bytes,
            count: site.count,
            noun: Some(site.kind.noun()),
        }
    }

    pub(crate) fn add(&mut self, other: Sum) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.count = self.count.saturating_add(other.count);
        self.noun = match (self.noun, other.noun) {
            (None, noun) | (noun, None) => noun,
            (Some(noun), Some(other)) if noun == other => Some(noun),
            _ => Some(BLOCK),
        };
    }
}

/// Blocks of one stack, kind, thread and scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks {
    pub(crate) stack: u32,
    pub(crate) kind: Kind,
    /// The rounds that they were allocated in, as bits.
    pub(crate) rounds: u64,
    /// Thread and scope; `None` when the context was lost.
    pub(crate) origin: Option<(u32, u32)>,
    /// The epoch that they were allocated in; 0 when the context was lost.
    pub(crate) epoch: u32,
    pub(crate) holding: Holding,
    pub(crate) sum: Sum,
}

/// Who holds blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Holding {
    Unknown,
    Nobody,
    /// The holder of this number.
    By(u32),
}

impl Holding {
    /// What that means for a site.
    pub(crate) fn judgement(self) -> Judgement {
        match self {
            Holding::Unknown => Judgement::Unknown,
            Holding::Nobody => Judgement::Lost,
            Holding::By(_) => Judgement::Held,
        }
    }
}

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
    let sums = match judging {
        Some(judging) if asked.is_some() => split::judged(image, &judging, selection),
        Some(judging) => {
            let live = live(image, selection);
            image.refresh()?;
            split::split(image, &judging, live)
        }
        None => split::unknown(live(image, selection)),
    };
    image.refresh()?;
    let mut selected = Selected {
        judging,
        ..Selected::default()
    };
    for ((stack, context, kind, holding), sum) in sums {
        let context = image.context(context);
        if context.is_none() && !selection.takes_unknown() {
            selected.left_out.add(sum);
            continue;
        }
        if context.is_none() && *selection != Selection::default() {
            selected.unknown.add(sum);
        }
        if let Some(context) = context {
            if !selection.takes(image, &context) {
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
            count: 1,
            noun: None,
        });
    }
    progress::step(Stage::Reading, 0, 0);
    sums
}
