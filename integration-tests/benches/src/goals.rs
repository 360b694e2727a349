//! What HackLeak is to reach, and what it reached in a session.

use crate::results::Results;

/// One figure that must not exceed a limit.
pub struct Goal {
    /// What it is.
    pub what: &'static str,
    /// How it is computed; none if the session lacks the runs.
    pub measured: fn(&Results) -> Option<f64>,
    /// The limit.
    pub limit: f64,
    /// Whether more is better.
    pub at_least: bool,
    /// The unit, with the space before it.
    pub unit: &'static str,
}

impl Goal {
    /// Whether `value` reaches it.
    pub fn reached(&self, value: f64) -> bool {
        if self.at_least {
            value >= self.limit
        } else {
            value <= self.limit
        }
    }
}

fn over(results: &Results, workload: &str, tool: &str, figure: &str) -> Option<f64> {
    let compared = results.measured(workload)?.compared(tool, figure)?;
    Some(compared.over.median)
}

fn ratio(results: &Results, workload: &str, tool: &str, figure: &str) -> Option<f64> {
    let compared = results.measured(workload)?.compared(tool, figure)?;
    Some(compared.ratio.median)
}

/// How many times the overhead of `tool` is HackLeak's, for a pair at depth 20.
fn times_less(results: &Results, tool: &str) -> Option<f64> {
    let of = |tool| over(results, "churn-jni", tool, "depth20.threads1");
    Some(of(tool)? / of("hackleak")?)
}

/// Resident memory over bare beyond 64 MiB, as a part of what the blocks themselves take.
fn memory(results: &Results) -> Option<f64> {
    let measured = results.measured("memory")?;
    let blocks: f64 = measured.runs("bare")?.arguments.first()?.parse().ok()?;
    let bare = measured.compared("bare", "bytes")?.value.median;
    let over = over(results, "memory", "hackleak", "bytes")?;
    Some((over - 64.0 * 1024.0 * 1024.0 / blocks).max(0.0) / bare)
}

const fn at_most(
    what: &'static str,
    limit: f64,
    unit: &'static str,
    measured: fn(&Results) -> Option<f64>,
) -> Goal {
    Goal {
        what,
        measured,
        limit,
        at_least: false,
        unit,
    }
}

const fn at_least(
    what: &'static str,
    limit: f64,
    unit: &'static str,
    measured: fn(&Results) -> Option<f64>,
) -> Goal {
    Goal {
        what,
        measured,
        limit,
        at_least: true,
        unit,
    }
}

/// All goals.
pub const GOALS: &[Goal] = &[
    at_most(
        "`new`+`delete` below JNI, 20 native frames, full stacks, over bare",
        30.0,
        " ns",
        |r| over(r, "churn-jni", "hackleak", "depth20.threads1"),
    ),
    at_least(
        "that overhead, times less than heaptrack's",
        20.0,
        " ×",
        |r| times_less(r, "heaptrack"),
    ),
    at_least(
        "that overhead, times less than async-profiler's",
        40.0,
        " ×",
        |r| times_less(r, "async-profiler"),
    ),
    at_most("the same at 60 native frames", 45.0, " ns", |r| {
        over(r, "churn-jni", "hackleak", "depth60.threads1")
    }),
    at_most(
        "4 threads, CPU time per pair over bare, times the figure of one thread",
        1.5,
        " ×",
        |r| {
            let of = |figure| over(r, "churn-jni", "hackleak", figure);
            Some(of("depth20.threads4")? / of("depth20.threads1")?)
        },
    ),
    at_most(
        "`malloc`+`free` below JNI, 20 native frames, over bare",
        80.0,
        " ns",
        |r| over(r, "churn-jni", "hackleak-malloc", "depth20.malloc"),
    ),
    at_most("every stack unique, over bare", 300.0, " ns", |r| {
        over(r, "unique-stacks", "hackleak", "pair")
    }),
    at_most(
        "a JNI call that allocates nothing, over bare",
        4.0,
        " ns",
        |r| over(r, "calls", "hackleak", "frames10.empty"),
    ),
    at_most(
        "first allocation of a JNI call, 10 Java frames, over bare",
        600.0,
        " ns",
        |r| over(r, "calls", "hackleak", "frames10.allocating"),
    ),
    at_most(
        "`free` of a block never recorded, malloc tracked, over bare",
        10.0,
        " ns",
        |r| over(r, "frees", "hackleak-excluded", "free"),
    ),
    at_most("RocksDB, times bare", 1.05, " ×", |r| {
        ratio(r, "rocksdb", "hackleak", "all")
    }),
    at_most("a JVM that starts and ends, times bare", 1.10, " ×", |r| {
        ratio(r, "start", "hackleak", "run.wall")
    }),
    at_most(
        "a Java program without natives, everything tracked, times bare",
        1.10,
        " ×",
        |r| ratio(r, "pure-java", "hackleak-everything", "run.wall"),
    ),
    at_most("javac, everything tracked, times bare", 1.10, " ×", |r| {
        ratio(r, "javac", "hackleak-everything", "run.wall")
    }),
    at_most(
        "checkpoint, JNI call and assertion that finds nothing, 10,000,000 older blocks live",
        1000.0,
        " µs",
        |r| over(r, "live", "hackleak", "round"),
    ),
    at_most(
        "resident memory over bare less 64 MiB, times the heap that the blocks take",
        1.0,
        " ×",
        memory,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::WORKLOADS;

    #[test]
    fn an_empty_session_reaches_nothing() {
        let results = Results::default();
        assert!(GOALS.iter().all(|goal| (goal.measured)(&results).is_none()));
    }

    #[test]
    fn limits_go_both_ways() {
        let at_most = &GOALS[0];
        assert!(at_most.reached(30.0) && !at_most.reached(30.1));
        let at_least = &GOALS[1];
        assert!(at_least.reached(20.0) && !at_least.reached(19.9));
    }

    #[test]
    fn workloads_have_names_of_their_own() {
        let mut names: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WORKLOADS.len());
    }
}
