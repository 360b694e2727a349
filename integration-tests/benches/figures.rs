//! The figures of the design: what HackLeak costs, as ratios to the bare run.
//!
//! What is difficult about it: machines are noisy and drift, so bare and recorded runs alternate and each pair gives one
//! ratio, of which the median counts; and glibc's trimming makes alloc+free loops bimodal with no tool at all, so its
//! tunables are fixed for all runs. Nothing here passes or fails: `make bench` prints, people judge.
//!
//! `--quick` does fewer and shorter runs. RocksDB comes from Maven Central and is left out, visibly, if it cannot be had;
//! heaptrack is measured beside HackLeak if it is installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use integration_tests::java::{Entry, Jdk, Victim};
use integration_tests::{artefacts, workspace};

/// Both runs of a pair get these.
const TUNABLES: &str =
    "glibc.malloc.trim_threshold=268435456:glibc.malloc.top_pad=67108864:glibc.malloc.arena_max=2";

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let scale = Scale {
        pairs: if quick { 3 } else { 11 },
        quick,
    };
    for jdk in Jdk::all() {
        println!("\nJDK {}, {} interleaved pairs", jdk.feature, scale.pairs);
        churn(jdk, &scale);
        rocksdb(jdk, &scale);
        start_and_end(jdk, &scale);
    }
}

struct Scale {
    pairs: usize,
    quick: bool,
}

/// What a run measured, in the workload's own unit.
type Measure<'a> = &'a dyn Fn(Tool) -> f64;

#[derive(Clone, Copy, PartialEq)]
enum Tool {
    Bare,
    HackLeak,
    Heaptrack,
}

