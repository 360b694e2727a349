//! Native frames: names, files, lines and inlined functions from ELF symbols and DWARF.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{CodeInfo, Input, Sym, Symbolized, Symbolizer};

use hackleak_image::Image;

use super::{file, kept, tidy};
use crate::demangle::demangled;
use crate::model::{Module, NativeFrame};
use crate::progress::{self, Stage};

/// The frames of every address that was asked for.
pub(super) struct NativeNames {
    frames: HashMap<(u32, u64), Vec<NativeFrame>>,
    pub(super) modules: Vec<Module>,
    pub(super) notes: Vec<String>,
}

impl NativeNames {
    /// Looks up `addresses` by module. They are return addresses, so the call is one byte before.
    pub(super) fn look_up(image: &Image, addresses: BTreeMap<u32, BTreeSet<u64>>) -> NativeNames {
        let total = addresses.values().map(BTreeSet::len).sum::<usize>() as u64;
        let mut progress = Progress { done: 0, total };
        let images = image.path().parent().unwrap_or(Path::new("")).to_owned();
        let mut names = NativeNames {
            frames: HashMap::new(),
            modules: Vec::new(),
            notes: Vec::new(),
        };
        for (index, addresses) in addresses {
            let Some(module) = image.module(index) else {
                for vaddr in addresses {
                    let frame = nameless(&format!("<module {index}>"), vaddr);
                    names.frames.insert((index, vaddr), vec![frame]);
                }
                continue;
            };
            if module.is_recorder() {
                continue;
            }
            let symbols = file::find(&images, &module);
            names.notes.extend(symbols.note);
            let returns: Vec<u64> = addresses.into_iter().collect();
            each_of(
                symbols.path.as_deref(),
                &module.path,
                &returns,
                &mut progress,
                |vaddr, frames| {
                    names.frames.insert((index, vaddr), frames);
                },
            );
            let build_id = module.build_id_hex();
            names.modules.push(Module {
                path: module.path,
                build_id,
                coverage: None,
            });
        }
        names
    }

    /// The frames at an address, inlined functions first; none inside HackLeak itself.
    pub(super) fn frames(&self, module: u32, vaddr: u64) -> &[NativeFrame] {
        self.frames.get(&(module, vaddr)).map_or(&[], Vec::as_slice)
    }
}

/// How far the look-ups are.
struct Progress {
    done: u64,
    total: u64,
}

impl Progress {
    fn add(&mut self, addresses: usize) {
        self.done += addresses as u64;
        progress::step(Stage::Symbolising, self.done, self.total);
    }
}

/// Addresses that one symboliser looks up before it is dropped. It keeps every unit of debug
/// information that it met, several times the unit's size in the file, so this bounds the memory:
/// the addresses are in ascending order, and neighbours mostly share their unit.
const PER_SYMBOLIZER: usize = 512;
/// Addresses between two steps of the progress.
const PER_STEP: usize = 64;

/// Calls `each` with the frames at every return address, which are in ascending order. The file
/// is `None` where there is none to be trusted.
fn each_of(
    file: Option<&Path>,
    module: &str,
    returns: &[u64],
    progress: &mut Progress,
    mut each: impl FnMut(u64, Vec<NativeFrame>),
) {
    let left = kept::known(file, module, returns, &mut each);
    progress.add(returns.len() - left.len());
    for part in left.chunks(PER_SYMBOLIZER) {
        // Unless it is kept, its caches die with it, before the next part and the next module.
        let symbolizer = kept::symbolizer(file, part.len(), PER_SYMBOLIZER);
        for returns in part.chunks(PER_STEP) {
            let calls: Vec<u64> = returns
                .iter()
                .map(|vaddr| vaddr.saturating_sub(1))
                .collect();
            let found = match file {
                Some(file) => symbols_of(&symbolizer, file, &calls),
                None => Vec::new(),
            };
            let mut named = Vec::with_capacity(returns.len());
            for (number, vaddr) in returns.iter().copied().enumerate() {
                let frames = match found.get(number).and_then(Option::as_ref) {
                    Some(symbol) => expand(symbol, module, vaddr),
                    None => vec![nameless(module, vaddr)],
                };
                named.push((vaddr, frames));
            }
            kept::add(file, module, &named);
            named
                .into_iter()
                .for_each(|(vaddr, frames)| each(vaddr, frames));
            progress.add(returns.len());
        }
    }
}

