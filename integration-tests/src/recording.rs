//! Running a victim under the recorder.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Ended, Started};
use crate::{artefacts, process, report};

/// A victim's run that is being prepared.
pub struct Recording {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    recorder: Option<PathBuf>,
    options: String,
    out: Option<PathBuf>,
    limit: Duration,
    folder: TempDir,
}

impl Recording {
    /// Records `program` and everything it starts (`follow=all`), unless the options say otherwise.
    pub fn of(program: impl Into<PathBuf>) -> Recording {
        Recording::new(program.into(), Some(artefacts::recorder().to_owned()))
    }

    /// The same run without the recorder, to compare with.
    pub fn bare(program: impl Into<PathBuf>) -> Recording {
        Recording::new(program.into(), None)
    }

    fn new(program: PathBuf, recorder: Option<PathBuf>) -> Recording {
        Recording {
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            recorder,
            options: "follow=all".to_owned(),
            out: None,
            limit: process::PATIENCE,
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }

    /// Uses the recorder that compares every stack with libgcc's.
    pub fn verified(mut self) -> Recording {
        self.recorder = Some(artefacts::verifying_recorder().to_owned());
        self
    }

    /// Uses this copy of the recorder.
    pub fn recorder(mut self, recorder: &Path) -> Recording {
        self.recorder = Some(recorder.to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Recording {
        self.arguments
            .extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Adds an argument.
    pub fn arg(self, argument: impl AsRef<OsStr>) -> Recording {
        self.args([argument])
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Recording {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Replaces the options `follow=all`; `out=` is always added, see [`Recording::out`], and
    /// `track=new` and `held=fail` unless others are named.
    pub fn options(mut self, options: &str) -> Recording {
        options.clone_into(&mut self.options);
        self
    }

    /// Where images go instead of a fresh folder.
    pub fn out(mut self, folder: impl Into<PathBuf>) -> Recording {
        self.out = Some(folder.into());
        self
    }

    /// Fails if the run takes longer.
    pub fn limit(mut self, seconds: u64) -> Recording {
        self.limit = Duration::from_secs(seconds);
        self
    }

    /// Runs to the end.
    pub fn run(self) -> Run {
        let limit = self.limit;
        let (started, running) = self.start();
        running.ended(started.wait(limit))
    }

    /// Starts, to be observed or killed.
    pub fn start(self) -> (Started, Running) {
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| self.folder.path().join("out"));
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(self.folder.path());
        // `cargo test` adds its own folders there; a user's shell does not.
        command.env_remove("LD_LIBRARY_PATH");
        if let Some(recorder) = &self.recorder {
            std::fs::create_dir_all(&out).expect("a temporary folder is writable");
            let comma = if self.options.is_empty() { "" } else { "," };
            // Most tests count what `new` leaves; those of other kinds say so, `track=` and all.
            let track = if self.options.contains("track=") {
                ""
            } else {
                "track=new,"
            };
            // Most tests count what is left, whoever holds it.
            let held = if self.options.contains("held=") {
                ""
            } else {
                "held=fail,"
            };
            command.env("LD_PRELOAD", recorder);
            let options = format!("{track}{held}{}{comma}out={}", self.options, out.display());
            command.env("HACKLEAK_OPTIONS", options);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        (
            process::start(&mut command, self.folder.path()),
            Running {
                out,
                folder: self.folder,
            },
        )
    }
}

/// A recorded process that may still run.
pub struct Running {
    out: PathBuf,
    folder: TempDir,
}

impl Running {
    /// What the reporter says at this moment.
    pub fn report(&self) -> report::Report {
        report::Report::of([&self.out])
    }

    /// The images, in no particular order.
    pub fn images(&self) -> Vec<PathBuf> {
        images_in(&self.out)
    }

    /// Joins the recording with its end.
    pub fn ended(self, ended: Ended) -> Run {
        Run {
            ended,
            out: self.out,
            folder: self.folder,
        }
    }
}

fn images_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    found.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "hackleak")
    });
    found
}

/// A victim's run that has ended.
pub struct Run {
    /// How it ended and what it wrote.
    pub ended: Ended,
    out: PathBuf,
    folder: TempDir,
}

impl Run {
    /// Panics with everything known unless the exit code is `code`.
    pub fn expect_code(self, code: i32) -> Run {
        assert_eq!(self.ended.status.code(), Some(code), "{}", self.ended);
        self
    }

    /// The folder that the victim ran in and that holds its images.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The images, in no particular order.
    pub fn images(&self) -> Vec<PathBuf> {
        images_in(&self.out)
    }

    /// What the reporter says about everything that is left at the end, in all images.
    pub fn report(&self) -> report::Report {
        assert!(
            !self.images().is_empty(),
            "nothing was recorded: {}",
            self.ended
        );
        report::Report::of([&self.out])
    }

    /// What the reporter says about what is left since the checkpoint with that label, in the only
    /// image.
    pub fn report_since(&self, label: &str) -> report::Report {
        let epoch = self.report().process().epoch(label);
        report::Report::of([
            self.out.as_os_str(),
            "--since".as_ref(),
            epoch.to_string().as_ref(),
        ])
    }
}
