//! Source files in the folder that the report is made for.
//!
//! A Java frame knows its package and the name of its file, so the file is looked for in a listing
//! of the folder. A native frame knows the path at which it was compiled, perhaps on another
//! machine. So the longest end of that path that exists in the folder is taken.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::model::{JavaFrame, NativeFrame};

/// The most files that are listed, so that a report made in `/` ends.
const MAX_FILES: usize = 200_000;
/// Folders with what was built or fetched.
const SKIPPED: &[&str] = &[
    "target",
    "build",
    "node_modules",
    "out",
    "bin",
    "hackleak-out",
];
/// What sources of JVM languages end with.
const JVM: &[&str] = &["java", "kt", "scala", "groovy", "clj"];

/// A line of a source file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path below the folder that the report is made for, with slashes.
    pub file: String,
    /// Its line, where it is known.
    pub line: Option<u32>,
}

/// The source files of a project.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    root: Option<PathBuf>,
    /// Paths below the root, by file name.
    jvm: HashMap<String, Vec<String>>,
}

impl Sources {
    /// No sources: no file is ever found.
    pub fn none() -> Sources {
        Sources::default()
    }

    /// The sources in `root` and its folders, but for hidden ones and those of build tools.
    /// Folders that cannot be read are left out.
    pub fn in_folder(root: &Path) -> Sources {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let mut sources = Sources {
            jvm: HashMap::new(),
            root: Some(root.clone()),
        };
        let mut folders = vec![root.clone()];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string())
                else {
                    continue;
                };
                files += 1;
                if files > MAX_FILES {
                    return sources;
                }
                if kind.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&&*name) {
                    folders.push(entry.path());
                } else if kind.is_file() && is_jvm(&name) {
                    let below = relative(&root, &entry.path());
                    let known = sources.jvm.entry(name).or_default();
                    known.extend(below);
                    known.sort();
                }
            }
        }
        sources
    }

    /// Where the code of a Java frame is.
    pub fn of_java(&self, frame: &JavaFrame) -> Option<Place> {
        let name = frame.file.as_deref()?;
        let files = self.jvm.get(name)?;
        let package = frame
            .class
            .rsplit_once('.')
            .map_or("", |(package, _)| package);
        let end = format!("/{}/{name}", package.replace('.', "/"));
        let end = if package.is_empty() {
            &end[1..]
        } else {
            &end[..]
        };
        let in_package = files.iter().find(|file| format!("/{file}").ends_with(end));
        // Kotlin's files need not lie in folders named after the package.
        let only = || match &files[..] {
            [only] if !name.ends_with(".java") => Some(only),
            _ => None,
        };
        Some(Place {
            file: in_package.or_else(only)?.clone(),
            line: frame.line,
        })
    }

    /// Where the code of a native frame is.
    pub fn of_native(&self, frame: &NativeFrame) -> Option<Place> {
        let root = self.root.as_deref()?;
        let path = Path::new(frame.file.as_deref()?);
        let names: Vec<&std::ffi::OsStr> = path
            .components()
            .filter_map(|component| match component {
                Component::Normal(name) => Some(name),
                _ => None,
            })
            .collect();
        if let Some(below) = relative(root, path)
            && root.join(&below).is_file()
        {
            return Some(Place {
                file: below,
                line: frame.line,
            });
        }
        // At least a folder and a file, so that no `main.cpp` stands for another.
        let ends = (1..names.len().saturating_sub(1)).map(|start| names[start..].iter().collect());
        let found: PathBuf = ends
            .into_iter()
            .find(|end: &PathBuf| root.join(end).is_file())?;
        Some(Place {
            file: found.to_str()?.to_owned(),
            line: frame.line,
        })
    }
}

fn is_jvm(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, end)| JVM.contains(&end))
}

/// `path` below `root`, with `..` and `.` resolved by name.
fn relative(root: &Path, path: &Path) -> Option<String> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    let below = if plain.is_absolute() {
        plain.strip_prefix(root).ok()?
    } else {
        &plain
    };
    below.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        for file in [
            "src/test/java/demo/StoreTest.java",
            "src/main/java/demo/other/StoreTest.java",
            "src/main/kotlin/Flat.kt",
            "native/src/pool.cpp",
            "target/generated/demo/Made.java",
        ] {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("create");
            fs::write(file, "x").expect("write");
        }
        folder
    }

    fn java(class: &str, file: &str) -> JavaFrame {
        JavaFrame {
            class: class.to_owned(),
            method: "m".to_owned(),
            file: Some(file.to_owned()),
            line: Some(7),
            native: false,
        }
    }

    #[test]
    fn java_files_are_found_by_their_package() {
        let folder = project();
        let sources = Sources::in_folder(folder.path());
        for (class, file, expected) in [
            (
                "demo.StoreTest$Inner",
                "StoreTest.java",
                Some("src/test/java/demo/StoreTest.java"),
            ),
            (
                "demo.other.StoreTest",
                "StoreTest.java",
                Some("src/main/java/demo/other/StoreTest.java"),
            ),
            ("org.demo.StoreTest", "StoreTest.java", None),
            ("com.acme.Flat", "Flat.kt", Some("src/main/kotlin/Flat.kt")),
            ("demo.Made", "Made.java", None),
        ] {
            let found = sources.of_java(&java(class, file));
            assert_eq!(
                found.map(|place| place.file).as_deref(),
                expected,
                "{class}"
            );
        }
    }

    #[test]
    fn native_files_are_found_by_the_end_of_their_path() {
        let folder = project();
        let sources = Sources::in_folder(folder.path());
        let here = folder.path().canonicalize().expect("exists");
        for (file, expected) in [
            (
                here.join("native/build/../src/pool.cpp"),
                Some("native/src/pool.cpp"),
            ),
            (
                "/ci/job/7/native/src/pool.cpp".into(),
                Some("native/src/pool.cpp"),
            ),
            ("/elsewhere/pool.cpp".into(), None),
            ("./elf/dl-init.c".into(), None),
        ] {
            let frame = NativeFrame {
                function: None,
                file: Some(file.to_string_lossy().into_owned()),
                line: Some(3),
                inlined: false,
                module: "/x.so".to_owned(),
                offset: "0x1".to_owned(),
            };
            let found = sources.of_native(&frame);
            assert_eq!(
                found.map(|place| place.file).as_deref(),
                expected,
                "{file:?}"
            );
        }
    }
}
