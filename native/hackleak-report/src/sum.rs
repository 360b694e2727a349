//! Sums of bytes and blocks.

use crate::model::Site;
use crate::numbers::{self, BLOCK};

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
            count: site.blocks,
            noun: Some(site.kind.noun()),
        }
    }

    /// All of these sites.
    pub(crate) fn of_all<'site>(sites: impl IntoIterator<Item = &'site Site>) -> Sum {
        let mut sum = Sum::default();
        sites.into_iter().for_each(|site| sum.add(Sum::of(site)));
        sum
    }

    pub(crate) fn add(&mut self, other: Sum) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.count = self.count.saturating_add(other.count);
        self.noun = match (self.noun, other.noun) {
            (None, noun) | (noun, None) => noun,
            (Some(noun), Some(other)) => Some(numbers::common_noun(noun, other)),
        };
    }
}

/// The bytes of `sum` for a sentence.
pub(crate) fn amount(sum: Sum) -> String {
    numbers::amount(sum.bytes, sum.count, sum.noun.unwrap_or(BLOCK))
}