/// (bare, tool) of interleaved runs.
fn pairs(scale: &Scale, tool: Tool, measure: Measure) -> Vec<(f64, f64)> {
    measure(Tool::Bare); // warms page cache and CDS
    (0..scale.pairs)
        .map(|_| (measure(Tool::Bare), measure(tool)))
        .collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn ratio(results: &[(f64, f64)]) -> f64 {
    median(results.iter().map(|(bare, tool)| tool / bare))
}

fn print(what: &str, unit: &str, results: &[(f64, f64)], wanted: &str) {
    let bare = median(results.iter().map(|(bare, _)| *bare));
    let tool = median(results.iter().map(|(_, tool)| *tool));
    let over = median(results.iter().map(|(bare, tool)| tool - bare));
    let ratio = ratio(results);
    println!(
        "  {what:<44} bare {bare:8.1}  with {tool:8.1}  over {over:8.1} {unit:<8} × {ratio:5.2}   {wanted}"
    );
}

/// The victims run under one of the tools; `java` holds everything after the program's name. Gives
/// what the victim printed. Waits for the end without polling, which would round short runs.
fn java(jdk: &Jdk, tool: Tool, arguments: &[String]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let program = jdk.tool("java");
    let mut command = match tool {
        Tool::Heaptrack => {
            let mut heaptrack = Command::new("heaptrack");
            // Versions before 1.5 only record, and do not know the option.
            if heaptrack_says("--help", "--record-only") {
                heaptrack.arg("--record-only");
            }
            heaptrack.arg("-o").arg(folder.path().join("heaptrack"));
            heaptrack.arg(program);
            heaptrack
        }
        _ => Command::new(program),
    };
    if tool == Tool::HackLeak {
        command.env("LD_PRELOAD", artefacts::recorder());
        command.env(
            "HACKLEAK_OPTIONS",
            format!("out={}", folder.path().display()),
        );
    }
    command
        .args(arguments)
        .env("GLIBC_TUNABLES", TUNABLES)
        .env_remove("LD_LIBRARY_PATH");
    let output = command.output().expect("java can be started");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn arguments(jdk: &Jdk, victim: &Victim, class_path: Option<&Path>, main: &[&str]) -> Vec<String> {
    let mut path = format!(
        "{}:{}",
        victim.classes().display(),
        jdk.core_classes().display()
    );
    if let Some(jar) = class_path {
        path.push_str(&format!(":{}", jar.display()));
    }
    let mut all = vec!["-cp".to_owned(), path];
    all.push(format!("-Dvictim.library={}", victim.library().display()));
    if jdk.feature >= 24 {
        all.push("--enable-native-access=ALL-UNNAMED".to_owned());
    }
    // Databases in memory, where there is some: the disk would be most of the noise.
    if Path::new("/dev/shm").is_dir() {
        all.push("-Djava.io.tmpdir=/dev/shm".to_owned());
    }
    all.extend(main.iter().map(|word| word.to_string()));
    all
}

/// The number after `result` on the victim's standard output, where tools may write too.
fn number(printed: &str) -> f64 {
    let result = printed
        .lines()
        .find_map(|line| line.strip_prefix("result "));
    let number = result.and_then(|text| text.trim().parse().ok());
    number.unwrap_or_else(|| panic!("no result: {printed}"))
}

/// ns per new+delete pair at native depth 20, below one JNI call.
fn churn(jdk: &Jdk, scale: &Scale) {
    let victim = Victim::new(jdk, "Churn");
    let iterations = if scale.quick { "2000000" } else { "20000000" };
    for depth in ["5", "20", "60"] {
        let arguments = arguments(jdk, &victim, None, &["Churn", iterations, depth]);
        let measure = |tool| number(&java(jdk, tool, &arguments));
        let wanted = if depth == "20" {
            "wanted: at most 60 over"
        } else {
            ""
        };
        let what = format!("new+delete pair, depth {depth}");
        print(&what, "ns", &pairs(scale, Tool::HackLeak, &measure), wanted);
        if heaptrack_installed() && depth == "20" {
            // A tenth of the work: its data file grows with every event.
            let few = self::arguments(jdk, &victim, None, &["Churn", "500000", depth]);
            let measure = |tool| number(&java(jdk, tool, &few));
            let once = Scale { pairs: 3, ..*scale };
            print(
                "  the same with heaptrack",
                "ns",
                &pairs(&once, Tool::Heaptrack, &measure),
                "",
            );
        }
    }
}

/// ms for 300,000 puts, gets and a scan.
fn rocksdb(jdk: &Jdk, scale: &Scale) {
    let jar = match rocksdb_jar() {
        Ok(jar) => jar,
        Err(reason) => return println!("  SKIPPED: RocksDB could not be fetched: {reason}"),
    };
    let jar_text = jar.to_str().expect("paths are UTF-8");
    let victim = Victim::with_jar(jdk, "RocksPutGet", jar_text);
    let count = if scale.quick { "60000" } else { "300000" };
    let arguments = arguments(jdk, &victim, Some(&jar), &["RocksPutGet", count]);
    let measure = |tool| number(&java(jdk, tool, &arguments));
    let what = format!("RocksDB, {count} puts, gets and a scan");
    print(
        &what,
        "ms",
        &pairs(scale, Tool::HackLeak, &measure),
        "wanted: at most × 1.15",
    );
    if heaptrack_installed() {
        let once = Scale { pairs: 3, ..*scale };
        print(
            "  the same with heaptrack",
            "ms",
            &pairs(&once, Tool::Heaptrack, &measure),
            "",
        );
    }
}

/// ms from start to end of a JVM that does nothing.
fn start_and_end(jdk: &Jdk, scale: &Scale) {
    let victim = Victim::new(jdk, "Nothing");
    let arguments = arguments(jdk, &victim, None, &["Nothing"]);
    let measure = |tool| {
        let began = Instant::now();
        java(jdk, tool, &arguments);
        began.elapsed().as_secs_f64() * 1e3
    };
    let many = Scale {
        pairs: scale.pairs * 3,
        ..*scale
    };
    print(
        "JVM that starts and ends, preload",
        "ms",
        &pairs(&many, Tool::HackLeak, &measure),
        "wanted: at most × 1.30",
    );

    let agent = format!("-agentpath:{}", artefacts::recorder().display());
    let with_agent: Vec<String> = std::iter::once(agent)
        .chain(arguments.iter().cloned())
        .collect();
    let measure = |tool| {
        let began = Instant::now();
        java(
            jdk,
            tool,
            if tool == Tool::HackLeak {
                &with_agent
            } else {
                &arguments
            },
        );
        began.elapsed().as_secs_f64() * 1e3
    };
    let what = format!("JVM that starts and ends, {:?}", Entry::Agent).to_lowercase();
    print(
        &what.replace("jvm", "JVM"),
        "ms",
        &pairs(&many, Tool::HackLeak, &measure),
        "wanted: at most × 1.30",
    );
}

fn heaptrack_installed() -> bool {
    heaptrack_says("--version", "heaptrack")
}

fn heaptrack_says(option: &str, text: &str) -> bool {
    let output = Command::new("heaptrack").arg(option).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(text))
}

/// The jar of the demo's version, from the local Maven repository or from Maven Central.
fn rocksdb_jar() -> Result<PathBuf, String> {
    let pom = workspace::root().join("integration-tests/projects/demo-rocksdb/pom.xml");
    let pom = std::fs::read_to_string(pom).map_err(|e| format!("the demo's pom.xml: {e}"))?;
    let version = version_after(&pom, "<artifactId>rocksdbjni</artifactId>");
    let version = version.ok_or("the demo's pom.xml names no version")?;
    let folder = workspace::target().join("victims/jars");
    let jar = folder.join(format!("rocksdbjni-{version}.jar"));
    if !jar.exists() {
        let mut command = Command::new("mvn");
        let goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
        command.args(["-q", "-B", "-ntp", goal]);
        command.arg(format!("-Dartifact=org.rocksdb:rocksdbjni:{version}"));
        command.arg(format!("-DoutputDirectory={}", folder.display()));
        let output = command.output().map_err(|e| format!("mvn: {e}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stdout).into_owned());
        }
    }
    Ok(jar)
}

/// The text of the first `<version>` after `marker`.
fn version_after<'a>(pom: &'a str, marker: &str) -> Option<&'a str> {
    let rest = &pom[pom.find(marker)?..];
    let rest = &rest[rest.find("<version>")? + "<version>".len()..];
    rest.split('<').next()
}
