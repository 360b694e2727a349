//! Running a command to its end, within a time limit.
//!
//! What is difficult: a grandchild that outlives the command keeps its pipes open, so output goes
//! to files; and a JVM that hangs tells why when it gets SIGQUIT, so it gets one before it is
//! killed.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a thing may take that takes a moment on an idle machine: only hangs take longer.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// How a process ended and what it wrote.
#[derive(Debug)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// Standard output, with anything that is no UTF-8 replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// The command line, for messages.
    pub command: String,
}

impl Ended {
    /// The exit code; panics if a signal ended the process.
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("ended by a signal: {self}"))
    }

    /// The signal that ended the process, if one did.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Panics with everything known unless the exit code is `code`.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ended {
            status,
            stdout,
            stderr,
            command,
        } = self;
        write!(
            f,
            "{command}\n{status}\n--- stdout\n{stdout}--- stderr\n{stderr}---"
        )
    }
}

/// A started process whose output goes to files in a folder; it is killed when nobody waits for it
/// any more, as after a panic.
pub struct Started {
    child: Child,
    command: String,
    folder: std::path::PathBuf,
}

/// Starts `command`; `folder` receives its output.
pub fn start(command: &mut Command, folder: &Path) -> Started {
    let file = |name: &str| File::create(folder.join(name)).expect("the output folder is writable");
    let described = format!("{command:?}");
    let child = command
        .stdin(Stdio::null())
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .unwrap_or_else(|e| panic!("{described}: {e}"));
    Started {
        child,
        command: described,
        folder: folder.to_owned(),
    }
}

impl Started {
    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until standard output contains `text`; panics if the process ends before.
    pub fn wait_for_output(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.output("stdout").contains(text) {
            let ended = self.child.try_wait().expect("the child can be waited for");
            assert!(
                ended.is_none(),
                "{} ended before it said {text:?}",
                self.command
            );
            assert!(
                Instant::now() < deadline,
                "{} never said {text:?}",
                self.command
            );
            sleep(Duration::from_millis(5));
        }
    }

    /// SIGKILL.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("the child is ours");
        self.wait(PATIENCE)
    }

    /// Waits for the end; past `limit` the process is killed and the caller panics.
    pub fn wait(mut self, limit: Duration) -> Ended {
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return self.ended(status);
            }
            if Instant::now() > deadline {
                let status = self.quit_and_kill();
                panic!("not finished after {limit:?}: {}", self.ended(status));
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn quit_and_kill(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        sleep(Duration::from_secs(2));
        let _ = self.child.kill();
        self.child.wait().expect("the child can be waited for")
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        Ended {
            status,
            stdout: self.output("stdout"),
            stderr: self.output("stderr"),
            command: self.command.clone(),
        }
    }

    fn output(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `command` to its end within [`PATIENCE`].
pub fn run(command: &mut Command) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    start(command, folder.path()).wait(PATIENCE)
}
