//! How many of the planted leaks each tool reports, and whether it names the Java method that
//! leaked.
//!
//! Each generated method `Callers.callerN` leaks one block with `new` and one with `malloc`, of
//! sizes that no other has, and frees ten more. A leak counts as reported if the tool's own output
//! attributes live memory to the native function that leaked it, and as attributed if the same
//! stack names `callerN`. Tools that only tell bytes are asked for bytes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use integration_tests::Jdk;

use crate::maven;
use crate::parse::{self, Reported};
use crate::program::{Program, SIZES};
use crate::results::Exactness;
use crate::run;
use crate::tool::Tool;

/// Runs the planted leaks under `tool` and reads what it says.
pub fn measure(tool: Tool, jdk: &Jdk, callers: u64, limit: Duration) -> Exactness {
    let mut result = Exactness {
        tool: tool.name().to_owned(),
        planted: callers,
        java: tool.runs_java(),
        ..Exactness::default()
    };
    let reported = tool
        .version()
        .and_then(|_| reported(tool, jdk, callers, limit));
    match reported {
        Ok(leaks) => count(&leaks, &mut result),
        Err(reason) => result.failure = Some(reason),
    }
    result
}

fn reported(tool: Tool, jdk: &Jdk, callers: u64, limit: Duration) -> Result<Vec<Reported>, String> {
    let (program, arguments) = if tool.runs_java() {
        (Program::Planted(callers), Vec::new())
    } else {
        let numbers = [callers, SIZES[0], SIZES[1], SIZES[2]];
        (
            Program::Cpp("native_planted"),
            numbers.map(|number| number.to_string()).to_vec(),
        )
    };
    let ready = program.prepare(jdk)?;
    let folder = run::scratch()?;
    run::run(tool, &ready, &arguments, folder.path(), limit)?;
    match tool {
        Tool::Bare => Ok(Vec::new()),
        Tool::Heaptrack => heaptrack(folder.path()),
        Tool::AsyncProfiler => async_profiler(jdk, folder.path()),
        Tool::Jemalloc | Tool::Tcmalloc => {
            let file = newest(folder.path(), ".heap")?;
            let library = ready.library.unwrap_or(ready.program);
            parse::heap_profile(&read(&file)?, &library)
        }
        Tool::Valgrind => Ok(parse::valgrind(&read(&folder.path().join("valgrind.xml"))?)),
        Tool::WhereItBegan | Tool::WhereItBeganTraced => {
            Ok(parse::where_it_began(&read(&folder.path().join("stderr"))?))
        }
        _ => parse::hackleak(&folder.path().join("image")),
    }
}

fn heaptrack(folder: &Path) -> Result<Vec<Reported>, String> {
    let record = newest(folder, "heaptrack.").or_else(|_| newest(folder, ".zst"))?;
    let stacks = folder.join("leaked.txt");
    let mut print = Command::new("heaptrack_print");
    print
        .args(["--flamegraph-cost-type", "leaked", "-F"])
        .arg(&stacks)
        .arg("-f")
        .arg(record);
    succeed(&mut print)?;
    Ok(parse::collapsed(&read(&stacks)?))
}

fn async_profiler(jdk: &Jdk, folder: &Path) -> Result<Vec<Reported>, String> {
    let converter = maven::newest("tools.profiler", "jfr-converter")?;
    let stacks = folder.join("leaked.collapsed");
    let mut convert = Command::new(jdk.tool("java"));
    convert
        .arg("-jar")
        .arg(converter)
        .args([
            "--nativemem",
            "--leak",
            "--total",
            "--tail",
            "0",
            "-o",
            "collapsed",
        ])
        .arg(folder.join("profile.jfr"))
        .arg(&stacks);
    succeed(&mut convert)?;
    Ok(parse::collapsed(&read(&stacks)?))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{program} failed: {}", text.trim()))
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|error| {
        let name = file.file_name().unwrap_or_default();
        format!("{}: {error}", name.to_string_lossy())
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The file that was written last among those whose name contains `text`.
fn newest(folder: &Path, text: &str) -> Result<std::path::PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let named = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let matches = entry.file_name().to_string_lossy().contains(text);
        matches.then_some((entry.metadata().ok()?.modified().ok()?, entry.path()))
    });
    let last = named.max();
    last.map(|(_, path)| path)
        .ok_or_else(|| format!("it left no file named like {text}"))
}

fn count(leaks: &[Reported], result: &mut Exactness) {
    let [first_new, first_malloc, step] = SIZES;
    let planted = result.planted;
    let mean = |first: u64| first + step * planted.saturating_sub(1) / 2;
    let through = |function: &str, size: u64| -> u64 {
        let through = leaks.iter().filter(|leak| leak.passes(function));
        through.map(|leak| leak.blocks_of(size)).sum()
    };
    let named = |function: &str, first: u64| -> u64 {
        let is = |index: &u64| {
            leaks.iter().any(|leak| {
                let size = first + step * index;
                leak.passes(function) && leak.bytes >= size && leak.passes_caller(*index)
            })
        };
        (0..planted).filter(is).count() as u64
    };
    result.by_new = through("planted_new", mean(first_new));
    result.by_malloc = through("planted_malloc", mean(first_malloc));
    result.by_new_named = named("planted_new", first_new);
    result.by_malloc_named = named("planted_malloc", first_malloc);
    result.false_alarms = through("freed_twin", mean(first_new));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leak(frames: &[&str], blocks: u64, bytes: u64) -> Reported {
        Reported {
            frames: frames.iter().map(|frame| frame.to_string()).collect(),
            blocks,
            bytes,
        }
    }

    #[test]
    fn merged_unnamed_and_foreign_leaks() {
        let leaks = [
            leak(&["planted_new", "generated.Callers.caller1:7"], 1, 10_024),
            leak(&["planted_new", "generated.Callers.caller12"], 1, 10_211),
            // Bytes only, of both malloc leaks.
            leak(&["planted_malloc(int) (planted.h)", "java"], 0, 40_039),
            leak(&["freed_twin", "main"], 2, 20_000),
            leak(&["JVM_Start"], 5, 999),
        ];
        let mut result = Exactness {
            planted: 2,
            ..Exactness::default()
        };
        count(&leaks, &mut result);
        assert_eq!((result.by_new, result.by_new_named), (2, 1));
        assert_eq!((result.by_malloc, result.by_malloc_named), (2, 0));
        assert_eq!(result.false_alarms, 2);
    }
}
