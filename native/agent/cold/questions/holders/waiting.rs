//! Steps along the stack of another thread, which waits in a system call.
//!
//! Of its registers, the kernel tells the stack pointer and the program counter. The frame pointer
//! is known once a frame has saved it; a frame whose rule needs it before ends the walk. The thread
//! may go on at any moment, so words are read by the caller's means, which cannot fault.

use crate::arch::code_address;
use crate::hot::unwind::rules;

/// Where a walk stands: in a frame of the thread's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The address of the code that the frame goes on with.
    pub code: usize,
    /// The stack pointer there.
    pub position: usize,
    frame_pointer: Option<usize>,
    /// Whether the code has called something: then the address is the one after the call.
    called: bool,
}

impl Standing {
    /// In the frame of the thread of this number that is in a system call; `None` while the thread
    /// runs.
    pub fn of(tid: u32) -> Option<Standing> {
        let text = std::fs::read_to_string(format!("/proc/self/task/{tid}/syscall")).ok()?;
        // The last two of its fields.
        let mut fields = text.split_whitespace().rev();
        let mut address = || usize::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok();
        let code = address()?;
        let position = address()?;
        Some(Standing {
            code,
            position,
            frame_pointer: None,
            called: false,
        })
    }

    /// The caller's frame; `None` where it cannot be told. The code is a module's that stays
    /// loaded.
    pub fn caller(self, word: impl Fn(usize) -> Option<usize>) -> Option<Standing> {
        let (rule, _) = rules::at(self.code.wrapping_sub(usize::from(self.called)));
        if !rule.is_common() || rule.uses_frame_pointer() && self.frame_pointer.is_none() {
            return None;
        }
        let fp = self.frame_pointer.unwrap_or(0);
        let cfa = rule.frame_end(self.position, fp, &word)?;
        if cfa <= self.position {
            return None;
        }
        let frame_pointer = match rule.restores_frame_pointer() {
            true => Some(word(rule.saved_frame_pointer(cfa, fp))?),
            false => self.frame_pointer,
        };
        Some(Standing {
            code: code_address(word(rule.return_slot(cfa))?),
            position: cfa,
            frame_pointer,
            called: true,
        })
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use crate::hot::ground::stack_bounds;
    use std::sync::mpsc::channel;

    /// A thread that waits in a system call; the walk gets from there to code of this library.
    #[test]
    fn a_walk_leads_from_the_system_call_to_who_made_it() {
        crate::hot::unwind::init();
        stack_bounds::init();
        let (send, tid) = channel();
        let mut ends = [0; 2];
        // SAFETY: an array of two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        let reads = ends[0];
        let thread = std::thread::spawn(move || {
            send.send(crate::hot::thread::own_tid())
                .expect("the test listens");
            let mut byte = 0_u8;
            // SAFETY: room for one byte.
            unsafe { libc::read(reads, (&raw mut byte).cast(), 1) };
        });
        let tid = tid.recv().expect("the thread sends");
        let mut at = Standing::of(tid);
        // Sooner or later it waits.
        while at.is_none() || !(0..1000).all(|_| Standing::of(tid) == at) {
            at = Standing::of(tid);
        }
        let mut at = at.expect("it waits");
        // SAFETY: words of the stack of a thread that waits until this one writes.
        let word = |at: usize| Some(unsafe { (at as *const usize).read_volatile() });
        let own = rules::function_range(
            a_walk_leads_from_the_system_call_to_who_made_it as *const () as usize,
        );
        let own = own.expect("this function has a rule");
        let module = crate::hot::unwind::modules::range(own.start).expect("a module");
        assert!(!module.contains(&at.code), "the C library makes the call");
        let mut steps = 0;
        while !module.contains(&at.code) {
            at = at.caller(word).expect("a caller");
            steps += 1;
            assert!(steps < 10);
        }
        // SAFETY: a descriptor of this test's, and one byte.
        unsafe { libc::write(ends[1], c"x".as_ptr().cast(), 1) };
        thread.join().expect("the thread ends");
        for end in ends {
            // SAFETY: descriptors of this test's.
            unsafe { libc::close(end) };
        }
    }
}
