//! What the verifying recorder says at the end of its process.

use crate::Run;

/// How the stacks that it recorded compare with those that libgcc and the JVM find.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// Stacks that were compared with libgcc's.
    pub checked: u64,
    /// Those that differed.
    pub mismatches: u64,
    /// Stacks that ended on what was remembered of the last walk, or of one before it.
    pub remembered_walks: u64,
    /// Stacks that are those of a walk before the last one.
    pub recent_hits: u64,
    /// Stacks of walks that parted from the last one as another one had.
    pub branch_hits: u64,
    /// Java stacks that were recalled, and compared with the JVM's answer.
    pub java_recalled: u64,
    /// Java stacks that `AsyncGetCallTrace` gave and that were compared with JVMTI's.
    pub java_answers: u64,
    /// Those that differed.
    pub java_mismatches: u64,
}

impl Run {
    /// The verdict of a run with [`crate::Recording::verified`].
    pub fn verdict(&self) -> Verdict {
        let lines = self.ended.stderr.lines();
        let line = lines
            .filter_map(|line| line.strip_prefix("[hackleak verify] "))
            .rfind(|line| line.starts_with("checked="))
            .unwrap_or_else(|| panic!("nothing was verified: {}", self.ended));
        let number = |name: &str| {
            let field = line
                .split(' ')
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
            field
                .and_then(|text| text.parse().ok())
                .unwrap_or_else(|| panic!("no {name} in {line}"))
        };
        Verdict {
            checked: number("checked"),
            mismatches: number("mismatches"),
            remembered_walks: number("remembered_walks"),
            recent_hits: number("recent_hits"),
            branch_hits: number("branch_hits"),
            java_recalled: number("java_recalled"),
            java_answers: number("java_answers"),
            java_mismatches: number("java_mismatches"),
        }
    }
}
