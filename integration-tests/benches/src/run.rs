//! One run of one tool on one workload.
//!
//! What is difficult: some tools are shell scripts with children, so the run is a process group
//! that is killed as a whole when it takes too long; and some write to the victim's standard
//! output, so only lines that begin with `result` count.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use integration_tests::workspace;
use rustix::process::{Pid, Signal, kill_process_group};
use wait4::Wait4;

use crate::program::Ready;
use crate::results::Sample;
use crate::statistics::median;
use crate::tool::Tool;

/// All runs get these.
pub const TUNABLES: &str =
    "glibc.malloc.trim_threshold=268435456:glibc.malloc.top_pad=67108864:glibc.malloc.arena_max=2";

/// Runs `ready` with `arguments` under `tool` in `folder`, for at most `limit`; else says what went
/// wrong.
pub fn run(
    tool: Tool,
    ready: &Ready,
    arguments: &[String],
    folder: &Path,
    limit: Duration,
) -> Result<Sample, String> {
    let mut command = tool.command(&ready.program, folder)?;
    let open = |name: &str| File::create(folder.join(name)).map_err(|error| error.to_string());
    command
        .args(&ready.arguments)
        .args(arguments)
        .current_dir(folder)
        .env("GLIBC_TUNABLES", TUNABLES)
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("JAVA_TOOL_OPTIONS")
        .stdin(Stdio::null())
        .stdout(open("stdout")?)
        .stderr(open("stderr")?)
        .process_group(0);
    let began = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| format!("{:?} cannot be started: {error}", command.get_program()))?;
    let group = Pid::from_raw(child.id() as i32);
    let (ended, watch) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let late = watch.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        if let (true, Some(group)) = (late, group) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        late
    });
    let usage = child.wait4().map_err(|error| error.to_string())?;
    let wall = began.elapsed();
    drop(ended);
    let late = watchdog.join().unwrap_or(false);
    if late {
        return Err(format!("not finished after {} s", limit.as_secs()));
    }
    if !usage.status.success() {
        return Err(failure(folder, usage.status.signal(), usage.status.code()));
    }
    let cpu = usage.rusage.utime + usage.rusage.stime;
    let mut figures = printed(&read(folder, "stdout"));
    figures.insert("run.wall".to_owned(), milliseconds(wall));
    figures.insert("run.cpu".to_owned(), milliseconds(cpu));
    figures.insert(
        "run.resident".to_owned(),
        usage.rusage.maxrss as f64 / (1 << 20) as f64,
    );
    Ok(Sample(figures))
}

/// A folder for one run, on the disk that the target folder is on, as a user's would be.
pub fn scratch() -> Result<tempfile::TempDir, String> {
    let parent = workspace::target().join("bench/scratch");
    let made = fs::create_dir_all(&parent).and_then(|()| tempfile::tempdir_in(&parent));
    made.map_err(|error| format!("{}: {error}", parent.display()))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn read(folder: &Path, name: &str) -> String {
    let bytes = fs::read(folder.join(name)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last line that says something.
fn failure(folder: &Path, signal: Option<i32>, code: Option<i32>) -> String {
    let how = match (signal, code) {
        (Some(signal), _) => format!("ended by signal {signal}"),
        (_, Some(code)) => format!("ended with code {code}"),
        _ => "ended".to_owned(),
    };
    let text = read(folder, "stderr");
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    match last {
        Some(line) => format!("{how}: {line}"),
        None => how,
    }
}

/// The median of each name's values among `result NAME VALUE` lines.
fn printed(text: &str) -> BTreeMap<String, f64> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some("result"), Some(name), Some(value)) =
            (words.next(), words.next(), words.next())
            && let Ok(value) = value.parse()
        {
            values.entry(name.to_owned()).or_default().push(value);
        }
    }
    let medians = values
        .into_iter()
        .filter_map(|(name, values)| Some((name, median(values)?)));
    medians.collect()
}

#[cfg(test)]
mod tests {
    use super::printed;

    #[test]
    fn only_results_count() {
        let text =
            "heaptrack stats:\nresult a 3\nresult b 1.5\nresult a 5\nresult a 4\nresult c ?\n";
        let figures = printed(text);
        let expected = [("a".to_owned(), 4.0), ("b".to_owned(), 1.5)];
        assert_eq!(figures, expected.into());
    }
}
