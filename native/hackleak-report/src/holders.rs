//! Who holds a site's blocks, in words.
//!
//! The recorder knows a word's address in a module; which variable that is stands in the symbol
//! table of the module's file, if the file has one and is still the recorded build.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;

use hackleak_image::Image;
use hackleak_image::layout::{Kind, Root};
use hackleak_image::reader::HolderRecord;
use object::LittleEndian;
use object::read::elf::ElfFile64;
use object::read::{Object, ObjectSection, ObjectSymbol, ReadCache, SymbolKind};

use crate::demangle::demangled;
use crate::model::{Holder, HolderRoot, Thread};
use crate::numbers::{bytes, counted};
use crate::render::label;
use crate::render::stack::base_name;
use crate::symbolise::{Symbolised, file};

/// Every holder that was asked for, by its number.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    records: BTreeMap<u32, HolderRecord>,
    /// By module and offset, and whether it is in thread-local storage.
    variables: HashMap<(u32, u64, bool), Variable>,
    paths: HashMap<u32, String>,
}

/// Where a word lies.
#[derive(Debug, Default, Clone)]
struct Variable {
    name: Option<String>,
    section: Option<String>,
}

impl Holders {
    /// Reads the holders of these numbers.
    pub(crate) fn read(image: &Image, numbers: impl Iterator<Item = u32>) -> Holders {
        let numbers: BTreeSet<u32> = numbers.collect();
        let records: BTreeMap<u32, HolderRecord> = numbers
            .into_iter()
            .filter_map(|number| Some((number, image.holder(number)?)))
            .collect();
        let mut words: BTreeMap<u32, BTreeSet<(u64, bool)>> = BTreeMap::new();
        for record in records.values() {
            if let Some(module) = record.module {
                let local = record.root == Root::ThreadLocal;
                let words = words.entry(module).or_default();
                words.insert((record.record.offset, local));
            }
        }
        let mut holders = Holders {
            records,
            ..Holders::default()
        };
        let images = image.path().parent().unwrap_or(Path::new("")).to_owned();
        for (index, words) in words {
            let Some(module) = image.module(index) else {
                continue;
            };
            let found = file::find(&images, &module)
                .path
                .map_or_else(HashMap::new, |path| variables(&path, &words));
            for (word, variable) in found {
                holders.variables.insert((index, word.0, word.1), variable);
            }
            holders.paths.insert(index, module.path);
        }
        holders
    }

    /// Where the way to what the holder of this number holds begins.
    pub(crate) fn root(&self, number: u32) -> Option<HolderRoot> {
        let record = self.records.get(&number)?;
        Some(HolderRoot::from(record.root))
    }

    /// Whether it has place for one block: a static field of Java's, with nothing between. Where
    /// tests fill such fields one after the other, each is filled and none grows.
    pub(crate) fn has_one_place(&self, number: u32) -> bool {
        let record = self.records.get(&number);
        record.is_some_and(|record| {
            let is_direct = record.chain.is_empty() && !record.name.contains('\n');
            record.root == Root::StaticField && is_direct
        })
    }

    /// The stacks of the blocks on the way to what is held.
    pub(crate) fn stacks(&self) -> impl Iterator<Item = u32> {
        let links = self.records.values().flat_map(|record| &record.chain);
        links.map(|link| link.stack).filter(|stack| *stack != 0)
    }

    /// The holder of this number; `others` are further holders of blocks of the same site.
    pub(crate) fn holder(
        &self,
        number: u32,
        others: u64,
        symbolised: &Symbolised,
    ) -> Option<Holder> {
        let record = self.records.get(&number)?;
        let root = HolderRoot::from(record.root);
        let module = record.module.and_then(|index| self.paths.get(&index));
        let local = record.root == Root::ThreadLocal;
        let variable = record
            .module
            .and_then(|index| self.variables.get(&(index, record.record.offset, local)))
            .cloned()
            .unwrap_or_default();
        let in_java = record.record.tid == 0;
        let mut lines = record.name.lines().filter(|_| in_java).map(str::to_owned);
        let name = match root {
            HolderRoot::StaticField
            | HolderRoot::Field
            | HolderRoot::Element
            | HolderRoot::Local
            | HolderRoot::GlobalReference
            | HolderRoot::JavaThread => lines.next().filter(|name| !name.is_empty()),
            _ => variable.name,
        };
        let path = lines.collect();
        let thread = (record.record.tid != 0).then(|| Thread {
            tid: record.record.tid,
            name: record.name.clone(),
        });
        let chain = record.chain.iter().map(|link| {
            let place = symbolised.stacks.get(&link.stack);
            match (link.stack, place) {
                (0, _) if link.size == 0 => "memory that was mapped".to_owned(),
                (0, _) if link.kind == Kind::Runtime as u32 => {
                    format!("{} of the runtime", bytes(link.size))
                }
                (0, _) => format!("{} of the parent process", bytes(link.size)),
                (_, Some(frames)) => format!("{} of {}", bytes(link.size), label(frames)),
                (_, None) => bytes(link.size),
            }
        });
        Some(Holder {
            root,
            name,
            module: module.cloned(),
            section: variable.section,
            offset: module.map(|_| format!("{:#x}", record.record.offset)),
            thread,
            path,
            chain: chain.collect(),
            others,
        })
    }
}

