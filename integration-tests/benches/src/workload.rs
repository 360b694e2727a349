//! The list of workloads.

use crate::options::Scale;
use crate::program::Program;
use crate::tool::{Pace, Tool};

/// Something that programs do, and that a tool makes slower.
pub struct Workload {
    /// Its name on the command line and in the JSON.
    pub name: &'static str,
    /// What one of its figures is, with the unit.
    pub what: &'static str,
    /// What runs.
    pub program: fn(Scale) -> Program,
    /// The program's arguments.
    pub arguments: fn(Scale, Pace) -> Vec<String>,
    /// The tools beside the bare run.
    pub tools: &'static [Tool],
    /// Whether the figure is the run as a whole, not what the program prints.
    pub whole_run: bool,
    /// How many rounds.
    pub rounds: Rounds,
}

/// How many rounds a workload needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounds {
    /// As many as the user says.
    Usual,
    /// Four times as many: a run is over in no time.
    Many,
}

impl Rounds {
    /// The number, where `usual` is the usual one.
    pub fn of(self, usual: usize) -> usize {
        match self {
            Rounds::Many if usual > 1 => usual * 4,
            _ => usual,
        }
    }
}

impl Workload {
    /// The figures of a table: those that the program printed, or the time of the whole run.
    pub fn figures(&self, printed: Vec<String>) -> Vec<String> {
        if self.whole_run {
            ["run.wall", "run.cpu"].map(str::to_owned).to_vec()
        } else {
            printed
        }
    }
}

use Tool::*;

const ALL: &[Tool] = &[
    HackLeak,
    Everything,
    NoStacks,
    Heaptrack,
    AsyncProfiler,
    Jemalloc,
    Tcmalloc,
    Valgrind,
    WhereItBegan,
    WhereItBeganTraced,
];
const CHURN: &[Tool] = &[
    HackLeak,
    Malloc,
    Everything,
    NoStacks,
    Heaptrack,
    AsyncProfiler,
    Jemalloc,
    Tcmalloc,
    Valgrind,
    WhereItBegan,
    WhereItBeganTraced,
];
/// Without those that take minutes.
const PATIENT: &[Tool] = &[HackLeak, Everything, NoStacks, Heaptrack, AsyncProfiler];
const HACKLEAK: &[Tool] = &[HackLeak, Everything, NoStacks];

fn words<const N: usize>(numbers: [usize; N]) -> Vec<String> {
    numbers.map(|number| number.to_string()).to_vec()
}

