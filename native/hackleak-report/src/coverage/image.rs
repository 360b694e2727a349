//! The coverage of the modules in an image.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use hackleak_image::reader::LoadedModule;
use hackleak_image::{
    Image,
    frame::Frame,
    layout::{Counter, Kind, module_flags},
};
use hackleak_options::{Options, Track};

use super::assess::{Tracked, assess};
use super::facts::{Facts, Unreadable};
use super::kinds;
use super::reason::apart;
use super::under_test::{self, Runtime};
use crate::judge::losses;
use crate::model::{Coverage, Module, Visibility};
use crate::stable::library_name;
use crate::suppress::pattern::matches;
use crate::symbolise::file;

/// The modules of a process, and what must be said about them.
pub(crate) struct Modules {
    /// Every module but the recorder itself.
    pub(crate) all: Vec<Module>,
    /// One sentence per library under test that is not seen in full.
    pub(crate) notes: Vec<String>,
    /// There are, or were, libraries under test that are blind though their kinds are tracked.
    pub(crate) blind: bool,
}

/// What is not seen of a process, whatever it leaks: what a check that passes must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// One sentence for each library under test that is not seen in full, and for kinds.
    pub notes: Vec<String>,
    /// The libraries under test that are blind, or of which nothing is known, and why.
    pub blind: Vec<(String, String)>,
    /// Whether a check fails because of them.
    pub fails: bool,
    /// One line that names the libraries which the program brought along; `None` when all of them
    /// are seen.
    pub line: Option<String>,
}

impl Unseen {
    /// Looks at the modules of `image`.
    pub fn of(image: &Image) -> Unseen {
        let modules = Modules::of(image);
        let track = Track::names(image.header().track);
        let is_jvm = kinds::is_jvm(modules.all.iter().map(|module| &*module.path));
        let mut notes = modules.notes;
        for elsewhere in [Counter::OtherNamespaces, Counter::LibrariesByPath] {
            let count = image.counter(elsewhere);
            if count > 0 {
                notes.push(losses::sentence(image, elsewhere, count));
            }
        }
        notes.extend(kinds::missed(image, &track, is_jvm));
        notes.extend(kinds::not_tracked(&track, is_jvm));
        let failing = modules.all.iter().filter(|module| module.fails_strict());
        let blind: Vec<_> = failing
            .map(|module| (module.path.clone(), module.why_unseen()))
            .collect();
        Unseen {
            notes,
            fails: !blind.is_empty() && is_strict(&image.options()),
            blind,
            line: line(&modules.all),
        }
    }
}

/// What the line on stderr says; the distribution's libraries come along with the JVM.
fn line(modules: &[Module]) -> Option<String> {
    let unseen = modules.iter().filter_map(|module| {
        let coverage = module.coverage.as_ref()?;
        let told = coverage.visibility != Visibility::Seen && !under_test::is_system(&module.path);
        told.then(|| sentence(module, coverage))
    });
    let mut unseen: Vec<String> = unseen.collect();
    unseen.dedup();
    (!unseen.is_empty()).then(|| format!("not all leaks are seen: {}", unseen.join(". ")))
}

impl Modules {
    /// Looks at all modules of `image`.
    pub(crate) fn of(image: &Image) -> Modules {
        let all = libraries(image);
        let under_test = || {
            all.iter()
                .filter_map(|module| Some((module, module.coverage.as_ref()?)))
        };
        let mut notes: Vec<(Visibility, String)> = under_test()
            .filter(|(_, coverage)| !coverage.untracked)
            .filter(|(_, coverage)| coverage.visibility != Visibility::Seen)
            .map(|(module, coverage)| (coverage.visibility, sentence(module, coverage)))
            .collect();
        notes.sort_by_key(|(sight, _)| std::cmp::Reverse(*sight));
        // Of libraries that are gone again there is only the number of calls.
        let blind = notes.iter().any(|(sight, _)| *sight == Visibility::Blind)
            || image.counter(Counter::OtherNamespaces) > 0;
        let mut notes: Vec<String> = notes.into_iter().map(|(_, note)| note).collect();
        let mut left_out: Vec<Cow<'_, str>> = under_test()
            .filter(|(module, coverage)| coverage.untracked && module.fails_strict())
            .map(|(module, _)| library_name(&module.path))
            .collect();
        left_out.dedup();
        if !left_out.is_empty() {
            notes.push(format!(
                "`{}`: what they allocate is not tracked at all; see `track`",
                left_out.join("`, `")
            ));
        }
        Modules { all, notes, blind }
    }
}

