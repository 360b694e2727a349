//! Limits that this process was started with.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::process::Signal;

/// Makes writing beyond the limit of file sizes (`ulimit -f`) an error of that write. By default
/// the system ends the process with SIGXFSZ, without a word.
///
/// The signal gets a handler that does nothing and is not ignored, because a command that `run`
/// starts would inherit that. Where it is ignored already, it stays so, and the command finds
/// what it would find without this program.
pub(crate) fn survive_file_size() {
    if !is_ignored(Signal::XFSZ) {
        // A failure leaves the default, which is no worse than not to try.
        let _ =
            signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::new(AtomicBool::new(false)));
    }
}

fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_in_mask(&status, signal.as_raw())
}

/// Whether the line `SigIgn` of `/proc/PID/status`, a mask in hexadecimal, names the signal.
fn is_in_mask(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_begins_with_signal_1() {
        let status = "Name:\tx\nSigIgn:\t0000000001001000\nSigCgt:\tffffffffffffffff\n";
        let ignored: Vec<i32> = (1..=64).filter(|n| is_in_mask(status, *n)).collect();
        assert_eq!(ignored, [13, 25]);
        assert!(!is_in_mask("", 25));
    }
}
