//! Handles that the kernel knows better than the record of them.

use crate::{descriptors, libraries, mapped, started};

/// Asks the kernel about those that are recorded and as young as `epoch`, before anybody is told of them: takes out
/// what is gone, and keeps in the image what the others are called. Not for hooks.
pub fn look(epoch: u32) {
    descriptors::look(epoch);
    mapped::look(epoch);
    started::look(epoch);
    libraries::look(epoch);
}
