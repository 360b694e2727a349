//! `hackleak run`: prepare the environment, run the command, report.

mod child;
mod ending;
mod environment;
mod folder;
mod library;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use hackleak_options::{Exit, Follow, Options};
use hackleak_report::known::KnownLeaks;
use hackleak_report::{Selection, Verdict, render};
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

use crate::run::child::NotRun;
use crate::{exit, images, judged, output, terminal};

const RUN_NOTES: &str = "\
The `java` command gets the recorder as its agent without further ado. For JVMs that something \
else starts (jsvc, an IDE's own launcher), --java-tool-options passes the agent in \
JAVA_TOOL_OPTIONS, which every JVM announces on stderr; without it their Java stacks are recorded \
from the first use of `dev.hackleak.HackLeak` on.

Each run gets a folder of its own in DIR, so images of older runs are never mixed in.

Examples:
  hackleak run java -jar app.jar
  hackleak run --out build/leaks -- gradle test
  hackleak run --exit-zero --follow all ./server --once";

#[derive(Debug, Args)]
#[command(after_help = RUN_NOTES)]
pub(crate) struct Run {
    /// Which allocations to record [default: new+malloc+jni+unsafe+fd+zip]
    #[arg(long, value_name = "KINDS")]
    pub(crate) track: Option<String>,
    /// Which frames to record: full, native, java, off [default: full]
    #[arg(long, value_name = "FRAMES")]
    pub(crate) stacks: Option<String>,
    /// Which processes to record: jvm, all, none [default: jvm]
    #[arg(long, value_name = "WHICH")]
    pub(crate) follow: Option<String>,
    /// The most native frames per allocation [default: 2000]
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<String>,
    /// Also write a line per allocation and free, for `find-leak`; `%p` is the process
    #[arg(long, value_name = "FILE|stderr")]
    pub(crate) log: Option<String>,
    /// Leaks not to report, in LeakSanitizer's syntax; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) suppressions: Vec<PathBuf>,
    /// Known leaks of libraries, besides those that come with HackLeak; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) known_leaks: Vec<PathBuf>,
    /// Leaks to start from: only new ones and those that have grown are reported
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Folder for images and the report, created when missing [default: that of HACKLEAK_OPTIONS,
    /// or hackleak-out]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How to print the leaks, on stderr
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = RunFormat::Text)]
    pub(crate) format: RunFormat,
    /// Also pass the agent in JAVA_TOOL_OPTIONS
    #[arg(long)]
    pub(crate) java_tool_options: bool,
    /// Leave out command lines and the names of users and hosts
    #[arg(long)]
    pub(crate) redact: bool,
    #[command(flatten)]
    pub(crate) zero: crate::exit::Zero,
    /// The command and its arguments; options of `run` go before it
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunFormat {
    Text,
    Json,
}

/// Runs the command and returns the exit code.
pub(crate) fn run(arguments: &Run) -> anyhow::Result<u8> {
    let recorded = Recorded::prepare(arguments.out.as_deref(), options(arguments)?)?;
    let code = match recorded.run(&arguments.command, arguments.java_tool_options) {
        Ok(code) => code,
        Err(not_run) => return Ok(not_run),
    };
    ending::wait(&recorded.folder, &recorded.options);
    let said = conclude(&recorded, arguments.format);
    let said = said
        .map(|code| arguments.zero.of(code))
        .unwrap_or_else(|error| {
            output::complain(&output::sentence(&error));
            exit::FAILED
        });
    // The command's own failure goes first.
    Ok(if code == exit::CLEAN { said } else { code })
}

/// A run of a command that is recorded.
pub(crate) struct Recorded {
    library: String,
    folder: PathBuf,
    /// The folder around it, if that was made as well.
    made: Option<PathBuf>,
    options: Options,
}

