//! What leaked, as the recorder itself can list it: the reporter's `lines` format without symbols
//! and without rules.

use crate::IMAGE;
use crate::hot::events::selection::{self, Selection};
use hackleak_image::Frame;
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::{Kind, Root};
use std::collections::HashMap;
use std::fmt::Write;

/// A stack, a kind, and the holder's number: 0 where nothing holds the blocks.
type Key = (u32, u8, u32);

/// Bytes and blocks.
type Sum = (u64, u64);

/// At most `limit` sites of what is live, those of most bytes first.
///
/// With the number of a judging, what that found held is listed apart and is not in the total; with
/// 0 nobody knows who holds what.
pub fn lines(selection: Selection, judging: u32, limit: usize) -> String {
    let judged = judging.checked_sub(1).and_then(judged);
    let is_judged = judged.is_some();
    let mut sites: Vec<(Key, Sum)> = judged
        .unwrap_or_else(|| live(selection))
        .into_iter()
        .collect();
    sites.sort_unstable_by_key(|(key, sum)| (core::cmp::Reverse(*sum), *key));
    let leaked = sites.iter().filter(|((.., holder), _)| *holder == 0);
    let total = leaked.fold((0, 0), |(bytes, blocks), (_, sum)| {
        (bytes + sum.0, blocks + sum.1)
    });
    let mut out = format!("hackleak-lines\t1\ntotal\t{}\t{}\n", total.0, total.1);
    for held in [false, true] {
        let listed = sites
            .iter()
            .filter(|((.., holder), _)| (*holder != 0) == held);
        for ((stack, kind, holder), (bytes, blocks)) in listed.take(limit) {
            let row = if held { "held" } else { "site" };
            let kind = Kind::from_number(*kind).map_or("?", Kind::name);
            let _ = writeln!(out, "{row}\t{bytes}\t{blocks}\t{kind}");
            let _ = match (is_judged, held) {
                (false, _) => Ok(()),
                (true, false) => writeln!(out, "judged\tlost\t"),
                (true, true) => writeln!(out, "judged\theld\t{}", escaped(&words(*holder))),
            };
            stack_lines(&mut out, *stack);
        }
    }
    out.push_str("end\n");
    out
}

/// What the judging found. `None` if it is not kept.
fn judged(index: u32) -> Option<HashMap<Key, Sum>> {
    let judging = IMAGE.judgings.read(index)?;
    let mut sites: HashMap<Key, Sum> = HashMap::new();
    for index in judging.first..judging.first.checked_add(judging.count)? {
        let judged = IMAGE.judged.read(index)?;
        // The low half of an origin is the stack.
        let key = (judged.origin as u32, judged.kind as u8, judged.holder);
        let sum = sites.entry(key).or_default();
        sum.0 += judged.bytes;
        sum.1 += u64::from(judged.count);
    }
    Some(sites)
}

fn live(selection: Selection) -> HashMap<Key, Sum> {
    let mut sites: HashMap<Key, Sum> = HashMap::new();
    selection::leaks(selection, |_, live| {
        let sum = sites.entry((live.stack(), live.kind(), 0)).or_default();
        let (count, size) = selection::amount(live);
        sum.0 += size;
        sum.1 += count;
    });
    sites
}

/// Who a holder is.
fn words(number: u32) -> String {
    let holder = number
        .checked_sub(1)
        .and_then(|index| IMAGE.holders.read(index));
    let Some(holder) = holder else {
        return "something".to_owned();
    };
    let name = IMAGE.text(holder.name);
    let name = name.lines().next().unwrap_or_default();
    let module = || match holder.module.checked_sub(1) {
        Some(module) => format!("{}+0x{:x}", module_path(module), holder.offset),
        None => "an unknown module".to_owned(),
    };
    match Root::from_number(holder.root) {
        Some(Root::Data) => format!("static data at {}", module()),
        Some(Root::ThreadLocal) => format!("thread-local data at {}", module()),
        Some(Root::Thread | Root::Stack) => format!("thread `{name}`"),
        Some(_) => name.to_owned(),
        None => "something".to_owned(),
    }
}

fn stack_lines(out: &mut String, stack: u32) {
    let mut node = stack;
    while node != 0 {
        let found = IMAGE.node(node);
        let _ = match Frame::decode(found.frame) {
            Some(Frame::Native { module, vaddr }) => {
                writeln!(
                    out,
                    "native\t\t\t0\t{}\t0x{vaddr:x}\t0",
                    escaped(&module_path(module))
                )
            }
            Some(Frame::Java { method, bci }) => java_line(out, method, bci),
            Some(other) => writeln!(out, "mark\t{other:?}"),
            None => Ok(()),
        };
        node = found.parent;
    }
}

fn module_path(index: u32) -> String {
    let module = IMAGE.modules.read(index);
    module.map_or_else(String::new, |module| IMAGE.text(module.path))
}

fn java_line(out: &mut String, method: u32, bci: u16) -> std::fmt::Result {
    let Some(method) = IMAGE.methods.read(method) else {
        return Ok(());
    };
    let native = bci == BCI_NATIVE;
    writeln!(
        out,
        "java\t{}\t{}\t{}\t{}\t{}",
        escaped(&IMAGE.text(method.class)),
        escaped(&IMAGE.text(method.name)),
        escaped(&IMAGE.text(method.file)),
        if native {
            0
        } else {
            line(&IMAGE.bytes(method.lines), bci)
        },
        u8::from(native),
    )
}

/// The line of the last entry that starts at `bci` or before.
fn line(table: &[u8], bci: u16) -> u16 {
    let number = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
    table
        .chunks_exact(4)
        .take_while(|entry| number(entry) <= bci)
        .last()
        .map_or(0, |e| number(&e[2..]))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
}
