//! The programs: what is compiled, and the command line that runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::{Jdk, process, workspace};

use crate::maven;

/// Size of the first block through `new`, the first through `malloc`, and the step from caller to
/// caller.
pub const SIZES: [u64; 3] = [10_007, 20_011, 17];

/// What a workload runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `workloads/NAME.cpp`.
    Cpp(&'static str),
    /// `workloads/NAME.java` with `workloads/NAME.cpp` if there is one.
    Java(&'static str),
    /// The same with a library from the pom.xml of the project `libraries`.
    JavaWith(&'static str, &'static str),
    /// [`Program::Java`] with this many generated classes.
    ManyClasses(usize),
    /// [`Program::Java`] that leaks from this many generated methods.
    Planted(u64),
    /// The JDK's Java compiler on the sources of hackleak-core.
    Javac,
}

/// A program that is ready to be run.
pub struct Ready {
    /// The executable.
    pub program: PathBuf,
    /// The arguments before the workload's own.
    pub arguments: Vec<String>,
    /// The native half of a Java program.
    pub library: Option<PathBuf>,
}

impl Program {
    /// Whether a JVM runs it.
    pub fn is_java(self) -> bool {
        !matches!(self, Program::Cpp(_))
    }

    /// Compiles it, or says why that is not possible.
    pub fn prepare(self, jdk: &Jdk) -> Result<Ready, String> {
        match self {
            Program::Cpp(name) => Ok(Ready {
                program: cpp(name, name, &[]),
                arguments: Vec::new(),
                library: None,
            }),
            Program::Java(name) => Ok(java(jdk, name, &[])),
            Program::JavaWith(name, artifact) => {
                let jar = maven::jar(&version_in_libraries(artifact)?)?;
                Ok(java(jdk, name, &[jar]))
            }
            Program::ManyClasses(count) => {
                let jar = generated(jdk, &format!("classes-{count}"), &many_classes(count));
                Ok(java(jdk, "ManyClasses", &[jar]))
            }
            Program::Planted(callers) => {
                let jar = generated(
                    jdk,
                    &format!("callers-{callers}"),
                    &leaking_methods(callers),
                );
                Ok(java(jdk, "Planted", &[jar]))
            }
            Program::Javac => Ok(javac(jdk)),
        }
    }
}

/// The library that this began with.
pub fn where_it_began() -> Result<PathBuf, String> {
    let flags = ["-shared", "-ldl"].map(str::to_owned);
    Ok(cpp("where_it_began", "libwhere_it_began.so", &flags))
}

fn sources() -> PathBuf {
    workspace::root().join("integration-tests/benches/workloads")
}

fn output(name: &str) -> PathBuf {
    workspace::target().join("bench/programs").join(name)
}

/// Compiles `workloads/NAME.cpp` as release builds are: optimised, without frame pointers.
fn cpp(name: &str, file: &str, flags: &[String]) -> PathBuf {
    let source = sources().join(format!("{name}.cpp"));
    let output = output(file);
    let mut command = Command::new("g++");
    command
        .args(["-std=c++17", "-O2", "-g", "-fPIC", "-Wall", "-pthread"])
        .args(flags)
        .arg(&source)
        .arg("-o")
        .arg(&output);
    let headers = ["workload.h", "churn.h", "planted.h"].map(|header| sources().join(header));
    let described = format!("{command:?}");
    workspace::cached(
        &output,
        &described,
        &[&[source], &headers[..]].concat(),
        || {
            process::run(&mut command).expect_code(0);
        },
    );
    output
}

fn java(jdk: &Jdk, name: &str, jars: &[PathBuf]) -> Ready {
    let mut path = vec![jdk.core_classes()];
    path.extend(jars.iter().cloned());
    let classes = compile(jdk, name, &[sources().join(format!("{name}.java"))], &path);
    path.insert(0, classes);
    let mut arguments = vec!["-Xmx1g".to_owned(), "-cp".to_owned(), class_path(&path)];
    let mut native_half = None;
    if sources().join(format!("{name}.cpp")).exists() {
        let library = format!("jni{}/lib{name}.so", jdk.feature);
        let include = jdk.home.join("include");
        let flags = [
            "-shared".to_owned(),
            format!("-I{}", include.display()),
            format!("-I{}", include.join("linux").display()),
        ];
        let library = cpp(name, &library, &flags);
        arguments.push(format!("-Dworkload.library={}", library.display()));
        native_half = Some(library);
    }
    arguments.extend(jvm_options(jdk));
    arguments.push(name.to_owned());
    Ready {
        program: jdk.tool("java"),
        arguments,
        library: native_half,
    }
}

fn jvm_options(jdk: &Jdk) -> Vec<String> {
    let mut options = Vec::new();
    if jdk.feature >= 24 {
        options.push("--enable-native-access=ALL-UNNAMED".to_owned());
    }
    // Databases in memory, where there is some: the disk would be most of the noise.
    if Path::new("/dev/shm").is_dir() {
        options.push("-Djava.io.tmpdir=/dev/shm".to_owned());
    }
    options
}

fn class_path(entries: &[PathBuf]) -> String {
    let entries: Vec<String> = entries.iter().map(|e| e.display().to_string()).collect();
    entries.join(":")
}

fn compile(jdk: &Jdk, name: &str, files: &[PathBuf], path: &[PathBuf]) -> PathBuf {
    let folder = output(&format!("java{}/{name}", jdk.feature));
    let mut command = Command::new(jdk.tool("javac"));
    command
        .args(["-g", "-nowarn", "-d"])
        .arg(&folder)
        .args(["-cp", &class_path(path)])
        .args(files);
    workspace::cached(&folder, &format!("{command:?}"), files, || {
        let _ = fs::remove_dir_all(&folder);
        process::run(&mut command).expect_code(0);
    });
    folder
}

/// A jar of the classes in this source: real suites load jars, and folders of so many files are
/// slow.
fn generated(jdk: &Jdk, name: &str, source: &str) -> PathBuf {
    let jar = output(&format!("java{}/{name}.jar", jdk.feature));
    workspace::cached(&jar, source, &[], || {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("Callers.java");
        fs::write(&file, source).expect("a temporary folder is writable");
        let classes = folder.path().join("classes");
        let mut compile = Command::new(jdk.tool("javac"));
        compile
            .args(["-J-Xmx2g", "-g", "-nowarn", "-d"])
            .arg(&classes)
            .arg(&file);
        process::run(&mut compile).expect_code(0);
        let mut pack = Command::new(jdk.tool("jar"));
        pack.arg("cf").arg(&jar).arg("-C").arg(&classes).arg(".");
        process::run(&mut pack).expect_code(0);
    });
    jar
}

/// `generated.C0`, `generated.C1`, …
fn many_classes(count: usize) -> String {
    let class = |i: usize| {
        format!(
            "class C{i} extends Number {{\n  String name = \"class {i}\"; long used;\n  public C{i}() {{}}\n  \
             public int intValue() {{ return {i}; }}\n  public long longValue() {{ return used++ + intValue(); }}\n  \
             public float floatValue() {{ return intValue() / 2f; }}\n  \
             public double doubleValue() {{ return name.length() * 1.5; }}\n}}\n"
        )
    };
    let classes: String = (0..count).map(class).collect();
    format!("package generated;\n{classes}")
}

/// `generated.Callers`, whose methods `caller0`, `caller1`, … leak what `exactness` looks
/// for.
fn leaking_methods(count: u64) -> String {
    let [by_new, by_malloc, step] = SIZES;
    let method = |i: u64| {
        let (new, malloc) = (by_new + i * step, by_malloc + i * step);
        format!(
            "  static void caller{i}() {{\n    leakNew({new});\n    leakMalloc({malloc});\n    \
             for (int i = 0; i < 10; i++) twin({new});\n  }}\n"
        )
    };
    let methods: String = (0..count).map(method).collect();
    let calls: String = (0..count).map(|i| format!("    caller{i}();\n")).collect();
    format!(
        "package generated;\npublic class Callers {{\n  static native void leakNew(int size);\n  \
         static native void leakMalloc(int size);\n  static native void twin(int size);\n{methods}  \
         public static void all() {{\n{calls}  }}\n}}\n"
    )
}

fn javac(jdk: &Jdk) -> Ready {
    let classes = output(&format!("java{}/javac-output", jdk.feature));
    fs::create_dir_all(&classes).expect("the target folder is writable");
    let folder = workspace::root().join("java/hackleak-core/src/main/java/dev/hackleak");
    let entries = fs::read_dir(&folder).expect("hackleak-core has sources");
    let mut files: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path().display().to_string()))
        .filter(|path| path.ends_with(".java"))
        .collect();
    files.sort();
    let mut arguments = jvm_options(jdk);
    let main = ["-m", "jdk.compiler/com.sun.tools.javac.Main", "-nowarn"];
    arguments.extend(main.map(str::to_owned));
    arguments.extend(["-d".to_owned(), classes.display().to_string()]);
    arguments.extend([
        "-sourcepath".to_owned(),
        folder.join("../..").display().to_string(),
    ]);
    arguments.extend(files);
    Ready {
        program: jdk.tool("java"),
        arguments,
        library: None,
    }
}

/// `GROUP:ARTIFACT:VERSION`, with the version that the project `libraries` tests with.
fn version_in_libraries(artifact: &str) -> Result<String, String> {
    let pom = workspace::root().join("integration-tests/projects/libraries/pom.xml");
    let text = fs::read_to_string(&pom).map_err(|error| format!("{}: {error}", pom.display()))?;
    let name = artifact.split(':').nth(1).unwrap_or_default();
    let marker = format!("<artifactId>{name}</artifactId>");
    let version = text.split(&marker).nth(1).and_then(|rest| {
        let rest = rest.split("<version>").nth(1)?;
        rest.split('<').next()
    });
    match version {
        Some(version) => Ok(format!("{artifact}:{version}")),
        None => Err(format!(
            "the project `libraries` names no version of {name}"
        )),
    }
}
