//! The report for the Java side, which has no JSON parser: rows of fields between tabs.
//!
//! ```text
//! hackleak-lines  1
//! json    path                                              only when it was written
//! total   bytes  blocks
//! note    text
//! site    bytes  blocks  kind                               its frames follow, innermost first; the sites in the
//!                                                           order in which they are to be looked at
//! held    bytes  blocks  kind                               the same, of blocks that are no leak
//! known   bytes  blocks  kind                               the same, of known leaks that fail nothing
//! judged  lost|held|growing|unknown  holder                         of the site before; the holder in words
//! library text                                              whose known leak the site before is
//! own     frames  owner                                     how many of its frames are no test framework's, and the
//!                                                           one of the Java code that it belongs to; may be empty
//! scope   bytes  blocks  name                               what of the site before was allocated in the scope; a row
//!                                                           for each
//! java    class  method  file  line  native(0|1)
//! native  function  file  line  module  offset  inlined(0|1)
//! mark    text
//! invalidFree  problem  times  kind  bytes  sentence        an invalid free; its stacks follow
//! freed                                                     the frames of the free
//! allocated                                                 the frames of the allocation
//! verdict clean|incomplete|invalidFrees|leaks
//! incomplete  code                                          for each cause; see `Incomplete`
//! blind   path  why                                         a library under test that is not seen
//! strict                                                    a check fails because of those
//! unseen  line                                              what must be said once: libraries that are not seen in full
//! covered  stack  kind                                      numbers of the image: a stack that rules match
//! text    one line of the message for people
//! end
//! ```
//!
//! Backslash, tab and line feed inside a field are `\\`, `\t` and `\n`. A text that is not known
//! is empty, a line that is not known is 0. A report without `end` was cut off.

use std::path::Path;

use super::message::message;
use super::text::not_tracked;
use crate::coverage::Unseen;
use crate::group::own_frames;
use crate::model::{Frame, Holder, InvalidFree, Report, Site};
use crate::suspicion;

/// The report as lines. `json` is where the whole report was written, if it was.
pub fn lines(report: &Report, json: Option<&Path>) -> String {
    let mut rows = Rows::default();
    rows.row(&["hackleak-lines", "1"]);
    if let Some(json) = json {
        rows.row(&["json", &json.to_string_lossy()]);
    }
    let (bytes, blocks) = report.leaked();
    rows.row(&["total", &bytes.to_string(), &blocks.to_string()]);
    for process in &report.processes {
        process
            .notes
            .iter()
            .for_each(|note| rows.row(&["note", note]));
    }
    let unseen = report.processes.iter().filter_map(not_tracked);
    unseen.for_each(|note| rows.row(&["note", &note]));
    for note in report.unreadable_notes() {
        rows.row(&["note", &note]);
    }
    for process in &report.processes {
        let leaks = suspicion::sorted(&process.leaks.sites);
        leaks.iter().for_each(|site| rows.site("site", site));
        let held = process.held.sites.iter();
        held.for_each(|site| rows.site("held", site));
        let known = process.known.sites.iter();
        known.for_each(|site| rows.site("known", site));
    }
    for process in &report.processes {
        process
            .invalid_frees
            .iter()
            .for_each(|invalid_free| rows.invalid_free(invalid_free));
    }
    rows.row(&["verdict", report.verdict().name()]);
    for cause in report.incomplete() {
        rows.row(&["incomplete", cause.code()]);
    }
    let modules = report.processes.iter().flat_map(|process| &process.modules);
    let failing = modules.filter(|module| module.fails_strict());
    let failing = failing.map(|module| (&*module.path, module.why_unseen()));
    rows.blind(failing, !report.strict_failures().is_empty());
    for (stack, kind) in report.processes.iter().flat_map(|process| &process.covered) {
        rows.row(&["covered", &stack.to_string(), &kind.to_string()]);
    }
    message(report, json)
        .lines()
        .for_each(|line| rows.row(&["text", line]));
    rows.row(&["end"]);
    rows.0
}

