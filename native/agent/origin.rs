//! Where an event comes from: whether its caller counts, and its stack and context.

use crate::arch::CallSite;
use crate::callers::Counts;
use crate::jvm::own_code;
use crate::stack_bounds::StackBounds;
use crate::{boundary, callers, lent, thread, unwind};
use hackleak_image::{Frame, Marker};

/// Whose memory a caller takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Code under test: it is recorded.
    UnderTest,
    /// The JDK's libzip, for Java code that compresses.
    Zlib,
    /// The runtime's own.
    Runtime,
}

impl Whose {
    fn under_test(counts: bool) -> Whose {
        if counts {
            Whose::UnderTest
        } else {
            Whose::Runtime
        }
    }
}

/// Whose memory it is that the caller at `call_site` allocates.
#[inline(always)]
pub fn whose(call_site: CallSite) -> Whose {
    // Where the module of the caller is known already, nothing can panic.
    match counts_at_once(call_site) {
        Some(Counts::Yes) => Whose::UnderTest,
        Some(Counts::No) => Whose::Runtime,
        _ => whose_slowly(call_site),
    }
}

/// Whether what the caller at `call_site` allocates is recorded as that of code under test.
#[inline(always)]
pub fn counts(call_site: CallSite) -> bool {
    match counts_at_once(call_site) {
        Some(Counts::Yes) => true,
        // Libzip pins arrays all the time, and is never under test.
        Some(Counts::No | Counts::IfForJava) => false,
        _ => whose_slowly(call_site) == Whose::UnderTest,
    }
}

#[cold]
#[inline(never)]
fn whose_slowly(call_site: CallSite) -> Whose {
    boundary::guarded(|| whose_by_modules(call_site)).unwrap_or(Whose::Runtime)
}

/// What counts for the caller at `call_site`, if its module is known. Nothing in it can panic.
#[inline(always)]
fn counts_at_once(call_site: CallSite) -> Option<Counts> {
    Some(counts_of(unwind::known_caller(call_site)?, callers::counts))
}

/// What counts for a call from this frame, where `counts` says it of a module.
#[inline(always)]
fn counts_of(frame: u64, counts: impl Fn(u32) -> Counts) -> Counts {
    match Frame::decode(frame) {
        Some(Frame::Native { module, .. }) => counts(module),
        // Code of no module: Java's own compiled code calls no function of C, so it is somebody's.
        _ => Counts::Yes,
    }
}

/// Whose it is that the caller at `call_site` allocates with `malloc`.
fn whose_by_modules(call_site: CallSite) -> Whose {
    match counts_of(unwind::caller(call_site), callers::counts) {
        Counts::Yes => Whose::UnderTest,
        Counts::No => Whose::Runtime,
        _ => thread::on_own_stack(|bounds| callers_callers(call_site, bounds)),
    }
}

/// Whether the descriptors that the caller at `call_site` opens are recorded.
pub fn opens(call_site: CallSite) -> bool {
    module_counts(call_site, callers::opens)
}

/// Whether the caller at `call_site` is code under test, and none of the JDK's.
pub fn is_under_test(call_site: CallSite) -> bool {
    module_counts(call_site, callers::counts)
}

fn module_counts(call_site: CallSite, counts: fn(u32) -> Counts) -> bool {
    match counts_of(unwind::caller(call_site), counts) {
        Counts::Yes => true,
        Counts::LikeItsCaller => {
            thread::on_own_stack(|bounds| others_caller_counts(call_site, bounds, counts))
        }
        // The C library closes what it opens for itself.
        Counts::No | Counts::LikeItsCallerIfLent | Counts::IfForJava => false,
    }
}

/// What counts for the first module that does not work for its caller.
#[cold]
#[inline(never)]
fn others_caller_counts(
    call_site: CallSite,
    bounds: &mut StackBounds,
    counts: fn(u32) -> Counts,
) -> bool {
    let mut decided = true;
    let _ = unwind::frames(call_site, bounds, |_, frame| {
        let Some(Frame::Native { module, .. }) = Frame::decode(frame) else {
            return true;
        };
        let counts = counts(module);
        decided = counts == Counts::Yes;
        counts == Counts::LikeItsCaller
    });
    decided
}

/// Whether the caller at `call_site` is the JVM, at work for Java code: so it starts Java's threads.
pub fn is_java_call(call_site: CallSite) -> bool {
    // Below its functions on the stack is the code that called a native method.
    thread::on_own_stack(|bounds| {
        let end = unwind::frames(call_site, bounds, |pc, _| own_code::is_jvm_code(pc));
        matches!(end, Ok(unwind::End::Foreign { .. }))
    })
}

/// Whether an unrecorded block of the caller at `call_site` may hold others. Asked only about callers
/// whose frame has just been looked up, so it is known. Nothing in it can panic.
#[inline(always)]
pub fn may_hold(call_site: CallSite) -> bool {
    match unwind::known_caller(call_site).and_then(Frame::decode) {
        Some(Frame::Native { module, .. }) => callers::may_hold(module),
        _ => false,
    }
}

/// Looks past modules that work for their caller.
#[cold]
#[inline(never)]
fn callers_callers(call_site: CallSite, bounds: &mut StackBounds) -> Whose {
    // What the C library's frames tell so far; a call of another module begins anew.
    let mut in_c_library = lent::Run::default();
    let mut in_libzip = false;
    let mut decided = None;
    let _ = unwind::frames(call_site, bounds, |pc, frame| {
        let Some(Frame::Native { module, .. }) = Frame::decode(frame) else {
            if in_libzip {
                decided = Some(Whose::Zlib);
            }
            return decided.is_none();
        };
        match callers::counts(module) {
            // The JVM reads its class path by libzip, too.
            other if in_libzip => {
                if other != Counts::IfForJava {
                    decided = Some(Whose::Runtime);
                }
            }
            Counts::LikeItsCallerIfLent => in_c_library.enter(pc),
            other => {
                if core::mem::take(&mut in_c_library).is_kept() {
                    decided = Some(Whose::Runtime);
                } else if other == Counts::IfForJava {
                    in_libzip = true;
                } else if other != Counts::LikeItsCaller {
                    decided = Some(Whose::under_test(other == Counts::Yes));
                }
            }
        }
        decided.is_none()
    });
    match decided {
        Some(whose) => whose,
        // The walk ends where Java's code begins.
        None if in_libzip => Whose::Zlib,
        None => Whose::under_test(!in_c_library.is_kept()),
    }
}

/// The calling thread's stack and context, for an invalid free; marked when the recorder is at work.
pub fn of(call_site: CallSite) -> u64 {
    match thread::enter() {
        Some(mut thread) => {
            let stack = unwind::stack(&mut thread, call_site);
            let (context, _) = thread.context();
            u64::from(stack) | u64::from(context) << 32
        }
        None => u64::from(Marker::Interrupted as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_no_module_is_somebodys_and_other_code_counts_as_its_module_does() {
        let counts = |frame: Frame| {
            let no = |module| {
                if module == 3 {
                    Counts::No
                } else {
                    Counts::LikeItsCaller
                }
            };
            counts_of(frame.encode(), no)
        };
        let native = |module| Frame::Native {
            module,
            vaddr: 0x1234,
        };
        assert!(counts(native(3)) == Counts::No);
        assert!(counts(native(4)) == Counts::LikeItsCaller);
        assert!(counts(Frame::Address(0x7000_1234)) == Counts::Yes);
        assert!(
            counts_of(0, |_| Counts::No) == Counts::Yes,
            "no frame at all"
        );
    }
}
