//! Room for a program whose address space is limited (`ulimit -v`).
//!
//! The C library gives threads heaps of their own, and reserves 64 MiB of address space for each,
//! as long as there is some: eight for each processor, used or not. Under a limit they take what
//! the stacks of later threads would need. So whether a JVM starts is a matter of what remains by
//! chance, and a few MiB of the recorder's change it. So fewer of them are allowed: the program has
//! more room than without the recorder.

use core::ffi::c_int;
use hackleak_image::writer::address_space_left;

/// What a heap reserves.
const HEAP: u64 = 64 << 20;
/// The part of the address space that heaps may reserve: one in so many.
const PART: u64 = 16;
/// Heaps that the C library allows for each processor.
const FOR_EACH_PROCESSOR: u64 = 8;

/// Called once, before the program runs. Who says how many heaps there may be, has the word.
pub fn leave_room() {
    let is_said = std::env::var_os("MALLOC_ARENA_MAX").is_some()
        || std::env::var("GLIBC_TUNABLES").is_ok_and(|all| all.contains("malloc.arena_max"));
    if is_said {
        return;
    }
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    if let Some(heaps) = address_space_left().and_then(|left| heaps(left, processors)) {
        // SAFETY: a setting of the C library's allocator, which locks what it changes.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps) };
    }
}

/// How many heaps there may be when so much is left; `None` where the C library allows no more.
fn heaps(left: u64, processors: u64) -> Option<c_int> {
    let heaps = (left / PART / HEAP).max(1);
    (heaps < processors * FOR_EACH_PROCESSOR)
        .then_some(heaps)
        .and_then(|heaps| heaps.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::heaps;

    #[test]
    fn heaps_take_a_small_part_of_what_is_left() {
        assert_eq!(heaps(0, 2), Some(1));
        assert_eq!(heaps(1 << 30, 2), Some(1));
        assert_eq!(heaps(8 << 30, 2), Some(8));
        assert_eq!(heaps(16 << 30, 2), None);
        assert_eq!(heaps(16 << 30, 64), Some(16));
    }
}
