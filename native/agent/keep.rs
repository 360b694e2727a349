//! Copies of libraries that will be gone when the report is made.
//!
//! Many JNI libraries unpack themselves into a temporary folder and delete the file at the exit
//! of the JVM, before anyone has looked at the image. A library that is loaded from there is
//! linked, or copied, to `modules/<build-id>` beside the image, where the reporter looks for it.
//! That happens when a native method of it is bound, or at a checkpoint: never in a hook.

use crate::{IMAGE, lifecycle, unwind};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use hackleak_image::layout::Module;
use hackleak_image::writer::quietly;
use std::fmt::Write;
use std::path::Path;

/// Modules below this index have been looked at.
static SEEN: AtomicU32 = AtomicU32::new(0);

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
pub fn modules() {
    unwind::enter_all_modules();
    let len = IMAGE.modules.len(IMAGE.window());
    for index in SEEN.fetch_max(len, Relaxed)..len {
        keep(index);
    }
}

/// A copy that cannot be made costs names in a report, nothing else: the reporter says so.
fn keep(index: u32) {
    let place: *mut Module = IMAGE.modules.get(index);
    if place.is_null() {
        return;
    }
    // SAFETY: a module below the arena's length; one that is still being written has no build-id.
    let module = unsafe { place.read_volatile() };
    let path = IMAGE.text(module.path);
    let len = (module.build_id_len as usize).min(module.build_id.len());
    if len == 0 || !is_temporary(Path::new(&path)) {
        return;
    }
    let mut name = String::new();
    for byte in &module.build_id[..len] {
        let _ = write!(name, "{byte:02x}");
    }
    let Some(folder) = Path::new(lifecycle::image_path()).parent() else {
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

fn is_temporary(path: &Path) -> bool {
    path.starts_with("/tmp")
        || path.starts_with("/var/tmp")
        || path.starts_with("/dev/shm")
        || path.starts_with(std::env::temp_dir())
}
