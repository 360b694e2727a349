//! One step of a walk: from a frame to its caller.

use super::rules::{Rule, Shape};
use crate::IMAGE;
use crate::arch::{CALL_PUSHES_RETURN, CallSite, Registers, code_address, signal_frame};
use crate::hot::ground::stack_bounds::Reach;
use hackleak_image::Marker;
use hackleak_image::layout::Counter;
use hackleak_platform::stack_word::read;

/// How a native stack ends on the root side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The outermost frame of a thread.
    Outermost,
    /// Code that no module covers: Java. It called native code with its stack position right above
    /// `slot`, which goes on at `caller`.
    Foreign { slot: usize, caller: usize },
    /// The walk gave up for a reason that the marker names.
    Cut(Marker),
}

/// Where a walk stands.
#[derive(Clone, Copy)]
pub struct Cursor {
    /// The word right below the stack position after the return to `pc`. Where calls push their
    /// return address, it holds `pc`. In a frame that a signal interrupted: where `pc` was read.
    pub slot: usize,
    pub pc: usize,
    sp: usize,
    /// Whether `sp` is exact. A frame pointer leads to a frame that need not end there, where
    /// calls do not push their return address.
    knows_sp: bool,
    pub fp: usize,
    /// The address whose rule applies: `pc - 1`, or `pc` itself in a frame that a signal
    /// interrupted.
    pub lookup_pc: usize,
}

impl Cursor {
    /// At the caller whose return address lies in the call_site's slot.
    #[inline(always)]
    pub fn new(call_site: CallSite) -> Cursor {
        let CallSite {
            slot,
            frame_pointer,
        } = call_site;
        // SAFETY: the word that holds the return address of a call that has not returned.
        let pc = unsafe { read(slot) };
        let sp = slot + size_of::<usize>();
        Cursor {
            slot,
            pc,
            sp,
            knows_sp: true,
            fp: frame_pointer,
            lookup_pc: pc.wrapping_sub(1),
        }
    }

    /// Whether the stack pointer is what a call leaves: not in a frame that a signal interrupted.
    #[inline(always)]
    pub fn is_called(&self) -> bool {
        self.sp == self.slot + size_of::<usize>()
    }

    /// The registers of the caller of the code that the walk stands in, if that keeps a frame
    /// pointer.
    pub fn by_frame_pointer(&self, reach: &mut Reach) -> Option<Registers> {
        let (sp, fp) = by_frame_pointer(self.sp, self.fp, reach)?;
        let pc = code_address(reach.word(sp - size_of::<usize>())?);
        // Within the call, as at a signal: of what follows a return address, the JVM would take the
        // code after the call.
        let pc = pc - 1;
        Some(Registers { pc, sp, fp })
    }

    /// Goes on to the caller, or tells why there is none. `rule` is the rule at `lookup`, and
    /// neither [`Shape::Foreign`] nor [`Shape::Other`]. Reads nothing but what is within `reach`.
    #[inline(always)]
    pub fn step(&mut self, rule: Rule, reach: &mut Reach) -> Result<(), End> {
        if rule.is_common() {
            if !CALL_PUSHES_RETURN && !self.knows_sp && !rule.uses_frame_pointer() {
                return Err(astray());
            }
            let cfa = rule.frame_end(self.sp, self.fp, |cell| reach.word(cell));
            return self.leave(rule, cfa.unwrap_or(0), reach);
        }
        self.step_rarely(rule, reach)
    }

    #[inline(never)]
    fn step_rarely(&mut self, rule: Rule, reach: &mut Reach) -> Result<(), End> {
        let cfa = match rule.shape() {
            Shape::Outermost => return Err(End::Outermost),
            Shape::Signal => return self.leave_handler(reach).ok_or_else(astray),
            Shape::NoTables => {
                IMAGE.count(Counter::StackNoTables);
                let Some((cfa, saved)) = by_frame_pointer(self.sp, self.fp, reach) else {
                    return Err(End::Cut(Marker::NoUnwindTables));
                };
                self.fp = saved;
                cfa
            }
            _ => 0,
        };
        self.leave(rule, cfa, reach)?;
        self.knows_sp = false;
        Ok(())
    }

    /// Goes on to the code that a signal interrupted. The kernel's frame lies at the stack
    /// position.
    fn leave_handler(&mut self, reach: &mut Reach) -> Option<()> {
        let slot = self.sp + signal_frame::PROGRAM_COUNTER as usize;
        let pc = reach.word(slot)?;
        let fp = reach.word(self.sp + signal_frame::FRAME_POINTER as usize)?;
        let sp = reach.word(self.sp + signal_frame::STACK_POINTER as usize)?;
        (self.slot, self.pc, self.fp, self.sp) = (slot, pc, fp, sp);
        (self.lookup_pc, self.knows_sp) = (pc, true);
        *reach = reach.interrupted_at(sp);
        Some(())
    }

    /// Goes on to the frame that ends at `cfa`.
    #[inline(always)]
    fn leave(&mut self, rule: Rule, cfa: usize, reach: &mut Reach) -> Result<(), End> {
        let slot = cfa.wrapping_sub(size_of::<usize>());
        let returns_at = rule.return_slot(cfa);
        // No caller can lie below its callee.
        if cfa <= self.sp || !reach.covers(returns_at) {
            return Err(astray());
        }
        if rule.restores_frame_pointer() {
            let saved = rule.saved_frame_pointer(cfa, self.fp);
            self.fp = reach.word(saved).ok_or_else(astray)?;
        }
        self.slot = slot;
        // SAFETY: a word of stack that can be read: just checked.
        self.pc = code_address(unsafe { read(returns_at) });
        self.sp = cfa;
        if !CALL_PUSHES_RETURN {
            self.knows_sp = true;
        }
        self.lookup_pc = self.pc.wrapping_sub(1);
        Ok(())
    }
}

/// The tables are wrong, or the walk began with words that are no longer what they were.
#[cold]
#[inline(never)]
fn astray() -> End {
    IMAGE.count(Counter::StackNoTables);
    End::Cut(Marker::NoUnwindTables)
}

/// One step by the frame pointer: the caller's frame address and frame pointer. Nothing vouches
/// that the register is a frame pointer.
fn by_frame_pointer(sp: usize, fp: usize, reach: &mut Reach) -> Option<(usize, usize)> {
    const FARTHEST: usize = 1 << 20;
    if fp < sp || fp - sp > FARTHEST || fp & 7 != 0 {
        return None;
    }
    let saved = reach.word(fp)?;
    let caller = reach.word(fp + size_of::<usize>())?;
    (caller >= 4096).then_some((fp + 2 * size_of::<usize>(), saved))
}

#[cfg(test)]
mod tests;
