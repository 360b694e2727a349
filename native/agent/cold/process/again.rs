//! `-agentpath` alone: the same command line once more, with this library preloaded.
//!
//! Allocations only pass through a library that is in place before the program's own, and a JVM
//! option comes too late for that. So `Agent_OnLoad` of a process that was not preloaded executes
//! the program again: same process, same command line, same environment but for `LD_PRELOAD`, same
//! descriptors. No class is loaded by then, and no Java code has run.
//!
//! What is difficult:
//! - It must happen once. A variable tells the new program that it is the second one, by process
//!   number, because it may be inherited. Where the preload took no effect it stops the third.
//! - The launcher may execute itself once more to change `LD_LIBRARY_PATH`, so both variables stay
//!   until `Agent_OnLoad`, which puts the environment back to what it was.
//! - Options from argument files and variables were expanded by the launcher. The command line is
//!   the kernel's, from before that; the agent's own options go with the variable.
//! - What the JVM opened without `FD_CLOEXEC` would stay open, and its files locked. What the
//!   program inherited must stay.

use crate::cold::process::jdk;
use crate::cold::process::objects;
use core::ffi::{CStr, c_char};
use core::ptr;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Process number, what `LD_PRELOAD` was, and the agent's options, each on a line.
const VARIABLE: &str = "HACKLEAK_AGAIN";
const PRELOAD: &str = "LD_PRELOAD";

/// What the variable says to this process.
struct Said {
    /// `None` if it was not set.
    preload: Option<OsString>,
    options: String,
}

fn said() -> Option<Said> {
    let text = std::env::var_os(VARIABLE)?.into_vec();
    let mut lines = text.splitn(3, |byte| *byte == b'\n');
    let pid = lines.next()?;
    let (preload, options) = (lines.next()?, lines.next()?);
    if pid != std::process::id().to_string().as_bytes() {
        return None;
    }
    let preload = preload.strip_prefix(b"=").map(<[u8]>::to_vec);
    Some(Said {
        preload: preload.map(OsString::from_vec),
        options: String::from_utf8_lossy(options).into_owned(),
    })
}

/// The agent's options that the first program read, if this is the second one.
pub fn options() -> Option<String> {
    said().map(|said| said.options)
}

/// Puts the environment back to what the first program had. Whether this is the second one.
///
/// # Safety
///
/// No other thread reads or changes the environment: in `Agent_OnLoad` none runs.
pub unsafe fn put_back() -> bool {
    let said = said();
    // SAFETY: the caller's.
    unsafe {
        if let Some(said) = &said {
            match &said.preload {
                Some(preload) => std::env::set_var(PRELOAD, preload),
                None => std::env::remove_var(PRELOAD),
            }
        }
        std::env::remove_var(VARIABLE);
    }
    said.is_some()
}

/// Executes the program again. Returns only if that cannot be: why.
pub fn execute(options: &str) -> String {
    match prepare(options) {
        Ok(program) => program.execute(),
        Err(reason) => reason,
    }
}

struct Program {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

fn prepare(options: &str) -> Result<Program, String> {
    // SAFETY: a question about the start of this process.
    if unsafe { libc::getauxval(libc::AT_SECURE) } != 0 {
        return Err("nothing is preloaded into a program that runs with other rights".to_owned());
    }
    let library = std::path::absolute(objects::library_path()).unwrap_or_default();
    let bytes = library.as_os_str().as_bytes();
    if bytes.is_empty() || bytes.iter().any(|byte| b": \t\n".contains(byte)) {
        let library = library.display();
        return Err(format!(
            "`{library}` cannot be preloaded: a blank or a colon ends a name in LD_PRELOAD"
        ));
    }
    let no_text = |what: &str| format!("/proc/self/{what} cannot be read");
    let arguments = strings("cmdline").ok_or_else(|| no_text("cmdline"))?;
    let given = strings("environ").ok_or_else(|| no_text("environ"))?;
    let named = |name: &str| {
        let name = [name.as_bytes(), b"="].concat();
        move |text: &&CString| text.to_bytes().starts_with(&name)
    };
    let before = given.iter().find(named(PRELOAD));
    let before = before.map(|text| &text.to_bytes()[PRELOAD.len() + 1..]);
    let (is_preload, is_ours) = (named(PRELOAD), named(VARIABLE));
    let mut environment: Vec<CString> = given.clone();
    environment.retain(|text| !is_preload(&text) && !is_ours(&text));
    let mut preload = [PRELOAD.as_bytes(), b"=", bytes].concat();
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        preload.push(b':');
        preload.extend_from_slice(before);
    }
    let mut mark = format!("{VARIABLE}={}\n", std::process::id()).into_bytes();
    if let Some(before) = before {
        mark.push(b'=');
        mark.extend_from_slice(before);
    }
    mark.push(b'\n');
    mark.extend_from_slice(options.as_bytes());
    for text in [preload, mark] {
        environment.push(CString::new(text).map_err(|_| "a zero byte in an option".to_owned())?);
    }
    Ok(Program {
        path: path(),
        arguments,
        environment,
    })
}

