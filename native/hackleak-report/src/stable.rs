//! Names that survive a rebuild, so that a leak is recognised from one build to the next.
//!
//! Addresses, lines and the digits in the names of unpacked libraries change with every build or
//! run; names of functions, methods and libraries do not. Numbers that a compiler or the JVM
//! gives out in passing (lambdas, clones of functions, proxies) are left out of names too.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;

use crate::coverage::Runtime;
use crate::model::{Frame, JavaFrame, Kind, Site};
use crate::owner::{self, Telling};

/// What stands for native code without a name.
const NAMELESS: &str = "?";
/// What stands for a stack without any frame.
const NO_STACK: &str = "(no stack)";

/// A site by its names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// One text per frame, the allocating function first: `function (module)`, or
    /// `at class.method`.
    pub frames: Vec<String>,
    /// How the blocks were allocated, as in the JSON.
    pub kind: String,
}

impl Identity {
    /// The identity of `site`: its frames from the allocation up to the project's code, and that.
    /// Who calls that code is left out, and so are frames of test frameworks and the name of the
    /// test method: an IDE and a build tool give the same, and a renamed test leaks what it leaked.
    pub fn of(site: &Site) -> Identity {
        Identity::of_frames(&site.frames, site.kind)
    }

    pub(crate) fn of_frames(frames: &[Frame], kind: Kind) -> Identity {
        let mut names: Vec<String> = Vec::new();
        let telling = telling(frames);
        for (index, frame) in frames[..telling.frames].iter().enumerate() {
            let is_test = telling.is_test && index + 1 == telling.frames;
            let name = match frame {
                Frame::Java(java) if is_test => Some(test_name(java)),
                frame => name(frame),
            };
            let Some(name) = name else { continue };
            // Recursion has another depth each time, and functions without names are one.
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            names.push(NO_STACK.to_owned());
        }
        Identity {
            frames: names,
            kind: kind.name().to_owned(),
        }
    }

    /// 64 bits of the identity in hexadecimal digits, for formats that want a short one: FNV-1a
    /// (Fowler, Noll, Vo) over the kind and the frames, each ended by a line feed.
    pub fn fingerprint(&self) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for text in std::iter::once(&self.kind).chain(&self.frames) {
            for byte in text.bytes().chain([b'\n']) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        format!("{hash:016x}")
    }
}

/// The part of a stack that says which leak it is.
fn telling(frames: &[Frame]) -> Telling {
    let modules = frames.iter().filter_map(|frame| match frame {
        Frame::Native(native) => Some(&*native.module),
        Frame::Java(_) | Frame::Mark { .. } => None,
    });
    owner::telling(frames, &Runtime::of(modules))
}

/// A test by its class.
fn test_name(java: &JavaFrame) -> String {
    format!("at {}.*", class_name(&java.class))
}

/// The name of a frame; `None` for frames that come and go.
fn name(frame: &Frame) -> Option<String> {
    match frame {
        Frame::Native(native) => {
            let function = native.function.as_deref().map(function_name);
            let function = function.as_deref().unwrap_or(NAMELESS);
            Some(format!("{function} ({})", module_name(&native.module)))
        }
        Frame::Java(java) if is_reflection(&java.class) || owner::is_framework(java) => None,
        Frame::Java(java) => Some(format!(
            "at {}.{}",
            class_name(&java.class),
            method_name(&java.method)
        )),
        Frame::Mark { .. } => None,
    }
}

/// How the JVM calls a method by reflection changes after fifteen calls.
fn is_reflection(class: &str) -> bool {
    [
        "java.lang.reflect.",
        "jdk.internal.reflect.",
        "sun.reflect.",
    ]
    .iter()
    .any(|package| class.starts_with(package))
}

macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("a constant pattern"));
    };
}

