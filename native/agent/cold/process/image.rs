//! The beginning of an image: its file, its header, its first nodes.
//!
//! What is difficult: a forked child makes one too, inside of its first allocation. It has one
//! thread, but others of its parent's may have held any lock at the fork. So nothing on the way
//! there allocates or locks: what the image says was put together when the parent began ([`Seed`]),
//! and paths are written into a mapping of their own.

use crate::IMAGE;
use crate::hot::events::timeline;
use crate::hot::unwind;
use core::ffi::CStr;
use core::fmt::Write;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use hackleak_image::layout::{self, flags, state};
use hackleak_image::writer::{CreateError, quiet};
use hackleak_image::{Frame, Image, Marker, Shortage};
use hackleak_options::Options;
use hackleak_platform::clock;
use hackleak_platform::paper::Paper;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::OnceLock;

/// What the images of this process and its forked children have in common.
struct Seed {
    /// The folder, from the root.
    out: String,
    /// What the files are named after.
    name: String,
    exe: Vec<u8>,
    command: Vec<u8>,
    folder: Vec<u8>,
    options: String,
    track: u32,
}

static SEED: OnceLock<Seed> = OnceLock::new();

/// When this process began, and its number, as its image has them.
static START: AtomicU64 = AtomicU64::new(0);
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// When this process began, in nanoseconds since 1970, and its number.
pub fn began() -> (u64, u32) {
    (START.load(Relaxed), PROCESS.load(Relaxed))
}

/// The image's path; empty when the process is not recorded.
pub fn path() -> &'static str {
    // The folder's name was found to be valid before.
    IMAGE.window().path().to_str().unwrap_or_default()
}

