//! Waiting for processes that outlive the command that started them by a little.
//!
//! PySpark's JVM ends after Python did, on its own account: its standard input is closed then. What
//! it still has to do at its end, settling among it, decides what it leaked. Daemons, such as
//! Gradle's, stay for hours, so the wait is short.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, process, thread};

use hackleak_image::Image;
use hackleak_image::reader::{ProcessState, start_ticks};
use hackleak_options::{ENVIRONMENT, Follow, Options};

use crate::{images, output};

/// The longest wait: a JVM under load settles and ends well within.
const LONGEST: Duration = Duration::from_secs(10);
/// After that long it is said what is waited for.
const SILENT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until no recorded process of `folder` runs, or for as long as that makes sense. What
/// `options` have recorded and has no image yet, a daemon right after its fork, is waited for as
/// well.
pub(super) fn wait(folder: &Path, options: &Options) {
    let began = Instant::now();
    let mut said = false;
    let mut starting = Starting::new(folder, options);
    while began.elapsed() < LONGEST {
        let mut running = running(folder);
        running.extend(starting.look());
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
    for process in starting.look() {
        output::complain(&format!(
            "process {process} still runs and has no image: it is not in the report"
        ));
    }
}

/// Processes that are recorded from their first allocation on, and have made none.
struct Starting {
    folder: PathBuf,
    variable: String,
    /// When this process began, in the kernel's ticks; `None` where only others may be recorded, or
    /// never.
    began: Option<u64>,
    /// Processes that are none of these.
    others: HashSet<u32>,
}

impl Starting {
    fn new(folder: &Path, options: &Options) -> Starting {
        let began = (options.follow == Follow::All).then(|| start_ticks(process::id()));
        Starting {
            folder: folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
            variable: format!("{ENVIRONMENT}={options}"),
            began: began.flatten(),
            others: HashSet::new(),
        }
    }

    fn look(&mut self) -> Vec<u32> {
        let Some(began) = self.began else {
            return Vec::new();
        };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut found = Vec::new();
        for process in processes {
            if self.others.contains(&process) {
                continue;
            }
            // Older ones are not even asked what they are.
            let is_younger = start_ticks(process).is_some_and(|start| start >= began);
            if !is_younger || !self.is_recorded(process) {
                self.others.insert(process);
            } else if !self.has_image(process) {
                found.push(process);
            }
        }
        found
    }

    /// Whether the process began with the variable.
    fn is_recorded(&self, process: u32) -> bool {
        let environment = read(process, "environ");
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|one| one == self.variable.as_bytes())
    }

    /// Whether it has an image, or cannot have one, because it has no recorder.
    fn has_image(&self, process: u32) -> bool {
        let maps = read(process, "maps");
        let maps = String::from_utf8_lossy(&maps);
        // A forked child has its parent's image mapped.
        let own = format!("-{}.hackleak", own_number(process));
        let folder = format!("{}/", self.folder.display());
        let is_image = |line: &str| line.contains(&folder) && line.ends_with(&own);
        !maps.contains("/libhackleak.so") || maps.lines().any(is_image)
    }
}

fn read(process: u32, file: &str) -> Vec<u8> {
    fs::read(format!("/proc/{process}/{file}")).unwrap_or_default()
}

/// The number that the process knows itself by, which may be one of a namespace of its own.
fn own_number(process: u32) -> u32 {
    let status = read(process, "status");
    let status = String::from_utf8_lossy(&status);
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let own = numbers.and_then(|numbers| numbers.split_whitespace().next_back()?.parse().ok());
    own.unwrap_or(process)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_no_older_than_its_parent() {
        let own = start_ticks(process::id());
        assert!(own.is_some());
        assert!(start_ticks(1) <= own);
        assert_eq!(start_ticks(u32::MAX), None);
        assert_eq!(own_number(process::id()), process::id());
    }
}
