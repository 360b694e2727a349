//! What is done with a library that is new.
//!
//! - `symbols`, `gnu_hash`: its functions. `lenders`: those of the C library that hand out memory.
//! - `pools`: calls of functions that the option `pools=` names.
//! - `module_copies`: libraries that are deleted while they are used.

pub mod gnu_hash;
pub mod lenders;
pub mod module_copies;
pub mod pools;
pub mod symbols;
