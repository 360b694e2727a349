//! Native frames: names, files, lines and inlined functions from ELF symbols and DWARF.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{CodeInfo, Input, Sym, Symbolized, Symbolizer};
use hackleak_image::Image;

use super::{file, tidy};
use crate::model::{Module, NativeFrame};

/// The frames of every address that was asked for.
pub(super) struct NativeNames {
    frames: HashMap<(u32, u64), Vec<NativeFrame>>,
    pub(super) modules: Vec<Module>,
    pub(super) notes: Vec<String>,
}

impl NativeNames {
    /// Looks up `addresses` by module. They are return addresses, so the call is one byte before.
    pub(super) fn look_up(image: &Image, addresses: BTreeMap<u32, BTreeSet<u64>>) -> NativeNames {
        let symbolizer = Symbolizer::builder().enable_auto_reload(false).build();
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
            let calls: Vec<u64> = returns
                .iter()
                .map(|vaddr| vaddr.saturating_sub(1))
                .collect();
            let found = match &symbols.path {
                Some(path) => symbols_of(&symbolizer, path, &calls),
                None => Vec::new(),
            };
            for (number, vaddr) in returns.into_iter().enumerate() {
                let frames = match found.get(number).and_then(Option::as_ref) {
                    Some(symbol) => expand(symbol, &module.path, vaddr),
                    None => vec![nameless(&module.path, vaddr)],
                };
                names.frames.insert((index, vaddr), frames);
            }
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
            found.into_iter().map(Symbolized::into_sym).collect()
        }
        _ => calls.iter().map(|_| None).collect(),
    }
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
pub(super) fn unmapped(address: u64) -> NativeFrame {
    NativeFrame {
        offset: format!("{address:#x}"),
        ..nameless(NO_MODULE, 0)
    }
}
