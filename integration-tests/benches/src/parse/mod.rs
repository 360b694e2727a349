//! What the tools report as live, read from their own output.

mod collapsed;
mod hackleak;
mod heap_profile;
mod valgrind;
mod where_it_began;

pub use collapsed::collapsed;
pub use hackleak::hackleak;
pub use heap_profile::heap_profile;
pub use valgrind::valgrind;
pub use where_it_began::where_it_began;

/// Memory that a tool reports as live, for one stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// The frames, in the tool's own words and order.
    pub frames: Vec<String>,
    /// Blocks; 0 if the tool only tells bytes.
    pub blocks: u64,
    /// Bytes; the allocator's, which may have rounded them up.
    pub bytes: u64,
}

impl Reported {
    /// Whether the native function is in the stack.
    pub fn passes(&self, function: &str) -> bool {
        let is = |frame: &String| {
            let rest = frame.strip_prefix(function);
            rest.is_some_and(|rest| !rest.starts_with(word))
        };
        self.frames.iter().any(is)
    }

    /// Whether the generated Java method of that number is in the stack.
    pub fn passes_caller(&self, index: u64) -> bool {
        let method = format!("Callers.caller{index}");
        let is = |frame: &String| {
            let mut parts = frame.split(&method).skip(1);
            // async-profiler appends the frame's type: `_[0]`.
            parts
                .next()
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        self.frames.iter().any(is)
    }

    /// The number of blocks, if each has about this size.
    pub fn blocks_of(&self, size: u64) -> u64 {
        match self.blocks {
            0 => (self.bytes + size / 2) / size,
            blocks => blocks,
        }
    }
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
