//! Stores that their thread has made and that others do not see yet.
//!
//! A processor may let others see relaxed stores later than their thread made them, and in another
//! order. So each waits here for a moment that chance chooses. One to the same place stays behind
//! the one before it, and the thread itself sees what it stored. A store that releases, and
//! whatever reads and writes at once and releases, comes after all that its thread stored before.
//!
//! All threads of a schedule are one thread of the system, which works for one of them at a time.

use core::cell::RefCell;
use shuttle::rand::{RngCore, thread_rng};

struct Pending {
    task: usize,
    place: usize,
    store: fn(usize, u64),
    value: u64,
}

thread_local! {
    static PENDING: RefCell<Vec<Pending>> = const { RefCell::new(Vec::new()) };
}

/// Lets a store wait.
pub fn add(task: usize, place: usize, value: u64, store: fn(usize, u64)) {
    let pending = Pending {
        task,
        place,
        store,
        value,
    };
    PENDING.with_borrow_mut(|all| all.push(pending));
}

/// What the thread stored last to the place, if others do not see it yet.
pub fn own(task: usize, place: usize) -> Option<u64> {
    PENDING.with_borrow(|all| {
        let mut own = all.iter().rev();
        let own = own.find(|pending| pending.task == task && pending.place == place);
        own.map(|pending| pending.value)
    })
}

/// Others see what the thread stored to these places.
pub fn settle(task: usize, places: core::ops::Range<usize>) {
    show(|pending| pending.task == task && places.contains(&pending.place));
}

/// Others see all that the thread stored.
pub fn settle_all(task: usize) {
    settle(task, 0..usize::MAX);
}

/// Others see some of what was stored, as chance has it.
pub fn settle_some() {
    if PENDING.with_borrow(Vec::is_empty) {
        return;
    }
    let mut held = Vec::new();
    show(|pending| {
        let of = (pending.task, pending.place);
        let goes = !held.contains(&of) && thread_rng().next_u32().is_multiple_of(4);
        if !goes {
            held.push(of);
        }
        goes
    });
}

/// Forgets what a schedule that failed has left.
pub fn forget() {
    PENDING.with_borrow_mut(Vec::clear);
}

fn show(mut goes: impl FnMut(&Pending) -> bool) {
    PENDING.with_borrow_mut(|all| {
        all.retain(|pending| {
            let goes = goes(pending);
            if goes {
                (pending.store)(pending.place, pending.value);
            }
            !goes
        });
    });
}
