//! JDKs and Java victims.
//!
//! A Java victim is `victims/jni/NAME.java`, with whatever begins with its name, and its native
//! half `victims/jni/NAME.cpp`. It is compiled by the JDK that runs it, together with the core API
//! from its sources, so that no Maven is needed here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::recording::Recording;
use crate::{artefacts, process, victims, workspace};

/// An installed JDK.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Jdk {
    /// Feature release: 17, 25, …
    pub feature: u32,
    /// Its home.
    pub home: PathBuf,
}

impl Jdk {
    /// The JDKs to test with, one for each feature release from 17 on, oldest first.
    ///
    /// From `HACKLEAK_JDKS` (homes with colons between) if it is set, else from `JAVA_HOME` and
    /// `/usr/lib/jvm`.
    pub fn all() -> &'static [Jdk] {
        static ALL: OnceLock<Vec<Jdk>> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut found: Vec<Jdk> = homes().into_iter().filter_map(Jdk::at).collect();
            found.retain(|jdk| jdk.feature >= 17);
            found.sort();
            found.dedup_by_key(|jdk| jdk.feature);
            assert!(
                !found.is_empty(),
                "no JDK 17 or newer: set HACKLEAK_JDKS or JAVA_HOME"
            );
            let features: Vec<u32> = found.iter().map(|jdk| jdk.feature).collect();
            println!("JDKs tested: {features:?}");
            found
        })
    }

    /// The JDKs of at least this feature release.
    pub fn since(feature: u32) -> Vec<Jdk> {
        let found: Vec<Jdk> = Jdk::all()
            .iter()
            .filter(|j| j.feature >= feature)
            .cloned()
            .collect();
        if found.is_empty() {
            println!("SKIPPED: this needs a JDK {feature} or newer");
        }
        found
    }

    fn at(home: PathBuf) -> Option<Jdk> {
        let release = std::fs::read_to_string(home.join("release")).ok()?;
        let line = release
            .lines()
            .find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
        let feature = line
            .trim_matches('"')
            .split(['.', '-', '+'])
            .next()?
            .parse()
            .ok()?;
        home.join("bin/javac")
            .exists()
            .then_some(Jdk { feature, home })
    }

    /// A tool of this JDK.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.home.join("bin").join(name)
    }

    /// The classes of hackleak-core, compiled by this JDK.
    pub fn core_classes(&self) -> PathBuf {
        self.compile("core", &core_sources(), &[])
    }

    /// The classes of hackleak-core, compiled by this JDK for an older release.
    pub fn core_classes_for(&self, release: &str) -> PathBuf {
        let name = format!("for{release}/core");
        self.compile(&name, &core_sources(), &["--release", release])
    }

    /// The classes of `victims/jni/NAME.java`, likewise.
    pub fn classes_for(&self, release: &str, name: &str, core: &Path) -> PathBuf {
        let source = workspace::victims().join(format!("jni/{name}.java"));
        let core = core.display().to_string();
        let options = ["--release", release, "-cp", &core];
        self.compile(&format!("for{release}/{name}"), &[source], &options)
    }

    fn compile(&self, name: &str, files: &[PathBuf], options: &[&str]) -> PathBuf {
        let folder = workspace::target()
            .join(format!("victims/java{}", self.feature))
            .join(name);
        let mut command = Command::new(self.tool("javac"));
        command
            .args(["-g", "-nowarn", "-d"])
            .arg(&folder)
            .args(options)
            .args(files);
        workspace::cached(&folder, &format!("{command:?}"), files, || {
            let _ = std::fs::remove_dir_all(&folder);
            process::run(&mut command).expect_code(0);
        });
        folder
    }
}

fn core_sources() -> Vec<PathBuf> {
    let mut files = java_files(&workspace::root().join("java/hackleak-core/src/main/java"));
    files.retain(|file| !file.ends_with("module-info.java"));
    files
}

