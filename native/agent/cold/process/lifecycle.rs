//! From the loading of the library to the end of the process.
//!
//! ```text
//! constructor ─► options ─► is this process recorded? ─no─► pass-through for good
//!                                   │ yes           └► under follow=jvm: when it makes a JVM
//!                                   ▼
//!                          image, tables, gate open ─► … ─► destructor: state FINISHED
//! ```

use crate::IMAGE;
use crate::cold::hooks;
use crate::cold::loading::lenders;
use crate::cold::loading::pools;
use crate::cold::process::messages;
use crate::cold::process::objects;
use crate::cold::process::{again, agentpath, forks, frugal, image, jdk, log_file};
use crate::cold::questions::{end, footprint, holders};
use crate::hot::events::{descriptors, log, mapped, started};
use crate::hot::ground::{boundary, control, gate, module_policy, stack_bounds};
use crate::hot::{thread, unwind};
use core::ffi::{c_char, c_int};
use core::ptr;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::flags;
use hackleak_options::{ENVIRONMENT, Exit, Follow, Options, Track};
use hackleak_platform::{stderr, this_library};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What is known of this process once the constructor has run.
struct Recording {
    options: Options,
}

enum Outcome {
    Recorded(Recording),
    /// `follow=jvm`, and this program is none yet: recorded from the moment at which it makes one.
    Dormant(Options, String),
    /// It would be recorded if the library had been preloaded.
    NotPreloaded(Options, String),
    /// The reason, and whether an agent should print it: a user who names the library in
    /// `-agentpath` expects a recording.
    Not(String, bool),
}

static OUTCOME: OnceLock<Outcome> = OnceLock::new();
/// What became of a dormant process that made a JVM.
static LATER: OnceLock<Outcome> = OnceLock::new();

fn outcome() -> Option<&'static Outcome> {
    LATER.get().or_else(|| OUTCOME.get())
}

#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn(c_int, *const *const c_char, *const *const c_char) = constructor;

#[used]
#[unsafe(link_section = ".fini_array")]
static DESTRUCTOR: extern "C" fn() = destructor;

extern "C" fn constructor(_: c_int, _: *const *const c_char, _: *const *const c_char) {
    stderr::init();
    boundary::init();
    hooks::init(makes_jvm);
    // A panic must not leave a library's constructor; nothing is recorded then.
    let outcome = boundary::guarded(begin)
        .unwrap_or_else(|| Outcome::Not("the recorder could not start".to_owned(), true));
    let _ = OUTCOME.set(outcome);
    open();
}

/// Lets the hooks record, if this process is recorded.
fn open() {
    if let Some(Outcome::Recorded(recording)) = outcome() {
        let track = recording.options.track;
        let bits = gate::bits(&gate::Tracked {
            new: track.contains(Track::NEW),
            malloc: track.contains(Track::MALLOC),
            zip: track.contains(Track::ZIP),
            log: !recording.options.log.is_empty(),
        });
        if recording.options.follow == Follow::All {
            forks::follow(bits);
            // Children may not be able to ask the loader.
            boundary::guarded(unwind::enter_all_modules);
        }
        if track.contains(Track::MMAP) {
            mapped::begin();
        }
        if track.contains(Track::THREAD) {
            started::begin();
        }
        gate::open(bits);
        boundary::guarded(pools::begin);
        end::begin();
    }
}

extern "C" fn destructor() {
    end::at_exit();
    #[cfg(feature = "verify")]
    unwind::verify::report();
}

