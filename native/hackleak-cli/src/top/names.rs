//! Names of sites: module and offset at once, function and line when they were looked up.
//!
//! Opening a library's debug information can take seconds, so a thread of its own does it, for the
//! sites that are shown only.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use hackleak_image::{Frame, Image};
use hackleak_report::{render, stacks};

/// Sites that are looked up before their names are shown.
const BATCH: usize = 16;

/// The names that are known.
pub(super) struct Names {
    known: HashMap<u32, String>,
    asked: HashSet<u32>,
    requests: Sender<Vec<u32>>,
    answers: Receiver<(u32, String)>,
}

impl Names {
    /// Starts looking up names in the image at `path`.
    pub(super) fn of(path: &Path) -> Names {
        let path = path.to_owned();
        let (requests, asked) = mpsc::channel::<Vec<u32>>();
        let (answer, answers) = mpsc::channel();
        thread::spawn(move || {
            // Without it the sampler says so, and the names stay unknown.
            let Ok(mut image) = Image::open(&path) else {
                return;
            };
            while let Ok(nodes) = asked.recv() {
                // What the nodes name was written before them.
                if image.refresh().is_err() {
                    return;
                }
                for node in &nodes {
                    if answer.send((*node, brief(&image, *node))).is_err() {
                        return;
                    }
                }
                for nodes in nodes.chunks(BATCH) {
                    for name in full(&image, nodes) {
                        if answer.send(name).is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Names {
            known: HashMap::new(),
            asked: HashSet::new(),
            requests,
            answers,
        }
    }

    /// Takes in what was found, and asks for what is not known.
    pub(super) fn want(&mut self, nodes: impl Iterator<Item = u32>) {
        self.known.extend(self.answers.try_iter());
        let new: Vec<u32> = nodes.filter(|node| self.asked.insert(*node)).collect();
        if !new.is_empty() {
            // A reader that could not go on leaves the names as they are.
            let _ = self.requests.send(new);
        }
    }

    pub(super) fn get(&self, node: u32) -> &str {
        self.known.get(&node).map_or("…", String::as_str)
    }
}

/// The names of `nodes` with functions and lines.
pub(super) fn full(image: &Image, nodes: &[u32]) -> Vec<(u32, String)> {
    let stacks = stacks(image, nodes).into_iter();
    stacks
        .map(|(node, frames)| (node, printable(&render::label(&frames))))
        .collect()
}

fn brief(image: &Image, node: u32) -> String {
    let frames = image.stack(node).frames;
    let native = frames.iter().find_map(|frame| match *frame {
        Frame::Native { module, vaddr } => {
            let path = image.module(module)?.path;
            let name = path.rsplit('/').next().unwrap_or(&path);
            Some(format!("{name}+{vaddr:#x}"))
        }
        _ => None,
    });
    printable(&native.unwrap_or_else(|| "…".to_owned()))
}

/// Whatever a file is called, it must not steer the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}
