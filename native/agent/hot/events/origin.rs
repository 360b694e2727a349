//! Where an event comes from: whether its caller counts, and its stack and context.

use crate::arch::CallSite;
use crate::hot::events::lent;
use crate::hot::ground::module_policy::Attribution;
use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::ground::{boundary, module_policy};
use crate::hot::jvm::{first_entry, own_code};
use crate::hot::{thread, unwind};
use hackleak_image::{Frame, Marker};

/// For whom a caller takes memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Requester {
    /// Code under test: it is recorded.
    UnderTest,
    /// The JDK's libzip, for Java code that compresses.
    Zlib,
    /// The runtime's own.
    Runtime,
}

impl Requester {
    fn under_test(counts: bool) -> Requester {
        if counts {
            Requester::UnderTest
        } else {
            Requester::Runtime
        }
    }
}

/// Whose memory it is that the caller at `call_site` allocates.
#[inline(always)]
pub fn requester(call_site: CallSite) -> Requester {
    // Where the module of the caller is known already, nothing can panic.
    match attribution_at_once(call_site) {
        Some(Attribution::Recorded) => Requester::UnderTest,
        Some(Attribution::LeftOut) => Requester::Runtime,
        _ => requester_slowly(call_site),
    }
}

/// Whether what the caller at `call_site` allocates is recorded as that of code under test.
#[inline(always)]
pub fn counts(call_site: CallSite) -> bool {
    match unwind::known_caller(call_site).and_then(known_attribution) {
        Some(Attribution::Recorded) => true,
        // Libzip pins arrays all the time, and is never under test.
        Some(Attribution::LeftOut | Attribution::ToJava) => false,
        _ => counts_slowly(call_site),
    }
}

#[cold]
#[inline(never)]
fn counts_slowly(call_site: CallSite) -> bool {
    let is_under_test = requester_slowly(call_site) == Requester::UnderTest;
    // By now the caller is known.
    let caller = unwind::known_caller(call_site).and_then(known_attribution);
    is_under_test && (caller.is_some() || jumper(call_site).is_none_or(|counts| counts))
}

/// Whether it is known whose code calls: that of a module, or that of a native method which jumps.
pub fn is_known(call_site: CallSite) -> bool {
    let caller = boundary::guarded(|| known_attribution(unwind::caller(call_site)));
    caller.flatten().is_some() || jumper(call_site).is_some()
}

/// To whom a call from this frame is attributed; `None` where it is in no module.
#[inline(always)]
fn known_attribution(frame: u64) -> Option<Attribution> {
    in_module(frame, module_policy::attribution)
}

/// Whether the library counts whose native method has called. One that calls a JNI function at its
/// very end jumps there, so Java code seems to be the caller. `None` where no such method is known.
fn jumper(call_site: CallSite) -> Option<bool> {
    let function = first_entry::jumped_from(call_site)?;
    let attribution = boundary::guarded(|| known_attribution(unwind::frame_at(function)));
    Some(matches!(
        attribution.flatten(),
        None | Some(Attribution::Recorded)
    ))
}

#[cold]
#[inline(never)]
fn requester_slowly(call_site: CallSite) -> Requester {
    boundary::guarded(|| requester_by_modules(call_site)).unwrap_or(Requester::Runtime)
}

/// To whom the call at `call_site` is attributed, if the module of the caller is known. Nothing in
/// it can panic.
#[inline(always)]
fn attribution_at_once(call_site: CallSite) -> Option<Attribution> {
    Some(attribution_of(
        unwind::known_caller(call_site)?,
        module_policy::attribution,
    ))
}

/// To whom a call from this frame is attributed, where `attribution` says it of a module.
#[inline(always)]
fn attribution_of(frame: u64, attribution: impl Fn(u32) -> Attribution) -> Attribution {
    // Code of no module: Java's own compiled code calls no function of C, so it is somebody's.
    in_module(frame, attribution).unwrap_or(Attribution::Recorded)
}

#[inline(always)]
fn in_module(frame: u64, attribution: impl Fn(u32) -> Attribution) -> Option<Attribution> {
    match Frame::decode(frame) {
        Some(Frame::Native { module, .. }) => Some(attribution(module)),
        _ => None,
    }
}

/// Whose it is that the caller at `call_site` allocates with `malloc`.
fn requester_by_modules(call_site: CallSite) -> Requester {
    match attribution_of(unwind::caller(call_site), module_policy::attribution) {
        Attribution::Recorded => Requester::UnderTest,
        Attribution::LeftOut => Requester::Runtime,
        _ => thread::on_own_stack(|bounds| callers_callers(call_site, bounds)),
    }
}

