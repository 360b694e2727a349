//! Whose `malloc` calls are recorded.
//!
//! The JVM allocates with `malloc` all the time; its memory is not what a test leaks. So calls
//! are told apart by the module that makes them. Left out by default are the JDK's libraries, the
//! C library, the loader, the compiler's runtime, and this library; `include` and `exclude`
//! change that. The decision is made once, when a module is first seen.
//!
//! Two sorts of modules work for their caller, who is then the one that counts. The first are
//! libraries that a JDK may share with the program (Debian's uses the system's libz). The others
//! are the few functions of the C library that hand out memory to be given back
//! ([`lent`](crate::hot::events::lent)).

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use hackleak_options::{Options, Track};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

/// File names of the runtime's own libraries.
const RUNTIME: [&[u8]; 11] = [
    b"ld-linux-x86-64.so.2",
    b"ld-linux-aarch64.so.1",
    b"libc.so.6",
    b"libpthread.so.0",
    b"libdl.so.2",
    b"librt.so.1",
    b"libgcc_s.so.1",
    b"libhackleak.so",
    b"libjvm.so",
    b"libjli.so",
    b"linux-vdso.so.1",
];

/// The library of the JDK that reads jars for the JVM and compresses for Java.
const LIBZIP: &[u8] = b"libzip.so";

/// Libraries of the JDK that open files for the JVM itself, or for those who look into it.
const FOR_THE_JVM: [&[u8]; 6] = [
    b"libjimage.so",
    LIBZIP,
    b"libinstrument.so",
    b"libjdwp.so",
    b"libdt_socket.so",
    b"libattach.so",
];

/// Libraries that a JDK may share with the program, by the beginning of their file names.
const SHARED: [&[u8]; 8] = [
    b"libz.so",
    b"libpng16.so",
    b"libjpeg.so",
    b"libgif.so",
    b"liblcms2.so",
    b"libfreetype.so",
    b"libharfbuzz.so",
    b"libnuma.so",
];

/// The C library and the loader: where their unwind tables have no row, a stack ends.
const C_LIBRARY: [&[u8]; 4] = [
    b"libc.so.6",
    b"libpthread.so.0",
    b"ld-linux-x86-64.so.2",
    b"ld-linux-aarch64.so.1",
];

/// The C library, its parts and its name services, by the beginning of their file names.
const LENDERS: [&[u8]; 6] = [
    b"libc.so.6",
    b"libpthread.so.0",
    b"librt.so.1",
    b"libanl.so.1",
    b"libresolv.so.2",
    b"libnss_",
];

struct Rules {
    include: Vec<u8>,
    exclude: Vec<u8>,
    executable: Vec<u8>,
    zip: bool,
}

static RULES: OnceLock<Rules> = OnceLock::new();

/// The folder of the JDK, with a slash at its end.
static JDK: OnceLock<Vec<u8>> = OnceLock::new();

/// Says which JDK's libraries are the runtime's; an empty path says nothing. The first one stays.
pub fn set_jdk(folder: &Path) {
    let mut folder = folder.as_os_str().as_bytes().to_vec();
    if !folder.is_empty() {
        folder.push(b'/');
        let _ = JDK.set(folder);
    }
}

const MAX_MODULES: usize = 1 << 14;
const UNKNOWN: u8 = 0;
const RECORDED: u8 = 1;
const LEFT_OUT: u8 = 2;
/// Added to the decision about the C library and the loader.
const IS_C_LIBRARY: u8 = 4;
/// Added to the decision about a module that works for its caller.
const IS_SHARED: u8 = 8;
/// Added to the decision about a module with functions that hand out memory to be given back.
const IS_LENDER: u8 = 16;
/// Added to the decision about the JVM and the recorder, which hold nothing of the program's.
const HOLDS_NOTHING: u8 = 32;
/// Added to the decision about a library of the JDK that opens what Java code asks for.
const OPENS_FOR_JAVA: u8 = 64;
/// Added to the decision about the JDK's libzip, if what it takes for Java code is tracked.
const IS_LIBZIP: u8 = 128;
static DECISIONS: [AtomicU8; MAX_MODULES] = [const { AtomicU8::new(UNKNOWN) }; MAX_MODULES];

/// Takes over the patterns. Called before the gate opens.
pub fn init(options: &Options, executable: &Path) {
    let include = options.include.clone().into_bytes();
    let exclude = options.exclude.clone().into_bytes();
    let executable = executable.as_os_str().as_bytes().to_vec();
    let _ = RULES.set(Rules {
        include,
        exclude,
        executable,
        zip: options.track.contains(Track::ZIP),
    });
}

/// In a forked child: its image numbers modules anew.
pub fn left_parent() {
    for decision in &DECISIONS {
        if decision.load(Relaxed) != UNKNOWN {
            decision.store(UNKNOWN, Relaxed);
        }
    }
}

/// The path of the executable.
pub fn executable() -> &'static [u8] {
    RULES.get().map_or(&[], |rules| &rules.executable)
}

/// To whom a call from a module is attributed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// To the module: it is recorded.
    Recorded,
    /// To nobody: it is left out.
    LeftOut,
    /// To its own caller: it is recorded if that one's calls are.
    ToCaller,
    /// The same, if it is memory that the C library hands out to be given back.
    ToCallerIfLent,
    /// To Java code, if that has called the module: the JDK's libzip, whose memory is a kind of its
    /// own.
    ToJava,
}