impl Module {
    /// Whether `strict=true` fails a test or a run because of this module: it is under test and
    /// blind, or nobody knows, because its file is gone. The distribution's libraries, which the
    /// JVM itself loads, are excused when only their kinds are not tracked.
    pub fn fails_strict(&self) -> bool {
        self.coverage
            .as_ref()
            .is_some_and(|coverage| fails_strict(&self.path, coverage))
    }

    /// Whether it is a library under test whose allocations are all seen; the distribution's, which
    /// come along with the JVM, are not worth a mention.
    pub(crate) fn is_seen_under_test(&self) -> bool {
        let coverage = self.coverage.as_ref();
        coverage.is_some_and(|coverage| coverage.visibility == Visibility::Seen)
            && !under_test::is_system(&self.path)
    }

    /// Why it is not seen, with the remedy.
    pub(crate) fn why_unseen(&self) -> String {
        let Some(coverage) = &self.coverage else {
            return String::new();
        };
        match coverage.visibility {
            Visibility::Unknown => format!(
                "whether its allocations are seen is not known: {}",
                coverage.why()
            ),
            Visibility::Blind | Visibility::Partly | Visibility::Seen => coverage.why(),
        }
    }

    /// Its file name.
    pub(crate) fn file_name(&self) -> Cow<'_, str> {
        library_name(&self.path)
    }
}

pub(super) fn fails_strict(path: &str, coverage: &Coverage) -> bool {
    match coverage.visibility {
        Visibility::Blind => !(coverage.untracked && under_test::is_system(path)),
        Visibility::Unknown => true,
        Visibility::Partly | Visibility::Seen => false,
    }
}

/// Whether a process was recorded with `strict=true`, by its options in their text form.
pub fn is_strict(options: &str) -> bool {
    options
        .parse::<Options>()
        .is_ok_and(|options| options.strict)
}

/// Every module in `image` but the recorder itself, those under test with their coverage.
pub fn libraries(image: &Image) -> Vec<Module> {
    let images = image.path().parent().unwrap_or(Path::new("")).to_owned();
    let modules: Vec<LoadedModule> = image
        .modules()
        .filter(|module| !module.is_recorder())
        .collect();
    let allocator = modules
        .iter()
        .find(|module| module.flags & module_flags::ALLOCATOR != 0)
        .map(|module| module.path.clone());
    let runtime = Runtime::of(modules.iter().map(|module| &*module.path)).with_allocator(allocator);
    let options = image.options().parse::<Options>();
    let (include, exclude) = match &options {
        Ok(options) => (&*options.include, &*options.exclude),
        Err(_) => ("", ""),
    };
    let tracked = Tracked::of_bits(image.header().track);
    let executable = modules
        .iter()
        .find(|module| module.flags & module_flags::EXECUTABLE != 0)
        .and_then(|module| facts(&images, module).ok());
    let mut all: Vec<Module> = modules
        .iter()
        .map(|module| {
            let under_test = (tracked.new || tracked.malloc)
                && !any_matches(exclude, &module.path)
                && (any_matches(include, &module.path) || !runtime.contains(&module.path));
            let coverage = under_test.then(|| match facts(&images, module) {
                _ if module.flags & module_flags::APART != 0 => apart(),
                Ok(facts) => assess(&facts, tracked, executable.as_deref()),
                Err(error) => unknown(&error),
            });
            Module {
                path: module.path.clone(),
                build_id: module.build_id_hex(),
                coverage,
            }
        })
        .collect();
    // A copy of the same file may be loaded in this namespace as well.
    let here = all.iter_mut().zip(&modules);
    let here = here.filter(|(_, loaded)| loaded.flags & module_flags::APART == 0);
    believe_calls(image, &runtime, here.map(|(module, _)| module).collect());
    all
}

