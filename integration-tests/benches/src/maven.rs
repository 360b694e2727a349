//! Jars from Maven Central, kept in the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::workspace;

/// `GROUP:ARTIFACT:VERSION`.
pub fn jar(artifact: &str) -> Result<PathBuf, String> {
    let mut parts = artifact.split(':').skip(1);
    let (Some(name), Some(version)) = (parts.next(), parts.next()) else {
        return Err(format!("{artifact} is not GROUP:ARTIFACT:VERSION"));
    };
    let folder = workspace::target().join("bench/jars");
    let jar = folder.join(format!("{name}-{version}.jar"));
    if !jar.exists() {
        copy(artifact, &folder)?;
    }
    Ok(jar)
}

/// The newest version; the one that was fetched last where Maven Central cannot be reached.
pub fn newest(group: &str, name: &str) -> Result<PathBuf, String> {
    let folder = workspace::target().join("bench/jars").join(name);
    let copied = copy(&format!("{group}:{name}:LATEST"), &folder);
    let jars = fs::read_dir(&folder).into_iter().flatten();
    let jars = jars.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
    });
    match jars.max() {
        Some((_, jar)) => Ok(jar),
        None => Err(copied
            .err()
            .unwrap_or_else(|| format!("Maven copied no {name}"))),
    }
}

fn copy(artifact: &str, folder: &Path) -> Result<(), String> {
    let mut command = Command::new("mvn");
    let goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
    command.args(["-q", "-B", "-ntp", goal]);
    command.arg(format!("-Dartifact={artifact}"));
    command.arg(format!("-DoutputDirectory={}", folder.display()));
    let output = command
        .output()
        .map_err(|error| format!("mvn cannot be started: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "{artifact} could not be fetched from Maven Central"
        ))
    }
}
