//! Runs a case in a folder, bare or recorded, within a time limit.
//!
//! The process and its children are a group of their own, so nothing outlives a case. What a run
//! said is in its files: `said` and those of its children, the standard output and error.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use integration_tests::java::{Entry, Jdk, Victim};
use integration_tests::{artefacts, plugin, victims};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::case::{Case, Host};
use crate::script::Program;

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code or signal; `None` when it did not end in time.
    pub status: Option<ExitStatus>,
    /// The process that was started.
    pub pid: u32,
    /// What it wrote, by file.
    pub said: BTreeMap<String, String>,
    /// Whether the harness killed it, as the case says.
    pub killed: bool,
    /// The folder that it ran in; images are in `out` below.
    pub folder: PathBuf,
}

impl Outcome {
    /// The exit code, or the signal with a minus.
    pub fn end(&self) -> String {
        match self.status {
            None => "did not end".to_owned(),
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("exit code {code}"),
                (_, Some(signal)) => format!("signal {signal}"),
                _ => format!("{status}"),
            },
        }
    }

    /// How many steps it said to have done.
    pub fn steps_done(&self) -> usize {
        let said = self.said.get("said").map_or("", String::as_str);
        said.lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
            .count()
    }

    /// The folder of the images.
    pub fn images(&self) -> PathBuf {
        self.folder.join("out")
    }
}

/// The longest that a run may take.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs the case without the recorder.
pub fn bare(case: &Case, folder: &Path) -> Outcome {
    run(case, folder, false)
}

/// Runs the case under the recorder.
pub fn recorded(case: &Case, folder: &Path) -> Outcome {
    run(case, folder, true)
}

fn run(case: &Case, folder: &Path, recorded: bool) -> Outcome {
    fs::create_dir_all(folder.join("out")).expect("the folder of the case is writable");
    let disk = case
        .disk
        .filter(|_| recorded)
        .and_then(|size| SmallDisk::mount(&folder.join("out"), size));
    write_scripts(case, folder);
    let mut command = command(case, folder, recorded);
    let file =
        |name: &str| File::create(folder.join(name)).expect("the folder of the case is writable");
    command
        .current_dir(folder)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(file("stdout"))
        .stderr(file("stderr"));
    let _ = fs::write(folder.join("command"), format!("{command:?}\n"));
    let child = command
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let pid = child.id();
    let (status, killed) = wait(child, case.killed_after.filter(|_| recorded));
    if let Some(disk) = disk {
        disk.empty_into(&folder.join("out"));
    }
    Outcome {
        status,
        pid,
        said: read(folder),
        killed,
        folder: folder.to_owned(),
    }
}

fn wait(mut child: Child, killed_after: Option<u64>) -> (Option<ExitStatus>, bool) {
    let group = Pid::from_child(&child);
    let began = Instant::now();
    let mut killed = false;
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            break Some(status);
        }
        let passed = began.elapsed();
        if !killed && killed_after.is_some_and(|after| passed >= Duration::from_millis(after)) {
            killed = true;
            let _ = kill_process_group(group, Signal::KILL);
        }
        if passed > LIMIT {
            // A JVM prints its threads.
            let _ = kill_process_group(group, Signal::QUIT);
            std::thread::sleep(Duration::from_secs(1));
            break None;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
    (status, killed)
}

fn read(folder: &Path) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    let entries = fs::read_dir(folder).expect("the folder of the case can be read");
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if matches!(name.as_str(), "stdout" | "stderr" | "mine" | "stacks")
            || name.starts_with("said")
        {
            let bytes = fs::read(&path).unwrap_or_default();
            said.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    said
}

fn write_scripts(case: &Case, folder: &Path) {
    let mut program = case.program.clone();
    if case.planted_fault {
        let step = program.steps.last_mut().expect("a script has an end");
        let mut more = step
            .leaves
            .first()
            .cloned()
            .expect("the end leaves something");
        more.bytes = 900_001;
        step.leaves.push(more);
    }
    write_script(&program, folder, "script");
}

fn write_script(program: &Program, folder: &Path, name: &str) {
    fs::write(folder.join(name), program.text()).expect("the folder of the case is writable");
    for (name, child) in program
        .steps
        .iter()
        .filter_map(|step| step.executes.as_ref())
    {
        write_script(child, folder, name);
    }
}

fn command(case: &Case, folder: &Path, recorded: bool) -> Command {
    let mut preload = Vec::new();
    if recorded {
        preload.push(artefacts::recorder().to_owned());
    }
    let mut command = match &case.host {
        Host::Native => {
            if case.safe_malloc {
                preload.push(victims::safe_malloc());
            }
            let mut command = Command::new(victims::chaos());
            command.args(["script", "said"]);
            command
                .env("PLUGIN_A", plugin(24))
                .env("PLUGIN_B", plugin(120));
            command
        }
        Host::Java {
            feature,
            options,
            agent,
        } => {
            let jdk = Jdk::all().iter().find(|jdk| jdk.feature == *feature);
            let jdk = jdk.expect("the case was drawn from these JDKs");
            let entry = if *agent && recorded {
                Entry::Agent
            } else {
                Entry::Preload
            };
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let mut command = Command::new(jdk.tool("java"));
            command.args(Victim::new(jdk, "Chaos").arguments(entry, &options));
            command.args(["script", "said", "stacks"]);
            command
        }
    };
    command.env_remove("LD_LIBRARY_PATH");
    if !preload.is_empty() {
        let all: Vec<String> = preload
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        command.env("LD_PRELOAD", all.join(" "));
    }
    if recorded {
        let out = folder.join("out");
        command.env(
            "HACKLEAK_OPTIONS",
            format!("{},out={}", case.options, out.display()),
        );
    }
    command
}

/// A small file system over the folder of the images; only root can mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(over: &Path, size: &str) -> Option<SmallDisk> {
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(over);
        let mounted = command
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then(|| SmallDisk(over.to_owned()))
    }

    /// Copies what is there to the folder below, which a failure keeps.
    fn empty_into(self, folder: &Path) {
        let beside = folder.with_file_name("from-disk");
        let _ = Command::new("cp")
            .args(["-r", "--sparse=always"])
            .arg(&self.0)
            .arg(&beside)
            .status();
        let out = self.0.clone();
        drop(self);
        let _ = fs::remove_dir_all(&out);
        let _ = fs::rename(&beside, &out);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
