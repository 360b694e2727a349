//! Every key, as the documentation lists it.

/// One option as the documentation lists it; a test compares this table with docs/options.md.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name on the left of `=`.
    pub name: &'static str,
    /// The values it takes, as shown to users.
    pub values: &'static str,
    /// The value in force when the key is absent.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

/// Every key that [`Options`](crate::Options) reads, in the order of the documentation.
pub const KEYS: &[Key] = &[
    Key {
        name: "track",
        values: "new|malloc|jni|unsafe|fd|mmap|zip|thread|attach|module",
        default: "new+malloc+jni+unsafe+fd+zip",
        meaning: "which allocations are recorded: one kind, or several joined by `+`",
    },
    Key {
        name: "include",
        values: "PATTERN",
        default: "",
        meaning: "modules whose malloc calls are recorded though they belong to the runtime; several joined by `+`, `*` stands for anything",
    },
    Key {
        name: "exclude",
        values: "PATTERN",
        default: "",
        meaning: "modules whose malloc calls are not recorded",
    },
    Key {
        name: "pools",
        values: "FILE",
        default: "",
        meaning: "functions that hand out and take back objects of a pool, one `alloc=FUNCTION,free=FUNCTION` a line",
    },
    Key {
        name: "invalid-frees",
        values: "off|report|fail",
        default: "report",
        meaning: "invalid frees: not looked for, reported, or counted as a failure",
    },
    Key {
        name: "held",
        values: "fail|note|ignore",
        default: "note",
        meaning: "memory that is not freed but held, by a global, a live thread or a live Java object: counted as a leak, noted, or left out",
    },
    Key {
        name: "stacks",
        values: "full|native|java|off",
        default: "full",
        meaning: "which frames are recorded with each allocation",
    },
    Key {
        name: "out",
        values: "DIR",
        default: "hackleak-out",
        meaning: "the folder for images and reports, created when missing",
    },
    Key {
        name: "follow",
        values: "jvm|all|none",
        default: "jvm",
        meaning: "which processes are recorded; all others pass through untouched",
    },
    Key {
        name: "preload",
        values: "yes|no",
        default: "yes",
        meaning: "a JVM with `-agentpath` that was not preloaded executes its command line once more, preloaded: [docs/agent.md](docs/agent.md)",
    },
    Key {
        name: "depth",
        values: "1..2000",
        default: "2000",
        meaning: "the most native frames recorded for one allocation",
    },
    Key {
        name: "exit",
        values: "off|settle|report",
        default: "off",
        meaning: "at JVM exit, after the shutdown hooks: settle first, and report leaks on stderr",
    },
    Key {
        name: "strict",
        values: "true|false",
        default: "false",
        meaning: "a library under test whose allocations are not seen fails the test or the run",
    },
    Key {
        name: "suppressions",
        values: "FILE",
        default: "",
        meaning: "leaks that are not reported, in LeakSanitizer's syntax; several files with colons between",
    },
    Key {
        name: "builtin-suppressions",
        values: "true|false",
        default: "true",
        meaning: "leave out what the JDK, libc and other runtimes hold for the life of the process: `hackleak suppressions --builtin`",
    },
    Key {
        name: "redact",
        values: "true|false",
        default: "false",
        meaning: "reports without command lines and names of users and hosts: [docs/privacy.md](docs/privacy.md)",
    },
    Key {
        name: "baseline",
        values: "FILE",
        default: "",
        meaning: "leaks that are known: only new ones and those that have grown are reported",
    },
    Key {
        name: "known",
        values: "fail|note",
        default: "note",
        meaning: "known leaks of libraries: counted as leaks, or noted: [docs/known-leaks.md](docs/known-leaks.md)",
    },
    Key {
        name: "known-leaks",
        values: "FILE",
        default: "",
        meaning: "more known leaks of libraries than come with HackLeak; several files with colons between",
    },
    Key {
        name: "log",
        values: "FILE|stderr",
        default: "",
        meaning: "also write a line per allocation and free, for `hackleak find-leak`; `%p` in FILE stands for the process",
    },
];