/// Whether the descriptors that the caller at `call_site` opens are recorded.
pub fn opens(call_site: CallSite) -> bool {
    module_counts(call_site, module_policy::attribution_of_descriptors)
}

/// Whether the caller at `call_site` is code under test, and none of the JDK's.
pub fn is_under_test(call_site: CallSite) -> bool {
    module_counts(call_site, module_policy::attribution)
}

fn module_counts(call_site: CallSite, attribution: fn(u32) -> Attribution) -> bool {
    match attribution_of(unwind::caller(call_site), attribution) {
        Attribution::Recorded => true,
        Attribution::ToCaller => {
            thread::on_own_stack(|bounds| others_caller_counts(call_site, bounds, attribution))
        }
        // The C library closes what it opens for itself.
        Attribution::LeftOut | Attribution::ToCallerIfLent | Attribution::ToJava => false,
    }
}

/// Whether it counts, as the first module says that does not work for its caller.
#[cold]
#[inline(never)]
fn others_caller_counts(
    call_site: CallSite,
    bounds: &mut StackBounds,
    attribution: fn(u32) -> Attribution,
) -> bool {
    let mut decided = true;
    let _ = unwind::frames(call_site, bounds, |_, frame| {
        let Some(Frame::Native { module, .. }) = Frame::decode(frame) else {
            return true;
        };
        let attribution = attribution(module);
        decided = attribution == Attribution::Recorded;
        attribution == Attribution::ToCaller
    });
    decided
}

/// Whether the caller at `call_site` is the JVM, at work for Java code: so it starts Java's
/// threads.
pub fn is_java_call(call_site: CallSite) -> bool {
    // Below its functions on the stack is the code that called a native method.
    thread::on_own_stack(|bounds| {
        let end = unwind::frames(call_site, bounds, |pc, _| own_code::is_jvm_code(pc));
        matches!(end, Ok(unwind::End::Foreign { .. }))
    })
}

/// Whether an unrecorded block of the caller at `call_site` may hold others. Asked only about
/// callers whose frame has just been looked up, so it is known. Nothing in it can panic.
#[inline(always)]
pub fn may_hold(call_site: CallSite) -> bool {
    match unwind::known_caller(call_site).and_then(Frame::decode) {
        Some(Frame::Native { module, .. }) => module_policy::may_hold(module),
        _ => false,
    }
}

/// Looks past modules that work for their caller.
#[cold]
#[inline(never)]
fn callers_callers(call_site: CallSite, bounds: &mut StackBounds) -> Requester {
    // What the C library's frames tell so far; a call of another module begins anew.
    let mut in_c_library = lent::Run::default();
    let mut in_libzip = false;
    let mut decided = None;
    let _ = unwind::frames(call_site, bounds, |pc, frame| {
        let Some(Frame::Native { module, .. }) = Frame::decode(frame) else {
            if in_libzip {
                decided = Some(Requester::Zlib);
            }
            return decided.is_none();
        };
        match module_policy::attribution(module) {
            // The JVM reads its class path by libzip, too.
            other if in_libzip => {
                if other != Attribution::ToJava {
                    decided = Some(Requester::Runtime);
                }
            }
            Attribution::ToCallerIfLent => in_c_library.enter(pc),
            other => {
                if core::mem::take(&mut in_c_library).is_kept() {
                    decided = Some(Requester::Runtime);
                } else if other == Attribution::ToJava {
                    in_libzip = true;
                } else if other != Attribution::ToCaller {
                    decided = Some(Requester::under_test(other == Attribution::Recorded));
                }
            }
        }
        decided.is_none()
    });
    match decided {
        Some(requester) => requester,
        // The walk ends where Java's code begins.
        None if in_libzip => Requester::Zlib,
        None => Requester::under_test(!in_c_library.is_kept()),
    }
}

/// The calling thread's stack and context, for an invalid free; marked when the recorder is at
/// work.
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
        let attributed = |frame: Frame| {
            let no = |module| {
                if module == 3 {
                    Attribution::LeftOut
                } else {
                    Attribution::ToCaller
                }
            };
            attribution_of(frame.encode(), no)
        };
        let native = |module| Frame::Native {
            module,
            vaddr: 0x1234,
        };
        assert!(attributed(native(3)) == Attribution::LeftOut);
        assert!(attributed(native(4)) == Attribution::ToCaller);
        assert!(attributed(Frame::Address(0x7000_1234)) == Attribution::Recorded);
        assert!(
            attribution_of(0, |_| Attribution::LeftOut) == Attribution::Recorded,
            "no frame at all"
        );
    }
}
