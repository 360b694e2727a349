//! Copies of libraries that will be gone when the report is made.
//!
//! Many JNI libraries unpack themselves into a temporary folder and delete the file at the exit
//! of the JVM, before anyone has looked at the image; some do so as soon as it is loaded. A library that
//! lies in such a folder, or that was written since the process began, is linked, or copied, to
//! `modules/` beside the image, where the reporter looks for it, by its build-id or else by its place
//! in this image. That happens at the first `dlsym` after a `dlopen`, which is what the JVM and JNA do
//! first with a library, when a native method of it is bound, and at a checkpoint: in no other hook.

use crate::{IMAGE, image, unwind};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use hackleak_image::layout::{kept_name, module_flags};
use hackleak_image::writer::quietly;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Modules below this index have been looked at.
static SEEN: AtomicU32 = AtomicU32::new(0);

/// A library is being loaded.
static LOADING: AtomicBool = AtomicBool::new(false);

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
    if let Some(module) = unwind::enter_module(address) {
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

/// A copy that cannot be made costs names in a report, nothing else: the reporter says so.
fn keep(index: u32) {
    // One that is still being written has no build-id.
    let Some(module) = IMAGE.modules.read(index) else {
        return;
    };
    let left_alone = module_flags::RECORDER | module_flags::EXECUTABLE;
    let path = IMAGE.text(module.path);
    if module.flags & left_alone != 0 || !is_fleeting(Path::new(&path)) {
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
    if copy.exists() || std::fs::create_dir_all(&folder).is_err() {
        return;
    }
    if std::fs::hard_link(&path, &copy).is_err() {
        let partial = folder.join(format!("{name}.{}", std::process::id()));
        let copied = quietly(|| {
            let copied = std::fs::copy(&path, &partial);
            copied
                .and_then(|_| std::fs::rename(&partial, &copy))
                .is_ok()
        });
        if !copied {
            let _ = std::fs::remove_file(&partial);
        }
    }
}

/// Whether the file may be gone when the report is made.
fn is_fleeting(path: &Path) -> bool {
    /// The kernel's times of files may be so much behind its clock.
    const LAG: i128 = 20_000_000;
    if !path.is_absolute() {
        return false;
    }
    let changed = |file: std::fs::Metadata| {
        i128::from(file.ctime()) * 1_000_000_000 + i128::from(file.ctime_nsec())
    };
    let start = i128::from(image::began().0);
    is_temporary(path)
        || path
            .metadata()
            .is_ok_and(|file| changed(file) + LAG >= start)
}

fn is_temporary(path: &Path) -> bool {
    path.starts_with("/tmp")
        || path.starts_with("/var/tmp")
        || path.starts_with("/dev/shm")
        || path.starts_with(std::env::temp_dir())
}
