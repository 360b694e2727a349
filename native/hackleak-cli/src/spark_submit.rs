//! `hackleak spark-submit`: `spark-submit` with the plugin switched on and the driver recorded.
//!
//! The plugin does the rest: it has the executors recorded, and writes one report on all of them.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use crate::run::{Recorded, options_of_environment};
use crate::{exit, output};

const PLUGIN: &str = "dev.hackleak.spark.HackLeakPlugin";
/// Names the jars of the plugin where they are elsewhere.
const VARIABLE: &str = "HACKLEAK_SPARK_JARS";
/// The jars, by the beginning of their names.
const JARS: [&str; 2] = ["hackleak-core-", "hackleak-spark-"];

const NOTES: &str = "\
Everything after the options is passed to the `spark-submit` of SPARK_HOME, or that of PATH. In \
between, `spark.plugins`, `--jars` and the settings `spark.hackleak.*` are filled in; what is given \
there stays. The driver runs where this command does (--deploy-mode client), and the recorder has \
the same path on each host.

Each run gets a folder of its own in DIR, with the images and the report of the application.

Examples:
  hackleak spark-submit --master 'local[2]' job.py
  hackleak spark-submit --out build/leaks --master yarn --class app.Main app.jar";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct SparkSubmit {
    /// Folder for images and the report, created when missing [default: that of HACKLEAK_OPTIONS,
    /// or hackleak-out]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    zero: exit::Zero,
    /// The arguments of spark-submit; options of `hackleak spark-submit` go before them
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    arguments: Vec<OsString>,
}

/// Runs spark-submit and returns the exit code.
pub(crate) fn spark_submit(given: &SparkSubmit) -> anyhow::Result<u8> {
    let jars = jars()?;
    let program = program();
    let recorded = Recorded::prepare(given.out.as_deref(), options_of_environment()?)?;
    let arguments = filled(&given.arguments, &jars, &recorded);
    let command: Vec<OsString> = std::iter::once(program).chain(arguments).collect();
    let code = match recorded.run(&command, false) {
        Ok(code) => code,
        Err(not_run) => return Ok(not_run),
    };
    let said = match verdict(recorded.folder())? {
        Some(code) => given.zero.of(code),
        None => {
            output::complain(
                "the application has left no report: no SparkContext was started or stopped by \
                 this driver, or the plugin was not loaded; see the log of spark-submit",
            );
            exit::FAILED
        }
    };
    // The command's own failure goes first.
    Ok(if code == exit::CLEAN { said } else { code })
}

fn program() -> OsString {
    match env::var_os("SPARK_HOME") {
        Some(home) => Path::new(&home).join("bin/spark-submit").into_os_string(),
        None => "spark-submit".into(),
    }
}

/// The arguments with the plugin, its jars and its settings. Settings go before what is given, so
/// that this overrides them; lists are joined, because spark-submit takes the last one.
fn filled(given: &[OsString], jars: &str, recorded: &Recorded) -> Vec<OsString> {
    let mut given = given.to_vec();
    let mut filled: Vec<OsString> = Vec::new();
    for (key, value) in [
        ("spark.hackleak.library", recorded.library()),
        ("spark.hackleak.out", &recorded.folder().to_string_lossy()),
        // Where the first one is overridden, this command still finds the report.
        (
            "spark.hackleak.localOut",
            &recorded.folder().to_string_lossy(),
        ),
    ] {
        filled.extend(["--conf".into(), format!("{key}={value}").into()]);
    }
    let plugins = join_conf(&mut given, "spark.plugins", PLUGIN);
    if !plugins {
        filled.extend(["--conf".into(), format!("spark.plugins={PLUGIN}").into()]);
    }
    match given.iter().position(|it| it == "--jars") {
        Some(at) if at + 1 < given.len() => {
            given[at + 1].push(",");
            given[at + 1].push(jars);
        }
        _ => filled.extend(["--jars".into(), jars.into()]),
    }
    filled.extend(given);
    filled
}