impl Program {
    fn execute(self) -> String {
        let list = |texts: &[CString]| -> Vec<*const c_char> {
            let places = texts.iter().map(|text| text.as_ptr());
            places.chain([ptr::null()]).collect()
        };
        let (arguments, environment) = (list(&self.arguments), list(&self.environment));
        let closed = close_on_exec(&of_the_jvm());
        // SAFETY: strings that end in a zero byte, in lists that end in a null pointer.
        unsafe { libc::execve(self.path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
        let error = std::io::Error::last_os_error();
        for descriptor in closed {
            // SAFETY: as it was before.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) };
        }
        let path = self.path.to_string_lossy();
        format!("`{path}` could not be executed again, to preload this library: {error}")
    }
}

/// The strings in a file of `/proc/self`; `None` when it holds something else by now.
fn strings(name: &str) -> Option<Vec<CString>> {
    let bytes = std::fs::read(Path::new("/proc/self").join(name)).ok()?;
    if bytes.is_empty() {
        return (name == "environ").then(Vec::new);
    }
    let texts = bytes.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    texts.map(|text| CString::new(text).ok()).collect()
}

/// The path of the program: the one that it was started by if that still leads there, because the
/// kernel names the process after it.
fn path() -> CString {
    // SAFETY: the kernel's string, which lies in the process for good, or 0.
    let given = unsafe {
        let given = libc::getauxval(libc::AT_EXECFN) as *const c_char;
        (!given.is_null()).then(|| CStr::from_ptr(given).to_owned())
    };
    let link = PathBuf::from("/proc/self/exe");
    let read = std::fs::read_link(&link).ok();
    let read = read.and_then(|path| CString::new(path.into_os_string().into_vec()).ok());
    let is_program = |path: &CString| {
        let path = Path::new(OsStr::from_bytes(path.to_bytes()));
        matches!((identity(path), identity(&link)), (Some(one), Some(other)) if one == other)
    };
    let found = [given, read].into_iter().flatten().find(is_program);
    found.unwrap_or_else(|| c"/proc/self/exe".to_owned())
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::metadata(path).ok()?;
    Some((about.dev(), about.ino()))
}

/// Descriptors of files that only a JVM opens: those of its own folder, and its counters.
fn of_the_jvm() -> Vec<i32> {
    let home = jdk::of_this_process();
    let is_of_jvm = |file: &Path| {
        let is_of_jdk = !home.as_os_str().is_empty() && file.starts_with(&home);
        let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
        is_of_jdk || folder.as_bytes().starts_with(b"hsperfdata_")
    };
    let entries = std::fs::read_dir("/proc/self/fd");
    let entries = entries.into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let descriptor: i32 = entry.file_name().to_str()?.parse().ok()?;
        let file = std::fs::read_link(entry.path()).ok()?;
        (descriptor > libc::STDERR_FILENO && is_of_jvm(&file)).then_some(descriptor)
    });
    found.collect()
}

/// Lets descriptors end with this program. Those that did not before.
fn close_on_exec(descriptors: &[i32]) -> Vec<i32> {
    let mut changed = Vec::new();
    for descriptor in descriptors {
        // SAFETY: questions and changes about a number; one that was closed meanwhile is an error.
        unsafe {
            if libc::fcntl(*descriptor, libc::F_GETFD) == 0
                && libc::fcntl(*descriptor, libc::F_SETFD, libc::FD_CLOEXEC) == 0
            {
                changed.push(*descriptor);
            }
        }
    }
    changed
}
