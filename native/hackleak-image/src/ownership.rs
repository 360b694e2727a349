//! Whose doing an allocation or an invalid free is, where code runs in parallel.
//!
//! A thread enters scopes itself, or is started in one and inherits it. What is difficult: a thread
//! that was started in a scope may belong to a pool. It may work for anybody, while the scope is
//! open and after it was closed. So only of one that ended before the scope was closed is it
//! assumed that it worked for this scope alone. The recorder and the reporter judge by the same
//! rule, from what is in the image, so that no allocation has two owners or none.

use crate::layout::{CONTEXT_INHERITED, Context, Scope};

/// Whose leak it is: what of parallel code is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Ownership {
    /// Everybody's, or that of exactly one scope.
    #[default]
    Any = 0,
    /// What a scope, or one inside of it, owns for sure.
    Owned = 1,
    /// What no closed scope owns.
    Unowned = 2,
    /// What a scope, or one inside of it, might own.
    Claimed = 3,
}

impl Scope {
    /// Whether what was done in `context`, of this scope or one inside of it, by a thread that
    /// ended in epoch `ended` (0: it runs) is this scope's doing for sure.
    pub fn owns(&self, context: &Context, ended: u32) -> bool {
        let in_time = self.closed == 0 || context.epoch < self.closed;
        let own_thread = context.flags & CONTEXT_INHERITED == 0;
        let ended_in_time = ended != 0 && (self.closed == 0 || ended < self.closed);
        in_time && (own_thread || ended_in_time)
    }
}

impl Ownership {
    /// The ownership of a number.
    pub const fn from_number(number: u32) -> Option<Ownership> {
        match number {
            0 => Some(Ownership::Any),
            1 => Some(Ownership::Owned),
            2 => Some(Ownership::Unowned),
            3 => Some(Ownership::Claimed),
            _ => None,
        }
    }

    /// Whether what was done in `context` is looked at; `asked` is the scope that was asked for,
    /// or 0. `scope` looks a scope up, `ended` the epoch in which a thread ended.
    pub fn selects(
        self,
        asked: u32,
        context: &Context,
        scope: impl Fn(u32) -> Option<Scope>,
        ended: impl Fn(u32) -> u32,
    ) -> bool {
        if self == Ownership::Any {
            return asked == 0 || context.scope == asked;
        }
        let mut at = context.scope;
        while at != 0 {
            let Some(found) = scope(at) else {
                break;
            };
            let counts = match self {
                Ownership::Unowned => found.closed != 0,
                _ => at == asked,
            };
            if counts && (self == Ownership::Claimed || found.owns(context, ended(context.thread)))
            {
                return self != Ownership::Unowned;
            }
            // A damaged image must not send this round in circles.
            at = if found.parent < at { found.parent } else { 0 };
        }
        self == Ownership::Unowned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Blob;

    const OUTER: u32 = 1;
    const INNER: u32 = 2;
    const OPEN: u32 = 3;

    fn scope(number: u32) -> Option<Scope> {
        let (closed, parent) = match number {
            OUTER => (10, 0),
            INNER => (0, OUTER),
            OPEN => (0, 0),
            _ => return None,
        };
        Some(Scope {
            name: Blob::default(),
            closed,
            parent,
            written: 1,
            reserved: [0; 3],
        })
    }

    fn selects(ownership: Ownership, asked: u32, made: (u32, u32, u32), ended: u32) -> bool {
        let (scope_of, epoch, flags) = made;
        let context = Context {
            epoch,
            scope: scope_of,
            thread: 0,
            flags,
        };
        ownership.selects(asked, &context, scope, |_| ended)
    }

    #[test]
    fn a_scope_owns_what_its_own_thread_did_until_it_was_closed() {
        assert!(selects(Ownership::Owned, OUTER, (OUTER, 9, 0), 0));
        assert!(selects(Ownership::Owned, OUTER, (INNER, 9, 0), 0));
        assert!(!selects(Ownership::Owned, INNER, (OUTER, 9, 0), 0));
        assert!(!selects(Ownership::Owned, OUTER, (OUTER, 10, 0), 0));
        assert!(selects(Ownership::Unowned, 0, (OUTER, 10, 0), 0));
        assert!(!selects(Ownership::Unowned, 0, (INNER, 9, 0), 0));
    }

    #[test]
    fn what_a_thread_did_that_outlives_the_scope_is_nobodys() {
        for (ended, owned) in [(0, false), (9, true), (10, false), (11, false)] {
            let made = (OUTER, 5, CONTEXT_INHERITED);
            assert_eq!(
                selects(Ownership::Owned, OUTER, made, ended),
                owned,
                "{ended}"
            );
            assert_eq!(
                selects(Ownership::Unowned, 0, made, ended),
                !owned,
                "{ended}"
            );
            assert!(selects(Ownership::Claimed, OUTER, made, ended), "{ended}");
        }
    }

    #[test]
    fn what_was_done_outside_of_scopes_and_in_open_ones_is_nobodys() {
        for made in [(0, 5, 0), (OPEN, 5, 0), (99, 5, 0)] {
            assert!(selects(Ownership::Unowned, 0, made, 0), "{made:?}");
            assert!(!selects(Ownership::Owned, OUTER, made, 0), "{made:?}");
        }
        assert!(selects(Ownership::Any, 0, (OPEN, 5, 0), 0));
        assert!(!selects(Ownership::Any, OUTER, (INNER, 5, 0), 0));
    }
}
