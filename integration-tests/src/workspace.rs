//! Where things are, and how concurrent test processes share what they build.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder
        .parent()
        .expect("the crate lies in the repository")
        .to_owned()
}

/// Cargo's target folder; everything that the tests build goes below it.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The sources of the victims.
pub fn victims() -> PathBuf {
    root().join("integration-tests/victims")
}

/// The line of `source` (relative to [`victims`]) that contains the marker `// here: NAME`.
pub fn marked_line(source: &str, name: &str) -> u64 {
    let path = victims().join(source);
    let marker = format!("// here: {name}");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let index = text.lines().position(|line| line.contains(&marker));
    index.unwrap_or_else(|| panic!("{}: no `{marker}`", path.display())) as u64 + 1
}

/// Makes `output` unless it was made before by the same `command` from the same `sources`.
///
/// Test binaries run one after the other, but their tests are threads, and two test runs may share
/// a target folder: a file lock per output covers both. `make` must leave `output` behind or panic.
pub fn cached(output: &Path, command: &str, sources: &[PathBuf], make: impl FnOnce()) {
    let folder = output.parent().expect("an output lies in a folder");
    fs::create_dir_all(folder).expect("the target folder is writable");
    let beside = |suffix: &str| {
        let mut name = output.file_name().expect("an output has a name").to_owned();
        name.push(suffix);
        folder.join(name)
    };
    let lock = File::create(beside(".lock")).expect("the target folder is writable");
    lock.lock().expect("file locks work");

    // The stamp holds everything that the output depends on, word for word: no hash, no clock.
    let mut stamp = command.as_bytes().to_vec();
    for source in sources {
        stamp.extend(fs::read(source).unwrap_or_else(|e| panic!("{}: {e}", source.display())));
    }
    let stamp_file = beside(".stamp");
    if output.exists() && fs::read(&stamp_file).is_ok_and(|old| old == stamp) {
        return;
    }
    let _ = fs::remove_file(&stamp_file);
    make();
    fs::write(&stamp_file, stamp).expect("the target folder is writable");
}
