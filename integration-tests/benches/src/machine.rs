//! What the figures were measured on.

use std::fs;
use std::process::Command;

use integration_tests::Jdk;

/// Name and value of what a reader must know of the machine.
pub fn describe(jdk: &Jdk) -> Vec<(String, String)> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = value(&cpu, "model name", ':').unwrap_or("unknown");
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = value(&memory, "MemTotal", ':').unwrap_or("unknown");
    let release = fs::read_to_string(jdk.home.join("release")).unwrap_or_default();
    let version = value(&release, "JAVA_VERSION", '=').unwrap_or("unknown");
    let vendor = value(&release, "IMPLEMENTOR", '=').unwrap_or("unknown");
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let facts = [
        ("processor", format!("{model}, {cpus} cores")),
        ("memory", memory.to_owned()),
        ("kernel", first_line("uname", &["-sr"])),
        ("libc", first_line("ldd", &["--version"])),
        ("compiler", first_line("g++", &["--version"])),
        (
            "JDK",
            format!(
                "{} ({})",
                version.trim_matches('"'),
                vendor.trim_matches('"')
            ),
        ),
        ("date", first_line("date", &["-u", "+%Y-%m-%d"])),
    ];
    let facts = facts.map(|(name, value)| (name.to_owned(), value));
    facts.to_vec()
}

/// The value of the first line that begins with `name`.
fn value<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(separator)?.1.trim())
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let line = text.unwrap_or_default().lines().next().map(str::to_owned);
    line.unwrap_or_else(|| "unknown".to_owned())
}