/// What is not seen of a process, as the lines of a report without leaks.
pub fn unseen(unseen: &Unseen) -> String {
    let mut rows = Rows::default();
    rows.row(&["hackleak-lines", "1"]);
    rows.row(&["total", "0", "0"]);
    unseen
        .notes
        .iter()
        .for_each(|note| rows.row(&["note", note]));
    let blind = unseen.blind.iter();
    rows.blind(
        blind.map(|(path, why)| (&**path, why.clone())),
        unseen.fails,
    );
    if let Some(line) = &unseen.line {
        rows.row(&["unseen", line]);
    }
    rows.row(&["end"]);
    rows.0
}

#[derive(Default)]
struct Rows(String);

impl Rows {
    /// Libraries that are not seen and why, and whether a check fails because of them.
    fn blind<'path>(&mut self, all: impl Iterator<Item = (&'path str, String)>, fails: bool) {
        for (path, why) in all {
            self.row(&["blind", path, &why]);
        }
        if fails {
            self.row(&["strict"]);
        }
    }

    fn row(&mut self, fields: &[&str]) {
        for (position, field) in fields.iter().enumerate() {
            if position > 0 {
                self.0.push('\t');
            }
            for character in field.chars() {
                match character {
                    '\\' => self.0.push_str("\\\\"),
                    '\t' => self.0.push_str("\\t"),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
        }
        self.0.push('\n');
    }

    fn site(&mut self, row: &str, site: &Site) {
        self.row(&[
            row,
            &site.bytes.to_string(),
            &site.blocks.to_string(),
            site.kind.name(),
        ]);
        let holder = site.holder.as_ref().map(Holder::sentence);
        let holder = holder.as_deref().unwrap_or_default();
        self.row(&["judged", site.verdict.name(), holder]);
        if let Some(known) = &site.known {
            self.row(&["library", &known.sentence()]);
        }
        let (own, owner) = own(site);
        let owner = owner.map_or(String::new(), |owner| owner.to_string());
        self.row(&["own", &own.to_string(), &owner]);
        let (bytes, count) = (site.bytes, site.blocks);
        let only = site.scope.as_deref().map(|name| (bytes, count, name));
        let several = site.scopes.iter();
        let several = several.map(|part| (part.bytes, part.blocks, &*part.scope));
        for (bytes, count, name) in only.into_iter().chain(several) {
            self.row(&["scope", &bytes.to_string(), &count.to_string(), name]);
        }
        self.frames(&site.frames);
    }

    fn invalid_free(&mut self, invalid_free: &InvalidFree) {
        self.row(&[
            "invalidFree",
            invalid_free.problem.name(),
            &invalid_free.count.to_string(),
            invalid_free.kind.name(),
            &invalid_free.bytes.to_string(),
            &invalid_free.sentence(),
        ]);
        self.row(&["freed"]);
        self.frames(&invalid_free.freed);
        self.row(&["allocated"]);
        self.frames(&invalid_free.allocated);
    }

    fn frames(&mut self, frames: &[Frame]) {
        for frame in frames {
            match frame {
                Frame::Java(java) => self.row(&[
                    "java",
                    &java.class,
                    &java.method,
                    java.file.as_deref().unwrap_or_default(),
                    &java.line.unwrap_or(0).to_string(),
                    flag(java.native),
                ]),
                Frame::Native(native) => self.row(&[
                    "native",
                    native.function.as_deref().unwrap_or_default(),
                    native.file.as_deref().unwrap_or_default(),
                    &native.line.unwrap_or(0).to_string(),
                    &native.module,
                    &native.offset,
                    flag(native.inlined),
                ]),
                Frame::Mark { text } => self.row(&["mark", text]),
            }
        }
    }
}

/// How many frames do not only say how the test was started, and which of them is the Java owner's.
/// Marks are no frames here.
fn own(site: &Site) -> (usize, Option<usize>) {
    let without_marks = |frames: &[Frame]| {
        let frames = frames.iter();
        frames
            .filter(|frame| !matches!(frame, Frame::Mark { .. }))
            .count()
    };
    let owner = site.owner.as_ref().and_then(|owner| owner.java_frame);
    let before = owner.and_then(|owner| site.frames.get(..owner as usize));
    (
        without_marks(own_frames(&site.frames)),
        before.map(without_marks),
    )
}

fn flag(value: bool) -> &'static str {
    if value { "1" } else { "0" }
}
