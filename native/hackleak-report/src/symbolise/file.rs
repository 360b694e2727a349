//! Finds the file that holds a module's symbols, and makes sure that it is the very build that
//! was recorded: a wrong name is worse than none.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use blazesym::helper::read_elf_build_id;
use hackleak_image::reader::LoadedModule;

use super::kept;

/// Where the symbols of a module are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SymbolFile {
    /// The file, when there is one that can be trusted.
    pub(crate) path: Option<PathBuf>,
    /// What must be said about it.
    pub(crate) note: Option<String>,
}

/// The symbols of `module`, recorded in an image in the folder `images`. Libraries that were
/// unpacked to a temporary file and deleted are kept by the recorder in `modules`.
pub(crate) fn find(images: &Path, module: &LoadedModule) -> SymbolFile {
    let build_id = module.build_id_hex();
    let kept = images.join("modules").join(&module.kept);
    if has_build_id(&kept, &module.build_id) == Some(true) {
        return SymbolFile {
            path: Some(kept),
            note: None,
        };
    }
    let path = Path::new(&module.path);
    if !path.is_absolute() {
        // The kernel's own code, `linux-vdso.so.1`: no file, and nothing to say about it.
        return SymbolFile {
            path: None,
            note: None,
        };
    }
    let trusted = |note| SymbolFile {
        path: Some(path.to_owned()),
        note,
    };
    let without = |reason: &str| {
        let mut note = format!(
            "no symbols of `{}`: {reason}; its frames show offsets",
            module.path
        );
        if !build_id.is_empty() {
            let _ = write!(note, " (build-id {build_id})");
        }
        SymbolFile {
            path: None,
            note: Some(note),
        }
    };
    match (has_build_id(path, &module.build_id), build_id.is_empty()) {
        (None, _) => without("the file is gone or cannot be read"),
        (Some(false), _) => without("the file is another build than the recorded one"),
        (Some(true), false) => trusted(None),
        (Some(true), true) => trusted(Some(format!(
            "`{}` has no build-id: whether its symbols are those of the recorded build is not known",
            module.path
        ))),
    }
}

/// Whether the ELF file at `path` has this build-id, where empty is none; `None` when it cannot
/// be read.
fn has_build_id(path: &Path, expected: &[u8]) -> Option<bool> {
    if !path.is_file() {
        return None;
    }
    let read = || {
        let found = read_elf_build_id(&path).ok()?;
        Some(found.map(|id| id.into_owned()))
    };
    let found = kept::build_id(path, read)?;
    Some(found.as_deref().unwrap_or_default() == expected)
}