/// Why there is no image.
pub enum Refusal {
    /// See [`CreateError`]; with the path.
    Create(CreateError, &'static CStr),
    /// The path would be too long, there is no memory for it, or every name is taken.
    Path,
    /// Markers have no place in the stack tree.
    Nodes,
}

/// Creates the image of this process. Called once, before the gate opens.
///
/// # Errors
///
/// A sentence: why there is none.
pub fn create(options: &Options, exe: &Path) -> Result<(), String> {
    let out = std::path::absolute(&options.out).unwrap_or_else(|_| options.out.clone().into());
    std::fs::create_dir_all(&out).map_err(|error| {
        format!(
            "the folder `{}` (option out) cannot be made: {error}",
            out.display()
        )
    })?;
    let out = out
        .to_str()
        .ok_or("the folder of option out is not valid UTF-8")?;
    let name = exe.file_name().and_then(OsStr::to_str).unwrap_or("process");
    let seed = SEED.get_or_init(|| Seed {
        out: out.to_owned(),
        name: name.to_owned(),
        exe: exe.as_os_str().as_bytes().to_vec(),
        command: match options.redact {
            true => Vec::new(),
            false => std::fs::read("/proc/self/cmdline").unwrap_or_default(),
        },
        folder: std::env::current_dir()
            .map(|folder| folder.into_os_string().into_vec())
            .unwrap_or_default(),
        options: options.to_string(),
        track: options.track.bits(),
    });
    drop_precursors(out);
    begin(seed, 0).map_err(|refusal| in_words(&refusal, &seed.out))
}

/// A forked child that allocates a little before it calls `exec` has begun an image, and its memory
/// is gone now: nobody wants to hear of it.
fn drop_precursors(out: &str) {
    let pid = std::process::id();
    let (end, middle) = (format!("-{pid}.hackleak"), format!("-{pid}-"));
    let entries = std::fs::read_dir(out).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_named = name.ends_with(&end) || name.contains(&middle);
        let is_precursor = is_named
            && name.ends_with(".hackleak")
            && Image::open(&path).is_ok_and(|image| {
                let header = image.header();
                header.pid == pid
                    && header.start_ticks == start_ticks()
                    && header.flags & flags::FORKED != 0
            });
        if is_precursor {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Path of the executable.
pub fn executable() -> &'static [u8] {
    SEED.get().map_or(&[], |seed| &seed.exe)
}

/// Creates the image of a forked child, which has left its parent's. Where that fails nothing is
/// left behind: the parent's image counts the child.
pub fn create_again() -> Result<(), Refusal> {
    begin(SEED.get().ok_or(Refusal::Path)?, flags::FORKED).inspect_err(|refusal| {
        let path = match refusal {
            Refusal::Create(CreateError::Open(_), _) | Refusal::Path => return,
            Refusal::Create(_, path) => path,
            Refusal::Nodes => IMAGE.window().path(),
        };
        // SAFETY: a path that ends in a zero byte, of a file that was created here.
        unsafe { libc::unlink(path.as_ptr()) };
    })
}

fn begin(seed: &Seed, flags: u32) -> Result<(), Refusal> {
    open(seed)?;
    // SAFETY: no other thread knows the image yet.
    let header = unsafe { IMAGE.header_mut() };
    header.version = layout::VERSION;
    header.machine = crate::arch::ELF_MACHINE;
    header.pid = std::process::id();
    header.state = state::RECORDING;
    header.epoch = 1;
    header.flags |= flags;
    header.start_unix_ns = clock::now();
    START.store(header.start_unix_ns, Relaxed);
    PROCESS.store(header.pid, Relaxed);
    header.start_ticks = start_ticks();
    header.track = seed.track;
    header.exe = IMAGE.blob(&seed.exe);
    header.command = IMAGE.blob(&seed.command);
    header.folder = IMAGE.blob(&seed.folder);
    header.options = IMAGE.blob(seed.options.as_bytes());
    header.magic = layout::MAGIC;
    unwind::set_executable(header.exe);
    for marker in Marker::ALL {
        let node = IMAGE.intern(0, Frame::Marker(marker).encode());
        if node != Some(marker as u32) {
            return Err(Refusal::Nodes);
        }
    }
    timeline::begin();
    Ok(())
}

/// Creates the file under a name that no other process has: the executable's and the process's
/// number, and a count for a process that replaced itself (`exec`).
fn open(seed: &Seed) -> Result<(), Refusal> {
    const MOST: u32 = 10_000;
    let pid = std::process::id();
    let paper = Paper::map().ok_or(Refusal::Path)?;
    for count in 0..MOST {
        paper.clear();
        let written = match count {
            0 => write!(paper, "{}/{}-{pid}.hackleak", seed.out, seed.name),
            _ => write!(paper, "{}/{}-{pid}-{count}.hackleak", seed.out, seed.name),
        };
        let path = written.ok().and_then(|()| paper.path());
        let path = path.ok_or(Refusal::Path)?;
        match IMAGE.create(path) {
            Ok(()) => return Ok(()),
            Err(CreateError::Open(libc::EEXIST)) => {}
            Err(error) => return Err(Refusal::Create(error, path)),
        }
    }
    Err(Refusal::Path)
}

fn in_words(refusal: &Refusal, out: &str) -> String {
    let of_system = std::io::Error::from_raw_os_error;
    match refusal {
        Refusal::Create(CreateError::Open(error), path) => {
            let path = path.to_string_lossy();
            format!("the image `{path}` cannot be made: {}", of_system(*error))
        }
        Refusal::Create(CreateError::Write(shortage), path) => {
            let (path, reason) = (path.to_string_lossy(), shortage.reason());
            format!("the image `{path}` stays empty: {reason}")
        }
        Refusal::Create(CreateError::Map(error), _) => {
            format!("no address space for the image: {}", of_system(*error))
        }
        Refusal::Path => format!("no name for an image in `{out}` (option out)"),
        Refusal::Nodes => "the image has no room for its first nodes".to_owned(),
    }
}

/// Why the image holds less than what was recorded until now, if it does.
pub fn shortage() -> Option<String> {
    let flags = IMAGE.flags().load(core::sync::atomic::Ordering::Relaxed);
    let reason = Shortage::of_flags(flags)?.reason();
    let path = IMAGE.window().path().to_string_lossy();
    Some(format!("the image `{path}` is incomplete: {reason}"))
}

/// Field 22 of `/proc/self/stat`; the second field, in parentheses, may hold anything.
fn start_ticks() -> u64 {
    let mut text = [0u8; 512];
    // SAFETY: plain system calls on a path that ends in a zero byte and on a buffer of that length.
    let read = unsafe {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        let file = quiet::open(c"/proc/self/stat".as_ptr(), flags);
        let read = quiet::read(file, &mut text);
        if file >= 0 {
            quiet::close(file);
        }
        read
    };
    let text = &text[..read.max(0) as usize];
    let after_name = text.rsplit(|byte| *byte == b')').next().unwrap_or_default();
    let mut fields = after_name.split(u8::is_ascii_whitespace);
    let field = fields.nth(20).unwrap_or_default();
    field.iter().fold(0, |number: u64, digit| {
        let digit = u64::from(digit.wrapping_sub(b'0'));
        number.wrapping_mul(10).wrapping_add(digit)
    })
}
