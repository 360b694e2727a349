//! What comes first.

use clap::ValueEnum;

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// The sites that grow fastest
    Growth,
    /// The sites with most live bytes
    Bytes,
}
