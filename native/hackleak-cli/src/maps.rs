//! What is mapped into a process, from `/proc/PID/maps`.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// What the kernel adds to the path of a file that was deleted.
const DELETED: &str = " (deleted)";

/// Everything that is mapped from files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Maps {
    mappings: Vec<Mapping>,
}

#[derive(Debug, PartialEq, Eq)]
struct Mapping {
    range: Range<u64>,
    executable: bool,
    path: String,
}

/// A file with code that is mapped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    /// Its path, without the kernel's remark that it was deleted.
    pub(crate) path: String,
    /// Its path is no longer there.
    pub(crate) deleted: bool,
    /// Its first mapping.
    pub(crate) first: Range<u64>,
}

impl Maps {
    /// Reads the kernel's text; lines that are not as documented are skipped.
    pub(crate) fn parse(text: &str) -> Maps {
        let mappings = text.lines().filter_map(mapping).collect();
        Maps { mappings }
    }

    /// The files with code.
    pub(crate) fn modules(&self) -> Vec<Module> {
        let mut first: BTreeMap<&str, (Range<u64>, bool)> = BTreeMap::new();
        for mapping in &self.mappings {
            let entry = first.entry(&mapping.path);
            entry.or_insert((mapping.range.clone(), false)).1 |= mapping.executable;
        }
        first
            .into_iter()
            .filter(|(path, (_, executable))| *executable && !path.starts_with("/memfd:"))
            .map(|(path, (first, _))| {
                let kept = path.strip_suffix(DELETED);
                Module {
                    path: kept.unwrap_or(path).to_owned(),
                    deleted: kept.is_some(),
                    first,
                }
            })
            .collect()
    }

    /// The path of the file that is mapped at `address`.
    pub(crate) fn at(&self, address: u64) -> Option<&str> {
        let mut all = self.mappings.iter();
        let mapping = all.find(|mapping| mapping.range.contains(&address))?;
        let path = &*mapping.path;
        Some(path.strip_suffix(DELETED).unwrap_or(path))
    }

    /// The image that the process writes.
    pub(crate) fn image(&self) -> Option<PathBuf> {
        let mut paths = self.mappings.iter().map(|mapping| &*mapping.path);
        paths
            .find(|path| path.ends_with(".hackleak"))
            .map(PathBuf::from)
    }
}

/// `start-end rwxp offset device inode    path`; `None` when it is of no file.
fn mapping(line: &str) -> Option<Mapping> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let path = &rest[rest.find('/')?..];
    Some(Mapping {
        range: u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?,
        executable: rest.get(2..3) == Some("x"),
        path: path.to_owned(),
    })
}

/// The image that process `pid` writes, by a path that can be opened here.
pub(crate) fn image_of(pid: u32) -> anyhow::Result<PathBuf> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    if !folder.is_dir() {
        bail!("`{pid}` is neither a file nor a running process");
    }
    let text = fs::read(folder.join("maps"))
        .with_context(|| format!("cannot see what is loaded in process {pid}"))?;
    match Maps::parse(&String::from_utf8_lossy(&text)).image() {
        Some(image) => Ok(path_in(&folder, &image)),
        None => bail!(
            "process {pid} is not recorded: start it with `hackleak run`, or preload the recorder"
        ),
    }
}

/// A path as the process sees it.
pub(crate) fn path_in(folder: &Path, path: &Path) -> PathBuf {
    let inside = path.strip_prefix("/").unwrap_or(path);
    let rooted = folder.join("root").join(inside);
    // Another user's root cannot be entered; the paths are mostly the same.
    if rooted.exists() {
        rooted
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
55d0a000-55d0b000 r--p 00000000 fe:01 12   /opt/a b/java
55d0b000-55d0c000 r-xp 00001000 fe:01 12   /opt/a b/java
7f0000000000-7f0000001000 r-xp 00000000 fe:01 13  /tmp/libx.so (deleted)
7f0000002000-7f0000003000 rw-s 00000000 fe:01 14  /out/java-1.hackleak
7f0000004000-7f0000005000 rw-p 00000000 00:00 0   [heap]
7f0000006000-7f0000007000 r-xp 00000000 00:05 9   /memfd:jit (deleted)
garbage
";

    #[test]
    fn files_with_code_are_modules() {
        let maps = Maps::parse(TEXT);
        let modules = maps.modules();
        assert_eq!(modules.len(), 2, "{modules:?}");
        assert_eq!(modules[0].path, "/opt/a b/java");
        assert_eq!(modules[0].first, 0x55d0_a000..0x55d0_b000);
        assert!(modules[1].deleted && modules[1].path == "/tmp/libx.so");
        assert_eq!(maps.at(0x7f00_0000_0fff), Some("/tmp/libx.so"));
        assert_eq!(maps.at(0x7f00_0000_1000), None);
        assert_eq!(maps.image(), Some("/out/java-1.hackleak".into()));
    }
}
