//! What is not drawn yet, because the recorder is known to go wrong there.
//!
//! `CHAOS_AWAITED=1` draws it all the same. A line goes when its fault is mended.

/// Limits of what is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Awaited {
    /// The deepest recursion, in frames.
    pub deepest: u64,
    /// Whether `depth=` is drawn among the options.
    pub depth_option: bool,
    /// The smallest stack of a thread, in bytes.
    pub smallest_stack: u64,
    /// The smallest alternate stack, in bytes.
    pub smallest_alternate: u64,
    /// Whether the limit of file sizes is lowered.
    pub file_size_limit: bool,
    /// Whether a forked child has a record of its own.
    pub forked_children: bool,
    /// Whether `exit=settle` goes with collectors that work beside the program.
    pub settle_everywhere: bool,
    /// Whether native code calls Java and is then returned from, below deep native-less Java.
    pub stale_upcalls: bool,
}

impl Awaited {
    /// The limits of today, or none.
    pub fn now() -> Awaited {
        if std::env::var_os("CHAOS_AWAITED").is_some() {
            return Awaited {
                deepest: 3000,
                depth_option: true,
                smallest_stack: 16 << 10,
                smallest_alternate: 4 << 10,
                file_size_limit: true,
                forked_children: true,
                settle_everywhere: true,
                stale_upcalls: true,
            };
        }
        Awaited {
            deepest: 1800,
            depth_option: false,
            smallest_stack: 40 << 10,
            smallest_alternate: 32 << 10,
            file_size_limit: false,
            forked_children: false,
            settle_everywhere: false,
            stale_upcalls: false,
        }
    }
}
