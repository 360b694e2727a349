//! Schedules: which thread goes on at each point.
//!
//! Half of them are chosen by chance alone, half so that few changes of threads come at unlikely
//! moments (`PctScheduler`). The seed is always the same, so that a failure is found again;
//! `HACKLEAK_SCHEDULES` and `HACKLEAK_SCHEDULES_SEED` ask for more of them, and for others.

use super::pending;
use core::cell::{Cell, RefCell};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use std::collections::HashSet;

/// The changes of threads that a schedule of the second kind has.
const CHANGES: usize = 3;

thread_local! {
    /// Memory that the code under test never gives back; the schedule does at its end.
    static KEPT: RefCell<Vec<(*mut u8, usize)>> = const { RefCell::new(Vec::new()) };
    /// Where threads of schedules have stored until now.
    static STORED: RefCell<HashSet<usize>> = RefCell::default();
    /// No other thread of the schedule runs, so that there are no points.
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// The thread of the schedule that runs now; `None` outside of schedules, or where it is [`alone`].
pub fn task() -> Option<usize> {
    if ALONE.get() {
        return None;
    }
    shuttle::current::try_get_current_task().map(usize::from)
}

/// Another thread may go on here. Outside of a schedule, nothing happens.
pub fn point() {
    if task().is_some() {
        // Unlike `yield_now`, this tells the schedule nothing of who should go on.
        shuttle::sync::atomic::AtomicBool::new(false).load(core::sync::atomic::Ordering::SeqCst);
        pending::settle_some();
    }
}

/// A point before a load. Where no thread ever stored, the order of loads tells nothing; a walk
/// over a table has thousands of them.
pub fn point_before_load(place: usize) {
    if STORED.with_borrow(|all| all.contains(&place)) {
        point();
    }
}

/// A point before a store.
pub fn point_before_store(place: usize) {
    if task().is_some() {
        STORED.with_borrow_mut(|all| all.insert(place));
        point();
    }
}

/// Runs `check` once for each schedule.
///
/// # Panics
///
/// With what `check` or one of its threads panics; the schedule is printed before.
pub fn explore(check: impl Fn() + Send + Sync + 'static) {
    let number = |name, usual| match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => usual,
    };
    let schedules = number("HACKLEAK_SCHEDULES", 1000) as usize;
    let seed = number("HACKLEAK_SCHEDULES_SEED", 12);
    println!("HACKLEAK_SCHEDULES={schedules} HACKLEAK_SCHEDULES_SEED={seed}");
    let mut config = Config::new();
    config.stack_size = 256 << 10;
    config.silence_warnings = true;
    config.max_steps = shuttle::MaxSteps::FailAfter(100_000);
    let check = std::sync::Arc::new(move || {
        pending::forget();
        ALONE.set(false);
        check();
        pending::settle_all(task().unwrap_or_default());
        give_back();
    });
    let again = check.clone();
    let by_chance = RandomScheduler::new_from_seed(seed, schedules.div_ceil(2));
    Runner::new(by_chance, config.clone()).run(move || check());
    let few_changes = PctScheduler::new_from_seed(seed, CHANGES, schedules.div_ceil(2));
    Runner::new(few_changes, config).run(move || again());
}

/// Does what comes before and after the threads of a schedule, without points.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    pending::settle_all(task().unwrap_or_default());
    ALONE.set(true);
    let result = work();
    ALONE.set(false);
    result
}

/// Runs these as threads of the schedule, and waits for them.
///
/// # Panics
///
/// If one of them does.
pub fn together(threads: Vec<Box<dyn FnOnce() + Send>>) {
    pending::settle_all(task().unwrap_or_default());
    let started: Vec<_> = threads
        .into_iter()
        .map(|thread| {
            shuttle::thread::spawn(move || {
                thread();
                pending::settle_all(task().unwrap_or_default());
            })
        })
        .collect();
    for thread in started {
        thread.join().expect("a thread of the schedule");
    }
}

/// Memory that stays mapped for good, which a test cannot afford: it is given back at the end of
/// the schedule.
pub fn keep(place: *mut u8, len: usize) {
    KEPT.with_borrow_mut(|all| all.push((place, len)));
}

/// Memory that does not stay mapped after all.
pub fn given_back(place: *mut u8) {
    KEPT.with_borrow_mut(|all| all.retain(|(kept, _)| *kept != place));
}

fn give_back() {
    for (place, len) in KEPT.take() {
        // SAFETY: a mapping of the schedule that ends, whose threads have ended.
        unsafe { libc::munmap(place.cast(), len) };
    }
}
