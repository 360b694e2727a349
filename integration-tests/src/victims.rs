//! The C++ victims: one behaviour each, compiled on demand into `target/victims`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{process, workspace};

/// `victims/cpp/NAME.cpp` as a program, compiled as release builds are (`-O2`, no frame pointers).
pub fn cpp(name: &str) -> PathBuf {
    cpp_with(name, &["-O2"])
}

/// `victims/cpp/NAME.cpp` as a program, compiled with `flags`.
pub fn cpp_with(name: &str, flags: &[&str]) -> PathBuf {
    let flags = [flags, &["-pthread", "-ldl"]].concat();
    compile(
        &format!("cpp/{name}.cpp"),
        &format!("cpp{}/{name}", flags.concat()),
        &flags,
    )
}

/// `victims/cpp/plugin.cpp` as a shared library whose functions have frames of `frame` bytes.
pub fn plugin(frame: u32) -> PathBuf {
    let define = format!("-DFRAME={frame}");
    compile(
        "cpp/plugin.cpp",
        &format!("plugin{frame}/plugin.so"),
        &["-O2", "-shared", &define],
    )
}

/// `victims/cpp/NAME.cpp` as the shared library `OUTPUT`, compiled with `flags`.
pub fn library(name: &str, output: &str, flags: &[&str]) -> PathBuf {
    let flags = [&["-O2", "-shared"], flags].concat();
    compile(
        &format!("cpp/{name}.cpp"),
        &format!("libraries/{output}"),
        &flags,
    )
}

/// The victim of the chaos suite, which interprets scripts; see `chaos/src/script.rs`.
pub fn chaos() -> PathBuf {
    let flags = ["-O2", "-fomit-frame-pointer", "-pthread", "-ldl"];
    compile("chaos/chaos.cpp", "chaos/chaos", &flags)
}

/// An allocator to be preloaded that a signal may interrupt at any instruction.
pub fn safe_malloc() -> PathBuf {
    let flags = ["-O2", "-shared"];
    compile("chaos/safe_malloc.cpp", "chaos/safe_malloc.so", &flags)
}

/// Compiles one source to `target/victims/OUTPUT`.
pub(crate) fn compile(source: &str, output: &str, flags: &[&str]) -> PathBuf {
    let source = workspace::victims().join(source);
    let output = workspace::target().join("victims").join(output);
    let mut arguments = vec!["-std=c++17", "-g", "-fPIC", "-Wall"];
    // Libraries go last, after the source that needs them.
    let (libraries, options): (Vec<&str>, Vec<&str>) = flags
        .iter()
        .copied()
        .partition(|flag| flag.starts_with("-l"));
    arguments.extend(options);

    let mut command = Command::new("g++");
    command
        .args(&arguments)
        .arg(&source)
        .arg("-o")
        .arg(&output)
        .args(libraries);
    let described = format!("{command:?}");
    workspace::cached(&output, &described, &sources(&source), || {
        process::run(&mut command).expect_code(0);
    });
    output
}

/// The source and every header beside it.
fn sources(source: &Path) -> Vec<PathBuf> {
    let folder = source.parent().expect("a source lies in a folder");
    let entries = std::fs::read_dir(folder).expect("the victims' folder can be read");
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "h"));
    found.sort();
    found.push(source.to_owned());
    found
}
