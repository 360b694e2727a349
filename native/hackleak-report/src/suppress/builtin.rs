//! Rules that apply without being asked for: what a runtime allocates once and holds for the life
//! of the process, by design. Each was met in a real process; `tests/builtin_suppressions.rs` of
//! the integration tests provokes every one of them, and a leak beside it that must be found.
//!
//! What is difficult: the runtime's libraries are stripped, so most of their frames have no name.
//! The rules therefore look at modules, and at the function by which code under test entered the
//! runtime. That one is exported and so has a name.

use super::pattern::matches;
use crate::model::{Frame, JavaFrame, Judgement, Kind, NativeFrame, Site};
use crate::stable::module_name;

/// A rule that applies by default.
#[derive(Debug)]
pub struct BuiltIn {
    /// What it is called in reports.
    pub name: &'static str,
    /// What it leaves out, and why that is no leak.
    pub reason: &'static str,
    shape: Shape,
}

/// How a rule recognises a stack.
#[derive(Debug)]
enum Shape {
    /// Some frame lies in this module.
    Module(&'static str),
    /// All frames from the allocation up to the loader, which runs initialisers, lie in libraries
    /// of the runtime.
    Initialiser,
    /// The frames from the allocation on lie in `runtime`, and the last of them is one of the
    /// functions `entered`; `innermost` is the module that allocates.
    Entered {
        runtime: &'static [&'static str],
        innermost: &'static [&'static str],
        entered: &'static [&'static str],
    },
    /// The frames from the allocation on lie in these modules or the C runtime, up to one of the
    /// functions `through` in one of these modules.
    Through {
        modules: &'static [&'static str],
        through: &'static [&'static str],
    },
    /// libstdc++'s pool for exceptions, made by code that has libstdc++ linked in.
    ExceptionPool,
    /// Some Java frame is one of these methods.
    Java(&'static [&'static str]),
    /// A descriptor that the first of these Java methods has opened, called by the second one. What
    /// has it keeps it in an array of numbers, where nobody looks for descriptors, so it counts for
    /// what looks lost as well.
    JavaInJava(&'static str, &'static str),
    /// A descriptor that the JDK has opened to load a class by a loader of its own.
    ClassPath,
}

#[cfg(not(target_arch = "aarch64"))]
const LOADER: &str = "ld-linux-x86-64.so";
#[cfg(target_arch = "aarch64")]
const LOADER: &str = "ld-linux-aarch64.so";
const LIBC: &str = "libc.so";
/// The C library and its loader.
const C_RUNTIME: &[&str] = &[LIBC, LOADER];
/// Libraries whose initialisers may allocate for ever.
const WITH_INITIALISERS: &[&str] = &[
    "libstdc++.so",
    "libgomp.so",
    "libgcc_s.so",
    "libcrypto.so",
    LIBC,
];

/// The initialiser of libstdc++ that makes its pool for exceptions.
const POOL_INITIALISER: &str = "_GLOBAL__sub_I_eh_alloc.cc";
/// Sizes of that pool on x86-64: since GCC 5, and since GCC 13.
const POOL_SIZES: [u64; 2] = [72_704, 73_728];
/// Functions that call a program's initialisers.
const STARTERS: &[&str] = &["call_init", "libc_start_main", "libc_start_main_impl"];

