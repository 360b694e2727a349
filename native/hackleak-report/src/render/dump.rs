//! What `hackleak dump` says, for terminals.

use super::text::Page;
use crate::dump::{Dump, DumpedBlock, DumpedStack, DumpedThread, Listed, Lists};
use crate::numbers::{bytes, counted, human, thousands};

/// The dump as text, every line ended.
pub fn dump(dump: &Dump) -> String {
    let mut page = Page::default();
    header(&mut page, dump);
    tables(&mut page, dump);
    live(&mut page, dump);
    losses(&mut page, dump);
    lists(&mut page, &dump.lists);
    page.into_text()
}

/// Names with commas between, or a word for none of them.
fn joined(names: &[String], none: &str) -> String {
    match names {
        [] => none.to_owned(),
        names => names.join(", "),
    }
}

fn header(page: &mut Page, dump: &Dump) {
    let size = human(dump.file_bytes);
    page.line(&format!("{}: {size}, version {}", dump.file, dump.version));
    page.line(&format!(
        "process {}: {}, epoch {}, machine {}",
        dump.pid,
        format!("{:?}", dump.state).to_lowercase(),
        dump.epoch,
        dump.machine
    ));
    page.line(&format!(
        "started: {} ns since 1970, {} ticks since boot",
        dump.start_unix_ns, dump.start_ticks
    ));
    page.line(&format!("flags: {}", joined(&dump.flags, "none")));
    page.line(&format!("track: {}", joined(&dump.track, "nothing")));
    page.line(&format!("exe: {}", dump.exe));
    for (name, text) in [
        ("folder", &dump.folder),
        ("command", &dump.command.join(" ")),
        ("options", &dump.options),
        ("stopped at", &dump.stopped_at),
    ] {
        if !text.is_empty() {
            page.line(&format!("{name}: {text}"));
        }
    }
}

fn tables(page: &mut Page, dump: &Dump) {
    page.line("");
    page.line(&format!(
        "segments: {} counted, {} readable",
        thousands(dump.segments.counted),
        thousands(dump.segments.readable)
    ));
    for table in &dump.tables {
        let unit = if table.record_bytes == 1 {
            "bytes"
        } else {
            "records"
        };
        page.line(&format!(
            "  {:<12} {:>14} {unit:<7} of {:>3} B in {:>5} segments, {:>3} % used",
            table.name,
            thousands(table.records),
            table.record_bytes,
            thousands(table.segments),
            table.percent_used
        ));
    }
    for pages in &dump.pages {
        page.line(&format!(
            "  {:<12} {:>14} pages of {} used in {} segments",
            pages.name,
            thousands(pages.used),
            thousands(pages.pages),
            thousands(pages.segments)
        ));
    }
}

fn live(page: &mut Page, dump: &Dump) {
    page.line("");
    let blocks = &dump.blocks;
    page.line(&format!(
        "live: {}, {}",
        counted(blocks.stacks, "stack"),
        counted(blocks.contexts, "context")
    ));
    for kind in &blocks.kinds {
        page.line(&format!(
            "  {}: {}, {}",
            kind.kind,
            counted(kind.blocks, "record"),
            bytes(kind.bytes)
        ));
    }
    let events = &dump.events;
    page.line(&format!(
        "threads: {}, {} running",
        thousands(events.threads),
        thousands(events.running)
    ));
    for (name, number) in [
        ("allocations", events.allocations),
        ("frees", events.frees),
        ("bytes allocated", events.bytes),
        ("bytes freed", events.freed_bytes),
        ("allocations without a thread", events.stray_allocations),
        ("stacks from the last walk", events.remembered_walks),
        ("stacks walked to the end", events.full_walks),
        ("Java stacks asked for", events.java_asks),
        ("Java stacks from JVMTI", events.java_fallbacks),
    ] {
        if number > 0 {
            page.line(&format!("  {name}: {}", thousands(number)));
        }
    }
}

