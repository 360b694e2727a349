//! Values in Java objects that are known to be of no use any more.
//!
//! An object that was closed keeps the address of what it had, and the allocator hands out the same
//! address again: a new leak would look as if the closed object held it. So checkpoints note the
//! places in the heap with a value that points at memory where no block is live. What is allocated
//! there later is younger than the value, which cannot be its handle, as long as the place does not
//! change.
//!
//! What is difficult: objects move, so they are known by tags, which the collector takes along and
//! drops with the object. And a look takes as long as the heap is large. So what it will take is
//! reckoned from the memory that the heap has in use. It has to be a small share of the time. After
//! a judging that had to look at the heap, which shows that it may matter, the share is larger.
//! Where the heap is small, the first checkpoint looks, and the next one after each such judging. A
//! place that is written with the very same value once more would not be noticed: a static that
//! keeps the address of what was freed, and then of its successor. So these addresses are not
//! handed out again (`reuse`).

use super::heap_walk::{self, Visitor};
use crate::cold::questions::holders::{self, Large, Mapped, stale};
use crate::hot::jvm::jni_env;
use core::ptr;
use hackleak_image::layout::Root;
use hackleak_platform::clock;
use jvmti_bindings::sys::jni::{JNIEnv, jint, jlong};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A place that holds something: class or mirror by its tag, sort, and index of the field.
pub type Place = (jlong, u32, jint);

/// An object with such a value has a tag from here on, for as long as it lives.
const NOTED: jlong = 1 << 44;
/// The share of the time that looking may take: one part in so many.
const SHARE: u64 = 128;
/// The same after a judging, and for the first look.
const SHARE_WHEN_IT_MATTERS: u64 = 16;
/// With so much of the heap in use it may always be taken when it matters, in MiB.
const SMALL: u64 = 64;
/// What it takes for each MiB that the heap has in use, in nanoseconds, as long as none was taken.
const PER_MIB: u64 = 1_500_000;
/// The most values that are noted.
const MOST: usize = 1 << 20;

/// What was noted last, and when.
pub struct Stale {
    /// With all bits turned: what stands here must not look like a pointer.
    values: Option<HashMap<Place, u64>>,
    tags: jlong,
    ended: u64,
    per_mib: u64,
    /// No look was taken yet, or a judging had to look at the heap since the last one.
    matters: bool,
}

static LAST: Mutex<Stale> = Mutex::new(Stale {
    values: None,
    tags: 0,
    ended: 0,
    per_mib: PER_MIB,
    matters: true,
});

/// What was noted at the last checkpoint that could afford it.
pub fn of_now() -> MutexGuard<'static, Stale> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stale {
    /// Whether the place has had the value since before what it points at was allocated.
    pub fn contains(&self, place: Place, value: u64) -> bool {
        let values = self.values.as_ref().filter(|_| place.0 != 0);
        values.is_some_and(|values| values.get(&place) == Some(&!value))
    }

    /// Whether a look may be taken with so much of the heap in use.
    fn may_take(&self, used: u64) -> bool {
        let since = match self.ended {
            0 => clock::of(libc::CLOCK_PROCESS_CPUTIME_ID),
            ended => clock::of(libc::CLOCK_MONOTONIC).saturating_sub(ended),
        };
        let share = if self.matters {
            SHARE_WHEN_IT_MATTERS
        } else {
            SHARE
        };
        let is_small = self.matters && used <= SMALL;
        is_small || since >= used.saturating_mul(self.per_mib).saturating_mul(share)
    }
}

/// A judging has looked at the heap: so should the next checkpoint.
pub fn judged() {
    of_now().matters = true;
}

/// Notes the values that are of no use now, if that may be afforded, and tells whether it did.
/// Called at checkpoints, not in hooks.
pub fn note() -> bool {
    let mut noted = false;
    holders::between_passes(|| {
        let mut last = of_now();
        let jni = jni_env();
        // Most checkpoints come too soon for the smallest heap: then the JVM is not asked.
        if jni.is_null() || !last.may_take(1) {
            return;
        }
        let Some(used) = used_mib(jni) else { return };
        if last.may_take(used) {
            let started = clock::of(libc::CLOCK_MONOTONIC);
            look(&mut last, jni);
            last.ended = clock::of(libc::CLOCK_MONOTONIC);
            last.per_mib = last.ended.saturating_sub(started) / used;
            last.matters = false;
            noted = true;
        }
    });
    noted
}

