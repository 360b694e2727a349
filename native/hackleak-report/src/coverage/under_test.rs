//! Which modules are under test: all but the runtime.

use std::path::{Path, PathBuf};

/// Starts of the file names of the runtime's own libraries: the loader, the C and C++ runtimes,
/// and the recorder. An allocator is none by its name, but where its `malloc` is the process's.
const NAMES: [&str; 28] = [
    "ld-linux",
    "ld-2.",
    "libc.so",
    "libc-2.",
    "libpthread",
    "libdl.so",
    "libdl-",
    "librt.so",
    "librt-",
    "libm.so",
    "libm-2.",
    "libmvec",
    "libutil.so",
    "libanl.so",
    "libresolv",
    "libnss_",
    "libnsl",
    "libthread_db",
    "libgcc_s",
    "libstdc++",
    "libc++.so",
    "libc++abi",
    "libhackleak",
    "linux-vdso",
    "linux-gate",
    "[",
    "libjvm.so",
    "libjli.so",
];

/// Folders of libraries that belong to the distribution.
const SYSTEM: [&str; 4] = ["/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/"];

/// The runtime of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runtime {
    /// Folders of JDKs.
    jdks: Vec<PathBuf>,
    /// The library whose `malloc` is the process's, where that is not the C library.
    allocator: Option<String>,
}

impl Runtime {
    /// The runtime of a process that loaded the modules at `paths`.
    pub fn of<'a>(paths: impl Iterator<Item = &'a str>) -> Runtime {
        let mut jdks: Vec<PathBuf> = paths.filter_map(jdk).collect();
        jdks.dedup();
        Runtime {
            jdks,
            allocator: None,
        }
    }

    /// The same where the process's `malloc` is that of the library at `path`.
    pub fn with_allocator(self, path: Option<String>) -> Runtime {
        Runtime {
            allocator: path,
            ..self
        }
    }

    /// Whether the module at `path` belongs to the runtime, so that its coverage is of no
    /// interest.
    pub fn contains(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.allocator.as_deref() == Some(path)
            || NAMES.iter().any(|start| name.starts_with(start))
            || self.jdks.iter().any(|jdk| Path::new(path).starts_with(jdk))
    }
}

/// The folder of the JDK whose `libjvm.so` is at `path`.
fn jdk(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    if path.file_name()? != "libjvm.so" {
        return None;
    }
    let inner = ["server", "client", "minimal", "lib", "amd64", "jre"];
    path.ancestors()
        .skip(1)
        .find(|folder| {
            !folder
                .file_name()
                .is_some_and(|name| inner.iter().any(|inner| name == *inner))
        })
        .filter(|folder| folder.parent().is_some())
        .map(Path::to_owned)
}

/// Whether the library at `path` is the distribution's: such libraries are loaded by the JVM
/// itself, too.
pub(super) fn is_system(path: &str) -> bool {
    SYSTEM.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_is_not_under_test() {
        let jvms = [
            "/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so",
            "/opt/jdk8/jre/lib/amd64/server/libjvm.so",
        ];
        let runtime = Runtime::of(jvms.into_iter());
        for path in [
            "/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
            "/opt/jdk8/jre/lib/amd64/libzip.so",
            "/lib/x86_64-linux-gnu/libc.so.6",
            "linux-vdso.so.1",
            "[vdso]",
            "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30",
        ] {
            assert!(runtime.contains(path), "{path}");
        }
        for path in [
            "/tmp/librocksdbjni1.so",
            "/opt/other/lib/libx.so",
            "/bin/cat",
        ] {
            assert!(!runtime.contains(path), "{path}");
        }
        assert!(!Runtime::of(["/lib/libjvm.so"].into_iter()).contains("/tmp/x.so"));
    }

    #[test]
    fn an_allocator_is_the_runtimes_by_what_it_is() {
        let runtime = Runtime::default();
        let theirs = "/tmp/lwjgl/libjemalloc.so";
        assert!(!runtime.contains(theirs));
        let runtime = runtime.with_allocator(Some("/opt/libmy_malloc.so.1".to_owned()));
        assert!(runtime.contains("/opt/libmy_malloc.so.1"));
        assert!(!runtime.contains(theirs));
    }
}
