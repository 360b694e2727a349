//! Whether the allocation calls of a library reach the recorder.
//!
//! The recorder is preloaded: it stands first, behind the executable, in the scope in which the
//! loader looks symbols up. It sees a call exactly when the loader looks that call's function up
//! there, and the file of the library says so: a relocation with the function's name in it. What is
//! bound inside the library never reaches the recorder: a static libstdc++ behind a version script,
//! `-Bsymbolic`, an allocator of its own. A report about such a library must not say that there are
//! no leaks.
//!
//! ```text
//! file ─► Facts (what it imports, defines, hides) ─► assess (for the tracked kinds) ─► Coverage
//! ```
//!
//! What is difficult: a stripped library does not name what it hides. Texts that only the hidden
//! code contains stand in for the names, and the reasons then say "it seems". A small allocator
//! without such a text that was stripped of its name is not found.

mod assess;
mod diagnosis;
mod elf;
mod facts;
mod image;
pub(crate) mod kinds;
mod reason;
mod symbols;
mod texts;
mod under_test;

pub use assess::{Tracked, assess};
pub use diagnosis::{Diagnosis, Library, Process, Subject};
pub use facts::{Allocator, Bound, Facts, Family, Own, Slot, Unreadable};
pub(crate) use image::Modules;
pub use image::{Unseen, is_strict, libraries};
pub use kinds::untold;
pub use reason::bypassed;
pub use under_test::Runtime;
