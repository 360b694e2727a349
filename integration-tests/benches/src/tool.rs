//! The tools: whether they are there, in which version, and how each gets into a process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use integration_tests::{Jdk, artefacts, workspace};

use crate::{maven, program};

/// What a run is recorded or profiled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// Nothing.
    Bare,
    /// HackLeak with `track=new`.
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
    /// async-profiler's `nativemem`, every allocation; in JVMs only.
    AsyncProfiler,
    /// jemalloc's heap profiler, every allocation.
    Jemalloc,
    /// gperftools' heap profiler.
    Tcmalloc,
    /// valgrind's memcheck; without JVM only.
    Valgrind,
    /// The library that this began with: a line on stderr for each `new` and `delete`.
    WhereItBegan,
    /// The same with a native stack for each `new`.
    WhereItBeganTraced,
}

/// How long a recorded allocation takes, roughly: slow tools repeat their work less often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// Tens of ns.
    Fast,
    /// Hundreds of ns.
    Slow,
    /// Thousands of ns.
    Slowest,
}

impl Tool {
    /// Every tool, in the order of the tables.
    pub const ALL: [Tool; 13] = [
        Tool::Bare,
        Tool::HackLeak,
        Tool::Malloc,
        Tool::Excluded,
        Tool::Everything,
        Tool::NoStacks,
        Tool::Heaptrack,
        Tool::AsyncProfiler,
        Tool::Jemalloc,
        Tool::Tcmalloc,
        Tool::Valgrind,
        Tool::WhereItBegan,
        Tool::WhereItBeganTraced,
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
            Tool::AsyncProfiler => "async-profiler",
            Tool::Jemalloc => "jemalloc",
            Tool::Tcmalloc => "tcmalloc",
            Tool::Valgrind => "valgrind",
            Tool::WhereItBegan => "where-it-began",
            Tool::WhereItBeganTraced => "where-it-began-traced",
        }
    }

    /// What it is, for the page.
    pub fn label(self) -> &'static str {
        match self {
            Tool::Bare => "bare",
            Tool::HackLeak => "HackLeak, `track=new`",
            Tool::Malloc => "HackLeak, `track=new+malloc`",
            Tool::Excluded => "HackLeak, `track=new+malloc`, the program excluded",
            Tool::Everything => "HackLeak, everything tracked",
            Tool::NoStacks => "HackLeak, `track=new`, `stacks=off`",
            Tool::Heaptrack => "heaptrack",
            Tool::AsyncProfiler => "async-profiler, `nativemem=0`",
            Tool::Jemalloc => "jemalloc, `prof:true,lg_prof_sample:0`",
            Tool::Tcmalloc => "tcmalloc, `HEAPPROFILE`",
            Tool::Valgrind => "valgrind, memcheck",
            Tool::WhereItBegan => "where this began: lines on stderr",
            Tool::WhereItBeganTraced => "where this began, with traces",
        }
    }

    /// How long its events take.
    pub fn pace(self) -> Pace {
        match self {
            Tool::Heaptrack | Tool::AsyncProfiler => Pace::Slow,
            Tool::Jemalloc
            | Tool::Tcmalloc
            | Tool::Valgrind
            | Tool::WhereItBegan
            | Tool::WhereItBeganTraced => Pace::Slowest,
            _ => Pace::Fast,
        }
    }

    /// Whether it records JVMs.
    pub fn runs_java(self) -> bool {
        self != Tool::Valgrind
    }

    /// Whether it records programs without a JVM.
    pub fn runs_native(self) -> bool {
        self != Tool::AsyncProfiler
    }

    /// Whether it is to tell where each block was allocated.
    pub fn tells_places(self) -> bool {
        !matches!(
            self,
            Tool::Bare | Tool::Excluded | Tool::NoStacks | Tool::WhereItBegan
        )
    }

    /// The options of HackLeak, for the tools that are HackLeak.
    pub fn options(self) -> Option<&'static str> {
        match self {
            Tool::HackLeak => Some("track=new"),
            Tool::Malloc => Some("track=new+malloc"),
            Tool::Excluded => Some("track=new+malloc,exclude=frees"),
            Tool::Everything => Some("track=new+malloc+jni+unsafe+fd+zip"),
            Tool::NoStacks => Some("track=new,stacks=off"),
            _ => None,
        }
    }

    /// Its version, or why it cannot be used.
    pub fn version(self) -> Result<String, String> {
        match self {
            Tool::Bare => Ok("no tool".to_owned()),
            Tool::Heaptrack => first_line("heaptrack", &["--version"]),
            Tool::AsyncProfiler => async_profiler().map(|(_, version)| version),
            Tool::Jemalloc => jemalloc().map(|library| package_version(&library)),
            Tool::Tcmalloc => shared_library("libtcmalloc.so.4", "libgoogle-perftools4")
                .map(|library| package_version(&library)),
            Tool::Valgrind => first_line("valgrind", &["--version"]),
            Tool::WhereItBegan | Tool::WhereItBeganTraced => {
                program::where_it_began().map(|_| "written for this bench".to_owned())
            }
            _ => Ok(env!("CARGO_PKG_VERSION").to_owned()),
        }
    }

    /// The command that runs `program` under this tool, with what the tool writes in `folder`.
    pub fn command(self, program: &Path, folder: &Path) -> Result<Command, String> {
        let mut command = Command::new(program);
        match self {
            Tool::Bare => {}
            Tool::Heaptrack => {
                command = Command::new("heaptrack");
                // Versions before 1.5 only record, and do not know the option.
                if says("heaptrack", "--help", "--record-only") {
                    command.arg("--record-only");
                }
                command.arg("-o").arg(folder.join("heaptrack")).arg(program);
            }
            Tool::AsyncProfiler => {
                let (library, _) = async_profiler()?;
                let library = library.display();
                let file = folder.join("profile.jfr");
                // Every allocation, as the others: 0 bytes between samples.
                let options = format!("start,nativemem=0,file={}", file.display());
                command.arg(format!("-agentpath:{library}={options}"));
            }
            Tool::Jemalloc => {
                let prefix = folder.join("jemalloc");
                let options = "prof:true,lg_prof_sample:0,prof_final:true,prof_prefix:";
                command.env("LD_PRELOAD", jemalloc()?);
                command.env("MALLOC_CONF", format!("{options}{}", prefix.display()));
            }
            Tool::Tcmalloc => {
                let library = shared_library("libtcmalloc.so.4", "libgoogle-perftools4")?;
                command.env("LD_PRELOAD", library);
                command.env("HEAPPROFILE", folder.join("tcmalloc"));
                // One profile, at the end.
                for interval in ["ALLOCATION", "DEALLOCATION", "INUSE"] {
                    let name = format!("HEAP_PROFILE_{interval}_INTERVAL");
                    command.env(name, "1000000000000000");
                }
            }
            Tool::Valgrind => {
                command = Command::new("valgrind");
                let xml = folder.join("valgrind.xml");
                command
                    .args(["-q", "--leak-check=full", "--num-callers=100", "--xml=yes"])
                    .arg(format!("--xml-file={}", xml.display()))
                    .arg(program);
            }
            Tool::WhereItBegan | Tool::WhereItBeganTraced => {
                command.env("LD_PRELOAD", program::where_it_began()?);
                if self == Tool::WhereItBeganTraced {
                    command.env("HACK_TRACE", "1");
                }
            }
            _ => {
                let options = self.options().expect("the other tools are HackLeak");
                let out = folder.join("image");
                command.env("LD_PRELOAD", artefacts::recorder());
                let options = format!("{options},follow=all,out={}", out.display());
                command.env("HACKLEAK_OPTIONS", options);
            }
        }
        Ok(command)
    }
}