/// Every built-in rule; the first that matches is the one that counts.
pub const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        name: "jdk-image",
        reason: "the JDK's class library image (libjimage), opened at start and never closed",
        shape: Shape::Module("libjimage.so"),
    },
    BuiltIn {
        name: "nio-buffers",
        reason: "the buffers that the JDK keeps for each thread's reads and writes, and for paths",
        shape: Shape::Java(&[
            "sun.nio.ch.Util.getTemporaryDirectBuffer",
            "sun.nio.fs.NativeBuffers.allocNativeBuffer",
        ]),
    },
    BuiltIn {
        name: "nio-port",
        reason: "the pipe by which a group of asynchronous channels wakes its threads; a group that is never shut \
                 down is found by its epoll descriptor",
        shape: Shape::JavaInJava("sun.nio.ch.IOUtil.makePipe", "sun.nio.ch.EPollPort.<init>"),
    },
    BuiltIn {
        name: "netty-chunks",
        reason: "chunks of memory that Netty's pooling allocators keep and divide; buffers that are never \
                 released are for Netty's own leak detector to find",
        shape: Shape::Java(&[
            "*io.netty.buffer.PoolArena$*.newChunk",
            "*io.netty.buffer.AdaptivePoolingAllocator$*.newChunkAllocation",
        ]),
    },
    BuiltIn {
        name: "class-path",
        reason: "files of the class path and the module path, which the JDK's own class loaders open and \
                 keep, with what zlib holds for them; those of a URLClassLoader of the program's are for it to close",
        shape: Shape::ClassPath,
    },
    BuiltIn {
        name: "runtime-initialiser",
        reason: "what the C++, OpenMP and OpenSSL runtimes allocate in their own initialisers \
                 when they are loaded, such as libstdc++'s emergency pool for exceptions \
                 (72,704 bytes)",
        shape: Shape::Initialiser,
    },
    BuiltIn {
        name: "exception-pool",
        reason: "libstdc++'s emergency pool for exceptions in programs and libraries that have \
                 libstdc++ linked in (-static-libstdc++)",
        shape: Shape::ExceptionPool,
    },
    BuiltIn {
        name: "openmp-team",
        reason: "libgomp's pool of threads and teams, kept for the next parallel region",
        shape: Shape::Entered {
            runtime: &["libgomp.so"],
            innermost: &["libgomp.so"],
            entered: &["GOMP_parallel*"],
        },
    },
    BuiltIn {
        name: "openssl-init",
        reason: "OpenSSL's tables, error strings and fetched algorithms, made at first use and \
                 freed at exit",
        shape: Shape::Through {
            modules: &["libcrypto.so", "libssl.so"],
            through: &[
                "CRYPTO_THREAD_run_once",
                "OPENSSL_init_crypto",
                "EVP_*_fetch",
                "RAND_get0_*",
            ],
        },
    },
    BuiltIn {
        name: "libc-internals",
        reason: "the C library's buffers of streams, its list of converters, and its name \
                 services, where its debug information names them",
        shape: Shape::Through {
            modules: &[LIBC],
            through: &[
                "IO_file_doallocate",
                "gconv_find_shlib",
                "nss_database_*",
                "check_pf",
                "res_vinit",
            ],
        },
    },
    BuiltIn {
        name: "loader",
        reason: "the loader's records of loaded libraries and of thread-local storage",
        shape: Shape::Entered {
            runtime: C_RUNTIME,
            innermost: &[LOADER],
            entered: &[
                "dlopen",
                "dlmopen",
                "dlsym",
                "dlvsym",
                "iconv_open",
                "getpw*",
                "getgr*",
                "getaddrinfo",
                "pthread_create*",
                "tls_get_addr*",
            ],
        },
    },
    BuiltIn {
        name: "libc-caches",
        reason: "what the C library loads at first use and keeps: locales, time zones, name \
                 services, the last dlerror, converters",
        shape: Shape::Entered {
            runtime: C_RUNTIME,
            innermost: &[LIBC],
            entered: &[
                "setlocale",
                "tzset",
                "tz_convert",
                "getpwnam*",
                "getpwuid*",
                "getgrnam*",
                "getgrgid*",
                "dlerror",
                "dlopen",
            ],
        },
    },
    BuiltIn {
        name: "libc-tables",
        reason: "tables of the C library that only grow: exit handlers, thread-specific data, \
                 environment variables",
        shape: Shape::Entered {
            runtime: C_RUNTIME,
            innermost: &[LIBC],
            entered: &[
                "internal_atexit",
                "cxa_atexit",
                "pthread_setspecific",
                "add_to_environ",
                "setenv",
            ],
        },
    },
];

