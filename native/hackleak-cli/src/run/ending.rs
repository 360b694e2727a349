//! Waiting for processes that outlive the command that started them by a little.
//!
//! PySpark's JVM ends after Python did, on its own account: its standard input is closed then. What it
//! still has to do at its end, settling among it, decides what it leaked. Daemons, such as Gradle's,
//! stay for hours, so the wait is short.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hackleak_image::Image;
use hackleak_image::reader::ProcessState;
use hackleak_options::{ENVIRONMENT, Follow, Options};

use crate::{images, output};

/// The longest wait: a JVM under load settles and ends well within.
const LONGEST: Duration = Duration::from_secs(10);
/// After that long it is said what is waited for.
const SILENT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until no recorded process of `folder` runs, or for as long as that makes sense. What `options` have
/// recorded and has no image yet, a daemon right after its fork, is waited for as well.
pub(super) fn wait(folder: &Path, options: &Options) {
    let began = Instant::now();
    let mut said = false;
    while began.elapsed() < LONGEST {
        let mut running = running(folder);
        running.extend(without_image(folder, options));
        if running.is_empty() {
            return;
        }
        if !said && began.elapsed() > SILENT {
            said = true;
            let numbers: Vec<String> = running.iter().map(u32::to_string).collect();
            output::complain(&format!(
                "the command has ended, waiting up to {} s for what it started: {}",
                LONGEST.as_secs(),
                numbers.join(", ")
            ));
        }
        thread::sleep(PAUSE);
    }
    for process in without_image(folder, options) {
        output::complain(&format!(
            "process {process} still runs and has allocated nothing so far: it is not in the report"
        ));
    }
}

/// Processes that are recorded from their first allocation on, and have made none.
fn without_image(folder: &Path, options: &Options) -> Vec<u32> {
    // Others may be recorded, or never.
    if options.follow != Follow::All {
        return Vec::new();
    }
    let variable = format!("{ENVIRONMENT}={options}");
    let images = images::in_folder(folder).map_or_else(|_| Vec::new(), |(images, _)| images);
    let opened = images.iter().filter_map(|path| Image::open(path).ok());
    let known: Vec<u32> = opened.map(|image| image.header().pid).collect();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process| !known.contains(process) && is_recorded(*process, &variable))
        .collect()
}

/// Whether the process began with this variable, and has the recorder.
fn is_recorded(process: u32, variable: &str) -> bool {
    let read = |file: &str| fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
    let environment = read("environ");
    let mut variables = environment.split(|byte| *byte == 0);
    variables.any(|one| one == variable.as_bytes())
        && String::from_utf8_lossy(&read("maps")).contains("/libhackleak.so")
}

/// The processes that are not at their end. An image that cannot be read is told later.
fn running(folder: &Path) -> Vec<u32> {
    let images = images::in_folder(folder).map_or_else(|_| Vec::new(), |(images, _)| images);
    let opened = images.iter().filter_map(|path| Image::open(path).ok());
    opened
        .filter(|image| image.process_state() == ProcessState::Running)
        .map(|image| image.header().pid)
        .collect()
}
