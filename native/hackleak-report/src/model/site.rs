//! What is left, by the place that allocated it.

use super::frame::{Frame, Thread};
use super::held::{Holder, Judgement};
use super::kind::Kind;
use super::known::KnownLeak;
use super::{Amount, is_zero, one};
use crate::numbers;
use crate::numbers::{BLOCK, counted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The leaks of one process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leaks {
    /// Only blocks allocated in this epoch or later were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u32>,
    /// Only blocks allocated in the scope of this number were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<u32>,
    /// Only these kinds were looked at, by their names in `track`; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Bytes at all sites.
    pub bytes: u64,
    /// Blocks at all sites.
    pub blocks: u64,
    /// The sites, most bytes first.
    pub sites: Vec<Site>,
}

/// Blocks of one site that were allocated in one epoch: between two checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InEpoch {
    /// The epoch.
    pub epoch: u32,
    /// Blocks.
    pub blocks: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Blocks of one site that were allocated in scopes of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InScope {
    /// The name.
    pub scope: String,
    /// Blocks.
    pub blocks: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Blocks with the same frames and kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// Bytes in all blocks, as they were asked for.
    pub bytes: u64,
    /// Blocks.
    pub blocks: u64,
    /// How they were allocated.
    pub kind: Kind,
    /// The threads that allocated them.
    pub threads: Vec<Thread>,
    /// The scope they were allocated in, when it is the same for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What was allocated in which scope, when it is not the same for all of them. Blocks that
    /// belong to no scope are the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<InScope>,
    /// How many stacks are one here, because they differ only in how their threads started.
    #[serde(default = "one")]
    pub stacks: u64,
    /// In which epochs the blocks were allocated, where the process took checkpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<InEpoch>,
    /// Where to look first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The merged stack, the allocating function first.
    pub frames: Vec<Frame>,
    /// What is known of who holds the blocks.
    #[serde(default)]
    pub verdict: Judgement,
    /// Who holds them, for `held` and `growing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// How they became more with successive tests, for those that did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// What the baseline has for it, when it has grown since; a new site has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Amount>,
    /// What leaks there now in all processes, when it has grown since the baseline.
    #[serde(default, rename = "grownTo", skip_serializing_if = "Option::is_none")]
    pub grown_to: Option<Amount>,
    /// Whose known leak it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownLeak>,
    /// Blocks from before the checkpoint with this stack that an earlier check saw, and that were
    /// freed meanwhile.
    #[serde(default, rename = "freedOlder", skip_serializing_if = "is_zero")]
    pub freed_older: u64,
    /// What handles stand for, each name once: the paths of file descriptors, what is mapped, names
    /// of threads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Other lines of the same functions from which as well: `Store.cpp:42`.
    #[serde(default, rename = "alsoAt", skip_serializing_if = "Vec::is_empty")]
    pub also_at: Vec<String>,
}

impl Site {
    /// Its bytes and blocks.
    pub fn amount(&self) -> Amount {
        Amount {
            blocks: self.blocks,
            bytes: self.bytes,
        }
    }
}

impl Site {
    /// `, grown from 3 bytes in 1 block to 9 bytes in 2 blocks`; nothing for a new site.
    pub(crate) fn grown(&self) -> String {
        let noun = self.kind.noun();
        let words = |amount: Amount| numbers::amount(amount.bytes, amount.blocks, noun);
        let Some(before) = self.baseline else {
            return String::new();
        };
        let now = self.grown_to.unwrap_or(self.amount());
        let all = match now == self.amount() {
            true => "",
            false => " in all processes",
        };
        format!(", grown from {} to {}{all}", words(before), words(now))
    }
}

/// The same number of blocks more with each of several tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Growth {
    /// Blocks that each of the tests has added.
    pub blocks: u64,
    /// The tests.
    pub tests: u64,
}

impl Growth {
    /// `1 block more with each of 5 tests`.
    pub fn sentence(self) -> String {
        let more = counted(self.blocks, "block");
        format!("{more} more with each of {}", counted(self.tests, "test"))
    }
}

/// What is live, but held: whoever holds it can still free it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// Bytes at all sites.
    pub bytes: u64,
    /// Blocks at all sites.
    pub blocks: u64,
    /// The sites, most bytes first.
    pub sites: Vec<Site>,
}

impl Held {
    /// The sum of these sites.
    pub fn of(sites: Vec<Site>) -> Held {
        let mut sum = Amount::default();
        sites.iter().for_each(|site| sum.add(site.amount()));
        Held {
            bytes: sum.bytes,
            blocks: sum.blocks,
            sites,
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }
}

/// The likely owner of a site: the first frame in the user's own code on each side, which is
/// neither the runtime's nor a test framework's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The Java method and its line, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub java: Option<String>,
    /// Its index in the frames of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub java_frame: Option<u32>,
    /// The native function and its line or library, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    /// Its index in the frames of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_frame: Option<u32>,
}

impl Owner {
    /// Both sides in one line.
    pub fn sentence(&self) -> String {
        let sides = [&self.java, &self.native];
        let sides: Vec<&str> = sides.into_iter().flatten().map(String::as_str).collect();
        sides.join(", native ")
    }
}

/// The noun for all of these sites: their own, if it is the same; "handle" if none has bytes.
pub fn noun<'site>(sites: impl IntoIterator<Item = &'site Site>) -> &'static str {
    let nouns = sites.into_iter().map(|site| site.kind.noun());
    nouns.reduce(numbers::common_noun).unwrap_or(BLOCK)
}