/// Calls `watch` with all that is noted.
pub fn with_noted(watch: impl FnOnce(&mut dyn Iterator<Item = u64>)) {
    let last = of_now();
    watch(&mut last.values.iter().flatten().map(|(_, value)| !value));
}

/// What the heap has in use, garbage too, at least 1.
fn used_mib(jni: *mut JNIEnv) -> Option<u64> {
    // SAFETY: JNI calls of this thread with live references and the methods' own signatures; what
    // they throw is none of the program's, and the references are given back.
    unsafe {
        let functions = &**jni;
        let class = (functions.FindClass)(jni, c"java/lang/Runtime".as_ptr());
        if class.is_null() {
            (functions.ExceptionClear)(jni);
            return None;
        }
        let get = (functions.GetStaticMethodID)(
            jni,
            class,
            c"getRuntime".as_ptr(),
            c"()Ljava/lang/Runtime;".as_ptr(),
        );
        let total = (functions.GetMethodID)(jni, class, c"totalMemory".as_ptr(), c"()J".as_ptr());
        let free = (functions.GetMethodID)(jni, class, c"freeMemory".as_ptr(), c"()J".as_ptr());
        let mut used = None;
        if !get.is_null() && !total.is_null() && !free.is_null() {
            let runtime = (functions.CallStaticObjectMethodA)(jni, class, get, ptr::null());
            if !runtime.is_null() {
                let total = (functions.CallLongMethodA)(jni, runtime, total, ptr::null());
                let free = (functions.CallLongMethodA)(jni, runtime, free, ptr::null());
                used = Some((total.saturating_sub(free).max(0) as u64 >> 20).max(1));
            }
            (functions.DeleteLocalRef)(jni, runtime);
        }
        (functions.ExceptionClear)(jni);
        (functions.DeleteLocalRef)(jni, class);
        used
    }
}

struct Walk<'last> {
    before: &'last Stale,
    mapped: &'last Mapped,
    found: HashMap<Place, u64>,
    tags: jlong,
}

fn look(last: &mut Stale, jni: *mut JNIEnv) {
    let Some(env) = heap_walk::chosen(jni) else {
        return;
    };
    let Ok(mapped) = Mapped::of_now() else {
        return;
    };
    let mut walk = Walk {
        before: last,
        mapped: &mapped,
        found: HashMap::new(),
        tags: last.tags,
    };
    let whole = heap_walk::iterate(env, &mut walk);
    let Walk {
        mut found, tags, ..
    } = walk;
    last.tags = tags;
    // What was allocated or mapped while the heap was read is none of no use.
    let (Ok(()), Ok(large), Ok(mapped)) = (whole, Large::of_now(), Mapped::of_now()) else {
        return;
    };
    found.retain(|place, value| {
        let target = !*value as usize;
        last.contains(*place, !*value) || !large.has(target) && !mapped.has(target)
    });
    last.values = Some(found);
}

impl Visitor for Walk<'_> {
    fn value(&mut self, _class: jlong, tag: &mut jlong, sort: Root, index: jint, value: jlong) {
        let value = value as u64;
        // What was of no use before and has not changed is of none now, whoever has the address.
        let known = self.before.contains((*tag, sort as u32, index), value);
        if (known || stale::is_of_no_use(value, self.mapped)) && self.found.len() < MOST {
            if *tag == 0 {
                *tag = NOTED + self.tags;
                self.tags += 1;
            }
            self.found.insert((*tag, sort as u32, index), !value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn ended(ago: u64, matters: bool) -> Stale {
        Stale {
            values: None,
            tags: 0,
            ended: clock::of(libc::CLOCK_MONOTONIC).saturating_sub(ago).max(1),
            per_mib: MS,
            matters,
        }
    }

    #[test]
    fn a_look_is_a_share_of_the_time_but_when_it_matters_in_a_small_heap() {
        assert!(ended(0, true).may_take(SMALL));
        assert!(!ended(0, false).may_take(1));
        assert!(!ended(1_000 * MS, true).may_take(100));
        assert!(ended(2_000 * MS, true).may_take(100));
        assert!(!ended(2_000 * MS, false).may_take(100));
        assert!(ended(20_000 * MS, false).may_take(100));
    }
}
