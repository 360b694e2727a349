//! The context of allocations made now: the epoch, the thread, its scope and whether it ignores.
//!
//! A context is entered in the image when it is first needed, and again when the epoch or one of
//! the others has changed.

use super::ThreadState;
use super::numbers::thread_name;
use crate::IMAGE;
use crate::hot::ground::boundary;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::{CONTEXT_IGNORED, CONTEXT_INHERITED, Context, Counter};

impl ThreadState {
    /// The context of an allocation made now, and its epoch, if it need not be renewed.
    #[inline(always)]
    pub fn known_context(&self) -> Option<(u32, u32)> {
        let epoch = IMAGE.epoch().load(Relaxed);
        (self.context_epoch == epoch).then_some((self.context, epoch))
    }

    /// The context of an allocation made now, and its epoch.
    #[inline(always)]
    pub fn context(&mut self) -> (u32, u32) {
        let epoch = IMAGE.epoch().load(Relaxed);
        if self.context_epoch != epoch {
            self.on_own_stack(|thread| thread.renew_context(epoch));
        }
        (self.context, epoch)
    }

    #[cold]
    #[inline(never)]
    fn renew_context(&mut self, epoch: u32) {
        boundary::may_panic();
        let mut flags = 0;
        if self.ignoring > 0 {
            flags |= CONTEXT_IGNORED;
        }
        if self.inherited {
            flags |= CONTEXT_INHERITED;
        }
        let context = Context {
            epoch,
            scope: self.scope,
            thread: self.record_index,
            flags,
        };
        self.record().name = thread_name();
        self.context = match IMAGE.contexts.push(IMAGE.window(), context) {
            Some(index) => index,
            None => {
                IMAGE.count(Counter::ContextsFull);
                0
            }
        };
        self.context_epoch = epoch;
    }

    /// The thread's scope, which a child inherits.
    pub fn scope(&self) -> u32 {
        self.scope
    }

    /// The scope that the thread entered itself, or 0.
    pub fn entered_scope(&self) -> u32 {
        if self.inherited { 0 } else { self.scope }
    }

    /// Sets the scope, and whether the thread inherits it rather than entering it. Returns what
    /// they were before.
    pub fn set_scope(&mut self, scope: u32, inherited: bool) -> (u32, bool) {
        self.context_epoch = 0;
        (
            core::mem::replace(&mut self.scope, scope),
            core::mem::replace(&mut self.inherited, inherited),
        )
    }

    /// Begins or ends ignoring; calls nest.
    pub fn set_ignoring(&mut self, on: bool) {
        self.context_epoch = 0;
        self.ignoring = if on {
            self.ignoring + 1
        } else {
            self.ignoring.saturating_sub(1)
        };
    }
}