fn begin() -> Outcome {
    let mut options = match std::env::var(ENVIRONMENT)
        .unwrap_or_default()
        .parse::<Options>()
    {
        Ok(options) => options,
        Err(error) => return refused(&format!("{error} (in {ENVIRONMENT})")),
    };
    for text in agentpath::options_ahead()
        .into_iter()
        .chain(again::options())
    {
        if let Err(error) = options.apply(&text) {
            return refused(&format!("{error} (in -agentpath)"));
        }
    }
    let exe = executable_now();
    match options.follow {
        Follow::All => {}
        Follow::Jvm if is_jvm(&exe) => {}
        Follow::Jvm if is_preloaded() => {
            let reason = format!("follow=jvm, and {} has made no JVM", exe.display());
            // The program may go to another folder before.
            options.make_paths_absolute();
            return Outcome::Dormant(options, reason);
        }
        Follow::Jvm => {}
        Follow::None => return Outcome::Not("follow=none".to_owned(), false),
    }
    if !is_preloaded() {
        let reason = format!(
            "not preloaded, so allocations do not pass through it: set LD_PRELOAD={}",
            objects::library_path().display()
        );
        return Outcome::NotPreloaded(options, reason);
    }
    record(options, &exe)
}

fn executable_now() -> PathBuf {
    std::fs::read_link("/proc/self/exe").unwrap_or_default()
}

/// A JVM is about to be made by the function at `create`, with the options `texts`: a process that
/// was dormant is recorded from now on.
fn makes_jvm(create: usize, texts: &[&str]) {
    let Some(Outcome::Dormant(options, _)) = outcome() else {
        return;
    };
    let mut options = options.clone();
    let begun = LATER.get_or_init(|| {
        for text in texts.iter().filter_map(|text| agentpath::options_in(text)) {
            if let Err(error) = options.apply(&text) {
                return refused(&format!("{error} (in -agentpath)"));
            }
        }
        if options.follow == Follow::None {
            return Outcome::Not("follow=none".to_owned(), false);
        }
        if let Some((_, library)) = objects::object_at(create as *const libc::c_void) {
            module_policy::set_jdk(&jdk::folder_of(&library));
        }
        record(options, &executable_now())
    });
    if let Outcome::Recorded(_) = begun {
        IMAGE.flags().fetch_or(flags::BEGUN_LATE, Relaxed);
        open();
    }
}

fn record(mut options: Options, exe: &Path) -> Outcome {
    if let Some(other) = preceding() {
        return refused(&format!(
            "the `malloc` of `{other}` comes first, so that calls do not pass through here: name \
             libhackleak.so before it in LD_PRELOAD"
        ));
    }
    unwind::init();
    stack_bounds::init();
    // The reporter may run in another folder.
    options.make_files_absolute();
    if let Err(error) = pools::init(&options.pools) {
        return refused(&error);
    }
    if let Err(error) = log_file::open(&options) {
        return refused(&error);
    }
    match create(&options, exe) {
        Ok(()) => {
            log::start(exe.as_os_str().as_bytes());
            if let Some(sentence) = image::shortage() {
                messages::say(sentence);
            }
            Outcome::Recorded(Recording { options })
        }
        Err(error) => refused(&error),
    }
}

/// One line on stderr; the process goes on unrecorded.
fn refused(reason: &str) -> Outcome {
    messages::say(format_args!("not recording: {reason}"));
    Outcome::Not(reason.to_owned(), false)
}

/// Whether the executable starts a JVM: `java`, or another launcher in a JDK's `bin`.
fn is_jvm(exe: &Path) -> bool {
    if exe.file_name() == Some(OsStr::new("java")) {
        return true;
    }
    let Some(bin) = exe
        .parent()
        .filter(|dir| dir.file_name() == Some(OsStr::new("bin")))
    else {
        return false;
    };
    bin.join("../lib/server/libjvm.so").exists()
        || bin.join("../lib/amd64/server/libjvm.so").exists()
        || bin.join("../jre/lib/amd64/server/libjvm.so").exists()
}

/// The folder of the JDK whose launcher this is; empty for other executables.
fn exe_home(exe: &Path) -> PathBuf {
    let home = exe.parent().and_then(Path::parent).filter(|_| is_jvm(exe));
    home.map(Path::to_owned).unwrap_or_default()
}

/// Whether the library is in the program's global scope, where its hooks are found first.
fn is_preloaded() -> bool {
    // SAFETY: a handle for the global scope, and a lookup of a symbol that only this library has.
    unsafe {
        let global = libc::dlopen(core::ptr::null(), libc::RTLD_LAZY);
        !global.is_null() && !libc::dlsym(global, c"hackleak_checkpoint".as_ptr()).is_null()
    }
}