/// Every workload, in the order of the tables.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "churn-cpp",
        what: "CPU time of an allocation and its free in C++, ns",
        program: |_| Program::Cpp("native_churn"),
        arguments: |scale, pace| churn(scale, pace),
        tools: CHURN,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "churn-jni",
        what: "CPU time of an allocation and its free below a JNI call, ns",
        program: |_| Program::Java("Churn"),
        arguments: |scale, pace| churn(scale, pace),
        tools: CHURN,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "map",
        what: "CPU time of one node of a std::map of 1,000,000, filled and destroyed, ns",
        program: |_| Program::Cpp("map"),
        arguments: |scale, pace| match pace {
            Pace::Slowest => words([scale.of(100_000, 20_000, 1_000), 1]),
            _ => words([scale.of(1_000_000, 200_000, 10_000), 1]),
        },
        tools: ALL,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "calls",
        what: "CPU time of one short JNI call below 10 and 60 Java frames, ns",
        program: |_| Program::Java("Calls"),
        arguments: |scale, pace| match pace {
            Pace::Fast => words([scale.of(100_000, 20_000, 1_000), scale.of(5, 3, 1)]),
            Pace::Slow => words([scale.of(100_000, 20_000, 1_000), 1]),
            Pace::Slowest => words([scale.of(10_000, 5_000, 100), 1]),
        },
        tools: ALL,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "unique-stacks",
        what: "CPU time of an allocation and its free, nearly every stack a new one of 24 native frames, ns",
        program: |_| Program::Java("UniqueStacks"),
        arguments: |scale, pace| match pace {
            Pace::Fast => words([scale.of(100_000, 20_000, 1_000), scale.of(5, 2, 1)]),
            Pace::Slow => words([scale.of(100_000, 20_000, 1_000), 1]),
            Pace::Slowest => words([scale.of(10_000, 5_000, 100), 1]),
        },
        tools: ALL,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "rocksdb",
        what: "RocksDB puts, gets and a scan, in memory, ms; and CPU time of the thread",
        program: |_| Program::JavaWith("RocksDb", "org.rocksdb:rocksdbjni"),
        arguments: |scale, pace| {
            let repeats = if pace == Pace::Fast { 3 } else { 1 };
            words([scale.of(50_000, 20_000, 500), scale.of(repeats, repeats, 1)])
        },
        tools: ALL,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "sqlite",
        what: "SQLite through JDBC: rows inserted, half looked up, aggregated, in memory, ms; and CPU time of the thread",
        program: |_| Program::JavaWith("Queries", "org.xerial:sqlite-jdbc"),
        arguments: |scale, pace| queries("jdbc:sqlite::memory:", scale, pace),
        tools: ALL,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "duckdb",
        what: "DuckDB through JDBC: the same with fewer rows, ms; and CPU time of the thread",
        program: |_| Program::JavaWith("Queries", "org.duckdb:duckdb_jdbc"),
        arguments: |scale, pace| {
            let mut arguments = queries("jdbc:duckdb:", scale, pace);
            arguments[1] = scale.of("3000", "1500", "100").to_owned();
            arguments
        },
        tools: PATIENT,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "start",
        what: "a JVM that starts and ends, ms",
        program: |_| Program::Java("Nothing"),
        arguments: |_, _| Vec::new(),
        tools: ALL,
        whole_run: true,
        rounds: Rounds::Many,
    },
    Workload {
        name: "classes",
        what: "a JVM that loads and uses 10,000 classes, ms",
        program: |scale| Program::ManyClasses(scale.of(10_000, 3_000, 100)),
        arguments: |scale, _| words([scale.of(10_000, 3_000, 100)]),
        tools: ALL,
        whole_run: true,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "pure-java",
        what: "a Java program without natives of its own, ms",
        program: |_| Program::Java("PureJava"),
        arguments: |scale, _| words([scale.of(150, 60, 5)]),
        tools: PATIENT,
        whole_run: true,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "javac",
        what: "javac on the sources of hackleak-core, ms",
        program: |_| Program::Javac,
        arguments: |_, _| Vec::new(),
        tools: PATIENT,
        whole_run: true,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "frees",
        what: "CPU time of the malloc of a block, and of its free, ns",
        program: |_| Program::Cpp("frees"),
        arguments: |scale, pace| match pace {
            Pace::Fast => words([200_000, scale.of(20, 10, 1)]),
            _ => words([200_000, 1]),
        },
        tools: &[HackLeak, Excluded, Malloc],
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "live",
        what: "checkpoint, JNI call and assertNoLeaks while 10,000,000 older blocks are live, µs",
        program: |_| Program::Java("LiveBlocks"),
        arguments: |scale, _| {
            words([
                scale.of(10_000_000, 2_000_000, 10_000),
                scale.of(1_000, 200, 10),
            ])
        },
        tools: HACKLEAK,
        whole_run: false,
        rounds: Rounds::Usual,
    },
    Workload {
        name: "memory",
        what: "resident memory for each live block of 24 bytes, bytes; and CPU time of its allocation, ns",
        program: |_| Program::Cpp("memory"),
        arguments: |scale, pace| match pace {
            Pace::Fast => words([scale.of(50_000_000, 2_000_000, 10_000)]),
            Pace::Slow => words([scale.of(5_000_000, 500_000, 10_000)]),
            Pace::Slowest => words([scale.of(500_000, 50_000, 1_000)]),
        },
        tools: ALL,
        whole_run: false,
        rounds: Rounds::Usual,
    },
];

fn churn(scale: Scale, pace: Pace) -> Vec<String> {
    match pace {
        Pace::Fast => words([20_000, scale.of(50, 20, 1)]),
        Pace::Slow => words([20_000, scale.of(3, 1, 1)]),
        Pace::Slowest => words([scale.of(5_000, 2_000, 200), 1]),
    }
}

fn queries(url: &str, scale: Scale, pace: Pace) -> Vec<String> {
    let repeats = if pace == Pace::Fast { 3 } else { 1 };
    let mut arguments = vec![url.to_owned()];
    arguments.extend(words([
        scale.of(50_000, 30_000, 300),
        scale.of(repeats, repeats, 1),
    ]));
    arguments
}
