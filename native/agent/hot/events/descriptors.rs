//! File descriptors, which are open as blocks are live.
//!
//! A descriptor is a number. So the live table has a place for each, in a part of the address space
//! where no allocator puts anything. It is recorded for code under test and for Java code: the
//! libraries of the JDK open what that asks for. What the JVM and the C library open for themselves
//! is left out.
//!
//! What is difficult: not every way to close one is seen. A system call of the program's own, or
//! the C library that closes a stream, passes no hook. So before anybody is told what is open, the
//! kernel is asked ([`look`]), which also says what each of them is. And a child of `vfork` shares
//! the memory, but not the descriptors.

use crate::IMAGE;
use crate::arch::CallSite;
use crate::hot::events::places::DESCRIPTORS;
use crate::hot::events::{invalid_frees, names, origin, record, selection};
use crate::hot::ground::{boundary, control, gate};
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering::Relaxed};
use hackleak_image::layout::{Kind, Live};
use hackleak_image::writer::KeepErrno;
use hackleak_options::Track;

/// The most descriptors that have a place.
const MOST: c_int = DESCRIPTORS.most() as c_int;

/// The highest one that was recorded, or -1.
static HIGHEST: AtomicI32 = AtomicI32::new(-1);
/// The process that records.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// Whether `vfork` was called.
static SHARES_MEMORY: AtomicBool = AtomicBool::new(false);

/// The last name that the image has for each of the lower ones: its index there plus one.
static NAMES: [AtomicU32; 1 << 14] = [const { AtomicU32::new(0) }; 1 << 14];

/// Where the table has what may be one; `None` for numbers that no descriptor has.
pub fn place_of(number: c_int) -> Option<usize> {
    is_placed(number).then(|| address(number))
}

/// Where the table has it.
fn address(number: c_int) -> usize {
    DESCRIPTORS.address(number as usize)
}

/// Whether it is the place of one.
pub fn is_address(address: usize) -> bool {
    DESCRIPTORS.number(address).is_some()
}

/// The number of the one at this place.
pub fn number(address: usize) -> Option<u32> {
    DESCRIPTORS.number(address).map(|number| number as u32)
}

/// Called before the gate opens.
pub fn init() {
    PROCESS.store(std::process::id(), Relaxed);
}

/// In a forked child: its image has nothing of the parent's.
pub fn left_parent() {
    // SAFETY: asks for the number of this process.
    PROCESS.store(unsafe { libc::getpid() } as u32, Relaxed);
    let highest = HIGHEST.swap(-1, Relaxed);
    for name in NAMES.iter().take((highest + 1).max(0) as usize) {
        name.store(0, Relaxed);
    }
}

/// Whether they are recorded.
pub fn is_tracked() -> bool {
    gate::is_open() && control::tracks(Track::FD)
}

/// From now on there may be a child that shares this process's memory.
pub fn will_share_memory() {
    SHARES_MEMORY.store(true, Relaxed);
}

/// Whether this is a child of `vfork`. Asking costs a system call, so only a process that has
/// called that does.
pub fn is_elsewhere() -> bool {
    SHARES_MEMORY.load(Relaxed) && !is_own_process()
}

/// Whether the calling code runs in the process that records, which every child that shares its
/// memory does not.
pub fn is_own_process() -> bool {
    // SAFETY: as above.
    (unsafe { libc::getpid() }) as u32 == PROCESS.load(Relaxed)
}

/// Whether it has a place.
fn is_placed(number: c_int) -> bool {
    (0..MOST).contains(&number)
}

/// Whether it is open now.
pub fn is_open(number: c_int) -> bool {
    let _errno = KeepErrno::new();
    // SAFETY: a question about a number.
    unsafe { libc::syscall(libc::SYS_fcntl, number, libc::F_GETFD) >= 0 }
}

/// Records one that was just opened.
pub fn opened(number: c_int, call_site: CallSite) {
    opened_by(number, call_site, origin::opens);
}

/// The same for what Java code cannot ask for: the JDK's libraries have pairs of sockets of their
/// own, by which they wake threads, for as long as the process runs.
pub fn opened_by_native_code(number: c_int, call_site: CallSite) {
    opened_by(number, call_site, origin::is_under_test);
}