/// Of a library whose allocations are recorded some are seen, whatever its file says.
fn believe_calls(image: &Image, runtime: &Runtime, mut modules: Vec<&mut Module>) {
    let is_blind = |module: &Module| {
        let coverage = module.coverage.as_ref();
        coverage
            .is_some_and(|coverage| coverage.visibility == Visibility::Blind && !coverage.untracked)
    };
    if !modules.iter().any(|module| is_blind(module)) {
        return;
    }
    let callers = callers(image, runtime);
    for module in modules.iter_mut().filter(|module| is_blind(module)) {
        if callers.contains(&module.path)
            && let Some(coverage) = &mut module.coverage
        {
            coverage.visibility = Visibility::Partly;
            let reason = "some of its allocations are recorded all the same";
            coverage.reasons.push(reason.to_owned());
        }
    }
}

/// The libraries that allocated what is live, by the innermost frame that is not the runtime's.
fn callers(image: &Image, runtime: &Runtime) -> BTreeSet<String> {
    /// The most blocks and frames that are looked at.
    const BLOCKS: usize = 1 << 20;
    const FRAMES: usize = 16;
    let allocated = image.live_records(0).take(BLOCKS).filter(|block| {
        let by_call = [Kind::New, Kind::NewArray, Kind::Malloc];
        by_call.contains(&block.kind)
    });
    let stacks: BTreeSet<u32> = allocated.map(|block| block.stack).collect();
    let caller = |stack: u32| {
        let frames = image.stack_up_to(stack, FRAMES).frames;
        let modules = frames.into_iter().map_while(|frame| match frame {
            Frame::Native { module, .. } => image.module(module),
            _ => None,
        });
        let mut others = modules.filter(|it| !it.is_recorder() && !runtime.contains(&it.path));
        others.next().map(|module| module.path)
    };
    stacks.into_iter().filter_map(caller).collect()
}

/// The coverage of a module whose file cannot be analysed.
pub(super) fn unknown(error: &Unreadable) -> Coverage {
    Coverage {
        visibility: Visibility::Unknown,
        reasons: vec![error.to_string()],
        remedy: None,
        untracked: false,
    }
}

/// What the file of `module` says: the one that was kept, or the one at its path if that is the
/// very build that was recorded, or the one that was written from memory.
fn facts(images: &Path, module: &LoadedModule) -> Result<Arc<Facts>, Unreadable> {
    let found = file::find(images, module);
    match found.path {
        Some(path) => {
            let facts = Facts::read(&path)?;
            // Names that only its file had may have been those of its own allocator.
            match found.from_memory && !facts.names_any_allocation() {
                true => Err(Unreadable::new(
                    "the file is gone, and in memory it names no allocation function",
                )),
                false => Ok(facts),
            }
        }
        None if Path::new(&module.path).is_file() => Err(Unreadable::new(
            "the file is another build than the recorded one, or damaged",
        )),
        None => Err(Unreadable::new("the file is gone")),
    }
}

/// Whether one of the patterns, joined by `+`, matches the path or its file name.
fn any_matches(patterns: &str, path: &str) -> bool {
    let mut patterns = patterns.split('+').filter(|pattern| !pattern.is_empty());
    patterns.any(|pattern| {
        let whole = format!("^{pattern}$");
        matches(&whole, path) || matches(&whole, base_name(path))
    })
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The sentence about a module that is not seen in full, without its full stop.
fn sentence(module: &Module, coverage: &Coverage) -> String {
    let how = match coverage.visibility {
        Visibility::Blind => "blind",
        Visibility::Unknown => "unknown",
        Visibility::Partly | Visibility::Seen => "partly",
    };
    format!(
        "{how}: `{}`: {}",
        library_name(&module.path),
        coverage.why()
    )
}