fn homes() -> Vec<PathBuf> {
    if let Some(list) = std::env::var_os("HACKLEAK_JDKS") {
        return std::env::split_paths(&list).collect();
    }
    let mut homes: Vec<PathBuf> = std::env::var_os("JAVA_HOME")
        .map(PathBuf::from)
        .into_iter()
        .collect();
    if let Ok(entries) = std::fs::read_dir("/usr/lib/jvm") {
        homes.extend(entries.filter_map(|entry| std::fs::canonicalize(entry.ok()?.path()).ok()));
    }
    homes
}

fn java_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            found.extend(java_files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "java")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// How the recorder gets into the JVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `LD_PRELOAD` alone, and the `java` launcher.
    Preload,
    /// `LD_PRELOAD` and `-agentpath`.
    Agent,
    /// `LD_PRELOAD` alone, and a program whose making of the JVM is not met: the JNI boundary is
    /// watched only from the first use of `HackLeak` on.
    Embedded,
}

impl Entry {
    /// Every way in.
    pub const ALL: [Entry; 3] = [Entry::Preload, Entry::Agent, Entry::Embedded];
}

/// The frames of what the victim `PlantedLeak` leaks: three blocks of 1,999,993 bytes each.
pub const PLANTED: [&str; 5] = [
    "inner",
    "Java_PlantedLeak_plant",
    "PlantedLeak.plant",
    "PlantedLeak.caller",
    "PlantedLeak.main",
];

/// A Java victim, compiled for one JDK.
pub struct Victim<'jdk> {
    jdk: &'jdk Jdk,
    name: String,
    classes: PathBuf,
    library: PathBuf,
}

