//! Native memory that keeps file descriptors.
//!
//! A descriptor is a small number, and small numbers are everywhere. So only two places count as its
//! holder, both of the module that opened it: a reached block that is as young as the descriptor, since
//! its checkpoint, and the module's own data where they differ from what its file has there.
//!
//! What is difficult: either place may have the number by chance. That hides a leak of this descriptor, not
//! of the others of its site, whose numbers are other ones. A check says what it took for held.

use super::memory::{Memory, WORD};
use super::nodes::Parent;
use super::objects::{Object, Objects};
use super::table::Table;
use super::{Marks, NativeRoot, Stop};
use crate::{IMAGE, descriptors};
use core::ffi::{c_int, c_void};
use core::ops::Range;
use hackleak_image::Frame;
use hackleak_image::layout::{Kind, Live};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;

/// A descriptor that nothing was found to hold.
#[derive(Clone, Copy)]
struct Open {
    node: usize,
    number: u32,
    module: u32,
}

/// Marks those descriptors of native code as held that native memory has. Called when everything else was
/// looked at.
pub fn hold(
    marks: &mut Marks,
    memory: &Memory,
    objects: &Objects,
    native: &Table<NativeRoot>,
) -> Result<(), Stop> {
    let mut open = Table::new();
    for (index, node) in marks.nodes.all.iter().enumerate() {
        let is_one = node.suspect && !node.is_held() && descriptors::is_address(node.start);
        if is_one
            && !descriptors::is_of_java(node.start)
            && let (Some(number), Some(module)) =
                (descriptors::number(node.start), opener(node.live))
        {
            open.push(Open {
                node: index,
                number,
                module,
            })?;
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    in_data(marks, memory, objects, native, &mut open)?;
    in_blocks(marks, memory, &open)
}

/// The module whose call made the record.
fn opener(live: Live) -> Option<u32> {
    match Frame::decode(IMAGE.node(live.stack()).frame) {
        Some(Frame::Native { module, .. }) => Some(module),
        _ => None,
    }
}

/// The numbers in a word: one in each half.
fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

fn mark(marks: &mut Marks, open: &Open, parent: Parent, via: usize) {
    let node = &mut marks.nodes.all[open.node];
    if !node.is_held() {
        (node.parent, node.via) = (parent, via);
        marks.open -= 1;
    }
}

/// The data of the modules that opened any.
fn in_data(
    marks: &mut Marks,
    memory: &Memory,
    objects: &Objects,
    native: &Table<NativeRoot>,
    open: &mut Table<Open>,
) -> Result<(), Stop> {
    let mut found: Table<(usize, u32, usize)> = Table::new();
    let mut failed = None;
    for (root, of) in native.iter().enumerate() {
        let NativeRoot::Data(index) = of else {
            continue;
        };
        let object = &objects.all[*index];
        if !open.iter().any(|open| Some(open.module) == object.module) {
            continue;
        }
        let file = Loaded::of(object);
        for range in objects.data_of(object) {
            memory.runs(range, |at, words| {
                for (index, word) in words.iter().enumerate() {
                    let via = at + index * WORD;
                    for (half, number) in halves(*word).into_iter().enumerate() {
                        let has = |open: &&Open| {
                            open.number == number && Some(open.module) == object.module
                        };
                        if let Some(open) = open.iter().find(has)
                            && file.number_at(via + half * 4) != Some(number)
                        {
                            failed = failed.or(found.push((open.node, root as u32, via)).err());
                        }
                    }
                }
            });
        }
    }
    for open in open.iter() {
        let place = found.iter().find(|(node, ..)| *node == open.node);
        if let Some((_, root, via)) = place {
            mark(marks, open, Parent::Root(*root), *via);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The blocks of these modules that were reached and are as young.
fn in_blocks(marks: &mut Marks, memory: &Memory, open: &Table<Open>) -> Result<(), Stop> {
    let mut found: Table<(usize, u32)> = Table::new();
    let mut failed = None;
    for (index, node) in marks.nodes.all.iter().enumerate() {
        let keeps = node.suspect && node.is_held() && is_memory(node.live);
        let Some(module) = opener(node.live).filter(|_| keeps) else {
            continue;
        };
        if !open.iter().any(|open| open.module == module) {
            continue;
        }
        memory.runs(node.memory(), |_, words| {
            for number in words.iter().flat_map(|word| halves(*word)) {
                let has = |open: &&Open| open.number == number && open.module == module;
                if let Some(open) = open.iter().find(has) {
                    failed = failed.or(found.push((open.node, index as u32)).err());
                }
            }
        });
    }
    for open in open.iter() {
        if let Some((_, block)) = found.iter().find(|(node, _)| *node == open.node) {
            mark(marks, open, Parent::Node(*block), 0);
        }
    }
    failed.map_or(Ok(()), Err)
}

fn is_memory(live: Live) -> bool {
    matches!(
        Kind::from_number(live.kind()),
        Some(Kind::New | Kind::NewArray | Kind::Malloc)
    )
}

/// What a module's file has for its writable data.
struct Loaded {
    file: Option<File>,
    bias: usize,
    /// Address, length in the file, and offset in the file of each part.
    parts: Vec<(usize, usize, u64)>,
}

impl Loaded {
    fn of(object: &Object) -> Loaded {
        let mut loaded = Loaded {
            file: None,
            bias: object.bias,
            parts: Vec::new(),
        };
        // SAFETY: the callback has the type that the C library wants; the pointer is valid meanwhile.
        unsafe { libc::dl_iterate_phdr(Some(find), (&raw mut loaded).cast()) };
        loaded
    }

    /// The number that the file has for this place; `None` where it is not known to have any.
    fn number_at(&self, address: usize) -> Option<u32> {
        let is_in = |part: &&(usize, usize, u64)| {
            let file: Range<usize> = part.0..part.0 + part.1;
            file.contains(&address)
        };
        let part = self.parts.iter().find(is_in);
        let Some((start, _, offset)) = part else {
            // What a file does not have begins as zero.
            return Some(0);
        };
        let mut number = [0; 4];
        let at = offset + (address - start) as u64;
        self.file.as_ref()?.read_exact_at(&mut number, at).ok()?;
        Some(u32::from_le_bytes(number))
    }
}

unsafe extern "C" fn find(info: *mut libc::dl_phdr_info, _: usize, data: *mut c_void) -> c_int {
    // SAFETY: the description that the C library gives, and the pointer that `of` passed.
    let (info, loaded) = unsafe { (&*info, &mut *data.cast::<Loaded>()) };
    if info.dlpi_addr as usize != loaded.bias {
        return 0;
    }
    // SAFETY: the loader's name ends in a zero byte; it is empty for the program itself.
    let path = unsafe { core::ffi::CStr::from_ptr(info.dlpi_name) }.to_bytes();
    let path = match path {
        b"" => b"/proc/self/exe",
        path => path,
    };
    loaded.file = File::open(OsStr::from_bytes(path)).ok();
    for index in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: the object's program headers, which are mapped while it is loaded.
        let program = unsafe { &*info.dlpi_phdr.add(index) };
        if program.p_type == libc::PT_LOAD && program.p_flags & libc::PF_W != 0 {
            let start = loaded.bias.wrapping_add(program.p_vaddr as usize);
            let part = (start, program.p_filesz as usize, program.p_offset);
            loaded.parts.push(part);
        }
    }
    1
}
