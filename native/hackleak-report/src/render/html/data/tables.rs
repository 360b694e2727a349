//! The tables that all columns refer to: strings, frames and nodes by number, each once.

use std::collections::HashMap;

use serde::Serialize;

use crate::model::{Frame, Site};
use crate::render::fold::framework_frames;
use crate::render::names;
use crate::stable::library_name;

/// What stands for the frames that only say how a test was started.
const FRAMEWORK: &str = "test framework";

/// What a frame is; the script has the same numbers.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Native = 0,
    Java = 1,
    Mark = 2,
    Framework = 3,
}

/// Frames by number. Texts are numbers of strings.
#[derive(Default, Serialize)]
pub(super) struct Frames {
    side: Vec<u8>,
    /// The name to show.
    name: Vec<u32>,
    /// The whole name.
    full: Vec<u32>,
    /// `file:line`, `Native Method`, or empty.
    place: Vec<u32>,
    /// Path of the module, for native frames.
    module: Vec<u32>,
    /// Address in the module's file, for native frames.
    inlined: Vec<u8>,
}

/// Strings, frames and nodes by number, each once.
#[derive(Default)]
pub(super) struct Tables<'report> {
    pub(super) strings: Vec<String>,
    string_numbers: HashMap<String, u32>,
    pub(super) frames: Frames,
    frame_numbers: HashMap<&'report Frame, u32>,
    framework: Option<u32>,
    pub(super) nodes: Vec<(u32, u32)>,
    node_numbers: HashMap<(u32, u32), u32>,
    thread_numbers: HashMap<&'report [crate::model::Thread], u32>,
}

impl<'report> Tables<'report> {
    pub(super) fn string(&mut self, text: &str) -> u32 {
        if let Some(number) = self.string_numbers.get(text) {
            return *number;
        }
        let number = self.strings.len() as u32;
        self.strings.push(text.to_owned());
        self.string_numbers.insert(text.to_owned(), number);
        number
    }

    pub(super) fn threads(&mut self, site: &'report Site) -> u32 {
        if let Some(number) = self.thread_numbers.get(&*site.threads) {
            return *number;
        }
        let name = |thread: &crate::model::Thread| match thread.name.is_empty() {
            true => thread.tid.to_string(),
            false => format!("{} ({})", thread.name, thread.tid),
        };
        let names: Vec<String> = site.threads.iter().map(name).collect();
        let number = self.string(&names.join(", "));
        self.thread_numbers.insert(&site.threads, number);
        number
    }

    /// The node of a stack, whose frames come innermost first.
    pub(super) fn stack(&mut self, frames: &'report [Frame]) -> u32 {
        let folded = framework_frames(frames);
        let mut node = 0;
        if folded > 0 {
            let framework = match self.framework {
                Some(framework) => framework,
                None => self.mark(FRAMEWORK, Side::Framework),
            };
            self.framework = Some(framework);
            node = self.child(node, framework);
        }
        for frame in frames[..frames.len() - folded].iter().rev() {
            let frame = self.frame(frame);
            node = self.child(node, frame);
        }
        node
    }

    fn child(&mut self, parent: u32, frame: u32) -> u32 {
        let next = self.nodes.len() as u32;
        let number = *self.node_numbers.entry((parent, frame)).or_insert(next);
        if number == next {
            self.nodes.push((parent, frame));
        }
        number
    }

    pub(super) fn mark(&mut self, text: &str, side: Side) -> u32 {
        let name = self.string(text);
        self.push(side, [name, name, 0, 0], false)
    }

    fn push(&mut self, side: Side, texts: [u32; 4], inlined: bool) -> u32 {
        let [name, full, place, module] = texts;
        let frames = &mut self.frames;
        frames.side.push(side as u8);
        frames.name.push(name);
        frames.full.push(full);
        frames.place.push(place);
        frames.module.push(module);
        frames.inlined.push(inlined.into());
        frames.side.len() as u32 - 1
    }

    pub(super) fn frame(&mut self, frame: &'report Frame) -> u32 {
        if let Some(number) = self.frame_numbers.get(frame) {
            return *number;
        }
        let number = match frame {
            Frame::Mark { text } => self.mark(text, Side::Mark),
            Frame::Java(java) => {
                let name = self.string(&format!("{}.{}", java.class, java.method));
                let place = match (java.native, &java.file, java.line) {
                    (true, _, _) => "Native Method".to_owned(),
                    (_, Some(file), Some(line)) => format!("{file}:{line}"),
                    (_, Some(file), None) => file.clone(),
                    _ => String::new(),
                };
                let place = self.string(&place);
                self.push(Side::Java, [name, name, place, 0], false)
            }
            Frame::Native(native) => {
                let address = || format!("{}+{}", library_name(&native.module), native.offset);
                let full = native.function.clone().unwrap_or_else(&address);
                let brief = names::brief(&full).into_owned();
                let place = match (&native.file, native.line) {
                    (Some(file), Some(line)) => format!("{file}:{line}"),
                    (Some(file), None) => file.clone(),
                    // Without a function that is its name already.
                    _ if native.function.is_none() => String::new(),
                    _ => address(),
                };
                let texts = [
                    self.string(&brief),
                    self.string(&full),
                    self.string(&place),
                    self.string(&native.module),
                ];
                self.push(Side::Native, texts, native.inlined)
            }
        };
        self.frame_numbers.insert(frame, number);
        number
    }
}
