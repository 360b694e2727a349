//! What is said of blocks that somebody holds, and of those of which nobody knows.

use hackleak_image::reader::JudgingRecord;

use super::amount;
use crate::model::{Judgement, Process, Site};
use crate::read::Sum;
use crate::render::label;

/// The most sites that are named in a sentence; the JSON has all.
const MAX_NAMED: usize = 3;

/// A sentence on what is held, and one where that could not be known.
pub(super) fn notes(process: &Process, judging: Option<&JudgingRecord>) -> Vec<String> {
    let mut notes = Vec::new();
    let held = &process.held;
    if !held.is_empty() {
        let sites = held.sites.iter().take(MAX_NAMED).map(named);
        let more = match held.sites.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!("; and {more} more, which the JSON has"),
        };
        notes.push(format!(
            "{} held, not lost: {}{more}",
            amount(Sum {
                bytes: held.bytes,
                count: held.count,
            }),
            sites.collect::<Vec<_>>().join("; ")
        ));
    }
    match judging {
        Some(judging) if !judging.saw_java() && process.exe.ends_with("/java") => notes.push(
            "what Java objects hold was not looked at: what is lost here may be held by one"
                .to_owned(),
        ),
        _ => {}
    }
    let unknown = |site: &Site| site.verdict == Judgement::Unknown;
    let sites = &process.leaks.sites;
    if judging.is_some() && sites.iter().any(unknown) {
        notes.push(
            "of some of it nobody knows who holds it: it came after the last look".to_owned(),
        );
    }
    notes
}

/// `7,560 bytes in 1 block by thread_local cache of thread main, from Cache.use`.
fn named(site: &Site) -> String {
    let size = amount(Sum {
        bytes: site.bytes,
        count: site.count,
    });
    let holder = site
        .holder
        .as_ref()
        .map_or_else(String::new, |holder| format!(" by {}", holder.sentence()));
    format!("{size}{holder}, allocated in {}", label(&site.frames))
}
