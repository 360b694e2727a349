//! Copies of libraries that will be gone when the report is made.
//!
//! Many JNI libraries unpack themselves into a temporary folder. They delete the file at the exit
//! of the JVM, before anyone has looked at the image; some do so as soon as it is loaded. A library
//! that lies in such a folder, or that was written since the process began, is linked, or copied,
//! to `modules/` beside the image. There the reporter looks for it, by its build-id or else by its
//! place in this image. That happens at the first `dlsym` after a `dlopen`, which is what the JVM
//! and JNA do first with a library. It also happens when a native method of it is bound, and at a
//! checkpoint, but in no other hook. A JVM that ends looks once more for files that are gone.
//!
//! Where the file is gone already, or is no longer the one that is mapped, one is written from
//! memory ([`rebuilt`]). It has fewer names, so it lies there under a name of its own, and is taken
//! last.

mod mapped;
mod rebuilt;
#[cfg(test)]
mod tests;

use crate::IMAGE;
use crate::cold::process::image;
use crate::hot::unwind;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use hackleak_image::layout::{Module, kept_name, module_flags, rebuilt_name};
use hackleak_image::writer::quietly;
use hackleak_platform::peek::Peek;
use mapped::Mapped;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Modules below this index have been looked at.
static SEEN: AtomicU32 = AtomicU32::new(0);

/// A library is being loaded.
static LOADING: AtomicBool = AtomicBool::new(false);

/// Counts the files that were begun.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A `dlopen` begins.
pub fn opening() {
    LOADING.store(true, Relaxed);
}

/// The program looks for a function: what it has loaded since the last call is still there.
pub fn looking() {
    if LOADING.load(Relaxed) && LOADING.swap(false, Relaxed) {
        save_new();
    }
}

/// In a forked child: its image has no modules yet.
pub fn left_parent() {
    SEEN.store(0, Relaxed);
}

/// Keeps the module at `address`, if it needs to be kept.
pub fn module_at(address: usize) {
    if let Some(module) = unwind::enter_module(address)
        && module >= SEEN.load(Relaxed)
    {
        keep(module);
    }
}

/// Enters every module that is loaded now in the image, and keeps those that have come since the
/// last call and need to be kept.
pub fn save_new() {
    unwind::enter_all_modules();
    let len = IMAGE.modules.len(IMAGE.window());
    for index in SEEN.fetch_max(len, Relaxed)..len {
        keep(index);
    }
}

/// The process ends: keeps what needs it, also where that was not so when it was loaded.
pub fn save_all() {
    unwind::enter_all_modules();
    let len = IMAGE.modules.len(IMAGE.window());
    SEEN.fetch_max(len, Relaxed);
    (0..len).for_each(keep);
}

/// A copy that cannot be made costs names in a report, nothing else: the reporter says so.
fn keep(index: u32) {
    // One that is still being written has no build-id.
    let Some(module) = IMAGE.modules.read(index) else {
        return;
    };
    let left_alone = module_flags::RECORDER | module_flags::EXECUTABLE;
    let path = IMAGE.text(module.path);
    let path = Path::new(&path);
    if module.flags & left_alone != 0 || !path.is_absolute() || is_lasting(path) {
        return;
    }
    let len = (module.build_id_len as usize).min(module.build_id.len());
    let id = &module.build_id[..len];
    let (start, process) = image::began();
    let name = kept_name(id, start, process, index);
    let Some(folder) = Path::new(image::path()).parent() else {
        return;
    };
    let folder = folder.join("modules");
    let copy = folder.join(&name);
    if copy.exists() || fs::create_dir_all(&folder).is_err() {
        return;
    }
    let peek = Peek::new();
    let mapped = peek.as_ref().and_then(|peek| find(peek, index, &module));
    // Never a file that is there: it may be a link to the library itself.
    let number = NUMBER.fetch_add(1, Relaxed);
    let partial = folder.join(format!("{name}.{}.{number}", std::process::id()));
    let is_kept = put(&partial, &copy, || {
        link_or_copy(path, &partial)
            && mapped
                .as_ref()
                .is_none_or(|mapped| File::open(&partial).is_ok_and(|file| mapped.is_of(&file)))
    });
    let rebuilt = folder.join(rebuilt_name(&name));
    if let Some(mapped) = mapped.filter(|_| !is_kept && !rebuilt.exists()) {
        put(&partial, &rebuilt, || {
            File::create_new(&partial).is_ok_and(|file| {
                rebuilt::write(&mapped, &file).is_ok()
                    && unwind::known_module(module.start as usize) == Some(index)
            })
        });
    }
}

/// Gives the file that `make` makes at `partial` its name, once it is whole; whether it has it.
fn put(partial: &Path, name: &Path, make: impl FnOnce() -> bool) -> bool {
    quietly(|| {
        let is_made = make() && fs::rename(partial, name).is_ok();
        // Of two links to one file `rename` takes none away.
        let _ = fs::remove_file(partial);
        is_made
    })
}

/// Links or copies the file at `path`, through links that lead to it.
fn link_or_copy(path: &Path, to: &Path) -> bool {
    let link = || fs::hard_link(fs::canonicalize(path)?, to);
    let copy = || std::io::copy(&mut File::open(path)?, &mut File::create_new(to)?);
    // Nobody waits for a pipe's other end.
    path.is_file() && (link().is_ok() || copy().is_ok())
}

/// The module in memory, where it is loaded now.
fn find<'a>(peek: &'a Peek, index: u32, module: &Module) -> Option<Mapped<'a>> {
    let range = module.start as usize..module.end as usize;
    if unwind::known_module(range.start) != Some(index) {
        return None;
    }
    Mapped::at(peek, range, module.bias as usize)
}

/// Whether the file is there and will be when the report is made.
fn is_lasting(path: &Path) -> bool {
    /// The kernel's times of files may be so much behind its clock.
    const LAG: i128 = 20_000_000;
    let changed = |file: fs::Metadata| {
        i128::from(file.ctime()) * 1_000_000_000 + i128::from(file.ctime_nsec())
    };
    let start = i128::from(image::began().0);
    !is_temporary(path)
        && path
            .metadata()
            .is_ok_and(|file| file.is_file() && changed(file) + LAG < start)
}

fn is_temporary(path: &Path) -> bool {
    // What a descriptor stands for changes with the descriptor.
    ["/tmp", "/var/tmp", "/dev/shm", "/proc"]
        .iter()
        .any(|folder| path.starts_with(folder))
        || path.starts_with(std::env::temp_dir())
}
