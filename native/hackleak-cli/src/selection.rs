//! Which live blocks count: the arguments that reports share.

use std::convert::Infallible;
use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use hackleak_options::{Held, Known};
use hackleak_report::{Allowance, Group, Ownership, Selection, Tests};

#[derive(Debug, Args)]
pub(crate) struct SelectionArguments {
    /// Only blocks allocated since the checkpoint with this epoch
    #[arg(long, value_name = "EPOCH")]
    since: Option<u32>,
    /// Only blocks allocated in the scope with this number, or in those whose names begin with
    /// these words, as in `--scope 'stage 3.0'`
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// With --scope: what the scope owns for sure, with the scopes inside of it
    #[arg(long, requires = "scope", conflicts_with = "unowned")]
    owned: bool,
    /// Only what no closed scope owns for sure
    #[arg(long, conflicts_with = "scope")]
    unowned: bool,
    /// Only these kinds: new, malloc, jni, unsafe, pool, fd, mmap, zip, thread, attach, module,
    /// joined by `+`
    #[arg(long, value_name = "KINDS", value_delimiter = '+')]
    kinds: Vec<Group>,
    /// Only sites at which every round leaked: the epochs at which the rounds begin, and the one
    /// after the last
    #[arg(long, value_name = "EPOCHS", value_delimiter = ',')]
    rounds: Vec<u32>,
    /// Sites with at most this many bytes are no leaks
    #[arg(long, value_name = "BYTES")]
    allow_bytes: Option<u64>,
    /// Sites with at most this many blocks are no leaks
    #[arg(long, value_name = "BLOCKS")]
    allow_blocks: Option<u64>,
    /// What the process found out about who holds its memory: the number of its judging
    #[arg(long, value_name = "NUMBER")]
    judging: Option<u32>,
    /// Known leaks of libraries: fail, or note [default: as recorded]
    #[arg(long, value_name = "WHAT")]
    known: Option<Known>,
    /// What is live but held, by a global, a thread or a Java object: fail, note or ignore; by
    /// default what the process was recorded with
    #[arg(long, value_name = "CHOICE", value_parser = held)]
    held: Option<Held>,
    /// The rounds are tests: only what is held and has grown by as many blocks with each of at
    /// least this many of them
    #[arg(long, value_name = "N", requires = "rounds", hide = true)]
    tests: Option<u32>,
    /// With --tests: stacks of which blocks have been freed after their test
    #[arg(
        long,
        value_name = "STACKS",
        value_delimiter = ',',
        requires = "tests",
        hide = true
    )]
    fell: Vec<u32>,
    /// Sites with this in a frame are no leaks; a pattern as in suppression files
    #[arg(long, value_name = "PATTERN")]
    suppress: Vec<String>,
    /// In `lines`, also tell which stacks rules match whatever lies there
    #[arg(long, hide = true)]
    covered: bool,
}

fn held(name: &str) -> Result<Held, String> {
    Held::of_name(name).ok_or_else(|| "it is fail, note or ignore".to_owned())
}

/// What names a scope, or several.
#[derive(Debug, Clone)]
enum Scope {
    Number(u32),
    Name(String),
}

impl FromStr for Scope {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Scope, Infallible> {
        Ok(match text.parse() {
            Ok(number) => Scope::Number(number),
            Err(_) => Scope::Name(text.to_owned()),
        })
    }
}

impl SelectionArguments {
    /// What is looked at.
    ///
    /// # Errors
    ///
    /// The arguments do not go together.
    pub(crate) fn selection(&self) -> anyhow::Result<Selection> {
        if self.owned && matches!(self.scope, Some(Scope::Name(_))) {
            bail!("--owned is about one scope: give --scope its number");
        }
        if self.rounds.len() == 1 {
            bail!("--rounds takes where each round begins, and where the last one has ended");
        }
        if self
            .suppress
            .iter()
            .any(|pattern| pattern.trim().is_empty())
        {
            bail!("an empty --suppress would match every leak: give it a part of a frame");
        }
        Ok(Selection {
            since: self.since,
            scope: match self.scope {
                Some(Scope::Number(number)) => Some(number),
                Some(Scope::Name(_)) | None => None,
            },
            scope_name: match &self.scope {
                Some(Scope::Name(name)) => Some(name.clone()),
                Some(Scope::Number(_)) | None => None,
            },
            ownership: match (self.owned, self.unowned) {
                (true, _) => Ownership::Owned,
                (_, true) => Ownership::Unowned,
                _ => Ownership::Any,
            },
            kinds: self.kinds.clone(),
            rounds: self.rounds.clone(),
            allowance: Allowance {
                bytes: self.allow_bytes,
                blocks: self.allow_blocks,
            },
            suppress: self.suppress.clone(),
            judging: self.judging,
            known: self.known,
            held: self.held,
            tests: self.tests.map(|fewest| Tests {
                fewest,
                fell: self.fell.clone(),
            }),
            covered: self.covered,
        })
    }
}
