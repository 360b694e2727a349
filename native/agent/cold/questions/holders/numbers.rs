//! Native memory that keeps file descriptors, and handles of libraries.
//!
//! A descriptor is a small number, and small numbers are everywhere. So only two places count as
//! its holder, both of the module that opened it. One is a reached block that is as young as the
//! descriptor, since its checkpoint. The other is the module's own data where they differ from what
//! its file has there. The handle of a library is the address of the loader's own description, to
//! which the loader points in many places; so the same places count.
//!
//! What is difficult: either place may have the number by chance. That hides a leak of this
//! descriptor, not of the others of its site, whose numbers are other ones. A check says what it
//! took for held.

use super::memory::{Memory, WORD};
use super::nodes::{Node, Parent};
use super::objects::{Data, Object, Objects};
use super::table::Table;
use super::{Marks, NativeRoot};
use crate::IMAGE;
use crate::hot::events::{descriptors, libraries};
use hackleak_image::Frame;
use hackleak_image::layout::{Kind, Live};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// What is open and nothing was found to hold, by module and number: the indices among the blocks.
/// A library that was opened several times has one handle.
type Open = HashMap<(u32, u64), Vec<usize>>;
/// What holds them, by that index.
type Held = HashMap<usize, (Parent, usize)>;

/// Marks those descriptors and libraries of native code as held that native memory has. Called when
/// everything else was looked at.
pub fn hold(marks: &mut Marks, memory: &Memory, objects: &Objects, native: &Table<NativeRoot>) {
    let nodes = marks.nodes.all.iter().enumerate();
    let mut open = Open::new();
    for (index, node) in nodes {
        if let Some(key) = key(node) {
            open.entry(key).or_default().push(index);
        }
    }
    if open.is_empty() {
        return;
    }
    // Data come first: they last.
    let mut held = in_data(memory, objects, native, &open);
    in_blocks(marks, memory, &open, &mut held);
    for (index, (parent, via)) in held {
        let node = &mut marks.nodes.all[index];
        (node.parent, node.via) = (parent, via);
        marks.open -= 1;
    }
}

/// The module that opened it, and its number; `None` for what is no such descriptor, nor a library.
fn key(node: &Node) -> Option<(u32, u64)> {
    let number = descriptors::number(node.start).map(u64::from);
    let number = number.or_else(|| libraries::handle(node.start))?;
    if !node.suspect || node.is_held() || descriptors::is_of_java(node.live) {
        return None;
    }
    Some((opener(node.live)?, number))
}

/// The module whose call made the record.
fn opener(live: Live) -> Option<u32> {
    match Frame::decode(IMAGE.node(live.stack()).frame) {
        Some(Frame::Native { module, .. }) => Some(module),
        _ => None,
    }
}

/// The numbers in a word, itself and one in each half, with their distance from it. A handle is
/// never as small as a descriptor.
fn numbers(word: u64) -> [(usize, u64); 3] {
    [(0, word & u64::from(u32::MAX)), (4, word >> 32), (0, word)]
}

/// The data of the modules that opened any.
fn in_data(memory: &Memory, objects: &Objects, native: &Table<NativeRoot>, open: &Open) -> Held {
    let mut held = Held::new();
    for (root, of) in (0..).zip(native.iter()) {
        let NativeRoot::Data(index) = of else {
            continue;
        };
        let object = &objects.all[*index];
        let Some(module) = opened_any(open, object.module) else {
            continue;
        };
        let file = file_of(object);
        for part in objects.parts_of(object) {
            memory.runs(part.start..part.end, |at, words| {
                for (index, word) in words.iter().enumerate() {
                    let via = at + index * WORD;
                    // The loader's own small numbers, such as the tags of `.dynamic`.
                    if (object.fixed.0..object.fixed.1).contains(&via) {
                        continue;
                    }
                    for (half, number) in numbers(*word) {
                        if let Some(nodes) = open.get(&(module, number))
                            && number_in_file(file.as_ref(), part, via + half) != Some(number)
                        {
                            for node in nodes {
                                held.entry(*node).or_insert((Parent::Root(root), via));
                            }
                        }
                    }
                }
            });
        }
    }
    held
}

/// The blocks of these modules that were reached and are as young.
fn in_blocks(marks: &Marks, memory: &Memory, open: &Open, held: &mut Held) {
    for (index, node) in (0..).zip(marks.nodes.all.iter()) {
        if !node.suspect || !node.is_held() || !is_memory(node.live) {
            continue;
        }
        let Some(module) = opened_any(open, opener(node.live)) else {
            continue;
        };
        memory.runs(node.memory(), |_, words| {
            let numbers = words.iter().flat_map(|word| numbers(*word));
            for node in numbers
                .filter_map(|(_, number)| open.get(&(module, number)))
                .flatten()
            {
                held.entry(*node).or_insert((Parent::Node(index), 0));
            }
        });
    }
}

fn opened_any(open: &Open, module: Option<u32>) -> Option<u32> {
    module.filter(|module| open.keys().any(|(opener, _)| opener == module))
}

fn is_memory(live: Live) -> bool {
    matches!(
        Kind::from_number(live.kind()),
        Some(Kind::New | Kind::NewArray | Kind::Malloc)
    )
}

/// The file of a module, if it is still there.
fn file_of(object: &Object) -> Option<File> {
    let module = IMAGE.modules.read(object.module?)?;
    File::open(IMAGE.text(module.path)).ok()
}

/// The number that a module's file has for a place in its data; `None` where that is not known.
fn number_in_file(file: Option<&File>, data: &Data, address: usize) -> Option<u64> {
    let at = address - data.start;
    if at >= data.file_len {
        return Some(0);
    }
    let mut number = [0; 4];
    file?
        .read_exact_at(&mut number, data.offset + at as u64)
        .ok()?;
    Some(u64::from(u32::from_le_bytes(number)))
}
