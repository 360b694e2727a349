//! A case: a script with everything around it, decided by a seed.

use crate::script::Program;

/// What interprets the script.
#[derive(Clone, Debug)]
pub enum Host {
    /// The C++ victim.
    Native,
    /// The Java victim.
    Java {
        /// Feature release of the JDK.
        feature: u32,
        /// Options of the JVM.
        options: Vec<String>,
        /// Whether the recorder is given as `-agentpath` too.
        agent: bool,
    },
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The seed that it was drawn from.
    pub seed: u64,
    /// What interprets it.
    pub host: Host,
    /// What the program does.
    pub program: Program,
    /// Options of the recorder, without `out=`.
    pub options: String,
    /// Preloads an allocator that signals may interrupt.
    pub safe_malloc: bool,
    /// The size of the file system for images, when it is a small one.
    pub disk: Option<&'static str>,
    /// Kills the recorded process after so many milliseconds.
    pub killed_after: Option<u64>,
    /// The victim gets one block more to leave than is expected: the harness must see it.
    pub planted_fault: bool,
}

impl Case {
    /// Whether something is meant to be missing from the record.
    pub fn loses_records(&self) -> bool {
        self.disk.is_some()
            || self
                .program
                .steps
                .iter()
                .any(|step| step.piece() == "limit")
    }

    /// Whether this case needs a JVM.
    pub fn is_java(&self) -> bool {
        matches!(self.host, Host::Java { .. })
    }

    /// The case of a seed: one in four is for a JVM.
    pub fn of(seed: u64) -> Case {
        if seed % 4 == 3 {
            crate::java::case(seed)
        } else {
            crate::native::case(seed)
        }
    }

    /// What a person wants to know of it at first sight.
    pub fn summary(&self) -> String {
        let host = match &self.host {
            Host::Native => "native".to_owned(),
            Host::Java {
                feature,
                options,
                agent,
            } => format!(
                "JDK {feature} {}{}",
                options.join(" "),
                if *agent { " agent" } else { "" }
            ),
        };
        let pieces: Vec<&str> = self.program.steps.iter().map(|step| step.piece()).collect();
        let mut more = String::new();
        if self.safe_malloc {
            more += ", interruptible malloc";
        }
        if let Some(size) = self.disk {
            more += &format!(", disk of {size}");
        }
        if let Some(after) = self.killed_after {
            more += &format!(", killed after {after} ms");
        }
        format!("{host}, {}{more}: {}", self.options, pieces.join(" "))
    }
}
