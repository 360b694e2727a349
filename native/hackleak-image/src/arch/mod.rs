//! What depends on the processor: a folder with the same files for each.

mod x86_64;

pub use x86_64::prefetch;
