//! Which live blocks are looked at, and what they are summed by.

use std::collections::HashMap;

use hackleak_image::layout::{Context, Kind};
use hackleak_image::{Image, Ownership};
use hackleak_options::Held;

use crate::allowance::{Allowance, Group};
use crate::model::Judgement;
use crate::sum::Sum;

/// Which live blocks are leaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only blocks allocated in this epoch or later.
    pub since: Option<u32>,
    /// Only blocks allocated in the scope of this number.
    pub scope: Option<u32>,
    /// Only blocks allocated in scopes of this name, or of one that begins with these words.
    pub scope_name: Option<String>,
    /// Whose blocks, where scopes run in parallel.
    pub ownership: Ownership,
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
    /// The rounds are tests that came one after the other, and only what grows with them is looked
    /// for.
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
    pub(crate) fn selects(&self, image: &Image, context: &Context) -> bool {
        self.since.is_none_or(|since| context.epoch >= since)
            && image.has_ownership(self.ownership, self.scope.unwrap_or(0), context)
            && self.scope_name.as_ref().is_none_or(|words| {
                let scope = image.scope(context.scope);
                scope.is_some_and(|name| begins_with(&name, words))
            })
    }

    /// What is said if the process has not what was asked for: the checkpoint, or the scope.
    pub(crate) fn note(&self, image: &Image) -> Option<String> {
        let newest = image.header().epoch;
        if let Some(since) = self.since.filter(|since| *since > newest) {
            return Some(format!(
                "epoch {since} has not begun: the newest checkpoint's is {newest}"
            ));
        }
        let scope = self.scope.filter(|scope| *scope != 0);
        if let Some(scope) = scope.filter(|scope| image.scopes().all(|it| it.number != *scope)) {
            return Some(format!("no scope of the process has the number {scope}"));
        }
        let words = self.scope_name.as_ref()?;
        (!image.scopes().any(|scope| begins_with(&scope.name, words)))
            .then(|| format!("no scope of the process has a name that begins with `{words}`"))
    }

    /// Whether blocks whose context was lost are looked at: they could be anyone's.
    pub(crate) fn selects_unknown(&self) -> bool {
        !matches!(self.ownership, Ownership::Owned | Ownership::Claimed)
    }

    /// The rounds that have blocks of `epoch`, as bits.
    pub(crate) fn rounds_of(&self, epoch: u32) -> u64 {
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

/// Whether `name` begins with these whole words.
fn begins_with(name: &str, words: &str) -> bool {
    name.strip_prefix(words)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The most rounds that are told apart.
const MAX_ROUNDS: usize = 64;

/// Live blocks by stack, context and kind.
pub(crate) type Live = HashMap<(u32, u32, Kind), Sum>;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_compared() {
        let name = "query counts batch 12 stage 3.0 task 1 TID 4";
        for words in [name, "query counts", "query counts batch 12", "query"] {
            assert!(begins_with(name, words), "{words}");
        }
        for words in [
            "query count",
            "query counts batch 1",
            "counts",
            "stage 3.0",
            "Query",
        ] {
            assert!(!begins_with(name, words), "{words}");
        }
    }
}
