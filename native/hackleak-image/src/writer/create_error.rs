//! What can go wrong when an image is made.

use crate::Shortage;

/// Why there is no image. The number is the system's `errno`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateError {
    /// The file could not be created.
    Open(i32),
    /// The file was created, and not a byte can be written to it. It stays, empty: whoever finds it
    /// knows that something is not recorded.
    Write(Shortage),
    /// No address space for the window.
    Map(i32),
}
