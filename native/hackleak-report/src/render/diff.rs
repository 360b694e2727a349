//! What `hackleak diff` and `hackleak baseline check` say, for terminals.

use std::fmt::Write;

use super::stack;
use crate::baseline::{Comparison, Difference};
use crate::model::Amount;
use crate::numbers::{bytes, counted};

/// The most sites that are shown of each sort; the JSON has all.
const MAX_SHOWN: usize = 20;

/// The comparison for a terminal, every line ended.
pub fn diff(comparison: &Comparison) -> String {
    let mut page = String::new();
    let Comparison {
        new,
        grown,
        fixed,
        shrunk,
        unchanged,
        ..
    } = comparison;
    let count = |sites: &[Difference]| sites.len();
    let _ = writeln!(
        page,
        "{} new, {} grown, {} shrunk, {} fixed, {unchanged} unchanged",
        counted(count(new) as u64, "site"),
        count(grown),
        count(shrunk),
        count(fixed)
    );
    for (what, sites) in [
        ("new", new),
        ("grown", grown),
        ("shrunk", shrunk),
        ("fixed", fixed),
    ] {
        for site in sites.iter().take(MAX_SHOWN) {
            let _ = writeln!(page, "\n{what}: {}", sentence(what, site));
            let lines = if site.stack.is_empty() {
                site.frames.clone()
            } else {
                stack::whole(&site.stack)
            };
            for line in lines {
                let _ = writeln!(page, "    {}", visible(&line));
            }
        }
        if sites.len() > MAX_SHOWN {
            let more = sites.len() - MAX_SHOWN;
            let _ = writeln!(
                page,
                "\n... {} {what}: see the JSON",
                counted(more as u64, "more site")
            );
        }
    }
    page
}

fn sentence(what: &str, site: &Difference) -> String {
    let amount = |amount: Amount| {
        format!(
            "{} in {}",
            bytes(amount.bytes),
            counted(amount.blocks, "block")
        )
    };
    let processes = match site.processes {
        0 | 1 => String::new(),
        more => format!(", in {more} processes"),
    };
    let kind = &site.kind;
    match what {
        "new" => format!("{}, {kind}{processes}", amount(site.now)),
        "fixed" => format!("{}, {kind}", amount(site.before)),
        _ => format!(
            "{}, before {}, {kind}{processes}",
            amount(site.now),
            amount(site.before)
        ),
    }
}

/// `line` without control characters, whatever a function is called.
fn visible(line: &str) -> String {
    line.chars()
        .flat_map(|character| {
            let escaped = character.is_control().then(|| character.escape_unicode());
            let plain = (!character.is_control()).then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}