impl Recorded {
    /// Finds the recorder, and makes a folder for the run in `out`, or else in the one that the
    /// options name.
    pub(crate) fn prepare(out: Option<&Path>, mut options: Options) -> anyhow::Result<Recorded> {
        let library = library::find()?;
        let out = out.unwrap_or(Path::new(&options.out));
        let made = (!out.exists()).then(|| out.to_owned());
        let folder = folder::create(out)?;
        options.out = text_of(&folder)?;
        Ok(Recorded {
            library,
            folder,
            made,
            options,
        })
    }

    pub(crate) fn library(&self) -> &str {
        &self.library
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs the command to its end; returns its exit code, or the one to give where it cannot run.
    pub(crate) fn run(&self, command: &[OsString], java_tool_options: bool) -> Result<u8, u8> {
        let environment = environment::of(&self.library, &self.options, java_tool_options);
        child::run(command, &environment).map_err(|error| {
            // What was made for the run is taken back; where something else is in it, it stays.
            for folder in [&self.folder].into_iter().chain(&self.made) {
                let _ = fs::remove_dir(folder);
            }
            output::complain(&error.to_string());
            code_of(&error)
        })
    }
}

/// The options of the recorder that are in the environment.
pub(crate) fn options_of_environment() -> anyhow::Result<Options> {
    let mut options = Options::default();
    if let Ok(text) = std::env::var(hackleak_options::ENVIRONMENT) {
        options
            .apply(&text)
            .with_context(|| format!("in {}", hackleak_options::ENVIRONMENT))?;
    }
    options.make_files_absolute();
    Ok(options)
}

/// Reports on what was recorded; returns the exit code of that.
fn conclude(recorded: &Recorded, format: RunFormat) -> anyhow::Result<u8> {
    let Recorded {
        library,
        folder,
        options,
        ..
    } = recorded;
    let (images, _) = images::in_folder(folder)?;
    if !images.is_empty() {
        return report(&images, folder, format, options.redact);
    }
    // Nothing is in the folder then, so nothing is lost when it cannot be removed either.
    let _ = fs::remove_dir(folder);
    if options.follow == Follow::None {
        // As it was asked for.
        return Ok(exit::CLEAN);
    }
    let why = unloadable(Path::new(library))
        .unwrap_or_else(|| nothing_recorded(options.follow).to_owned());
    output::complain(&format!("no process was recorded: {why}"));
    Ok(exit::FAILED)
}

/// Prints what the command leaked, and writes it to files beside the images. What cannot be written
/// changes no verdict.
fn report(
    images: &[PathBuf],
    folder: &Path,
    format: RunFormat,
    redact: bool,
) -> anyhow::Result<u8> {
    let mut report = images::read(images, &Selection::default());
    let names = report.redact(redact)?;
    report
        .unreadable
        .iter()
        .for_each(|image| output::complain(&image.reason));
    let json = render::json(&report)?;
    let html = render::html(&report)?;
    let file = folder.join("report.json");
    let page = folder.join("report.html");
    let files = [(&file, json.as_bytes()), (&page, html.as_bytes())];
    let failed: Vec<anyhow::Error> = files
        .into_iter()
        .filter_map(|(file, text)| output::write_file(file, text).err())
        .collect();
    failed
        .iter()
        .for_each(|error| output::complain(&output::sentence(error)));
    match format {
        RunFormat::Text if report.verdict() == Verdict::Clean && terminal::is_quiet() => {}
        RunFormat::Text => {
            let written = |file| Some(file).filter(|file: &&Path| file.is_file());
            let (json, page) = (written(&file), written(&page));
            output::print_report_aside(&judged::text(&report, json, page, names.as_ref()));
        }
        RunFormat::Json => output::print_aside(&json),
    }
    let code = judged::judged(&report);
    Ok(match failed.is_empty() {
        true => code,
        false => exit::weightier(code, exit::FAILED),
    })
}

/// The options of the recorder: those already in the environment, then those of the command line.
fn options(arguments: &Run) -> anyhow::Result<Options> {
    let mut options = options_of_environment()?;
    let given = [
        ("track", &arguments.track),
        ("stacks", &arguments.stacks),
        ("follow", &arguments.follow),
        ("depth", &arguments.depth),
        ("log", &arguments.log),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            options.apply(&format!("{key}={value}"))?;
        }
    }
    let file = |what: &str, file: &Path| {
        let found = fs::canonicalize(file)
            .with_context(|| format!("cannot read the {what} `{}`", file.display()))?;
        text_of(&found)
    };
    let add = |files: &mut String, given: &str| {
        if given.contains(':') {
            anyhow::bail!("`{given}` has a colon in it: name another path");
        }
        if !files.is_empty() {
            files.push(':');
        }
        *files += given;
        Ok(())
    };
    for given in &arguments.suppressions {
        add(&mut options.suppressions, &file("suppressions", given)?)?;
    }
    for given in &arguments.known_leaks {
        add(&mut options.known_leaks, &file("known leaks", given)?)?;
    }
    // A wrong list is said before a long run, not after it.
    for given in options.known_leaks_files() {
        KnownLeaks::read(given)?;
    }
    if let Some(given) = &arguments.baseline {
        options.baseline = file("baseline", given)?;
    }
    options.redact |= arguments.redact;
    options.make_files_absolute();
    options.exit = Exit::Settle;
    Ok(options)
}