/// The frames at return addresses in a file as it is now, which the frames call `module`.
pub(crate) fn of_file(
    file: &Path,
    module: &str,
    returns: &BTreeSet<u64>,
) -> HashMap<u64, Vec<NativeFrame>> {
    let returns: Vec<u64> = returns.iter().copied().collect();
    let file = Some(file).filter(|file| file.is_absolute() && file.is_file());
    let mut frames = HashMap::new();
    let mut progress = Progress {
        done: 0,
        total: returns.len() as u64,
    };
    each_of(file, module, &returns, &mut progress, |vaddr, found| {
        frames.insert(vaddr, found);
    });
    frames
}

/// One symbol per address, from the debug information and the symbol table together. The table
/// still has names where debug information is missing or cannot be read, and full names where it
/// has only short ones: functions of local types have no linkage name there.
fn symbols_of<'a>(symbolizer: &'a Symbolizer, path: &Path, calls: &[u64]) -> Vec<Option<Sym<'a>>> {
    let mut elf = Elf::new(path);
    let described = look_up(symbolizer, &elf, calls);
    elf.debug_syms = false;
    let listed = look_up(symbolizer, &elf, calls);
    let both = described.into_iter().zip(listed);
    both.map(|(described, listed)| match (described, listed) {
        (Some(mut described), Some(listed)) => {
            if !described.name.contains('(') && listed.name.contains(&*described.name) {
                described.name = listed.name;
            }
            Some(described)
        }
        (described, listed) => described.or(listed),
    })
    .collect()
}

fn look_up<'a>(symbolizer: &'a Symbolizer, elf: &Elf, calls: &[u64]) -> Vec<Option<Sym<'a>>> {
    let source = Source::Elf(elf.clone());
    match symbolizer.symbolize(&source, Input::VirtOffset(calls)) {
        Ok(found) if found.len() == calls.len() => {
            let symbols = found.into_iter().map(Symbolized::into_sym);
            symbols.map(|symbol| symbol.map(readable)).collect()
        }
        _ => calls.iter().map(|_| None).collect(),
    }
}

/// The symbol with names as people write them. Whoever demangles without looking takes the names of
/// C's functions for types.
fn readable(mut symbol: Sym<'_>) -> Sym<'_> {
    symbol.name = demangled(&symbol.name).into();
    for function in &mut symbol.inlined {
        function.name = demangled(&function.name).into();
    }
    symbol
}

/// The function and what was inlined into it, innermost first.
fn expand(symbol: &Sym<'_>, module: &str, vaddr: u64) -> Vec<NativeFrame> {
    let inlined = symbol.inlined.iter().rev();
    let mut frames: Vec<NativeFrame> = inlined
        .map(|function| {
            frame(
                &function.name,
                function.code_info.as_ref(),
                true,
                module,
                vaddr,
            )
        })
        .collect();
    frames.push(frame(
        &symbol.name,
        symbol.code_info.as_deref(),
        false,
        module,
        vaddr,
    ));
    frames
}

fn frame(
    name: &str,
    code: Option<&CodeInfo<'_>>,
    inlined: bool,
    module: &str,
    vaddr: u64,
) -> NativeFrame {
    NativeFrame {
        function: (!name.is_empty()).then(|| tidy::function(name).into_owned()),
        file: code.map(|code| code.to_path().to_string_lossy().into_owned()),
        line: code.and_then(|code| code.line).filter(|line| *line > 0),
        inlined,
        ..nameless(module, vaddr)
    }
}

fn nameless(module: &str, vaddr: u64) -> NativeFrame {
    NativeFrame {
        function: None,
        file: None,
        line: None,
        inlined: false,
        module: module.to_owned(),
        offset: format!("{:#x}", vaddr.saturating_sub(1)),
    }
}

/// What stands for the module of code outside of all modules.
pub(crate) const NO_MODULE: &str = "(no module)";

/// Code that no module covers: compiled at run time, or unloaded before it was seen.
pub(crate) fn unmapped(address: u64) -> NativeFrame {
    NativeFrame {
        offset: format!("{address:#x}"),
        ..nameless(NO_MODULE, 0)
    }
}