/// The preloaded library whose `malloc` is found before this one's. A program with a `malloc` of
/// its own is none: that is for the report to say.
fn preceding() -> Option<String> {
    // SAFETY: a lookup by name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) };
    let (base, path) = objects::object_at(found)?;
    let (own, _) = objects::object_at((preceding as *const ()).cast())?;
    // The loader has for the program's name what it was called by, which need not be a path.
    // SAFETY: a question about this process.
    let headers = unsafe { libc::getauxval(libc::AT_PHDR) } as usize;
    let program = objects::object_at(ptr::without_provenance(headers)).map(|(base, _)| base);
    (base != own && Some(base) != program).then(|| path.display().to_string())
}

/// Called in `Agent_OnLoad` with the options of `-agentpath`: a program that was not preloaded is
/// executed again. Returns if it cannot or need not be.
pub fn preload(text: &str, is_again: bool) {
    let Some(Outcome::NotPreloaded(options, reason)) = outcome() else {
        return;
    };
    let mut options = options.clone();
    if let Err(error) = options.apply(text) {
        return messages::say(format_args!("not recording: {error} (in -agentpath)"));
    }
    if options.follow == Follow::None {
        return;
    }
    if !options.preload {
        return messages::say(reason);
    }
    let why = if is_again {
        let library = objects::library_path();
        let library = library.display();
        format!("LD_PRELOAD={library} took no effect on this program")
    } else {
        again::execute(text)
    };
    messages::say(format_args!("not recording: {why}"));
}

/// Called with the options of `-agentpath`, which the constructor should have read already.
pub fn agent_options(text: &str) {
    let Some(Outcome::Recorded(recording)) = outcome() else {
        return;
    };
    let mut before = recording.options.clone();
    let mut options = before.clone();
    let applied = options.apply(text);
    before.make_paths_absolute();
    options.make_paths_absolute();
    match applied {
        Ok(()) if options == before => {}
        Ok(()) => {
            messages::say(format_args!(
                "-agentpath options from an argument file come too late and are not used: put \
                 them into {ENVIRONMENT}"
            ));
        }
        Err(error) => {
            messages::say(format_args!("{error} (in -agentpath)"));
        }
    }
}

fn create(options: &Options, exe: &Path) -> Result<(), String> {
    image::create(options, exe)?;
    frugal::leave_room();
    control::set(options);
    module_policy::set_jdk(&exe_home(exe));
    module_policy::init(options, exe);
    descriptors::init();
    this_library::init();
    footprint::init();
    lenders::find();
    #[cfg(feature = "verify")]
    unwind::verify::init();
    #[cfg(feature = "verify")]
    boundary::chance::init();
    thread::init(holders::threads::began);
    Ok(())
}

/// Why the process is not recorded.
pub fn reason() -> String {
    match outcome() {
        Some(
            Outcome::Not(reason, _)
            | Outcome::Dormant(_, reason)
            | Outcome::NotPreloaded(_, reason),
        ) => reason.clone(),
        Some(Outcome::Recorded(_)) => "a forked child is not recorded".to_owned(),
        None => "the recorder has not started".to_owned(),
    }
}

/// The reason, when it has not been printed and an agent should print it.
pub fn worth_saying() -> Option<String> {
    match outcome() {
        Some(Outcome::Not(reason, true)) => Some(reason.clone()),
        _ => None,
    }
}

/// What is done at the exit of a JVM.
pub fn exit() -> Exit {
    match outcome() {
        Some(Outcome::Recorded(recording)) => recording.options.exit,
        _ => Exit::Off,
    }
}

/// Whether the user said what is done at the exit, be it nothing.
pub fn is_exit_given() -> bool {
    let environment = std::env::var(ENVIRONMENT).unwrap_or_default();
    let mut texts = agentpath::options_ahead();
    texts.push(environment);
    texts.iter().any(|text| Options::names(text, "exit"))
}

/// What the process is recorded with.
pub fn options() -> Option<&'static Options> {
    match outcome()? {
        Outcome::Recorded(recording) => Some(&recording.options),
        _ => None,
    }
}
