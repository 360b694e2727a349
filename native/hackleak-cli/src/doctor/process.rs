//! A running process: what is loaded there, and what of it is seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use hackleak_image::Image;
use hackleak_options::Track;
use hackleak_report::coverage::{
    Facts, Library, Process, Runtime, Subject, Tracked, Unreadable, untold,
};

use super::bindings::Bindings;
use crate::maps::{Maps, Module, path_in};

/// File name of the recorder.
const RECORDER: &str = "libhackleak.so";

/// Looks at process `pid`; `track` holds where it is not recorded.
pub(super) fn examine(pid: u32, track: Track) -> anyhow::Result<Subject> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    if !folder.is_dir() {
        bail!("`{pid}` is neither a file nor a running process");
    }
    let text = fs::read(folder.join("maps"))
        .with_context(|| format!("cannot see what is loaded in process {pid}"))?;
    let maps = Maps::parse(&String::from_utf8_lossy(&text));
    let modules = maps.modules();
    if modules.is_empty() {
        bail!("process {pid} has no code of its own: it is ending, or one of the kernel's");
    }
    let mut paths = modules.iter().map(|module| &*module.path);
    let recorder = paths.find(|path| path.rsplit('/').next() == Some(RECORDER));
    let found = recorder.and_then(|_| maps.image());
    let opened = found
        .as_deref()
        .and_then(|image| Image::open(&path_in(&folder, image)).ok());
    let bits = opened
        .as_ref()
        .map_or(track.bits(), |image| image.header().track);
    let tracked = Tracked::of_bits(bits);

    let executable = fs::read_link(folder.join("exe")).unwrap_or_default();
    let of_executable = Facts::read(&folder.join("exe")).ok();
    let exports_malloc = |module: &&Module| {
        let facts = read(&folder, module);
        facts.is_ok_and(|facts| facts.malloc.exported && !facts.executable)
    };
    let allocator = modules.iter().find(exports_malloc);
    let runtime = Runtime::of(modules.iter().map(|module| &*module.path))
        .with_allocator(allocator.map(|module| module.path.clone()));
    let bindings = recorder.and_then(|_| Bindings::open(&folder, &maps, RECORDER));
    let under_test = modules
        .iter()
        .filter(|module| !runtime.contains(&module.path));
    let libraries = under_test.map(|module| {
        let facts = match Path::new(&module.path) == executable {
            true => Facts::read(&folder.join("exe")),
            false => read(&folder, module),
        };
        let mut library = Library::of_file(&module.path, &facts, tracked, of_executable.as_deref());
        if let (Some(bindings), Ok(facts)) = (&bindings, &facts)
            && let Some(coverage) = bindings.check(module, facts, tracked)
        {
            library = Library::new(&module.path, coverage);
        }
        library
    });
    Ok(Subject {
        input: pid.to_string(),
        track: Track::names(bits),
        notes: opened.as_ref().map(untold).unwrap_or_default(),
        libraries: libraries.collect(),
        process: Some(Process {
            pid,
            recorder: recorder.map(str::to_owned),
            image: found,
        }),
    })
}

/// What the mapped file of `module` says, even if it was deleted or lies in a container.
fn read(folder: &Path, module: &Module) -> Result<Arc<Facts>, Unreadable> {
    if module.deleted {
        let name = format!("{:x}-{:x}", module.first.start, module.first.end);
        return Facts::read(&folder.join("map_files").join(name));
    }
    Facts::read(&path_in(folder, Path::new(&module.path)))
}
