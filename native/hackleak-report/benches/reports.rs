//! From an image with a million live blocks at ten thousand sites to a report, JSON and HTML.
//!
//! The modules of the image have no files, so no symbols are looked up: this is the time of
//! everything else. Prints the best of five runs, in time that passed and in processor time.

use std::time::{Duration, Instant};

use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::{Process, Report, Selection, render};

const RECORDS: u64 = 1_000_000;
const SITES: u64 = 10_000;
const RUNS: usize = 5;

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the image");
    let path = folder.path().join("large.hackleak");
    ImageBuilder::large(RECORDS, SITES)
        .write(&path)
        .expect("the image can be written");
    let read = || {
        let process = Process::of_image(&path, &Selection::default()).expect("an image");
        Report::new(vec![process])
    };
    let report = read();
    assert_eq!(report.leaked().1, RECORDS);
    assert_eq!(report.processes[0].leaks.sites.len() as u64, SITES);
    println!("{RECORDS} blocks at {SITES} sites");
    measure("image to report", || read().processes.len());
    measure("report to JSON", || {
        render::json(&report).expect("JSON").len()
    });
    measure("report to HTML", || {
        render::html(&report).expect("HTML").len()
    });
    measure("image to JSON", || {
        render::json(&read()).expect("JSON").len()
    });
    measure("image to HTML", || {
        render::html(&read()).expect("HTML").len()
    });
}

fn measure(what: &str, work: impl Fn() -> usize) {
    let runs = (0..RUNS).map(|_| {
        let (began, used) = (Instant::now(), processor_time());
        let size = work();
        (began.elapsed(), processor_time() - used, size)
    });
    let runs: Vec<(Duration, Duration, usize)> = runs.collect();
    let elapsed = runs.iter().map(|run| run.0).min().unwrap_or_default();
    let used = runs.iter().map(|run| run.1).min().unwrap_or_default();
    println!(
        "{what}: {} ms elapsed, {} ms of processor time, {} bytes",
        elapsed.as_millis(),
        used.as_millis(),
        runs[0].2
    );
}

/// User and system time of this process until now: fields 14 and 15 of `/proc/self/stat`, in
/// hundredths of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields = after.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
