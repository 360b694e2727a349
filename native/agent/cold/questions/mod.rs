//! What is asked of the record: by a check, or at the end.
//!
//! - `checkpoint`: the moments that leaks are judged since. `end`: the end of the process.
//! - `holders`: who holds what is live.
//! - `handles`, `still_mapped`: what the kernel knows better than the record.
//! - `footprint`: what the allocator holds, and the resident size.

pub mod checkpoint;
pub mod end;
pub mod footprint;
pub mod handles;
pub mod holders;
pub mod still_mapped;
