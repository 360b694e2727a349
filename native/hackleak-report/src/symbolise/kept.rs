//! What outlives a report, for a reporter that makes many of them on the same process: names of
//! addresses, open symbol tables, and which build a file is.
//!
//! Opening the symbols of a large library costs more than everything else in a small report. A file
//! is known by device, inode, size and the times of its last changes, so one that was built anew is
//! read anew. Nothing is kept unless [`keep`] was called: a single report has nothing to gain.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::rc::Rc;

use blazesym::symbolize::Symbolizer;

use crate::model::NativeFrame;

/// The most addresses whose frames are kept. Beyond, all is forgotten, and begins again.
const MAX_ADDRESSES: usize = 1 << 17;
/// The most symbol tables that are kept open.
const MAX_OPEN: usize = 64;
/// The most files whose build is kept.
const MAX_BUILDS: usize = 1 << 14;

/// A file as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FileId([i64; 5]);

impl FileId {
    fn of(path: &Path) -> Option<FileId> {
        let found = path.metadata().ok()?;
        let nanos = |seconds: i64, nanos: i64| seconds.wrapping_mul(1_000_000_000) + nanos;
        Some(FileId([
            found.dev() as i64,
            found.ino() as i64,
            found.size() as i64,
            nanos(found.mtime(), found.mtime_nsec()),
            nanos(found.ctime(), found.ctime_nsec()),
        ]))
    }
}

/// Frames by file, and by the module that they name.
type Frames = HashMap<(FileId, String), HashMap<u64, Vec<NativeFrame>>>;

#[derive(Default)]
struct Kept {
    frames: Frames,
    addresses: usize,
    open: HashMap<FileId, (Rc<Symbolizer>, usize)>,
    builds: HashMap<FileId, Option<Vec<u8>>>,
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// From now on this thread keeps what it has read of symbols.
pub fn keep() {
    KEPT.set(Some(Kept::default()));
}

fn with<T>(path: Option<&Path>, body: impl FnOnce(&mut Kept, FileId) -> T) -> Option<T> {
    KEPT.with_borrow_mut(|kept| {
        let kept = kept.as_mut()?;
        FileId::of(path?).map(|file| body(kept, file))
    })
}

/// Calls `each` with the addresses whose frames are known, and returns the others.
pub(super) fn known(
    file: Option<&Path>,
    module: &str,
    returns: &[u64],
    mut each: impl FnMut(u64, Vec<NativeFrame>),
) -> Vec<u64> {
    let left = with(file, |kept, file| {
        let frames = kept.frames.get(&(file, module.to_owned()))?;
        let mut left = Vec::new();
        for vaddr in returns {
            match frames.get(vaddr) {
                Some(frames) => each(*vaddr, frames.clone()),
                None => left.push(*vaddr),
            }
        }
        Some(left)
    });
    left.flatten().unwrap_or_else(|| returns.to_vec())
}

/// Keeps the frames of an address.
pub(super) fn add(file: Option<&Path>, module: &str, found: &[(u64, Vec<NativeFrame>)]) {
    with(file, |kept, file| {
        if kept.addresses + found.len() > MAX_ADDRESSES {
            kept.frames.clear();
            kept.addresses = 0;
        }
        kept.addresses += found.len();
        let frames = kept.frames.entry((file, module.to_owned())).or_default();
        frames.extend(found.iter().cloned());
    });
}

/// A symboliser for `addresses` more addresses of a file. One that has met `most` of them is
/// replaced, because of what it keeps of each.
pub(super) fn symbolizer(file: Option<&Path>, addresses: usize, most: usize) -> Rc<Symbolizer> {
    let new = || {
        let builder = Symbolizer::builder().enable_auto_reload(false);
        Rc::new(builder.enable_demangling(false).build())
    };
    let kept = with(file, |kept, file| {
        if kept.open.len() >= MAX_OPEN && !kept.open.contains_key(&file) {
            kept.open.clear();
        }
        let (symbolizer, met) = kept.open.entry(file).or_insert_with(|| (new(), 0));
        if *met + addresses > most {
            (*symbolizer, *met) = (new(), 0);
        }
        *met += addresses;
        Rc::clone(symbolizer)
    });
    kept.unwrap_or_else(new)
}

/// The build-id of the file at `path`, which `read` finds out if it is not known.
pub(super) fn build_id(
    path: &Path,
    read: impl Fn() -> Option<Option<Vec<u8>>>,
) -> Option<Option<Vec<u8>>> {
    let known = with(Some(path), |kept, file| kept.builds.get(&file).cloned());
    if let Some(Some(known)) = known {
        return Some(known);
    }
    let found = read()?;
    with(Some(path), |kept, file| {
        if kept.builds.len() >= MAX_BUILDS {
            kept.builds.clear();
        }
        kept.builds.insert(file, found.clone())
    });
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn frame(function: &str) -> NativeFrame {
        NativeFrame {
            function: Some(function.to_owned()),
            file: None,
            line: None,
            inlined: false,
            module: "m".to_owned(),
            offset: "0x1".to_owned(),
        }
    }

    fn names(file: &Path, returns: &[u64]) -> (Vec<u64>, Vec<u64>) {
        let mut met = Vec::new();
        let left = known(Some(file), "m", returns, |vaddr, _| met.push(vaddr));
        (met, left)
    }

    #[test]
    fn what_was_read_is_known_until_the_file_is_another() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("lib.so");
        fs::write(&file, "one").expect("write");
        add(Some(&file), "m", &[(1, vec![frame("f")])]);
        assert_eq!(
            names(&file, &[1, 2]),
            (vec![], vec![1, 2]),
            "not asked to keep"
        );
        keep();
        add(Some(&file), "m", &[(1, vec![frame("f")])]);
        assert_eq!(names(&file, &[1, 2]), (vec![1], vec![2]));
        let other = folder.path().join("new.so");
        fs::write(&other, "two").expect("write");
        fs::rename(&other, &file).expect("rename");
        assert_eq!(names(&file, &[1, 2]), (vec![], vec![1, 2]), "another file");
    }

    #[test]
    fn builds_are_read_once_a_file() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("lib.so");
        fs::write(&file, "one").expect("write");
        keep();
        let reads = std::cell::Cell::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            Some(Some(vec![7]))
        };
        assert_eq!(build_id(&file, read), Some(Some(vec![7])));
        assert_eq!(build_id(&file, read), Some(Some(vec![7])));
        assert_eq!(reads.get(), 1);
    }

    #[test]
    fn a_symboliser_is_shared_until_it_has_met_enough() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("lib.so");
        fs::write(&file, "one").expect("write");
        keep();
        let first = symbolizer(Some(&file), 2, 4);
        assert!(Rc::ptr_eq(&first, &symbolizer(Some(&file), 2, 4)));
        assert!(!Rc::ptr_eq(&first, &symbolizer(Some(&file), 2, 4)));
    }
}
