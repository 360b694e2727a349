//! Finds the file that holds a module's symbols, and makes sure that it is the very build that
//! was recorded: a wrong name is worse than none.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use blazesym::helper::read_elf_build_id;
use hackleak_image::layout::rebuilt_name;
use hackleak_image::reader::LoadedModule;

use super::kept;

/// Where the symbols of a module are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SymbolFile {
    /// The file, when there is one that can be trusted.
    pub(crate) path: Option<PathBuf>,
    /// It was written from memory: it has the names that the module exports and asks for, and no
    /// others.
    pub(crate) from_memory: bool,
    /// What must be said about it.
    pub(crate) note: Option<String>,
}

/// The symbols of `module`, recorded in an image in the folder `images`. Libraries that were
/// unpacked to a temporary file and deleted are kept by the recorder in `modules`, or what their
/// memory has of them, if the file was gone too early.
pub(crate) fn find(images: &Path, module: &LoadedModule) -> SymbolFile {
    let found = |path: &Path, note| SymbolFile {
        path: Some(path.to_owned()),
        from_memory: false,
        note,
    };
    let none = |note| SymbolFile {
        path: None,
        from_memory: false,
        note,
    };
    let is_of = |file: &Path| has_build_id(file, &module.build_id);
    let kept = images.join("modules").join(&module.kept);
    if is_of(&kept) == Some(true) {
        return found(&kept, None);
    }
    let path = Path::new(&module.path);
    if !path.is_absolute() {
        // The kernel's own code, `linux-vdso.so.1`: no file, and nothing to say about it.
        return none(None);
    }
    let build_id = module.build_id_hex();
    let there = is_of(path);
    if there == Some(true) && !build_id.is_empty() {
        return found(path, None);
    }
    let rebuilt = images.join("modules").join(rebuilt_name(&module.kept));
    if is_of(&rebuilt) == Some(true) {
        return SymbolFile {
            from_memory: true,
            ..found(
                &rebuilt,
                Some(format!(
                    "of `{}` only functions that it exports have names: its file was gone, or another one, when it \
                     was to be kept",
                    module.path
                )),
            )
        };
    }
    let reason = match there {
        Some(true) => {
            return found(
                path,
                Some(format!(
                    "`{}` has no build-id: whether its symbols are those of the recorded build is not known",
                    module.path
                )),
            );
        }
        None => "the file is gone or cannot be read",
        Some(false) => "the file is another build than the recorded one",
    };
    let mut note = format!(
        "no symbols of `{}`: {reason}; its frames show offsets",
        module.path
    );
    if !build_id.is_empty() {
        let _ = write!(note, " (build-id {build_id})");
    }
    none(Some(note))
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