fn opened_by(number: c_int, call_site: CallSite, counts: fn(CallSite) -> bool) {
    // The first event of a forked child may be this one.
    if !gate::is_open_to_allocate() || !control::tracks(Track::FD) || !is_placed(number) {
        return;
    }
    if is_elsewhere() {
        return;
    }
    if !boundary::guarded(|| counts(call_site)).unwrap_or(false) {
        record::allocated_unrecorded(address(number));
        return;
    }
    HIGHEST.fetch_max(number, Relaxed);
    if boundary::guarded(|| origin::is_under_test(call_site)).unwrap_or(true) {
        record::allocated(address(number), 0, Kind::Fd, call_site);
    } else {
        record::opened_for_java(address(number), call_site);
    }
}

/// Whether a library of the JDK opened it.
pub fn is_of_java(live: Live) -> bool {
    live.pins() != 0
}

/// Something new is open under the number. If something was before, it was closed by that: what is
/// not recorded, such as a standard stream that is led elsewhere, is no more to close than it was.
pub fn replaced(number: c_int, was_open: bool, call_site: CallSite) {
    let recorded = closing(number).is_ok();
    if recorded || !was_open {
        opened(number, call_site);
    }
}

/// Takes one out of the table that is about to be closed: its record, or what was left of an older
/// one.
pub fn closing(number: c_int) -> Result<Live, Live> {
    const NOTHING: Live = Live {
        origin: 0,
        block: 0,
    };
    if !gate::is_open() || number > HIGHEST.load(Relaxed) || !is_placed(number) || is_elsewhere() {
        return Err(NOTHING);
    }
    let removed = IMAGE.live.remove(address(number));
    if removed.is_ok() {
        record::removed(0);
    }
    removed
}

/// The same for all of these; numbers are what the system takes.
pub fn closing_from(first: usize, last: usize) {
    let highest = HIGHEST.load(Relaxed);
    if highest >= 0 {
        for number in first..=last.min(highest as usize) {
            let _ = closing(number as c_int);
        }
    }
}

/// One was closed that was not open; `before` is what [`closing`] knew of it.
#[cold]
pub fn was_not_open(number: c_int, before: Result<Live, Live>, call_site: CallSite) {
    // Programs close -1 where opening failed.
    if number < 0 || !is_tracked() || is_elsewhere() {
        return;
    }
    boundary::guarded(|| {
        boundary::may_panic();
        match before {
            // It was closed in a way that is not seen, so nothing is known.
            Ok(_) => IMAGE.live.forget(address(number)),
            Err(left) if left.block != 0 => {
                invalid_frees::closed_twice(address(number), left, call_site);
            }
            Err(_) if origin::is_under_test(call_site) => {
                invalid_frees::not_open(number, address(number), call_site);
            }
            Err(_) => {}
        }
    });
}

/// Looks at those that are recorded as open and as young as `epoch`: takes out what is not, and
/// keeps in the image what the others are. `keep_path` keeps the path of an open one, or says that
/// it has none.
pub fn look(epoch: u32, keep_path: impl Fn(c_int, &dyn Fn(&[u8])) -> bool) {
    if !is_tracked() {
        return;
    }
    for number in 0..=HIGHEST.load(Relaxed) {
        let Some(live) = selection::live_since(address(number), epoch) else {
            continue;
        };
        let keep = |name: &[u8]| {
            names::keep(NAMES.get(number as usize), address(number), live, name);
        };
        // Only if nobody else has got the number meanwhile.
        if !keep_path(number, &keep)
            && !is_open(number)
            && IMAGE.live.live_at(address(number)) == Some(live)
            && closing(number).is_ok()
        {
            IMAGE.live.forget(address(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, number, place_of};

    #[test]
    fn numbers_that_no_descriptor_has_have_no_place() {
        for own in [0, 3, MOST - 1] {
            assert_eq!(place_of(own).and_then(number), u32::try_from(own).ok());
        }
        // The last one stands in a static field of `ThreadPoolExecutor`, and would be the place of
        // a library.
        for other in [-1, MOST, i32::MAX, 2 << 29] {
            assert_eq!(place_of(other), None, "{other}");
        }
    }
}