/// The first line that a command prints.
fn first_line(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|_| format!("{program} is not installed"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next().unwrap_or_default().trim();
    Ok(line.to_owned())
}

fn says(program: &str, option: &str, text: &str) -> bool {
    let output = Command::new(program).arg(option).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(text))
}

/// A library that the dynamic linker knows, of that Debian package.
fn shared_library(name: &str, package: &str) -> Result<PathBuf, String> {
    let output = Command::new("/sbin/ldconfig").arg("-p").output();
    let output = output.map_err(|error| format!("ldconfig: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with(name));
    let path = line.and_then(|line| line.split("=> ").nth(1));
    path.map(PathBuf::from)
        .ok_or_else(|| format!("{name} is not installed: apt install {package}"))
}

/// jemalloc, if it was built with profiling: that is a choice when it is compiled.
fn jemalloc() -> Result<PathBuf, String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let library = shared_library("libjemalloc.so.2", "libjemalloc2")?;
        let output = Command::new("true")
            .env("LD_PRELOAD", &library)
            .env("MALLOC_CONF", "prof:true,prof_active:false")
            .output()
            .map_err(|error| error.to_string())?;
        if output.stderr.is_empty() {
            Ok(library)
        } else {
            Err("libjemalloc2 was built without profiling".to_owned())
        }
    });
    found.clone()
}

/// The version of the Debian package that a file belongs to.
fn package_version(file: &Path) -> String {
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let owner = first_line("dpkg", &["-S", &file.to_string_lossy()]).unwrap_or_default();
    let package = owner.split(": ").next().unwrap_or_default();
    let version = first_line(
        "dpkg-query",
        &["-W", "-f", "${Package} ${Version}", package],
    );
    version.unwrap_or_else(|_| "installed".to_owned())
}

/// async-profiler's agent and version, newest of Maven Central.
fn async_profiler() -> Result<(PathBuf, String), String> {
    static FOUND: OnceLock<Result<(PathBuf, String), String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let jar = maven::newest("tools.profiler", "async-profiler")?;
        let version = jar.file_stem().unwrap_or_default().to_string_lossy();
        let folder = workspace::target().join("bench/programs").join(&*version);
        let library = folder.join("linux-x64/libasyncProfiler.so");
        workspace::cached(&library, &version, &[], || {
            let mut unpack = Command::new(Jdk::all()[0].tool("jar"));
            unpack
                .current_dir(&folder)
                .arg("xf")
                .arg(&jar)
                .arg("linux-x64/libasyncProfiler.so");
            integration_tests::process::run(&mut unpack).expect_code(0);
        });
        Ok((library, version.replace("async-profiler-", "")))
    });
    found.clone()
}
