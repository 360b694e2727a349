//! Stacks of threads that ran while they were read.
//!
//! Nobody tells where a running thread stands, so all of its stack counts, old words of frames that
//! have returned among them. Many a thread waits a moment later. A word below the place where it
//! waits then was an old one, or it has moved on: what it alone holds needs a second look.

use super::Stop;
use super::table::Table;
use super::waiting::Standing;
use core::ops::Range;
use std::time::Duration;

/// How often threads that still run are given a moment to wait, in one pass.
const MOMENTS: u32 = 8;
const MOMENT: Duration = Duration::from_micros(250);

/// A stack of which all counted.
#[derive(Clone, Copy)]
struct Stack {
    /// Its number among the roots.
    root: u32,
    tid: u32,
    start: usize,
    end: usize,
    /// Where its thread waited when it was asked; 0 if it did not, or on another stack.
    waits_at: Option<usize>,
}

/// The stacks that were read while their threads ran.
pub struct Runners {
    stacks: Table<Stack>,
    moments: u32,
}

impl Runners {
    /// None so far.
    pub fn new() -> Runners {
        Runners {
            stacks: Table::new(),
            moments: MOMENTS,
        }
    }

    /// Adds the `range` of a stack, which is root `root`, of a thread that ran.
    pub fn add(&mut self, root: u32, tid: u32, range: Range<usize>) -> Result<(), Stop> {
        self.stacks.push(Stack {
            root,
            tid,
            start: range.start,
            end: range.end,
            waits_at: None,
        })
    }

    /// Whether the word at `via`, in root `root`, lies below the place where its thread waits by
    /// now.
    pub fn is_below(&mut self, root: u32, via: usize) -> bool {
        let Some(stack) = self.stacks.iter_mut().find(|stack| stack.root == root) else {
            return false;
        };
        let known = stack.waits_at;
        let waits_at = known.unwrap_or_else(|| waits_at(stack, &mut self.moments).unwrap_or(0));
        stack.waits_at = Some(waits_at);
        via < waits_at
    }
}

/// Where on this stack its thread waits; `None` if it goes on running, or waits on another one.
fn waits_at(stack: &Stack, moments: &mut u32) -> Option<usize> {
    loop {
        if let Some(waits) = Standing::of(stack.tid) {
            let is_here = (stack.start..stack.end).contains(&waits.position);
            return is_here.then_some(waits.position);
        }
        *moments = moments.checked_sub(1)?;
        std::thread::sleep(MOMENT);
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use crate::hot::thread::own_tid;
    use std::sync::atomic::{AtomicBool, Ordering::*};
    use std::sync::mpsc::channel;

    #[test]
    fn what_is_below_a_thread_that_has_come_to_wait_is_of_no_use() {
        static RUNS: AtomicBool = AtomicBool::new(true);
        let (send_told, told) = channel();
        let (go_on, wait) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let word = 0_u64;
            let here = (&raw const word).addr();
            send_told.send((own_tid(), here)).expect("the test listens");
            while RUNS.load(Acquire) {
                std::hint::spin_loop();
            }
            let _ = wait.recv();
            std::hint::black_box(&word);
        });
        let (tid, here) = told.recv().expect("the thread sends");
        let (start, end) = (here - (64 << 10), here + (1 << 10));
        let asked = || {
            let mut runners = Runners::new();
            assert!(runners.add(7, tid, start..end).is_ok());
            runners
        };
        let mut running = asked();
        assert!(!running.is_below(7, start), "it runs");
        assert!(!running.is_below(8, start), "another root");
        RUNS.store(false, Release);
        // Sooner or later it waits; where, is below the caller's variable.
        while Standing::of(tid).is_none() {
            std::thread::yield_now();
        }
        let mut waiting = asked();
        assert!(waiting.is_below(7, start));
        assert!(!waiting.is_below(7, here));
        assert!(!running.is_below(7, start), "it was asked once");
        let mut elsewhere = Runners::new();
        assert!(elsewhere.add(7, tid, start..start + 8).is_ok());
        assert!(!elsewhere.is_below(7, start), "it waits on another stack");
        drop(go_on);
        thread.join().expect("the thread ends");
    }
}