pattern!(AFTER_SO, r"\.so.*$");
pattern!(
    UUID,
    r"-?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}-?"
);
pattern!(
    VERSION,
    r"[-_]?v?[0-9]+(\.[0-9]+)+(-?(SNAPSHOT|alpha|beta|rc)[0-9]*)?"
);
pattern!(TEMPORARY, r"[-_]?[0-9]{6,}");
pattern!(RUST_HASH, r"::h[0-9a-f]{16}$");
pattern!(
    CLONE,
    r"( \[clone [^]]*\]|\.(constprop|isra|part|cold|llvm|lto_priv|localalias)(\.[0-9]+)*)+$"
);
pattern!(CPP_LAMBDA, r"\{(lambda[^{}]*|unnamed type)#[0-9]+\}");
pattern!(RUST_CLOSURE, r"\{\{?closure#[0-9]+\}?\}");
pattern!(JAVA_LAMBDA, r"\$\$Lambda.*$");
pattern!(
    JAVA_PROXY,
    r"(\$Proxy|\$\$EnhancerBy[A-Za-z]*\$\$|\$\$FastClassBy[A-Za-z]*\$\$|GeneratedMethodAccessor|GeneratedConstructorAccessor|\$MockitoMock\$)[0-9a-f]+$"
);
pattern!(LAMBDA_METHOD, r"^(lambda\$.*)\$[0-9]+$");

/// The file name of the module at `path` without version and without what was added when it was
/// unpacked: `librocksdbjni16230810609573563609.so` is `librocksdbjni.so`, and `libc.so.6` is
/// `libc.so`.
pub fn module_name(path: &str) -> Rc<str> {
    // Reports have millions of frames in a few modules.
    KNOWN.with_borrow_mut(|known| {
        if let Some(name) = known.get(path) {
            return Rc::clone(name);
        }
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        let name: Rc<str> = short_module_name(path).into();
        known.insert(path.to_owned(), Rc::clone(&name));
        name
    })
}

/// The most names of modules that are remembered.
const MAX_KNOWN: usize = 4096;

thread_local! {
    static KNOWN: RefCell<HashMap<String, Rc<str>>> = RefCell::default();
}

pattern!(
    UNPACKED,
    r"(x86_64|aarch_64|aarch64|amd64)?[-_]?(?:[0-9]{9,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
);

/// The file name of the module at `path` without the random digits that were added when it was
/// unpacked, so that it is one library in every run; its version stays.
pub(crate) fn library_name(path: &str) -> Cow<'_, str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let short = UNPACKED.replace_all(name, "$1");
    let stem = short.split('.').next().unwrap_or_default();
    // A name that is nothing but numbers stays as it is.
    match stem.is_empty() {
        true => Cow::Borrowed(name),
        false => short,
    }
}

// Without Unicode's tables, which the command is built without.
pattern!(
    PLATFORM,
    r"[-_.]?(linux[-_.]?)?(x86_64|aarch_64|aarch64|amd64)|[-_.]?linux(64)?(?-u:\b)"
);

/// A library's name without the platform that it was built for.
pub(crate) fn without_platform(name: &str) -> Cow<'_, str> {
    PLATFORM.replace(name, "")
}

/// The path without such digits anywhere.
pub(crate) fn stable_path(path: &str) -> Cow<'_, str> {
    UNPACKED.replace_all(path, "$1")
}

/// Whether the path has digits that are others in the next run.
pub(crate) fn is_unpacked(path: &str) -> bool {
    UNPACKED.is_match(path)
}

fn short_module_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.strip_suffix(" (deleted)").unwrap_or(name);
    if !name.contains(".so") {
        return name.to_owned();
    }
    let stem = AFTER_SO.replace(name, "");
    let short = UUID.replace_all(&stem, "");
    let short = VERSION.replace_all(&short, "");
    let short = TEMPORARY.replace_all(&short, "");
    let short = short.trim_matches(['-', '_', '.']);
    // A name that is nothing but numbers stays as it is.
    let stem = if short.is_empty() { &*stem } else { short };
    format!("{stem}.so")
}

/// A demangled name without what compilers number.
fn function_name(name: &str) -> String {
    let name = CLONE.replace(name, "");
    let name = RUST_HASH.replace(&name, "");
    let name = CPP_LAMBDA.replace_all(&name, "{$1}");
    RUST_CLOSURE.replace_all(&name, "{closure}").into_owned()
}

pub(crate) fn class_name(class: &str) -> String {
    let class = JAVA_LAMBDA.replace(class, "$$$$Lambda");
    JAVA_PROXY.replace(&class, "$1").into_owned()
}