/// The place in [`BUILT_IN`] of the first rule that matches `site`. What is known to be lost is
/// held by nobody, the runtime included. So what a rule says is for where nobody knows, and for
/// what is held; but for [`Shape::JavaInJava`], of which the holder is not seen.
pub(super) fn position(site: &Site) -> Option<usize> {
    let is_lost = site.verdict == Judgement::Lost;
    BUILT_IN.iter().position(|rule| {
        let counts = !is_lost || matches!(rule.shape, Shape::JavaInJava(..));
        counts && rule.shape.matches(site)
    })
}

impl BuiltIn {
    /// How the rule recognises a stack, in one line.
    pub fn form(&self) -> String {
        match &self.shape {
            Shape::Module(module) => format!("a frame in {module}"),
            Shape::Initialiser => format!(
                "frames of {} only, called by the loader",
                WITH_INITIALISERS.join(", ")
            ),
            Shape::Entered {
                innermost, entered, ..
            } => format!(
                "allocated in {}, entered by {}",
                innermost.join(" or "),
                entered.join(", ")
            ),
            Shape::Through { modules, through } => format!(
                "allocated in {}, called by {}",
                modules.join(" or "),
                through.join(", ")
            ),
            Shape::ExceptionPool => format!(
                "called by {POOL_INITIALISER}; in stripped code {} or {} bytes of an initialiser",
                POOL_SIZES[0], POOL_SIZES[1]
            ),
            Shape::Java(methods) => format!("called by {}", methods.join(" or ")),
            Shape::JavaInJava(inner, outer) => {
                format!("a file descriptor, opened by {inner} in {outer}")
            }
            Shape::ClassPath => format!("a file descriptor or zlib memory, for {OWN_LOADER}"),
        }
    }
}

impl Shape {
    fn matches(&self, site: &Site) -> bool {
        let frames = &site.frames;
        let native = || {
            frames.iter().map_while(|frame| match frame {
                Frame::Native(native) => Some(native),
                _ => None,
            })
        };
        match self {
            Shape::Java(methods) => frames.iter().any(|frame| match frame {
                Frame::Java(java) => {
                    let name = format!("{}.{}", java.class, java.method);
                    methods
                        .iter()
                        .any(|method| matches(&format!("^{method}$"), &name))
                }
                _ => false,
            }),
            Shape::JavaInJava(inner, outer) => {
                let are_both = |pair: &[Frame]| match pair {
                    [Frame::Java(called), Frame::Java(caller)] => {
                        is_method(called, inner) && is_method(caller, outer)
                    }
                    _ => false,
                };
                site.kind == Kind::Fd && frames.windows(2).any(are_both)
            }
            Shape::ClassPath => {
                matches!(site.kind, Kind::Fd | Kind::Zip) && is_of_class_path(frames)
            }
            Shape::Module(module) => native().any(|frame| &*module_name(&frame.module) == *module),
            Shape::Initialiser => {
                for (own, frame) in native().enumerate() {
                    let module = module_name(&frame.module);
                    if &*module == LOADER {
                        return own > 0;
                    }
                    if !WITH_INITIALISERS.contains(&&*module) {
                        return false;
                    }
                }
                false
            }
            Shape::ExceptionPool => is_exception_pool(site, &native().collect::<Vec<_>>()),
            Shape::Entered {
                runtime,
                innermost,
                entered,
            } => {
                let run: Vec<&NativeFrame> = native()
                    .take_while(|frame| runtime.contains(&&*module_name(&frame.module)))
                    .collect();
                let first = run
                    .first()
                    .is_some_and(|frame| innermost.contains(&&*module_name(&frame.module)));
                let entry = run.last().and_then(|frame| frame.function.as_deref());
                first && entry.is_some_and(|name| entered.iter().any(|known| is(name, known)))
            }
            Shape::Through { modules, through } => native()
                .take_while(|frame| {
                    let module = module_name(&frame.module);
                    modules.contains(&&*module) || C_RUNTIME.contains(&&*module)
                })
                .filter(|frame| modules.contains(&&*module_name(&frame.module)))
                .filter_map(|frame| frame.function.as_deref())
                .any(|name| through.iter().any(|known| is(name, known))),
        }
    }
}