impl<'jdk> Victim<'jdk> {
    /// Compiles `victims/jni/NAME.java` and `victims/jni/NAME.cpp`.
    pub fn new(jdk: &'jdk Jdk, name: &str) -> Victim<'jdk> {
        Victim::with_jar(jdk, name, "")
    }

    /// The same, with one more jar on the compiler's class path.
    pub fn with_jar(jdk: &'jdk Jdk, name: &str, jar: &str) -> Victim<'jdk> {
        let class_path = format!("{}:{jar}", jdk.core_classes().display());
        let mut sources = java_files(&workspace::victims().join("jni"));
        sources.retain(|path| {
            let file = path.file_name().unwrap_or_default();
            file.to_string_lossy().starts_with(name)
        });
        let classes = jdk.compile(name, &sources, &["-cp", &class_path]);
        Victim {
            jdk,
            name: name.to_owned(),
            classes,
            library: native_half(jdk, name),
        }
    }

    /// The native half.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The folder of the classes.
    pub fn classes(&self) -> &Path {
        &self.classes
    }

    /// A recorded run of the victim's `main`, with JVM options; its arguments can be added.
    pub fn recording(&self, entry: Entry, jvm_options: &[&str]) -> Recording {
        let recording = match entry {
            Entry::Preload | Entry::Agent => {
                Recording::of(self.jdk.tool("java")).options("follow=jvm")
            }
            Entry::Embedded => Recording::of(embedding(self.jdk))
                .args([self.jdk.home.join("lib/server/libjvm.so")]),
        };
        recording.args(self.arguments(entry, jvm_options))
    }

    /// A bare run.
    pub fn bare(&self, jvm_options: &[&str]) -> Recording {
        Recording::bare(self.jdk.tool("java")).args(self.arguments(Entry::Preload, jvm_options))
    }

    /// What the JVM is told, up to the name of the main class.
    pub fn arguments(&self, entry: Entry, jvm_options: &[&str]) -> Vec<String> {
        let core = self.jdk.core_classes();
        let class_path = format!("{}:{}", self.classes.display(), core.display());
        let mut all = vec!["-cp".to_owned(), class_path, "-Xmx256m".to_owned()];
        all.push(format!("-Dvictim.library={}", self.library.display()));
        // The in-process assertion asks the CLI, which the tests have built somewhere of their own.
        all.push(format!("-Dhackleak.cli={}", artefacts::cli().display()));
        if self.jdk.feature >= 24 {
            all.push("--enable-native-access=ALL-UNNAMED".to_owned());
        }
        all.extend(jvm_options.iter().map(|option| option.to_string()));
        if entry == Entry::Agent {
            all.push(format!("-agentpath:{}", artefacts::recorder().display()));
        }
        all.push(self.name.clone());
        all
    }
}

/// The program of [`Entry::Embedded`].
fn embedding(jdk: &Jdk) -> PathBuf {
    let [include, platform] = includes(jdk);
    let output = format!("jni{}/embedding", jdk.feature);
    victims::compile(
        "cpp/embedding.cpp",
        &output,
        &["-O2", &include, &platform, "-ldl"],
    )
}

/// `victims/cpp/becoming.cpp` as a program; `linked` with the JDK's `libjvm.so`.
pub fn becoming(jdk: &Jdk, linked: bool) -> PathBuf {
    let folder = jdk.home.join("lib/server").display().to_string();
    let [library, path] = [format!("-L{folder}"), format!("-Wl,-rpath,{folder}")];
    let [include, platform] = includes(jdk);
    let mut flags = vec!["-O2", "-pthread", &include, &platform, "-ldl"];
    if linked {
        flags.extend(["-DLINKED", &library, &path, "-ljvm"]);
    }
    let output = format!("jni{}/becoming{}", jdk.feature, u8::from(linked));
    victims::compile("cpp/becoming.cpp", &output, &flags)
}

/// The same as a library that is linked with `libjvm.so`.
pub fn becoming_extension(jdk: &Jdk) -> PathBuf {
    let folder = jdk.home.join("lib/server").display().to_string();
    let [library, path] = [format!("-L{folder}"), format!("-Wl,-rpath,{folder}")];
    let [include, platform] = includes(jdk);
    let flags = [
        "-O2", "-shared", "-pthread", &include, &platform, "-DLINKED", &library, &path, "-ljvm",
    ];
    let output = format!("jni{}/libbecoming.so", jdk.feature);
    victims::compile("cpp/becoming.cpp", &output, &flags)
}

fn includes(jdk: &Jdk) -> [String; 2] {
    ["include", "include/linux"].map(|folder| format!("-I{}", jdk.home.join(folder).display()))
}

/// The native half of a Java victim alone: `victims/jni/NAME.cpp` as a shared library.
pub fn native_half(jdk: &Jdk, name: &str) -> PathBuf {
    let [include, platform] = includes(jdk);
    let cpp = format!("-I{}", workspace::victims().join("cpp").display());
    let flags = ["-O2", "-shared", "-pthread", &include, &platform, &cpp];
    let output = format!("jni{}/lib{name}.so", jdk.feature);
    victims::compile(&format!("jni/{name}.cpp"), &output, &flags)
}

/// `victims/jni/NAME.cpp` as a program that uses the headers of the JDK.
pub fn header_program(jdk: &Jdk, name: &str) -> PathBuf {
    let [include, platform] = includes(jdk);
    let output = format!("jni{}/{name}", jdk.feature);
    victims::compile(
        &format!("jni/{name}.cpp"),
        &output,
        &["-Wno-invalid-offsetof", &include, &platform],
    )
}

/// The classes of `victims/jni/NAME.java` alone, for a class loader of the victim's own.
pub fn separate_classes(jdk: &Jdk, name: &str) -> PathBuf {
    let source = workspace::victims().join(format!("jni/{name}.java"));
    jdk.compile(name, &[source], &[])
}

/// Runs `check` with every JDK and the ways in that a `java` launcher has.
pub fn on_each_launcher(check: impl Fn(&Jdk, Entry)) {
    on_each_jdk(|jdk, entry| {
        if entry != Entry::Embedded {
            check(jdk, entry);
        }
    });
}

/// Runs `check` with every JDK and every way in.
pub fn on_each_jdk(check: impl Fn(&Jdk, Entry)) {
    for jdk in Jdk::all() {
        for entry in Entry::ALL {
            println!("JDK {}, {entry:?}", jdk.feature);
            check(jdk, entry);
        }
    }
}
