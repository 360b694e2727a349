//! One line for a frame, a site or a process, as formats for other tools want it.

use super::names;
use crate::merge::Merged;
use crate::model::{Frame, Kind, NativeFrame, Process, Site};
use crate::numbers::{BLOCK, leaked};
use crate::origin::Origin;
use crate::stable::module_name;
use crate::symbolise::native::NO_MODULE;

/// What a frame is called: `class.method`, a function, or `module+offset`.
pub(super) fn frame(frame: &Frame) -> String {
    match frame {
        Frame::Java(java) => format!("{}.{}", java.class, java.method),
        Frame::Native(native) => function(native),
        Frame::Mark { text } => format!("({text})"),
    }
}

fn function(frame: &NativeFrame) -> String {
    match frame.function.as_deref() {
        Some(name) => names::brief(name).into_owned(),
        None if frame.module == NO_MODULE => NO_MODULE.to_owned(),
        None => format!("{}+{}", module_name(&frame.module), frame.offset),
    }
}

/// What a process is called: its number and its program.
pub(super) fn process(process: &Process) -> String {
    let program = process.command.first().unwrap_or(&process.exe);
    let program = program.rsplit('/').next().unwrap_or(program);
    format!("{program} {}", process.pid)
}

/// What the handles of a site stand for: `/tmp/a.db, /tmp/b.db and 3 more`.
pub(super) fn names(site: &Site) -> Option<String> {
    const MAX_NAMED: usize = 3;
    let shown = site.names.iter().take(MAX_NAMED).map(String::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match site.names.len().checked_sub(MAX_NAMED) {
        _ if site.names.is_empty() => None,
        None | Some(0) => Some(shown),
        Some(more) => Some(format!("{shown} and {more} more")),
    }
}

/// The names of a site as they follow its amount: `: /tmp/a.db`, ` in one native call (bound 512)`.
pub(super) fn after_amount(site: &Site) -> String {
    let between = if site.kind == Kind::LocalRefs {
        " in "
    } else {
        ": "
    };
    names(site).map_or_else(String::new, |names| format!("{between}{names}"))
}

/// What leaks at a site, in one sentence without its place.
pub(super) fn amount(merged: &Merged<'_>) -> String {
    let noun = merged.site.kind.noun();
    let mut text = leaked(merged.amount.bytes, merged.amount.blocks, noun);
    if noun == BLOCK {
        text += &format!(" ({})", merged.site.kind.name());
    }
    text += &after_amount(merged.site);
    if merged.processes.len() > 1 {
        text += &format!(" in {} processes", merged.processes.len());
    }
    text += &merged.site.grown();
    text
}

/// Who leaks it: the Java method, else the native function, else the allocating frame.
pub(super) fn owner(origin: &Origin<'_>, frames: &[Frame]) -> String {
    let java = origin
        .java
        .map(|java| format!("{}.{}", java.class, java.method));
    java.or_else(|| origin.native.map(function))
        .or_else(|| frames.first().map(self::frame))
        .unwrap_or_else(|| "unknown code".to_owned())
}
