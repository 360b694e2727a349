//! Handles that the kernel knows better than the record of them.

use super::still_mapped;
use crate::hot::events::{descriptors, libraries, started};
use std::os::unix::ffi::OsStrExt;

/// Asks the kernel about those that are recorded and as young as `epoch`, before anybody is told of
/// them: takes out what is gone, and keeps in the image what the others are called.
pub fn look(epoch: u32) {
    descriptors::look(epoch, |number, keep| {
        let path = std::fs::read_link(format!("/proc/self/fd/{number}"));
        let path = path.inspect(|path| keep(path.as_os_str().as_bytes()));
        path.is_ok()
    });
    still_mapped::look(epoch);
    started::look(epoch, |tid, keep| {
        if let Ok(name) = std::fs::read_to_string(format!("/proc/self/task/{tid}/comm")) {
            keep(name.trim_end());
        }
    });
    libraries::look(epoch);
}