/// A path as the value of an option, which cannot hold a comma.
fn text_of(path: &Path) -> anyhow::Result<String> {
    match path.to_str() {
        Some(text) if !text.contains(',') => Ok(text.to_owned()),
        _ => anyhow::bail!(
            "`{}` has a comma in it, or is not UTF-8: name another path",
            path.display()
        ),
    }
}

/// Why the loader does not load the recorder into any program, if that is so.
fn unloadable(library: &Path) -> Option<String> {
    let file = library.display();
    if access(library, Access::READ_OK).is_err() {
        return Some(format!(
            "this user may not read `{file}`; change its rights"
        ));
    }
    let flags = statvfs(library).ok()?.f_flag;
    flags.contains(StatVfsMountFlags::NOEXEC).then(|| {
        format!(
            "`{file}` is in a file system that is mounted noexec, so no program can load it; \
             install HackLeak in another one"
        )
    })
}

fn nothing_recorded(follow: Follow) -> &'static str {
    match follow {
        Follow::Jvm => {
            "only Java virtual machines are recorded by default, use --follow all for other programs; \
             and none that starts without LD_PRELOAD, which `env -i` drops"
        }
        Follow::All | Follow::None => {
            "if no line above says why, the recorder could not be loaded: programs that are \
             statically linked or set-user-ID do without it, and so does what starts without \
             LD_PRELOAD"
        }
    }
}

/// The code that shells give for a command that was not run.
fn code_of(error: &NotRun) -> u8 {
    match error {
        NotRun::NoCommand(_) => exit::NO_COMMAND,
        NotRun::NoInterpreter(_) | NotRun::Folder(_) | NotRun::InsertError(..) => exit::NOT_RUN,
        NotRun::Other(_) => exit::FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_library_that_cannot_be_loaded_is_told() {
        let mounts = fs::read_to_string("/proc/mounts").expect("the kernel tells them");
        // The last one at a place covers the others.
        let mut seen = HashMap::new();
        for mount in mounts.lines() {
            let fields: Vec<&str> = mount.split(' ').collect();
            seen.insert(fields[1], (fields[2], fields[3]));
        }
        for (at, (kind, options)) in seen {
            // Not one that a look would mount, or that may wait for a server.
            let is_local = ["tmpfs", "proc", "sysfs", "ext4", "overlay"].contains(&kind);
            if is_local && access(at, Access::READ_OK).is_ok() {
                let is_noexec = options.split(',').any(|option| option == "noexec");
                let told = unloadable(Path::new(at));
                assert_eq!(told.is_some(), is_noexec, "{at}: {told:?}");
            }
        }
        let missing = unloadable(Path::new("/proc/none")).expect("nobody can read it");
        assert!(missing.contains("may not read `/proc/none`"), "{missing}");
        let own = std::env::current_exe().expect("it runs");
        assert_eq!(unloadable(&own), None);
    }
}
