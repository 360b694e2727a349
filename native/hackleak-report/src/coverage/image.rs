//! The coverage of the modules in an image.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hackleak_image::reader::LoadedModule;
use hackleak_image::{
    Image,
    layout::{Counter, module_flags},
};
use hackleak_options::Options;

use super::assess::{Tracked, assess};
use super::facts::{Facts, Unreadable};
use super::reason::apart;
use super::under_test::{self, Runtime};
use crate::model::{Coverage, Module, Sight};
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

impl Modules {
    /// Looks at all modules of `image`.
    pub(crate) fn of(image: &Image) -> Modules {
        let all = libraries(image);
        let under_test = || {
            all.iter()
                .filter_map(|module| Some((module, module.coverage.as_ref()?)))
        };
        let mut notes: Vec<(Sight, String)> = under_test()
            .filter(|(_, coverage)| !coverage.untracked)
            .filter(|(_, coverage)| matches!(coverage.verdict, Sight::Partly | Sight::Blind))
            .map(|(module, coverage)| (coverage.verdict, sentence(module, coverage)))
            .collect();
        notes.sort_by_key(|(sight, _)| std::cmp::Reverse(*sight));
        // Of libraries that are gone again there is only the number of calls.
        let blind = notes.iter().any(|(sight, _)| *sight == Sight::Blind)
            || image.counter(Counter::OtherNamespaces) > 0;
        let mut notes: Vec<String> = notes.into_iter().map(|(_, note)| note).collect();
        let left_out: Vec<&str> = under_test()
            .filter(|(module, coverage)| coverage.untracked && module.fails_strict())
            .map(|(module, _)| base_name(&module.path))
            .collect();
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
    /// blind, or nobody knows, because its file is gone. The distribution's libraries, which the JVM itself loads, are excused when only
    /// their kinds are not tracked.
    pub fn fails_strict(&self) -> bool {
        self.coverage
            .as_ref()
            .is_some_and(|coverage| fails_strict(&self.path, coverage))
    }

    /// Whether it is a library under test whose allocations are all seen; the distribution's, which
    /// come along with the JVM, are not worth a mention.
    pub(crate) fn is_seen_under_test(&self) -> bool {
        let coverage = self.coverage.as_ref();
        coverage.is_some_and(|coverage| coverage.verdict == Sight::Seen)
            && !under_test::is_system(&self.path)
    }

    /// Its file name.
    pub(crate) fn file_name(&self) -> &str {
        base_name(&self.path)
    }
}

pub(super) fn fails_strict(path: &str, coverage: &Coverage) -> bool {
    match coverage.verdict {
        Sight::Blind => !(coverage.untracked && under_test::is_system(path)),
        Sight::Unknown => true,
        Sight::Partly | Sight::Seen => false,
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
    let runtime = Runtime::of(modules.iter().map(|module| &*module.path));
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
    modules
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
        .collect()
}

/// The coverage of a module whose file cannot be analysed.
pub(super) fn unknown(error: &Unreadable) -> Coverage {
    Coverage {
        verdict: Sight::Unknown,
        reasons: vec![error.to_string()],
        remedy: None,
        untracked: false,
    }
}

/// What the file of `module` says: the one that was kept, or the one at its path if that is the
/// very build that was recorded.
fn facts(images: &Path, module: &LoadedModule) -> Result<Arc<Facts>, Unreadable> {
    let path: Option<PathBuf> = file::find(images, module).path;
    match path {
        Some(path) => Facts::read(&path),
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
    let how = match coverage.verdict {
        Sight::Blind => "blind",
        _ => "partly",
    };
    let mut sentence = format!(
        "{how}: `{}`: {}",
        base_name(&module.path),
        coverage.reasons.join("; ")
    );
    if let Some(remedy) = &coverage.remedy {
        sentence.push_str(". Remedy: ");
        sentence.push_str(remedy);
    }
    sentence
}
