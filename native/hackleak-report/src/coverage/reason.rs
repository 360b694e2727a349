//! Why calls of a library do not arrive, in words, and what helps.

use super::facts::{Allocator, Family, Own};
use crate::model::{Coverage, Visibility};

/// Why calls of a library do not arrive, or arrive as something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is built for another architecture.
    Foreign(String),
    /// It is a program that the loader never touches.
    Static,
    /// It is a program for which the loader ignores `LD_PRELOAD`.
    Privileged,
    /// `operator new` is its own.
    OwnNew { own: Own, to_malloc: ToMalloc },
    /// `malloc` is its own.
    OwnMalloc(Own),
    /// The executable's definitions come before the recorder's.
    Shadowed(Family),
    /// An allocator is linked in.
    Inside(Allocator),
    /// It calls allocators elsewhere.
    Others(Vec<String>),
    /// It replaces Rust's allocator.
    RustAllocator,
    /// It allocates nothing but asks the kernel for memory.
    Maps,
    /// It allocates only what is not tracked.
    Untracked(Vec<Family>),
}

/// What becomes of the blocks of an `operator new` that is the library's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToMalloc {
    /// They are recorded as malloc.
    Recorded,
    /// They would be recorded if malloc were tracked.
    Untracked,
    /// They come from elsewhere.
    Never,
}

impl Reason {
    /// The reason as a clause about the library.
    pub(super) fn text(&self) -> String {
        match self {
            Reason::Foreign(machine) => {
                let own = match cfg!(target_arch = "aarch64") {
                    true => "this HackLeak records aarch64",
                    false => "HackLeak records x86-64",
                };
                format!("it is built for {machine}, and {own} only")
            }
            Reason::Static => {
                "it is statically linked, so the recorder cannot be loaded into it".to_owned()
            }
            Reason::Privileged => {
                "it is set-user-ID or set-group-ID, so the loader ignores LD_PRELOAD".to_owned()
            }
            Reason::OwnNew { own, to_malloc } => {
                let why = match own {
                    Own::Hidden => "its `operator new` is its own, linked in and hidden",
                    Own::Symbolic => {
                        "its `operator new` is its own, bound inside it (-Bsymbolic or the like)"
                    }
                    Own::Protected => {
                        "its `operator new` is its own, with protected visibility"
                    }
                    Own::Executable => {
                        "its `operator new` is its own and comes before the recorder's"
                    }
                    Own::Supposed => {
                        "its `operator new` seems to be its own: it was stripped, and has the C++ \
                         runtime linked in"
                    }
                };
                match to_malloc {
                    ToMalloc::Recorded => format!(
                        "{why}; its blocks are recorded as malloc, and mismatched deletes are not seen"
                    ),
                    ToMalloc::Untracked => {
                        format!("{why}; malloc, which it calls, is not tracked")
                    }
                    ToMalloc::Never => why.to_owned(),
                }
            }
            Reason::OwnMalloc(own) => match own {
                Own::Hidden | Own::Supposed => "its `malloc` is its own, linked in and hidden",
                Own::Symbolic => "its `malloc` is its own, bound inside it (-Bsymbolic or the like)",
                Own::Protected => "its `malloc` is its own, with protected visibility",
                Own::Executable => "its `malloc` is its own and comes before the recorder's",
            }
            .to_owned(),
            Reason::Shadowed(family) => format!(
                "the executable has {} of its own, which comes before the recorder's",
                quoted(*family)
            ),
            Reason::Inside(allocator) => format!(
                "{} is linked in, and what is allocated there is not seen",
                allocator.name()
            ),
            Reason::Others(names) => {
                format!("it allocates with `{}`, which is not seen", names.join("`, `"))
            }
            Reason::RustAllocator => {
                "it is Rust with a `#[global_allocator]`, which is seen only where that calls malloc"
                    .to_owned()
            }
            Reason::Maps => "it asks the kernel for memory (mmap), which is not seen".to_owned(),
            Reason::Untracked(families) => {
                let names: Vec<String> = families.iter().map(|family| quoted(*family)).collect();
                format!("it allocates with {}, which is not tracked", names.join(" and "))
            }
        }
    }

    /// What helps, as a sentence without its full stop.
    pub(super) fn remedy(&self) -> Option<String> {
        let text = match self {
            Reason::Foreign(_) => return None,
            Reason::Static => "link it dynamically",
            Reason::Privileged => "run a copy of it without that bit",
            Reason::OwnNew {
                to_malloc: ToMalloc::Untracked,
                ..
            } => "add `malloc` to `track`",
            Reason::OwnNew { own, .. } => match own {
                Own::Hidden | Own::Supposed => {
                    "link libstdc++ dynamically, or export `_Znw*`, `_Zna*`, `_Zdl*` and `_Zda*`"
                }
                Own::Symbolic => {
                    "link without -Bsymbolic, or with -Wl,--dynamic-list-cpp-new beside it"
                }
                Own::Protected => "give its operators default visibility",
                Own::Executable => "link the program without `operator new` of its own",
            },
            Reason::OwnMalloc(_) => "build it for tests without its own `malloc`",
            Reason::Shadowed(family) => {
                return Some(format!(
                    "link the program without {} of its own",
                    quoted(*family)
                ));
            }
            Reason::Inside(Allocator::Go) => return None,
            Reason::Inside(allocator) => {
                return Some(format!("build it for tests without {}", allocator.name()));
            }
            Reason::Others(_) => "build it for tests so that it calls `malloc`",
            Reason::RustAllocator => "build it for tests with Rust's `System` allocator",
            Reason::Maps => return None,
            Reason::Untracked(families) => {
                let names: Vec<String> = families
                    .iter()
                    .map(|family| format!("`{}`", key(*family)))
                    .collect();
                return Some(format!("add {} to `track`", names.join(" and ")));
            }
        };
        Some(text.to_owned())
    }
}

/// The coverage of a library whose calls the loader has bound past the recorder: what `symbol`
/// is bound to is in the module `to`.
pub fn bypassed(symbol: &str, to: &str) -> Coverage {
    let name = to.rsplit('/').next().unwrap_or(to);
    let deep = ["libc.so", "libstdc++.so", "libc++.so"];
    let remedy = if deep.iter().any(|start| name.starts_with(start)) {
        "load it without RTLD_DEEPBIND or dlmopen".to_owned()
    } else {
        format!("`{name}` comes before the recorder: put libhackleak.so first in LD_PRELOAD")
    };
    Coverage {
        visibility: Visibility::Blind,
        reasons: vec![format!(
            "its `{symbol}` is bound to `{to}`, past the recorder"
        )],
        remedy: Some(remedy),
        untracked: false,
    }
}

/// The coverage of a library in another namespace than the recorder.
pub(super) fn apart() -> Coverage {
    Coverage {
        visibility: Visibility::Blind,
        reasons: vec![
            "`dlmopen` loaded it into a namespace of its own, with a C library of its own, where the \
             recorder is not"
                .to_owned(),
        ],
        remedy: Some("load it with `dlopen`".to_owned()),
        untracked: false,
    }
}

fn quoted(family: Family) -> String {
    match family {
        Family::New => "`operator new`".to_owned(),
        Family::Malloc => "`malloc`".to_owned(),
    }
}

/// The family's name in the option `track`.
fn key(family: Family) -> &'static str {
    match family {
        Family::New => "new",
        Family::Malloc => "malloc",
    }
}
