//! Which of the live blocks and invalid frees somebody asks about: since an epoch, in a scope,
//! whose doing.

use crate::IMAGE;
use hackleak_image::Ownership;
use hackleak_image::layout::{CONTEXT_IGNORED, Context, InvalidFree, Kind, Live, Scope};

/// What is looked at: since an epoch, in a scope (0 is any), whose doing.
#[derive(Clone, Copy)]
pub struct Selection {
    pub epoch: u32,
    pub scope: u32,
    pub ownership: Ownership,
}

impl Selection {
    /// All that was ever recorded.
    pub const EVERYTHING: Selection = Selection {
        epoch: 0,
        scope: 0,
        ownership: Ownership::Any,
    };

    /// Whether the live block is looked at: it was not left there on purpose.
    pub fn suspects(self, live: Live) -> bool {
        let context = context(live.context());
        live.kind() != Kind::Runtime as u8
            && context.flags & CONTEXT_IGNORED == 0
            && self.selects(live.context(), &context)
    }

    /// Whether what was done in context `index` is looked at. What has lost its context could be
    /// anyone's: it counts, except for a single scope among those that run in parallel.
    fn selects(self, index: u32, context: &Context) -> bool {
        if index == 0 {
            return !matches!(self.ownership, Ownership::Owned | Ownership::Claimed);
        }
        context.epoch >= self.epoch
            && self
                .ownership
                .selects(self.scope, context, self::scope, thread_ended)
    }
}

/// Calls `each` with every live block that counts as a leak.
pub fn leaks(selection: Selection, mut each: impl FnMut(usize, Live)) {
    let mut consider = |address, live: Live| {
        if selection.suspects(live) {
            each(address, live);
        }
    };
    for table in [&IMAGE.live, &IMAGE.pool] {
        table.for_each_since(IMAGE.window(), selection.epoch, &mut consider);
    }
}

/// The blocks and bytes of a record. Local references are counted, and have no bytes.
pub fn amount(live: Live) -> (u64, u64) {
    match live.kind() == Kind::LocalRefs as u8 {
        true => (live.size(), 0),
        false => (1, live.size()),
    }
}

/// How many invalid frees were made.
pub fn invalid_frees(selection: Selection) -> u64 {
    let is_selected = |invalid_free: &InvalidFree| {
        let freed_in = (invalid_free.freed >> 32) as u32;
        invalid_free.problem != 0 && selection.selects(freed_in, &context(freed_in))
    };
    let all = 0..IMAGE.invalid_frees.len(IMAGE.window());
    let all = all.filter_map(|index| IMAGE.invalid_frees.read(index));
    all.filter(is_selected).count() as u64
}

fn scope(index: u32) -> Option<Scope> {
    IMAGE.scopes.read(index)
}

fn thread_ended(index: u32) -> u32 {
    let thread = IMAGE.threads.read(index).filter(|_| index != 0);
    thread.map_or(0, |thread| thread.ended)
}

/// The context of this number; of an older epoch than any where there is none.
pub fn context(index: u32) -> Context {
    IMAGE.contexts.read(index).unwrap_or(Context {
        epoch: 0,
        scope: 0,
        thread: 0,
        flags: 0,
    })
}

/// What is live at `address`, if it is as young as `epoch`, or nobody knows how young.
pub fn live_since(address: usize, epoch: u32) -> Option<Live> {
    let live = IMAGE.live.live_at(address)?;
    let is_young = || context(live.context()).epoch >= epoch;
    (live.context() == 0 || is_young()).then_some(live)
}

/// The epoch of a context; 0 where that was lost.
pub fn epoch_of(index: u32) -> u32 {
    context(index).epoch
}