/// To whom calls from module `index` are attributed.
#[inline(always)]
pub fn attribution(index: u32) -> Attribution {
    let decision = DECISIONS
        .get(index as usize)
        .map_or(RECORDED, |decision| decision.load(Relaxed));
    match decision & (LEFT_OUT | IS_SHARED | IS_LENDER | IS_LIBZIP) {
        0 | IS_LENDER => Attribution::Recorded,
        LEFT_OUT => Attribution::LeftOut,
        other if other & IS_LIBZIP != 0 => Attribution::ToJava,
        other if other & IS_SHARED != 0 => Attribution::ToCaller,
        _ => Attribution::ToCallerIfLent,
    }
}

/// To whom file descriptors that module `index` opens are attributed. Those of Java's streams,
/// channels and sockets are opened by libraries of the JDK, for Java code.
pub fn attribution_of_descriptors(index: u32) -> Attribution {
    let decision = DECISIONS.get(index as usize);
    match decision {
        Some(decision) if decision.load(Relaxed) & OPENS_FOR_JAVA != 0 => Attribution::Recorded,
        _ => attribution(index),
    }
}

/// Whether what the module allocates unrecorded may hold blocks of the program's.
#[inline(always)]
pub fn may_hold(index: u32) -> bool {
    DECISIONS
        .get(index as usize)
        .is_some_and(|decision| decision.load(Relaxed) & HOLDS_NOTHING == 0)
}

/// Whether the module is the C library or the loader.
pub fn is_c_library(index: u32) -> bool {
    DECISIONS
        .get(index as usize)
        .is_some_and(|decision| decision.load(Relaxed) & IS_C_LIBRARY != 0)
}

/// Whether the module at `path` is one of the JDK's that nothing but Java code calls.
pub fn works_for_java_alone(path: &[u8]) -> bool {
    let is_of_jdk = JDK.get().is_some_and(|jdk| path.starts_with(jdk));
    let name = file_name(path);
    is_of_jdk && !FOR_THE_JVM.contains(&name) && name != b"libverify.so"
}

/// Whether a module of this file name is the JVM or the recorder.
pub fn holds_nothing(name: &[u8]) -> bool {
    matches!(name, b"libjvm.so" | b"libhackleak.so")
}

/// Whether a module of this file name is of the C library.
pub fn is_of_c_library(name: &[u8]) -> bool {
    C_LIBRARY.contains(&name)
}

/// Whether the module only works for others, and keeps nothing of the program's on a stack of its
/// own: the runtimes of C and C++, and the kernel's part in the process.
pub fn is_plain_runtime(path: &[u8]) -> bool {
    let name = file_name(path);
    RUNTIME.contains(&name) || is_lender(path)
}

/// Decides for a module that was just entered.
pub fn decide(index: u32, path: &[u8]) {
    let (Some(rules), Some(place)) = (RULES.get(), DECISIONS.get(index as usize)) else {
        return;
    };
    let jdk = JDK.get().map_or(&[][..], |jdk| jdk);
    place.store(rules.decision(jdk, path), Relaxed);
}

impl Rules {
    /// The decision about the module at `path`. `jdk` is the folder of the JDK with a slash at its
    /// end; it is empty while nobody knows of one.
    fn decision(&self, jdk: &[u8], path: &[u8]) -> u8 {
        let is_of_jdk = !jdk.is_empty() && path.starts_with(jdk);
        let excluded = matches_any(&self.exclude, path);
        let included = matches_any(&self.include, path);
        let recorded = !excluded && (included || !(is_plain_runtime(path) || is_of_jdk));
        let decision = if recorded { RECORDED } else { LEFT_OUT };
        let chosen = included || excluded;
        let name = file_name(path);
        let unwinds = if C_LIBRARY.contains(&name) {
            IS_C_LIBRARY
        } else {
            0
        };
        let kind = if is_lender(path) && !excluded {
            IS_LENDER
        } else if !chosen && SHARED.iter().any(|start| name.starts_with(start)) {
            IS_SHARED
        } else if holds_nothing(name) {
            HOLDS_NOTHING
        } else if self.zip && !recorded && !excluded && name == LIBZIP && is_of_jdk {
            IS_LIBZIP
        } else {
            0
        };
        let opens = if is_of_jdk && opens_for_java(name) && !excluded {
            OPENS_FOR_JAVA
        } else {
            0
        };
        decision | unwinds | kind | opens
    }
}

/// Whether the module is the C library, a part of it (before glibc 2.34 there are more), or one
/// that it loads for its own purposes: name services and converters.
pub fn is_lender(path: &[u8]) -> bool {
    let name = file_name(path);
    let is_part = LENDERS.iter().any(|start| name.starts_with(start));
    is_part || path.len() > name.len() && path[..path.len() - name.len()].ends_with(b"/gconv/")
}

/// Whether a library of the JDK opens files for Java code, and not for the JVM itself.
fn opens_for_java(name: &[u8]) -> bool {
    !RUNTIME.contains(&name) && !FOR_THE_JVM.contains(&name)
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Whether one of the patterns, joined by `+`, matches the path or its file name.
fn matches_any(patterns: &[u8], path: &[u8]) -> bool {
    let mut patterns = patterns
        .split(|byte| *byte == b'+')
        .filter(|pattern| !pattern.is_empty());
    patterns.any(|pattern| matches(pattern, path) || matches(pattern, file_name(path)))
}

/// `*` stands for any run of bytes, everything else for itself. Needs no memory.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(byte) if *byte == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                let Some((after, from)) = star else {
                    return false;
                };
                star = Some((after, from + 1));
                at_pattern = after + 1;
                at_text = from + 1;
            }
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests;