fn is_method(frame: &JavaFrame, name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(class, method)| frame.class == class && frame.method == method)
}

/// What the JDK loads the program's classes by, and its modules'.
const OWN_LOADER: &str = "jdk.internal.loader.BuiltinClassLoader";
/// Where the classes of the JDK lie that open files for that.
const OF_JDK: [&str; 4] = ["java.", "javax.", "jdk.", "sun."];

/// Whether the JDK's own loader called all Java code that led to the allocation, and no loader of
/// the program's is in between.
fn is_of_class_path(frames: &[Frame]) -> bool {
    let classes = frames.iter().filter_map(|frame| match frame {
        Frame::Java(java) => Some(java.class.as_str()),
        _ => None,
    });
    for class in classes {
        // Its enumerations open jars, too.
        let outer = class.split('$').next().unwrap_or(class);
        if outer == OWN_LOADER {
            return true;
        }
        let is_own = OF_JDK.iter().any(|start| class.starts_with(start));
        if !is_own || outer == "java.net.URLClassLoader" {
            return false;
        }
    }
    false
}

/// Whether a block is the pool for exceptions of the module that allocates it.
///
/// Where that was stripped, its size and what called its code must do: the loader, or the function
/// of the C library that starts a program, one or two frames of the module away. The caller of
/// `main` is another function, since glibc 2.34; before, a block of just that size that `main`
/// loses is lost here.
fn is_exception_pool(site: &Site, frames: &[&NativeFrame]) -> bool {
    const MAX_OWN: usize = 3;
    let Some(first) = frames.first() else {
        return false;
    };
    let own = frames
        .iter()
        .take_while(|frame| frame.module == first.module);
    let own = own.count();
    if frames[..own]
        .iter()
        .any(|frame| frame.function.as_deref() == Some(POOL_INITIALISER))
    {
        return true;
    }
    let nameless = frames[..own].iter().all(|frame| frame.function.is_none());
    let caller = frames.get(own).filter(|_| nameless && own <= MAX_OWN);
    let initialises = caller.is_some_and(|caller| match &*module_name(&caller.module) {
        LOADER => true,
        LIBC => {
            let name = caller.function.as_deref().unwrap_or_default();
            STARTERS.iter().any(|starter| is(name, starter))
        }
        _ => false,
    });
    initialises && site.blocks == 1 && POOL_SIZES.contains(&site.bytes)
}

/// Whether `name` is the function `known`. The C library's debug information has other names for
/// its exported functions than its symbol table: `__GI_setlocale`, `___dlopen`.
fn is(name: &str, known: &str) -> bool {
    let name = name.trim_start_matches('_');
    let name = name.strip_prefix("GI_").unwrap_or(name);
    matches(&format!("^{known}$"), name.trim_start_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JavaFrame;

    fn frames(classes: &[&str]) -> Vec<Frame> {
        let frame = |class: &&str| {
            Frame::Java(JavaFrame {
                class: (*class).to_owned(),
                method: "open".to_owned(),
                file: None,
                line: None,
                native: false,
            })
        };
        classes.iter().map(frame).collect()
    }

    #[test]
    fn only_what_the_jdks_own_loader_opens_is_of_the_class_path() {
        let file = ["java.io.RandomAccessFile", "java.util.zip.ZipFile"];
        let of = |outer: &[&str]| is_of_class_path(&frames(&[&file[..], outer].concat()));
        let path = "jdk.internal.loader.URLClassPath";
        assert!(of(&[path, OWN_LOADER, "demo.Test"]));
        let enumeration = format!("{OWN_LOADER}$1");
        assert!(of(&[
            path,
            &enumeration,
            "java.util.ServiceLoader",
            "demo.Test"
        ]));
        assert!(!of(&[path, "java.net.URLClassLoader$3", &enumeration]));
        assert!(!of(&[path, "java.net.URLClassLoader", OWN_LOADER]));
        assert!(!of(&["demo.Agent", OWN_LOADER]));
        assert!(!of(&["demo.Test"]));
        assert!(!of(&[]));
    }
}