pub(crate) fn method_name(method: &str) -> Cow<'_, str> {
    LAMBDA_METHOD.replace(method, "$1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_lose_versions_and_temporary_digits() {
        for (path, expected) in [
            (
                "/tmp/librocksdbjni16230810609573563609.so",
                "librocksdbjni.so",
            ),
            (
                "/tmp/libzstd-jni-1.5.6-312847561234987.so",
                "libzstd-jni.so",
            ),
            (
                "/tmp/snappy-1.1.10-6a1f9c1e-1b2c-4d3e-8f90-a1b2c3d4e5f6-libsnappyjava.so",
                "snappylibsnappyjava.so",
            ),
            (
                "/tmp/sqlite-3.45.1.0-6a1f9c1e-1b2c-4d3e-8f90-a1b2c3d4e5f6-libsqlitejdbc.so",
                "sqlitelibsqlitejdbc.so",
            ),
            (
                "/tmp/libduckdb_java8812345678901.so_linux_amd64",
                "libduckdb_java.so",
            ),
            ("/usr/lib/libstdc++.so.6.0.30", "libstdc++.so"),
            ("/lib64/ld-linux-x86-64.so.2", "ld-linux-x86-64.so"),
            ("/opt/libcuda12.so", "libcuda12.so"),
            ("/tmp/123456789.so", "123456789.so"),
            ("/usr/bin/server-2", "server-2"),
            ("/tmp/libgone99999999.so (deleted)", "libgone.so"),
        ] {
            assert_eq!(&*module_name(path), expected, "{path}");
        }
    }

    #[test]
    fn an_unpacked_library_has_one_name() {
        for (path, expected) in [
            (
                "/tmp/onnxruntime-java120798416530/libonnxruntime.so",
                "libonnxruntime.so",
            ),
            ("/tmp/gone10593733314169613301.so", "gone.so"),
            (
                "/tmp/libzstd-jni-1.5.6-312847561234987.so",
                "libzstd-jni-1.5.6.so",
            ),
            (
                "/tmp/libnetty_linux_x86_6416230810609573.so",
                "libnetty_linux_x86_64.so",
            ),
            (
                "/tmp/snappy-1.1.10-6a1f9c1e-1b2c-4d3e-8f90-a1b2c3d4e5f6-libsnappyjava.so",
                "snappy-1.1.10-libsnappyjava.so",
            ),
            ("/root/.cache/JNA/temp/jna5612839471283.tmp", "jna.tmp"),
            ("/tmp/123456789.so", "123456789.so"),
            (
                "/usr/lib/libabsl_base.so.20240116",
                "libabsl_base.so.20240116",
            ),
            ("/usr/lib/libstdc++.so.6.0.30", "libstdc++.so.6.0.30"),
        ] {
            assert_eq!(library_name(path), expected, "{path}");
        }
        assert!(is_unpacked(
            "/tmp/onnxruntime-java120798416530/libonnxruntime.so"
        ));
        assert!(!is_unpacked("/opt/libcuda12.so"));
    }

    #[test]
    fn functions_lose_what_compilers_number() {
        for (name, expected) in [
            (
                "a::f(int) [clone .constprop.0] [clone .isra.1]",
                "a::f(int)",
            ),
            ("read_table.part.3", "read_table"),
            ("tok::open::h0123456789abcdef", "tok::open"),
            (
                "g()::{lambda(int)#2}::operator()(int) const",
                "g()::{lambda(int)}::operator()(int) const",
            ),
            ("tok::open::{{closure}}", "tok::open::{{closure}}"),
            ("operator new(unsigned long)", "operator new(unsigned long)"),
        ] {
            assert_eq!(function_name(name), expected);
        }
        assert_eq!(class_name("a.B$$Lambda/0x00007f1a2c"), "a.B$$Lambda");
        assert_eq!(class_name("a.B$$Lambda$14/0x00007f1a2c"), "a.B$$Lambda");
        assert_eq!(class_name("jdk.proxy2.$Proxy12"), "jdk.proxy2.$Proxy");
        assert_eq!(method_name("lambda$run$0"), "lambda$run");
        assert_eq!(method_name("access$000"), "access$000");
    }
}
