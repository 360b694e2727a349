//! Leaks that are known: a file that a project commits, and what is new or grown against it.
//!
//! A baseline holds one entry per site, found again by its [`Identity`]: names, no addresses or
//! lines. Bytes and blocks are those of all processes that were looked at together, because a
//! build tool spreads tests over processes differently each time. A site has *grown* when its
//! bytes or its blocks are more than recorded; there is no other allowance.

mod apply;
mod compare;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::input;
use crate::model::{Amount, KnownSite, Report};
use crate::stable::Identity;

pub use compare::{Comparison, Difference};

/// The version of the file that is written and read.
const VERSION: u32 = 1;

/// Why a baseline cannot be used: one sentence that names the file and the remedy.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It cannot be opened or read.
    #[error("cannot read the baseline `{file}`: {error}; `hackleak baseline write` makes one")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is no JSON of the right form.
    #[error("`{file}` is no baseline ({error}); `hackleak baseline write` makes one")]
    Malformed {
        /// The file.
        file: String,
        /// Where and why.
        error: serde_json::Error,
    },
    /// Another version of HackLeak wrote it.
    #[error(
        "the baseline `{file}` has version {version}, and this hackleak reads version {VERSION}: \
         write it anew with `hackleak baseline write`"
    )]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u32,
    },
}

/// The sites that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    sites: BTreeMap<Identity, Amount>,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct File {
    #[serde(rename = "hackleakBaseline")]
    version: u32,
    sites: Vec<KnownSite>,
}

impl Baseline {
    /// Every leak of `report`, summed over its processes.
    pub fn of(report: &Report) -> Baseline {
        let mut baseline = Baseline::default();
        for site in report
            .processes
            .iter()
            .flat_map(|process| &process.leaks.sites)
        {
            let known = baseline.sites.entry(Identity::of(site)).or_default();
            known.add(site.amount());
        }
        baseline
    }

    /// Reads the baseline in `file`.
    ///
    /// # Errors
    ///
    /// See [`BaselineError`].
    pub fn read(file: &Path) -> Result<Baseline, BaselineError> {
        let name = || file.display().to_string();
        let text = input::text(file).map_err(|error| BaselineError::Unreadable {
            file: name(),
            error,
        })?;
        Baseline::parse(&text, &name())
    }

    /// Reads the baseline in `text`, which came from `file`.
    ///
    /// # Errors
    ///
    /// See [`BaselineError`].
    pub fn parse(text: &str, file: &str) -> Result<Baseline, BaselineError> {
        let found: File = serde_json::from_str(text).map_err(|error| BaselineError::Malformed {
            file: file.to_owned(),
            error,
        })?;
        if found.version != VERSION {
            return Err(BaselineError::Version {
                file: file.to_owned(),
                version: found.version,
            });
        }
        let mut baseline = Baseline::default();
        for site in found.sites {
            let (identity, amount) = parts(site);
            baseline.sites.entry(identity).or_default().add(amount);
        }
        Ok(baseline)
    }

    /// The text of the file: the same for the same leaks, sorted by frames, a line per frame.
    pub fn text(&self) -> String {
        let file = File {
            version: VERSION,
            sites: self.known().collect(),
        };
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    /// How many sites it knows.
    pub fn len(&self) -> usize {
        self.sites.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// Its sites in the order of the file.
    pub fn known(&self) -> impl Iterator<Item = KnownSite> {
        self.sites
            .iter()
            .map(|(identity, amount)| known(identity, *amount))
    }
}

fn known(identity: &Identity, amount: Amount) -> KnownSite {
    KnownSite {
        frames: identity.frames.clone(),
        kind: identity.kind.clone(),
        blocks: amount.blocks,
        bytes: amount.bytes,
    }
}

fn parts(site: KnownSite) -> (Identity, Amount) {
    let KnownSite {
        frames,
        kind,
        blocks,
        bytes,
    } = site;
    (Identity { frames, kind }, Amount { blocks, bytes })
}

/// Whether `now` is more than `known` allows.
fn has_grown(known: Amount, now: Amount) -> bool {
    now.bytes > known.bytes || now.blocks > known.blocks
}
