//! Which other threads have run meanwhile. Where none has, no pointer has moved from a place that
//! was not looked at yet to one that was, and one look tells all.
//!
//! The kernel counts how often a thread got a processor. One that waits before and after, with the
//! same count, has not run in between.

use super::table::Table;
use super::waiting::Standing;
use super::{Stop, bystanders, threads};
use crate::hot::thread::own_tid;
use std::collections::HashSet;

/// Threads of the JVM's that work after each collection, and have nothing of the program's.
const AFTER_COLLECTIONS: [&str; 2] = ["Service Thread", "Monitor Deflati"];

#[derive(Clone, Copy, PartialEq, Eq)]
struct Thread {
    tid: u32,
    /// Its time and its turns on a processor; `None` when it runs, or nobody tells.
    waits: Option<(u64, u64)>,
    /// Whether it may have something of the program's.
    counts: bool,
}

/// The other threads at one moment.
pub struct Stillness {
    threads: Table<Thread>,
    /// Whether a thread of this name does not matter.
    is_left_out: fn(&str) -> bool,
}

impl Stillness {
    /// # Errors
    ///
    /// The threads of this process cannot be listed.
    pub fn begin() -> Result<Stillness, Stop> {
        Stillness::but_for(|_| false)
    }

    /// The same, where threads of some names do not matter.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn but_for(is_left_out: fn(&str) -> bool) -> Result<Stillness, Stop> {
        let own = own_tid();
        let mut listed = Table::new();
        for tid in threads::tasks()?.iter().copied().filter(|tid| *tid != own) {
            listed.push(Thread {
                tid,
                waits: Standing::of(tid).and_then(|_| turns(tid)),
                counts: !is_of_the_jvm(&threads::name(tid), is_left_out),
            })?;
        }
        Ok(Stillness {
            threads: listed,
            is_left_out,
        })
    }

    /// Whether none that counts has run since, and none has come or gone.
    pub fn holds(&self) -> bool {
        let all_wait = self.counting().all(|thread| thread.waits.is_some());
        let now = || Stillness::but_for(self.is_left_out);
        all_wait && now().is_ok_and(|now| now.counting().eq(self.counting()))
    }

    fn counting(&self) -> impl Iterator<Item = &Thread> {
        self.threads.iter().filter(|thread| thread.counts)
    }

    /// The threads that have only waited since.
    pub fn waiting(&self) -> HashSet<u32> {
        let only_waits =
            |thread: &&Thread| thread.waits.is_some() && turns(thread.tid) == thread.waits;
        let waiting = self.threads.iter().filter(only_waits);
        waiting.map(|thread| thread.tid).collect()
    }
}

fn is_of_the_jvm(name: &str, is_left_out: fn(&str) -> bool) -> bool {
    is_left_out(name)
        || bystanders::is_of_the_jvm_alone(name)
        || AFTER_COLLECTIONS.iter().any(|own| name.starts_with(own))
}

/// The thread's time on a processor, and how often it got one; `None` where the kernel does not
/// count.
fn turns(tid: u32) -> Option<(u64, u64)> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{tid}/schedstat")).ok()?;
    let mut numbers = text.split_whitespace().map(|number| number.parse().ok());
    let (time, turns) = (numbers.next()??, numbers.nth(1)??);
    (turns != 0).then_some((time, turns))
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::turns;
    use crate::hot::thread::own_tid;
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
