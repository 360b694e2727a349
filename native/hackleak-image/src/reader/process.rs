//! What has become of the recorded process.

use std::fs;

use crate::layout::{Header, state};

/// What has become of the recorded process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    /// It came to its end: an exit, `_exit`, or that it became another program (`exec`).
    Finished,
    /// It is gone, and had no time to say anything: killed, crashed, or ended where nobody could
    /// look.
    Killed,
    /// It still runs on this machine.
    Running,
}

impl ProcessState {
    pub(super) fn of(header: &Header) -> ProcessState {
        if header.state == state::FINISHED {
            ProcessState::Finished
        } else if start_ticks(header.pid) == Some(header.start_ticks) {
            ProcessState::Running
        } else {
            ProcessState::Killed
        }
    }
}

/// When process `pid` started, in clock ticks since boot; `None` when there is no such process or
/// only its exit status is left.
pub fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse_start_ticks(&stat)
}

/// The second field is the name in parentheses and may itself hold spaces and parentheses, so
/// counting starts after the last one: what follows is field 3.
fn parse_start_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let running = !matches!(fields.next()?, "Z" | "X" | "x");
    let ticks = fields.nth(18)?.parse().ok()?;
    running.then_some(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let tail = "1 1 1 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 777 1 1";
        assert_eq!(
            parse_start_ticks(&format!("7 (a) b (c) S {tail}")),
            Some(777)
        );
        assert_eq!(parse_start_ticks(&format!("7 (java) Z {tail}")), None);
        assert_eq!(parse_start_ticks("7 (cut) S 1 1"), None);
        assert_eq!(parse_start_ticks(""), None);
    }

    #[test]
    fn this_process_runs() {
        assert!(start_ticks(std::process::id()).is_some());
        assert_eq!(start_ticks(u32::MAX), None);
    }
}