/// What lies at each word of a file's data; the second part of a word says that it is thread-local.
fn variables(path: &Path, words: &BTreeSet<(u64, bool)>) -> HashMap<(u64, bool), Variable> {
    let mut found = HashMap::new();
    let Ok(file) = File::open(path) else {
        return found;
    };
    let cache = ReadCache::new(file);
    let Ok(elf) = ElfFile64::<LittleEndian, _>::parse(&cache) else {
        return found;
    };
    for word in words {
        let section = elf.sections().find(|section| {
            let start = section.address();
            !word.1 && start != 0 && (start..start + section.size()).contains(&word.0)
        });
        let section = section.and_then(|section| Some(section.name().ok()?.to_owned()));
        let name = None;
        found.insert(*word, Variable { name, section });
    }
    let tables = elf.symbols().chain(elf.dynamic_symbols());
    for symbol in tables {
        let local = match symbol.kind() {
            SymbolKind::Data => false,
            SymbolKind::Tls => true,
            _ => continue,
        };
        let end = symbol.address().saturating_add(symbol.size().max(1));
        for word in words.range((symbol.address(), false)..(end, false)) {
            let variable = found.entry(*word).or_default();
            if word.1 == local
                && variable.name.is_none()
                && let Ok(name) = symbol.name()
            {
                let name = demangled(name).replace("_GLOBAL__N_1", "(anonymous namespace)");
                variable.name = Some(name);
            }
        }
    }
    found
}

impl Holder {
    /// The root and what lies between it and the blocks, in one line.
    pub fn sentence(&self) -> String {
        /// The most blocks that are named on the way.
        const MOST: usize = 2;
        /// The most fields of Java's, the first ones and the last one.
        const FIELDS: usize = 4;
        let mut sentence = self.root_text();
        let (first, last) = match self.path.len() {
            len if len > FIELDS => (FIELDS - 1, len - 1),
            len => (len, len),
        };
        for field in &self.path[..first] {
            sentence.push_str(" → ");
            sentence.push_str(field);
        }
        for field in &self.path[last..] {
            sentence.push_str(" → … → ");
            sentence.push_str(field);
        }
        for block in self.chain.iter().take(MOST) {
            sentence.push_str(" → ");
            sentence.push_str(block);
        }
        if self.chain.len() > MOST {
            sentence.push_str(" → …");
        }
        if self.others > 0 {
            let others = counted(self.others, "other holder");
            sentence.push_str(&format!(" (and {others})"));
        }
        sentence
    }

    /// The root in words.
    pub fn root_text(&self) -> String {
        let name = self.name.as_deref();
        let library = self.module.as_deref().map(base_name).unwrap_or_default();
        let place = match (&self.section, &self.offset) {
            (Some(section), Some(offset)) if name.is_none() => {
                format!("{library}+{offset} {section}")
            }
            (Some(section), _) => format!("{library} {section}"),
            (None, Some(offset)) if name.is_none() => format!("{library}+{offset}"),
            (None, _) => library.to_owned(),
        };
        let of_thread = self.thread.as_ref().map_or_else(String::new, |thread| {
            format!(" of thread `{}`", thread.name)
        });
        match self.root {
            HolderRoot::Data => match name {
                Some(name) => format!("{name} ({place})"),
                None => format!("data ({place})"),
            },
            HolderRoot::ThreadLocal => match name {
                Some(name) => format!("thread_local {name} ({place}){of_thread}"),
                None => format!("a thread_local ({place}){of_thread}"),
            },
            HolderRoot::Thread => format!("data specific to a thread{of_thread}"),
            HolderRoot::Stack => format!("the stack{of_thread}"),
            HolderRoot::StaticField => format!("static {}", name.unwrap_or("field")),
            HolderRoot::Field => format!("live {}", name.unwrap_or("object")),
            HolderRoot::Element => format!("live {}", name.unwrap_or("long[]")),
            HolderRoot::Local => format!("a local variable of {}", name.unwrap_or("a method")),
            HolderRoot::GlobalReference => "a JNI global reference".to_owned(),
            HolderRoot::JavaThread => format!("thread `{}`", name.unwrap_or_default()),
        }
    }
}
