//! The tools: whether they are there, in which version, and how each gets into a process.

use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::artefacts;

/// What a run is recorded or profiled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// Nothing.
    Bare,
    /// HackLeak as it comes.
    HackLeak,
    /// HackLeak with malloc.
    Malloc,
    /// HackLeak with malloc, but not that of the program itself.
    Excluded,
    /// HackLeak with everything that it can track.
    Everything,
    /// HackLeak without stacks.
    NoStacks,
    /// KDE's heaptrack.
    Heaptrack,
}

/// How long a recorded allocation takes, roughly: slow tools repeat their work less often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Tens of ns.
    Fast,
    /// Hundreds of ns.
    Slow,
}

impl Tool {
    /// Every tool, in the order of the tables.
    pub const ALL: [Tool; 7] = [
        Tool::Bare,
        Tool::HackLeak,
        Tool::Malloc,
        Tool::Excluded,
        Tool::Everything,
        Tool::NoStacks,
        Tool::Heaptrack,
    ];

    /// The name on the command line and in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Bare => "bare",
            Tool::HackLeak => "hackleak",
            Tool::Malloc => "hackleak-malloc",
            Tool::Excluded => "hackleak-excluded",
            Tool::Everything => "hackleak-everything",
            Tool::NoStacks => "hackleak-stacks-off",
            Tool::Heaptrack => "heaptrack",
        }
    }

    /// How long its events take.
    pub fn pace(self) -> Pace {
        match self {
            Tool::Heaptrack => Pace::Slow,
            _ => Pace::Fast,
        }
    }

    /// The options of HackLeak, for the tools that are HackLeak.
    pub fn options(self) -> Option<&'static str> {
        match self {
            Tool::HackLeak => Some("track=new"),
            Tool::Malloc => Some("track=new+malloc"),
            Tool::Excluded => Some("track=new+malloc,exclude=frees"),
            Tool::Everything => Some("track=new+malloc+jni+unsafe"),
            Tool::NoStacks => Some("track=new,stacks=off"),
            _ => None,
        }
    }

    /// Its version, or why it cannot be used.
    pub fn version(self) -> Result<String, String> {
        match self {
            Tool::Bare => Ok(String::new()),
            Tool::Heaptrack => first_line("heaptrack", &["--version"]),
            _ => Ok(env!("CARGO_PKG_VERSION").to_owned()),
        }
    }

    /// The command that runs `program` under this tool, with what the tool writes in `folder`.
    pub fn command(self, program: &Path, folder: &Path) -> Command {
        match self {
            Tool::Bare => Command::new(program),
            Tool::Heaptrack => {
                let mut command = Command::new("heaptrack");
                // Versions before 1.5 only record, and do not know the option.
                if says("heaptrack", "--help", "--record-only") {
                    command.arg("--record-only");
                }
                command.arg("-o").arg(folder.join("heaptrack")).arg(program);
                command
            }
            _ => {
                let mut command = Command::new(program);
                let options = self.options().expect("the other tools are HackLeak");
                let out = folder.join("image");
                command.env("LD_PRELOAD", artefacts::recorder());
                let options = format!("{options},follow=all,out={}", out.display());
                command.env("HACKLEAK_OPTIONS", options);
                command
            }
        }
    }
}

/// The first line that a command prints.
fn first_line(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next().unwrap_or_default().trim();
    Ok(line.to_owned())
}

fn says(program: &str, option: &str, text: &str) -> bool {
    let output = Command::new(program).arg(option).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(text))
}

/// Fetches `GROUP:ARTIFACT:VERSION` from Maven Central into the target folder, unless it is there.
pub fn maven_jar(artifact: &str) -> Result<PathBuf, String> {
    let mut parts = artifact.split(':').skip(1);
    let (name, version) = (parts.next(), parts.next());
    let (Some(name), Some(version)) = (name, version) else {
        return Err(format!("{artifact} is not GROUP:ARTIFACT:VERSION"));
    };
    let folder = integration_tests::workspace::target().join("bench/jars");
    let jar = folder.join(format!("{name}-{version}.jar"));
    if !jar.exists() {
        let mut command = Command::new("mvn");
        let goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
        command.args(["-q", "-B", "-ntp", goal]);
        command.arg(format!("-Dartifact={artifact}"));
        command.arg(format!("-DoutputDirectory={}", folder.display()));
        let output = command.output().map_err(|error| format!("mvn: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "{artifact} could not be fetched from Maven Central"
            ));
        }
    }
    Ok(jar)
}