/// Adds `more` to the list `key` of a `--conf`; false if there is none.
fn join_conf(given: &mut [OsString], key: &str, more: &str) -> bool {
    let is_it = |text: &str| text.split_once('=').is_some_and(|(name, _)| name == key);
    for at in 1..given.len() {
        let is_conf = given[at - 1] == "--conf" || given[at - 1] == "-c";
        let Some(text) = given[at].to_str().filter(|text| is_conf && is_it(text)) else {
            continue;
        };
        if !text.contains(more) {
            given[at] = format!("{text},{more}").into();
        }
        return true;
    }
    false
}

/// The jars of the plugin, with commas between: what the variable names, else beside this program,
/// in `../lib`, `../java`, or where Maven builds them in a checkout.
fn jars() -> anyhow::Result<String> {
    if let Ok(named) = env::var(VARIABLE) {
        return Ok(named);
    }
    let program = env::current_exe().context("cannot find out where this program is")?;
    let folder = program.parent().unwrap_or(Path::new("/"));
    let mut found: Vec<String> = Vec::new();
    for jar in JARS {
        let module = jar.trim_end_matches('-');
        let places = [
            folder.to_owned(),
            folder.join("../lib"),
            folder.join("../java"),
            folder.join("../../java").join(module).join("target"),
        ];
        let Some(file) = places.iter().find_map(|place| jar_in(place, jar)) else {
            bail!(
                "no {jar}*.jar beside `{}`: name it and the other jar of the plugin in {VARIABLE}, \
                 with a comma between",
                program.display()
            );
        };
        found.push(file);
    }
    Ok(found.join(","))
}

fn jar_in(folder: &Path, begin: &str) -> Option<String> {
    let files = fs::read_dir(folder).ok()?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let is_it = |name: &String| {
        name.starts_with(begin)
            && name.ends_with(".jar")
            && !["-tests.jar", "-sources.jar", "-javadoc.jar"]
                .iter()
                .any(|other| name.ends_with(other))
    };
    let newest = names.filter(is_it).max()?;
    let file = folder.join(newest).canonicalize().ok()?;
    file.into_os_string().into_string().ok()
}

/// The heaviest verdict of the applications that have left a report in the folder.
fn verdict(folder: &Path) -> anyhow::Result<Option<u8>> {
    let cannot_read = || format!("cannot read the reports in `{}`", folder.display());
    let mut code = None;
    for file in fs::read_dir(folder).with_context(cannot_read)? {
        let path = file.with_context(cannot_read)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("spark-") || !name.ends_with(".json") {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(cannot_read)?;
        let report: Value = serde_json::from_str(&text).with_context(cannot_read)?;
        let this = match report["verdict"].as_str() {
            Some("clean") => exit::CLEAN,
            Some("leaks") => exit::LEAKS,
            _ => exit::INCOMPLETE,
        };
        code = Some(exit::weightier(code.unwrap_or(exit::CLEAN), this));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[&str]) -> Vec<OsString> {
        of.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_list_of_plugins_is_joined() {
        let mut given = texts(&["--conf", "spark.plugins=a.B", "job.py", "spark.plugins=x"]);
        assert!(join_conf(&mut given, "spark.plugins", PLUGIN));
        assert_eq!(
            given[1],
            OsString::from(format!("spark.plugins=a.B,{PLUGIN}"))
        );
        assert_eq!(given[3], "spark.plugins=x");
        let before = given.clone();
        assert!(join_conf(&mut given, "spark.plugins", PLUGIN));
        assert_eq!(given, before);
        assert!(!join_conf(
            &mut texts(&["--conf", "a=b"]),
            "spark.plugins",
            PLUGIN
        ));
    }

    #[test]
    fn the_heaviest_verdict_of_several_applications_counts() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert_eq!(verdict(folder.path()).expect("a folder"), None);
        for (name, said, code) in [
            ("spark-a.json", "clean", exit::CLEAN),
            ("spark-b.json", "incomplete", exit::INCOMPLETE),
            ("spark-c.json", "leaks", exit::LEAKS),
        ] {
            let text = format!("{{\"verdict\": \"{said}\"}}");
            fs::write(folder.path().join(name), text).expect("it is writable");
            assert_eq!(verdict(folder.path()).expect("a folder"), Some(code));
        }
    }
}
