//! A profile for pprof: gzipped protobuf with blocks and bytes of every site.
//!
//! Native frames have their module with its build-id and the address of the call in the module's
//! file; functions inlined at the same address are lines of one location, as pprof wants it. Each
//! module gets a range of addresses of its own, because pprof rejects a profile whose addresses
//! lie outside of their mapping; the file offset of the mapping undoes that for tools that look
//! up symbols themselves. Java frames lie in no module.

pub mod proto;

use std::collections::HashMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::caption;
use crate::model::{Frame, NativeFrame, Process, Report};
use proto::{Function, Label, Line, Location, Mapping, Profile, Sample, ValueType};

/// The leaks as a gzipped profile.
///
/// # Errors
///
/// None that a report can cause; the signature is that of a writer.
pub fn pprof(report: &Report) -> io::Result<Vec<u8>> {
    let profile = profile(report);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&profile.encode_to_vec())?;
    packed.finish()
}

fn profile(report: &Report) -> Profile {
    let mut builder = Builder::default();
    builder.text("");
    let inuse = [("inuse_objects", "count"), ("inuse_space", "bytes")];
    let sample_type = inuse.map(|(name, unit)| ValueType {
        r#type: builder.text(name),
        unit: builder.text(unit),
    });
    builder.profile.sample_type = sample_type.to_vec();
    builder.profile.default_sample_type = builder.text("inuse_space");
    for note in report.unreadable_notes() {
        let comment = builder.text(&note);
        builder.profile.comment.push(comment);
    }
    for process in &report.processes {
        for note in &process.notes {
            let comment = builder.text(&format!("{}: {note}", caption::process(process)));
            builder.profile.comment.push(comment);
        }
        builder.process(process);
    }
    builder.profile
}

/// A profile and the places of what is in it already.
#[derive(Default)]
struct Builder {
    profile: Profile,
    texts: HashMap<String, i64>,
    /// By path and build-id.
    mappings: HashMap<(String, String), u64>,
    locations: HashMap<Location, u64>,
    functions: HashMap<(i64, i64), u64>,
}

impl Eq for Location {}

impl std::hash::Hash for Location {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.mapping_id, self.address, self.line.len()).hash(state);
        for line in &self.line {
            (line.function_id, line.line).hash(state);
        }
    }
}

impl Builder {
    fn process(&mut self, process: &Process) {
        let build_ids: HashMap<&str, &str> = process
            .modules
            .iter()
            .map(|module| (&*module.path, &*module.build_id))
            .collect();
        let (kind, pid, name) = (self.text("kind"), self.text("pid"), self.text("process"));
        let of = self.text(&caption::process(process));
        for site in &process.leaks.sites {
            let labels = [
                Label {
                    key: kind,
                    str: self.text(site.kind.name()),
                    ..Label::default()
                },
                Label {
                    key: name,
                    str: of,
                    ..Label::default()
                },
                Label {
                    key: pid,
                    num: process.pid.into(),
                    ..Label::default()
                },
            ];
            let sample = Sample {
                location_id: self.stack(&site.frames, &build_ids),
                value: vec![number(site.blocks), number(site.bytes)],
                label: labels.to_vec(),
            };
            self.profile.sample.push(sample);
        }
    }

    /// The locations of a stack, the allocating one first.
    fn stack(&mut self, frames: &[Frame], build_ids: &HashMap<&str, &str>) -> Vec<u64> {
        let mut locations = Vec::new();
        let mut lines: Vec<Line> = Vec::new();
        for frame in frames {
            match frame {
                Frame::Native(native) => {
                    lines.extend(self.native_line(native));
                    if native.inlined {
                        continue;
                    }
                    let (mapping_id, address) = self.address(native, build_ids);
                    locations.push(self.location(mapping_id, address, std::mem::take(&mut lines)));
                }
                Frame::Java(java) => {
                    let name = caption::frame(frame);
                    let line = self.line(&name, &name, java.file.as_deref(), java.line);
                    locations.push(self.location(0, 0, vec![line]));
                }
                Frame::Mark { .. } => {
                    let name = caption::frame(frame);
                    let line = self.line(&name, "", None, None);
                    locations.push(self.location(0, 0, vec![line]));
                }
            }
        }
        locations
    }

    /// The function of a frame; none for native code without a name, which pprof shows by its
    /// module and address.
    fn native_line(&mut self, frame: &NativeFrame) -> Option<Line> {
        let function = frame.function.as_deref()?;
        let name = super::names::brief(function).into_owned();
        Some(self.line(&name, function, frame.file.as_deref(), frame.line))
    }

    fn line(&mut self, name: &str, whole: &str, file: Option<&str>, line: Option<u32>) -> Line {
        let key = (self.text(whole), self.text(file.unwrap_or_default()));
        let name = self.text(name);
        let function_id = match self.functions.get(&key) {
            Some(id) if !whole.is_empty() => *id,
            _ => {
                let id = self.profile.function.len() as u64 + 1;
                self.profile.function.push(Function {
                    id,
                    name,
                    system_name: if key.0 == 0 { name } else { key.0 },
                    filename: key.1,
                });
                self.functions.insert(key, id);
                id
            }
        };
        Line {
            function_id,
            line: line.unwrap_or(0).into(),
        }
    }

    fn location(&mut self, mapping_id: u64, address: u64, line: Vec<Line>) -> u64 {
        let mut location = Location {
            id: 0,
            mapping_id,
            address,
            line,
        };
        if let Some(id) = self.locations.get(&location) {
            return *id;
        }
        let id = self.profile.location.len() as u64 + 1;
        self.locations.insert(location.clone(), id);
        location.id = id;
        self.profile.location.push(location);
        id
    }

    /// The mapping of a frame, and its address in it.
    fn address(&mut self, frame: &NativeFrame, build_ids: &HashMap<&str, &str>) -> (u64, u64) {
        let digits = frame.offset.trim_start_matches("0x");
        let offset = u64::from_str_radix(digits, 16).unwrap_or(0);
        let Some(build_id) = build_ids.get(&*frame.module) else {
            return (0, offset);
        };
        let key = (frame.module.clone(), (*build_id).to_owned());
        let id = match self.mappings.get(&key) {
            Some(id) => *id,
            None => {
                let id = self.profile.mapping.len() as u64 + 1;
                let mapping = Mapping {
                    id,
                    memory_start: id * SPAN,
                    memory_limit: (id + 1) * SPAN,
                    filename: self.text(&frame.module),
                    build_id: self.text(build_id),
                    has_functions: true,
                    has_filenames: true,
                    has_line_numbers: true,
                    has_inline_frames: true,
                    ..Mapping::default()
                };
                self.profile.mapping.push(mapping);
                self.mappings.insert(key, id);
                id
            }
        };
        (id, id * SPAN + offset.min(SPAN - 1))
    }

    fn text(&mut self, text: &str) -> i64 {
        if let Some(index) = self.texts.get(text) {
            return *index;
        }
        let index = self.profile.string_table.len() as i64;
        self.profile.string_table.push(text.to_owned());
        self.texts.insert(text.to_owned(), index);
        index
    }
}

/// The range of addresses that each module gets: more than any library has.
const SPAN: u64 = 1 << 40;

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
