//! Runs seeds, keeps what is needed of a failure, and makes its script shorter.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use integration_tests::workspace;

use crate::case::Case;
use crate::{check, run};

/// What became of a seed that does not hold.
#[derive(Debug)]
pub struct Failure {
    /// The case, as short as it could be made.
    pub case: Case,
    /// What is wrong with it.
    pub wrong: Vec<String>,
    /// The folder with its scripts, outputs and images.
    pub folder: PathBuf,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "seed {} ({})", self.case.seed, self.case.summary())?;
        for line in &self.wrong {
            let short: String = line.chars().take(1500).collect();
            writeln!(f, "  {short}")?;
        }
        writeln!(f, "  kept: {}", self.folder.display())?;
        write!(f, "  again: make chaos SEED={}", self.case.seed)
    }
}

/// Runs the case bare and recorded; what is wrong, and the folder, which the caller removes.
pub fn run(case: &Case, folder: &Path) -> Vec<String> {
    let _ = fs::remove_dir_all(folder);
    let bare = run::bare(case, &folder.join("bare"));
    let recorded = run::recorded(case, &folder.join("recorded"));
    check::check(case, &bare, &recorded)
}

/// Where the folders of failures are kept.
fn kept(seed: u64) -> PathBuf {
    workspace::target()
        .join("chaos")
        .join(format!("seed-{seed}"))
}

/// Runs one seed; a failure keeps its folder.
pub fn seed(seed: u64, shorten: bool) -> Result<(), Box<Failure>> {
    let case = Case::of(seed);
    let folder = kept(seed);
    let wrong = run(&case, &folder);
    if wrong.is_empty() {
        let _ = fs::remove_dir_all(&folder);
        return Ok(());
    }
    let (case, wrong) = if shorten {
        shorter(case, wrong, &folder)
    } else {
        (case, wrong)
    };
    let failure = Failure {
        case,
        wrong,
        folder,
    };
    let _ = fs::write(failure.folder.join("failure.txt"), format!("{failure}\n"));
    Err(Box::new(failure))
}

/// Drops steps as long as the case fails; it is tried thrice, since chance may be in it.
fn shorter(mut case: Case, mut wrong: Vec<String>, folder: &Path) -> (Case, Vec<String>) {
    let began = Instant::now();
    let trial = folder.with_extension("shorter");
    let mut at = 0;
    while at + 1 < case.program.steps.len() && began.elapsed() < Duration::from_secs(60) {
        let mut less = case.clone();
        less.program.steps.remove(at);
        let still = (0..3)
            .map(|_| run(&less, &trial))
            .find(|wrong| !wrong.is_empty());
        match still {
            Some(still) => {
                let _ = fs::remove_dir_all(folder.join("shorter"));
                let _ = fs::rename(&trial, folder.join("shorter"));
                (case, wrong) = (less, still);
            }
            None => at += 1,
        }
    }
    let _ = fs::remove_dir_all(&trial);
    (case, wrong)
}

/// Runs the seeds in turn until they or the time are used up; failures are said as they come.
pub fn seeds(
    seeds: impl Iterator<Item = u64>,
    time: Duration,
    verbose: bool,
) -> (u64, Vec<Failure>) {
    let began = Instant::now();
    let (mut count, mut failures) = (0, Vec::new());
    for number in seeds {
        if began.elapsed() > time {
            break;
        }
        if verbose {
            println!("seed {number}: {}", Case::of(number).summary());
        }
        count += 1;
        if let Err(failure) = seed(number, true) {
            println!("{failure}");
            failures.push(*failure);
        }
    }
    (count, failures)
}
