//! One step of a walk: from a frame to its caller.

use super::rules::{Rule, Shape};
use super::slow;
use crate::IMAGE;
use crate::arch::{Position, Registers, signal_frame};
use crate::word::read;
use hackleak_image::Marker;
use hackleak_image::layout::Counter;

/// How a native stack ends on the root side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The outermost frame of a thread.
    Outermost,
    /// Code that no module covers, whose address was read from `slot`: Java.
    Foreign { slot: usize },
    /// The walk gave up for a reason that the marker names.
    Cut(Marker),
}

/// Where a walk stands.
#[derive(Clone, Copy)]
pub struct Cursor {
    /// The word that holds `pc`.
    pub slot: usize,
    pub pc: usize,
    sp: usize,
    pub fp: usize,
    /// The address whose rule applies: `pc - 1`, or `pc` itself in a frame that a signal
    /// interrupted.
    pub lookup: usize,
}

impl Cursor {
    /// At the caller whose return address lies in the position's slot.
    #[inline(always)]
    pub fn new(position: Position) -> Cursor {
        let Position {
            slot,
            frame_pointer,
        } = position;
        // SAFETY: the word that holds the return address of a call that has not returned.
        let pc = unsafe { read(slot) };
        let sp = slot + size_of::<usize>();
        Cursor {
            slot,
            pc,
            sp,
            fp: frame_pointer,
            lookup: pc.wrapping_sub(1),
        }
    }

    /// Whether the stack pointer is what a call leaves: not in a frame that a signal interrupted.
    #[inline(always)]
    pub fn is_called(&self) -> bool {
        self.sp == self.slot + size_of::<usize>()
    }

    /// The registers of the caller of the code that the walk stands in, if that keeps a frame pointer.
    pub fn by_frame_pointer(&self) -> Option<Registers> {
        let (sp, fp) = slow::by_frame_pointer(self.sp, self.fp)?;
        // SAFETY: a word of this thread's stack: the frame pointer's own word was just read.
        let pc = unsafe { read(sp - size_of::<usize>()) };
        // Within the call, as at a signal: of what follows a return address, the JVM would take the
        // code after the call.
        let pc = pc - 1;
        Some(Registers { pc, sp, fp })
    }

    /// Goes on to the caller, or tells why there is none. `rule` is the rule at `lookup`, and
    /// neither [`Shape::Foreign`] nor [`Shape::Other`].
    #[inline(always)]
    pub fn step(&mut self, rule: Rule) -> Result<(), End> {
        if rule.is_common() {
            // SAFETY: a word of a frame that is on this thread's stack.
            let cfa = rule.cfa(self.sp, self.fp, |cell| unsafe { read(cell) });
            return self.leave(rule, cfa);
        }
        let cfa = match rule.shape() {
            Shape::Outermost => return Err(End::Outermost),
            Shape::Signal => {
                // SAFETY: the kernel's frame lies at this stack position.
                unsafe {
                    self.slot = self.sp + signal_frame::PROGRAM_COUNTER as usize;
                    self.pc = read(self.slot);
                    self.fp = read(self.sp + signal_frame::FRAME_POINTER as usize);
                    self.sp = read(self.sp + signal_frame::STACK_POINTER as usize);
                }
                self.lookup = self.pc;
                return Ok(());
            }
            Shape::NoTables => {
                IMAGE.count(Counter::StackNoTables);
                let Some((cfa, saved)) = slow::by_frame_pointer(self.sp, self.fp) else {
                    return Err(End::Cut(Marker::NoUnwindTables));
                };
                self.fp = saved;
                cfa
            }
            _ => 0,
        };
        self.leave(rule, cfa)
    }

    /// Goes on to the frame that ends at `cfa`.
    #[inline(always)]
    fn leave(&mut self, rule: Rule, cfa: usize) -> Result<(), End> {
        if cfa <= self.sp || cfa & 7 != 0 {
            // No caller can lie below its callee: the tables are wrong.
            IMAGE.count(Counter::StackNoTables);
            return Err(End::Cut(Marker::NoUnwindTables));
        }
        if rule.restores_frame_pointer() {
            // SAFETY: as above.
            self.fp = unsafe { read(rule.saved_frame_pointer(cfa, self.fp)) };
        }
        self.slot = cfa - size_of::<usize>();
        // SAFETY: as above.
        self.pc = unsafe { read(self.slot) };
        self.sp = cfa;
        self.lookup = self.pc.wrapping_sub(1);
        Ok(())
    }
}
