//! What hooks stand on: options, the gate, tables without locks, and what the process looks like.
//!
//! - `gate`, `control`: whether and what is recorded. `boundary`: no panic leaves the recorder.
//! - `concurrent_map`, `paper`, `peek`, `stack_word`: memory that others use, too.
//! - `real`: the functions that hooks pass on to.
//! - `maps`, `mappings`, `module_policy`, `search_path`, `dynamic`, `this_library`: what is loaded.
//! - `stack_bounds`, `interrupted`: stacks. `loader_lock`, `sandbox`, `stderr`, `clock`: the rest.

pub mod boundary;
pub mod control;
pub mod first;
pub mod gate;
pub mod interrupted;
pub mod mappings;
pub mod module_policy;
pub mod real;
pub mod sandbox;
pub mod search_path;
pub mod stack_bounds;
