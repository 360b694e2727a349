//! What a program does, step by step, and what it leaves behind.
//!
//! Every block that stays has an odd size that is used once in a case; all other blocks have even
//! sizes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use fastrand::Rng;

/// The functions that a native program leaves blocks by, and the kind that the record gives them.
const WAYS: [(&str, &str); 7] = [
    ("malloc", "malloc"),
    ("calloc", "malloc"),
    ("realloc", "malloc"),
    ("memalign", "malloc"),
    ("new", "new"),
    ("new[]", "new[]"),
    ("aligned-new", "new"),
];

/// A block that stays.
#[derive(Clone, Debug)]
pub struct Leave {
    /// By which function, as the script names it; empty for Java victims.
    pub way: &'static str,
    /// The kind in the record.
    pub kind: &'static str,
    /// Its size.
    pub bytes: u64,
}

/// One line of a script.
#[derive(Clone, Debug)]
pub struct Step {
    /// The piece and its parameters.
    pub line: String,
    /// The blocks that it leaves.
    pub leaves: Vec<Leave>,
    /// The script of the program that it executes, and that program's name.
    pub executes: Option<(String, Program)>,
    /// The size of the block that a forked child leaves.
    pub forked: Option<u64>,
}

impl Step {
    /// A step that leaves nothing.
    pub fn new(line: impl Into<String>) -> Step {
        Step {
            line: line.into(),
            leaves: Vec::new(),
            executes: None,
            forked: None,
        }
    }

    /// The name of the piece.
    pub fn piece(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// Whether the line has this parameter.
    pub fn says(&self, parameter: &str) -> bool {
        self.line.split(' ').any(|word| word == parameter)
    }

    fn text(&self) -> String {
        let mut line = self.line.clone();
        if !self.leaves.is_empty() {
            let all: Vec<String> = self
                .leaves
                .iter()
                .map(|leave| match leave.way {
                    "" => leave.bytes.to_string(),
                    way => format!("{way}:{}", leave.bytes),
                })
                .collect();
            let _ = write!(line, " leave={}", all.join(","));
        }
        line
    }
}

/// A whole script: its last step is the end of the process.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The steps.
    pub steps: Vec<Step>,
}

/// Blocks by kind and size.
pub type Blocks = BTreeMap<(String, u64), u64>;

impl Program {
    /// As the victims read it.
    pub fn text(&self) -> String {
        let lines: Vec<String> = self.steps.iter().map(Step::text).collect();
        lines.join("\n") + "\n"
    }

    /// What the first `steps` steps leave in this process.
    pub fn leaves(&self, steps: usize) -> Blocks {
        let mut blocks = Blocks::new();
        for leave in self.steps.iter().take(steps).flat_map(|step| &step.leaves) {
            *blocks
                .entry((leave.kind.to_owned(), leave.bytes))
                .or_default() += 1;
        }
        blocks
    }

    /// The function of the victim that leaves a block, by the block's size.
    pub fn functions(&self) -> BTreeMap<u64, String> {
        let mut all = BTreeMap::new();
        for step in &self.steps {
            let function = format!("::piece_{}", step.piece().replace('-', "_"));
            all.extend(
                step.leaves
                    .iter()
                    .map(|leave| (leave.bytes, function.clone())),
            );
        }
        all
    }

    /// Whether other threads may still allocate when the process ends.
    pub fn is_loose(&self) -> bool {
        let any = |parameter| self.steps.iter().any(|step| step.says(parameter));
        any("background=runs") || any("join=no")
    }
}

/// Draws sizes that are used once.
#[derive(Debug)]
pub struct Sizes {
    used: BTreeSet<u64>,
    least: u64,
    most: u64,
}

impl Sizes {
    /// Sizes from `least` up to `most`.
    pub fn between(least: u64, most: u64) -> Sizes {
        Sizes {
            used: BTreeSet::new(),
            least,
            most,
        }
    }

    /// The next one: odd, often small.
    pub fn next(&mut self, rng: &mut Rng) -> u64 {
        loop {
            let most = match rng.u8(..10) {
                0 => self.most,
                1..4 => 60_000,
                _ => self.least + 4_000,
            };
            let size = rng.u64(self.least / 2..most.min(self.most) / 2) * 2 + 1;
            if self.used.insert(size) {
                return size;
            }
        }
    }

    /// Up to `most` blocks that are left in any way.
    pub fn leaves(&mut self, rng: &mut Rng, most: usize) -> Vec<Leave> {
        let count = rng.usize(..=most);
        let mut leaves = Vec::new();
        for _ in 0..count {
            let (way, kind) = WAYS[rng.usize(..WAYS.len())];
            let bytes = self.next(rng);
            leaves.push(Leave { way, kind, bytes });
        }
        leaves
    }

    /// Up to `most` blocks of a Java victim's native half.
    pub fn java_leaves(&mut self, rng: &mut Rng, most: usize) -> Vec<Leave> {
        let mut leaves = self.leaves(rng, most);
        for leave in &mut leaves {
            (leave.way, leave.kind) = ("", "new[]");
        }
        leaves
    }
}
