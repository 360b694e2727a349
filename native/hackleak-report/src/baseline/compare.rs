//! What has changed from one set of leaks to another.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Baseline, has_grown};
use crate::model::{Amount, Frame, Report, SCHEMA_VERSION, Tool};
use crate::stable::Identity;

/// What has changed. Its serialised form is version 1 of the JSON that
/// `docs/schema/diff-v1.json` publishes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The version of this format.
    #[schemars(range(min = 1, max = 1))]
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// Sites that did not leak before, most bytes first.
    pub new: Vec<Difference>,
    /// Sites that leak more bytes or blocks than before.
    pub grown: Vec<Difference>,
    /// Sites that leak no more.
    pub fixed: Vec<Difference>,
    /// Sites that leak less than before.
    pub shrunk: Vec<Difference>,
    /// How many sites leak as before.
    pub unchanged: u64,
}

/// A site that has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// How its blocks are allocated.
    pub kind: String,
    /// The names by which it was found again, the allocating function first.
    pub frames: Vec<String>,
    /// What it leaked before, in all processes.
    pub before: Amount,
    /// What it leaks now, in all processes.
    pub now: Amount,
    /// In how many processes it leaks now.
    pub processes: u64,
    /// The merged stack of its largest part, the allocating function first; empty when it leaks
    /// no more.
    pub stack: Vec<Frame>,
}

/// A site of the newer report.
#[derive(Default)]
struct Found<'report> {
    amount: Amount,
    processes: u64,
    stack: &'report [Frame],
    largest: u64,
}

impl Comparison {
    /// What has changed from `old` to `new`.
    pub fn of(old: &Baseline, new: &Report) -> Comparison {
        let mut comparison = Comparison {
            schema_version: SCHEMA_VERSION,
            tool: Report::new(Vec::new()).tool,
            new: Vec::new(),
            grown: Vec::new(),
            fixed: Vec::new(),
            shrunk: Vec::new(),
            unchanged: 0,
        };
        let found = sites(new);
        for (identity, before) in &old.sites {
            if !found.contains_key(identity) {
                comparison
                    .fixed
                    .push(difference(identity.clone(), *before, Found::default()));
            }
        }
        for (identity, found) in found {
            let now = found.amount;
            match old.sites.get(&identity) {
                None => {
                    let new = difference(identity, Amount::default(), found);
                    comparison.new.push(new);
                }
                Some(before) if *before == now => comparison.unchanged += 1,
                Some(before) => {
                    let list = if has_grown(*before, now) {
                        &mut comparison.grown
                    } else {
                        &mut comparison.shrunk
                    };
                    list.push(difference(identity, *before, found));
                }
            }
        }
        let Comparison {
            new,
            grown,
            fixed,
            shrunk,
            ..
        } = &mut comparison;
        for list in [new, grown, fixed, shrunk] {
            // Those of the same size stay in the order of their names.
            list.sort_by_key(|site| {
                std::cmp::Reverse((site.now.bytes, site.now.blocks, site.before.bytes))
            });
        }
        comparison
    }

    /// Whether something leaks that did not, or more than it did.
    pub fn is_worse(&self) -> bool {
        !self.new.is_empty() || !self.grown.is_empty()
    }
}

fn sites(report: &Report) -> BTreeMap<Identity, Found<'_>> {
    let mut all: BTreeMap<Identity, Found<'_>> = BTreeMap::new();
    for process in &report.processes {
        let mut here: BTreeMap<Identity, Found<'_>> = BTreeMap::new();
        for site in &process.leaks.sites {
            let found = here.entry(Identity::of(site)).or_default();
            found.amount.add(site.amount());
            if found.stack.is_empty() || site.bytes > found.largest {
                (found.stack, found.largest) = (&site.frames, site.bytes);
            }
        }
        for (identity, part) in here {
            let found = all.entry(identity).or_default();
            found.amount.add(part.amount);
            found.processes += 1;
            if found.stack.is_empty() || part.largest > found.largest {
                (found.stack, found.largest) = (part.stack, part.largest);
            }
        }
    }
    all
}

fn difference(identity: Identity, before: Amount, found: Found<'_>) -> Difference {
    Difference {
        kind: identity.kind,
        frames: identity.frames,
        before,
        now: found.amount,
        processes: found.processes,
        stack: found.stack.to_vec(),
    }
}