fn losses(page: &mut Page, dump: &Dump) {
    page.line("");
    for (title, counts) in [("counters", &dump.counters), ("damage", &dump.damage)] {
        if counts.is_empty() {
            page.line(&format!("{title}: none"));
            continue;
        }
        page.line(&format!("{title}:"));
        for (name, count) in counts {
            page.line(&format!("  {name}: {}", thousands(*count)));
        }
    }
}

/// A list with a title, a line or more for each entry, and how many more there are.
fn list<T>(
    page: &mut Page,
    title: &str,
    list: &Option<Listed<T>>,
    lines: impl Fn(&T) -> Vec<String>,
) {
    let Some(list) = list else {
        return;
    };
    page.line("");
    page.line(&format!("{title}: {}", thousands(list.total)));
    for entry in &list.shown {
        for line in lines(entry) {
            page.line(&format!("  {line}"));
        }
    }
    let more = list.total.saturating_sub(list.shown.len() as u64);
    if more > 0 {
        page.line(&format!("  … {} more: --limit", thousands(more)));
    }
}

fn lists(page: &mut Page, lists: &Lists) {
    list(page, "live records", &lists.records, |it| vec![record(it)]);
    list(page, "stacks", &lists.stacks, stack);
    list(page, "modules", &lists.modules, |it| {
        vec![
            format!(
                "{} {}-{} bias {} build-id {} {} {}",
                it.index,
                it.start,
                it.end,
                it.bias,
                if it.build_id.is_empty() {
                    "none"
                } else {
                    &it.build_id
                },
                it.path,
                it.flags.join(" ")
            )
            .trim_end()
            .to_owned(),
        ]
    });
    list(page, "threads", &lists.threads, |it| vec![thread(it)]);
    list(page, "scopes", &lists.scopes, |it| {
        let closed = match it.closed {
            0 => "open".to_owned(),
            epoch => format!("closed in epoch {epoch}"),
        };
        let name = &it.name;
        vec![format!("{} in {}, {closed}: {name}", it.scope, it.parent)]
    });
    list(page, "checkpoints", &lists.checkpoints, |it| {
        vec![format!(
            "epoch {} by thread {} at {}: {}",
            it.epoch, it.thread, it.unix_ns, it.label
        )]
    });
    list(page, "invalid frees", &lists.invalid_frees, |it| {
        vec![format!(
            "{} by {} of {}, detail {}: {} of {}, freed at stack {}, allocated at stack {}",
            it.problem,
            it.released_by,
            it.address,
            it.detail,
            it.kind,
            bytes(it.bytes),
            it.freed,
            it.allocated
        )]
    });
}

fn record(it: &DumpedBlock) -> String {
    let context = &it.context;
    format!(
        "{} {}, {}, stack {}, context {}: epoch {}, scope {}, thread {} {}",
        it.address,
        bytes(it.bytes),
        it.kind,
        it.stack,
        context.index,
        context.epoch,
        context.scope,
        context.thread,
        context.flags.join(" ")
    )
    .trim_end()
    .to_owned()
}

fn stack(it: &DumpedStack) -> Vec<String> {
    let mut lines = vec![format!(
        "stack {}: {}, {}{}",
        it.stack,
        counted(it.blocks, "record"),
        bytes(it.bytes),
        if it.incomplete { ", incomplete" } else { "" }
    )];
    lines.extend(it.frames.iter().map(|frame| format!("  {frame}")));
    lines
}

fn thread(it: &DumpedThread) -> String {
    let state = match it.ended {
        0 => "not ended".to_owned(),
        epoch => format!("ended in epoch {epoch}"),
    };
    let stacks = it.full_walks.saturating_add(it.remembered_walks);
    format!(
        "{} tid {} {}, {state}: {} ({}), {} ({}); {} of {} walked to the end; Java asked for {} times, {} by JVMTI",
        it.index,
        it.tid,
        it.name,
        counted(it.allocations, "allocation"),
        bytes(it.bytes),
        counted(it.frees, "free"),
        bytes(it.freed_bytes),
        thousands(it.full_walks),
        counted(stacks, "stack"),
        thousands(it.java_asks),
        thousands(it.java_fallbacks)
    )
}
