//! The live records of an image, summed by kind and by stack.

use std::collections::{BTreeMap, HashMap, HashSet};

use hackleak_image::Image;
use hackleak_image::layout::Kind;
use hackleak_image::reader::LiveRecord;
use serde::{Deserialize, Serialize};

/// Live blocks of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedKind {
    /// Its name.
    pub kind: String,
    /// How many there are.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Blocks and bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Amount {
    pub(super) blocks: u64,
    pub(super) bytes: u64,
}

/// The live records, summed, and the first of them.
#[derive(Default)]
pub(super) struct Live {
    pub(super) first: Vec<LiveRecord>,
    kinds: BTreeMap<u8, (Kind, Amount)>,
    pub(super) stacks: HashMap<u32, Amount>,
    pub(super) contexts: HashSet<u32>,
}

impl Live {
    pub(super) fn read(image: &Image, limit: usize) -> Live {
        let mut live = Live::default();
        for record in image.live_records(0) {
            let kind = live.kinds.entry(record.kind as u8);
            let (_, kind) = kind.or_insert((record.kind, Amount::default()));
            for sum in [kind, live.stacks.entry(record.stack).or_default()] {
                sum.blocks = sum.blocks.saturating_add(record.count);
                sum.bytes = sum.bytes.saturating_add(record.size);
            }
            live.contexts.insert(record.context);
            if live.first.len() < limit {
                live.first.push(record);
            }
        }
        live
    }

    pub(super) fn total(&self) -> u64 {
        self.kinds.values().map(|(_, sum)| sum.blocks).sum()
    }

    pub(super) fn by_kind(&self) -> Vec<DumpedKind> {
        let kinds = self.kinds.values().map(|(kind, sum)| DumpedKind {
            kind: kind.name().to_owned(),
            blocks: sum.blocks,
            bytes: sum.bytes,
        });
        kinds.collect()
    }
}
