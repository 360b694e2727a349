//! System calls that the program forbids itself, and that end the process (seccomp).
//!
//! A filter stays for as long as the process lives, and nobody can ask what it allows without a
//! system call that it may forbid. So it is looked at when it is installed. If it can end the
//! process, the recorder makes no more calls of its own than it must: the image grows in memory
//! only, new threads are counted and not recorded, and nobody looks for holders at the end. A
//! filter that only refuses costs nothing but what it refuses.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use hackleak_platform::peek::Peek;

static IS_DEADLY: AtomicBool = AtomicBool::new(false);

/// Whether a system call may end the process.
pub fn is_deadly() -> bool {
    IS_DEADLY.load(Relaxed)
}

/// A system call may end the process from now on.
pub fn enter() {
    IS_DEADLY.store(true, Relaxed);
}

/// Whether it may end a child that shares this process's memory, from now on.
static OF_CHILD: AtomicBool = AtomicBool::new(false);

/// The same for a child that shares this process's memory. Nobody but the kernel can tell them
/// apart.
pub fn enter_child() {
    OF_CHILD.store(true, Relaxed);
}

/// Whether a system call may end the process or such a child, whichever asks.
pub fn may_be_deadly() -> bool {
    is_deadly() || OF_CHILD.load(Relaxed)
}

/// One instruction of a filter, as the kernel has it: code, two distances, and a number in the
/// upper half.
type Instruction = u64;

/// What the lower bits of an instruction's code say.
const CLASS: u16 = 7;
const RETURN: u16 = 6;
/// Of a return: the answer is a number of the instruction.
const SOURCE: u16 = 0x18;
const NUMBER: u16 = 0;
/// The answers after which the process goes on. `SECCOMP_RET_TRAP` is none: most handlers end the
/// process.
const HARMLESS: [u32; 5] = [
    libc::SECCOMP_RET_ERRNO,
    libc::SECCOMP_RET_USER_NOTIF,
    libc::SECCOMP_RET_TRACE,
    libc::SECCOMP_RET_LOG,
    libc::SECCOMP_RET_ALLOW,
];

/// Whether the filter that a `sock_fprog` at `address` describes may end the process. What cannot
/// be read is no filter for the kernel either.
pub fn may_end(address: usize) -> bool {
    let Some(peek) = Peek::new() else {
        return true;
    };
    // A length of sixteen bits, and at the next multiple of eight the address of the instructions.
    let (Some(len), Some(start)) = (
        peek.value::<usize>(address),
        peek.value::<usize>(address.wrapping_add(size_of::<usize>())),
    ) else {
        return false;
    };
    let place = |index: usize| start.wrapping_add(index * size_of::<Instruction>());
    let all = (0..len & usize::from(u16::MAX)).map(|index| peek.value::<Instruction>(place(index)));
    all.flatten().any(ends)
}

/// Whether the instruction is an answer that may end the process.
fn ends(instruction: Instruction) -> bool {
    let code = instruction as u16;
    let answer = (instruction >> 32) as u32 & libc::SECCOMP_RET_ACTION_FULL;
    let is_known = code & SOURCE == NUMBER;
    code & CLASS == RETURN && !(is_known && HARMLESS.contains(&answer))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A return with this answer.
    fn answer(answer: u32) -> libc::sock_filter {
        libc::sock_filter {
            code: RETURN,
            jt: 0,
            jf: 0,
            k: answer,
        }
    }

    fn is_deadly(filter: &mut [libc::sock_filter]) -> bool {
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_mut_ptr(),
        };
        may_end((&raw const program).addr())
    }

    #[test]
    fn a_filter_that_only_refuses_is_harmless() {
        let load = libc::sock_filter {
            code: 0x20,
            jt: 0,
            jf: 0,
            k: 0,
        };
        let (allow, refuse) = (libc::SECCOMP_RET_ALLOW, libc::SECCOMP_RET_ERRNO | 1);
        assert!(!is_deadly(&mut [load, answer(allow), answer(refuse)]));
        assert!(!is_deadly(&mut []));
        for deadly in [
            libc::SECCOMP_RET_KILL_THREAD,
            libc::SECCOMP_RET_KILL_PROCESS,
            libc::SECCOMP_RET_TRAP | 7,
        ] {
            assert!(is_deadly(&mut [load, answer(allow), answer(deadly)]));
        }
    }

    #[test]
    fn an_answer_that_is_computed_may_be_any() {
        let computed = libc::sock_filter {
            code: RETURN | 0x10,
            jt: 0,
            jf: 0,
            k: libc::SECCOMP_RET_ALLOW,
        };
        assert!(is_deadly(&mut [computed]));
    }

    #[test]
    fn what_cannot_be_read_is_no_filter() {
        assert!(!may_end(8));
    }
}
