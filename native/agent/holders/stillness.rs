//! Whether any other thread has run meanwhile. Where none has, no pointer has moved from a place that was not
//! looked at yet to one that was, and one look tells all.
//!
//! The kernel counts how often a thread got a processor. One that waits before and after, with the same count,
//! has not run in between.

use super::table::Table;
use super::{bystanders, threads};
use crate::thread::own_tid;

/// Threads of the JVM's that work after each collection, and have nothing of the program's.
const AFTER_COLLECTIONS: [&str; 2] = ["Service Thread", "Monitor Deflati"];

/// The threads that wait, by the kernel's numbers, with their time and their turns on a processor.
pub struct Stillness(Table<(u32, u64, u64)>);

impl Stillness {
    /// `None` when a thread runs, or nobody tells.
    pub fn begin() -> Option<Stillness> {
        let mut waiting = Table::new();
        for tid in threads::tasks().ok()?.iter().copied() {
            if tid == own_tid() || is_of_the_jvm(tid) {
                continue;
            }
            threads::waits_in(tid)?;
            let (time, turns) = turns(tid)?;
            waiting.push((tid, time, turns)).ok()?;
        }
        Some(Stillness(waiting))
    }

    /// Whether none has run since, and none has come or gone.
    pub fn holds(&self) -> bool {
        Stillness::begin().is_some_and(|now| *now.0 == *self.0)
    }
}

fn is_of_the_jvm(tid: u32) -> bool {
    let name = threads::name(tid);
    bystanders::is_of_the_jvm_alone(&name)
        || AFTER_COLLECTIONS.iter().any(|own| name.starts_with(own))
}

/// The thread's time on a processor, and how often it got one; `None` where the kernel does not count.
pub fn turns(tid: u32) -> Option<(u64, u64)> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{tid}/schedstat")).ok()?;
    let mut numbers = text.split_whitespace().map(|number| number.parse().ok());
    let (time, turns) = (numbers.next()??, numbers.nth(1)??);
    (turns != 0).then_some((time, turns))
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::turns;
    use crate::thread::own_tid;
    use std::sync::mpsc::channel;

    #[test]
    fn a_thread_that_runs_gets_turns_and_one_that_waits_gets_none() {
        let (send_tid, tid) = channel();
        let (go_on, wait) = channel::<()>();
        let (send_done, done) = channel();
        let thread = std::thread::spawn(move || {
            send_tid.send(own_tid()).expect("the test listens");
            wait.recv().expect("the test sends");
            send_done.send(()).expect("the test listens");
            let _ = wait.recv();
        });
        let tid = tid.recv().expect("the thread sends");
        let mut before = turns(tid);
        if before.is_none() {
            eprintln!("SKIPPED: this kernel does not count");
            return;
        }
        // Sooner or later it waits.
        while !(0..1000).all(|_| turns(tid) == before) {
            before = turns(tid);
        }
        go_on.send(()).expect("the thread listens");
        done.recv().expect("the thread sends");
        assert_ne!(turns(tid), before);
        drop(go_on);
        thread.join().expect("the thread ends");
    }
}
