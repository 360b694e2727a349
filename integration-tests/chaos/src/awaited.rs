//! What is not drawn yet, because the recorder is known to go wrong there.
//!
//! `CHAOS_AWAITED=1` draws it all the same, and `CHAOS_AWAITED=cancellation,deepest` only that. A line goes when its fault is
//! mended.

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
    /// Whether threads are cancelled.
    pub cancellation: bool,
    /// Whether timers interrupt the first allocation of a thread.
    pub first_events: bool,
    /// Whether native code calls Java and is then returned from, below deep native-less Java.
    pub stale_upcalls: bool,
}

impl Awaited {
    /// The limits of today, or those that the environment lifts.
    pub fn now() -> Awaited {
        let lifted = std::env::var("CHAOS_AWAITED").unwrap_or_default();
        let is = |name: &str| lifted == "1" || lifted.split(',').any(|word| word == name);
        let bytes = |name, small: u64, today: u64| if is(name) { small } else { today };
        Awaited {
            deepest: if is("deepest") { 3000 } else { 1800 },
            depth_option: is("depth_option"),
            smallest_stack: bytes("smallest_stack", 16 << 10, 40 << 10),
            smallest_alternate: bytes("smallest_alternate", 4 << 10, 32 << 10),
            file_size_limit: is("file_size_limit"),
            forked_children: is("forked_children"),
            settle_everywhere: is("settle_everywhere"),
            cancellation: is("cancellation"),
            first_events: is("first_events"),
            stale_upcalls: is("stale_upcalls"),
        }
    }
}
