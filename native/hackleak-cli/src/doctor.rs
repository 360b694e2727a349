//! `hackleak doctor`: whether the allocations of libraries can be seen.

mod bindings;
mod process;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use hackleak_image::layout;
use hackleak_options::{Options, Track};
use hackleak_report::coverage::{Diagnosis, Facts, Library, Subject, libraries, untold};
use hackleak_report::{Visibility, packed, render};

use crate::{exit, images, output, standard_input};

const DOCTOR_NOTES: &str = "\
seen     all allocations of the tracked kinds are recorded
partly   some of them, or as another kind
blind    none of them: \"no leaks\" says nothing about this library
unknown  its file is gone or cannot be read

The runtime (the JDK, the C and C++ libraries) is not under test and left out, except where it is \
named itself.

Examples:
  hackleak doctor --track new+malloc build/libmine.so
  hackleak doctor 4711                      a running process: what is loaded there
  hackleak doctor --strict hackleak-out     exit 23 only for libraries that fail with strict=true

Exit codes:
  0   every library is seen
  1   wrong usage, unreadable input, or a library of which nothing is known
  23  a library is blind or seen only in part, or a process is not recorded; with --strict: a \
library is blind";

#[derive(Debug, Args)]
#[command(after_help = DOCTOR_NOTES)]
pub(crate) struct Doctor {
    /// Libraries, programs, numbers of running processes, images, or folders with images
    #[arg(required = true, value_name = "FILE|PID|IMAGE|DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The kinds that would be tracked, for libraries and processes that are not recorded
    /// [default: that of the recorder]
    #[arg(long, value_name = "KINDS")]
    pub(crate) track: Option<String>,
    /// Exit with 23 only for what `strict=true` fails because of
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) zero: crate::exit::Zero,
    /// What to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = DoctorFormat::Text)]
    pub(crate) format: DoctorFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    Text,
    Json,
}

/// Looks at everything that was named and returns the exit code.
pub(crate) fn doctor(arguments: &Doctor) -> anyhow::Result<u8> {
    let mut options = Options::default();
    if let Some(track) = &arguments.track {
        options.apply(&format!("track={track}"))?;
    }
    let mut subjects = Vec::new();
    let mut failed = false;
    for input in &arguments.inputs {
        for examined in examine(input, options.track) {
            match examined {
                Ok(subject) => subjects.push(subject),
                Err(error) => {
                    output::complain(&output::sentence(&error));
                    failed = true;
                }
            }
        }
    }
    let diagnosis = Diagnosis::new(subjects);
    output::print(&match arguments.format {
        DoctorFormat::Text => render::doctor(&diagnosis),
        DoctorFormat::Json => render::json(&diagnosis)?,
    })?;
    let code = if arguments.strict {
        strictly(&diagnosis)
    } else {
        code(&diagnosis)
    };
    let code = arguments.zero.of(code);
    Ok(match failed {
        true => exit::weightier(code, exit::FAILED),
        false => code,
    })
}

/// The exit code of what fails with `strict=true`.
fn strictly(diagnosis: &Diagnosis) -> u8 {
    match diagnosis.libraries().any(|library| library.fails_strict) {
        true => exit::NOT_SEEN,
        false => exit::CLEAN,
    }
}

fn code(diagnosis: &Diagnosis) -> u8 {
    let mut processes = diagnosis
        .subjects
        .iter()
        .filter_map(|subject| subject.process.as_ref());
    let unrecorded = processes.any(|process| process.image.is_none());
    match diagnosis.worst() {
        Visibility::Partly | Visibility::Blind => exit::NOT_SEEN,
        _ if unrecorded => exit::NOT_SEEN,
        Visibility::Unknown => exit::FAILED,
        Visibility::Seen => exit::CLEAN,
    }
}

/// What can be said about one argument.
fn examine(input: &Path, track: Track) -> Vec<anyhow::Result<Subject>> {
    if !input.is_dir() {
        return vec![examine_one(input, track)];
    }
    let (images, errors) = images::find(&[input.to_owned()]);
    let errors = errors.into_iter().map(|error| Err(anyhow!(error.reason)));
    errors
        .chain(images.iter().map(|image| of_image(image)))
        .collect()
}

/// What can be said about a file or a process.
fn examine_one(input: &Path, track: Track) -> anyhow::Result<Subject> {
    let text = input.to_string_lossy();
    if let Some(pid) = images::process_number(input) {
        return process::examine(pid, track);
    }
    let kept = standard_input::or_kept(input)?;
    let input = &*kept;
    if is_image(input)? {
        return of_image(input);
    }
    let facts = Facts::read(input).with_context(|| format!("`{text}`"))?;
    Ok(Subject {
        input: text.clone().into_owned(),
        track: Track::names(track.bits()),
        process: None,
        notes: Vec::new(),
        libraries: vec![Library::of_file(&text, &Ok(facts), track.into(), None)],
    })
}

fn is_image(input: &Path) -> anyhow::Result<bool> {
    if input
        .extension()
        .is_some_and(|extension| extension == "hackleak")
        || packed::is_packed(input)
    {
        return Ok(true);
    }
    let cannot_open = || format!("cannot open `{}`", input.display());
    let mut start = [0; layout::MAGIC.len()];
    let mut file = File::open(input).with_context(cannot_open)?;
    Ok(file.metadata().with_context(cannot_open)?.is_file()
        && file.read_exact(&mut start).is_ok()
        && start == layout::MAGIC)
}

fn of_image(path: &Path) -> anyhow::Result<Subject> {
    let image = packed::open(path)?;
    let under_test = libraries(&image)
        .into_iter()
        .filter_map(|module| Some(Library::new(&module.path, module.coverage?)));
    Ok(Subject {
        input: path.to_string_lossy().into_owned(),
        track: Track::names(image.header().track),
        process: None,
        notes: untold(&image),
        libraries: under_test.collect(),
    })
}
