//! Waiting for processes that outlive the command that started them by a little.
//!
//! PySpark's JVM ends after Python did, on its own account: its standard input is closed then. What it
//! still has to do at its end, settling among it, decides what it leaked. Daemons, such as Gradle's,
//! stay for hours, so the wait is short.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hackleak_image::Image;
use hackleak_image::reader::ProcessState;

use crate::{images, output};

/// The longest wait: a JVM under load settles and ends well within.
const LONGEST: Duration = Duration::from_secs(10);
/// After that long it is said what is waited for.
const SILENT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until no recorded process of `folder` runs, or for as long as that makes sense.
pub(super) fn wait(folder: &Path) {
    let began = Instant::now();
    let mut said = false;
    while began.elapsed() < LONGEST {
        let running = running(folder);
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
