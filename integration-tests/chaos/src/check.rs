//! Compares a recorded run with the bare one, and the record with what the script leaves.
//!
//! Sizes are looked at in the image itself, block for block, because a site of the report may join
//! blocks of several sizes. The report must then have the same sum: so there is nothing else in it.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use hackleak_image::Image;
use integration_tests::{Process, Report, Site};

use crate::case::Case;
use crate::run::Outcome;
use crate::script::{Blocks, Program};
use crate::{case::Host, stacks};

/// A program of the case, as a record should have it.
struct Owner {
    name: String,
    /// All that it leaves if it comes to its end.
    blocks: Blocks,
    /// The function that leaves a block of that size.
    functions: BTreeMap<u64, String>,
    /// What it has left for sure.
    least: Blocks,
    loose: bool,
    first: bool,
}

/// What is wrong; nothing if the case holds.
pub fn check(case: &Case, bare: &Outcome, recorded: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    if bare.said.values().any(|said| said.contains("could not ")) || bare.status.is_none() {
        wrong.push(format!(
            "the victim itself fails, unrecorded: {}, {:?}",
            bare.end(),
            bare.said
        ));
        return wrong;
    }
    if recorded.status.is_none() {
        wrong.push("the recorded run did not end".to_owned());
        return wrong;
    }
    if !recorded.killed {
        compare_runs(case, bare, recorded, &mut wrong);
    }
    compare_record(case, recorded, &mut wrong);
    wrong
}

fn compare_runs(case: &Case, bare: &Outcome, recorded: &Outcome, wrong: &mut Vec<String>) {
    if bare.end() != recorded.end() {
        wrong.push(format!(
            "ended with {}, bare with {}",
            recorded.end(),
            bare.end()
        ));
    }
    let names = bare
        .said
        .keys()
        .chain(recorded.said.keys())
        .collect::<std::collections::BTreeSet<_>>();
    for name in names {
        let [bare, with] =
            [bare, recorded].map(|outcome| outcome.said.get(name).map_or("", String::as_str));
        let with = match name.as_str() {
            "stderr" => without_our_lines(case, with, bare),
            // A program that inherits this file as its standard error says there what is missing.
            "mine" if case.loses_records() => {
                let executes = case
                    .program
                    .steps
                    .iter()
                    .any(|step| step.executes.is_some());
                let ours = with.find("hackleak: ").filter(|_| executes);
                with[..ours.unwrap_or(with.len())].to_owned()
            }
            _ => with.to_owned(),
        };
        // The order of threads is nobody's.
        let same = if name == "stacks" {
            bare.lines().count() == with.lines().count()
        } else {
            bare == with
        };
        if !same {
            wrong.push(format!("`{name}` differs: {with:?}, bare {bare:?}"));
        }
    }
}

/// Standard error without what the recorder may say there.
fn without_our_lines(case: &Case, stderr: &str, bare: &str) -> String {
    let ours = |line: &&str| case.loses_records() && line.starts_with("hackleak:");
    let theirs: String = stderr
        .lines()
        .filter(|line| !ours(line))
        .map(|line| format!("{line}\n"))
        .collect();
    // The exit report stands where the JVM's own words end.
    if case.options.contains("exit=report") && theirs.starts_with(bare) {
        return bare.to_owned();
    }
    theirs
}

fn owners(case: &Case, recorded: &Outcome) -> Vec<Owner> {
    let done = if recorded.killed {
        recorded.steps_done()
    } else {
        usize::MAX
    };
    let mut all = Vec::new();
    add_owners(&case.program, "main", done, &mut all);
    all[0].first = true;
    all
}

fn add_owners(program: &Program, name: &str, done: usize, all: &mut Vec<Owner>) {
    all.push(Owner {
        name: name.to_owned(),
        blocks: program.leaves(usize::MAX),
        functions: program.functions(),
        least: program.leaves(done),
        loose: program.is_loose(),
        first: false,
    });
    for (at, step) in program.steps.iter().enumerate() {
        if let Some((name, child)) = &step.executes {
            add_owners(child, name, if at < done { usize::MAX } else { 0 }, all);
        }
        if let Some(bytes) = step.forked {
            let blocks = Blocks::from([(("malloc".to_owned(), bytes), 1)]);
            all.push(Owner {
                name: format!("fork at step {at}"),
                least: if at < done {
                    blocks.clone()
                } else {
                    Blocks::new()
                },
                blocks,
                functions: BTreeMap::new(),
                loose: true,
                first: false,
            });
        }
    }
}

fn compare_record(case: &Case, recorded: &Outcome, wrong: &mut Vec<String>) {
    let owners = owners(case, recorded);
    let images = match images(recorded) {
        Ok(images) => images,
        Err(error) => {
            if !(case.disk.is_some() || recorded.killed) {
                wrong.push(format!("an image cannot be read: {error}"));
            }
            return;
        }
    };
    let report = match report(recorded, images.is_empty()) {
        Ok(report) => report,
        Err(error) => {
            wrong.push(format!("no report: {error}"));
            return;
        }
    };
    let mut found = vec![0; owners.len()];
    for image in &images {
        let process = report.iter().find(|process| process.1 == image.path());
        let Some((process, _)) = process else {
            wrong.push(format!("not in the report: {}", image.path().display()));
            continue;
        };
        let blocks = known_blocks(image, &owners);
        let Some(at) = owner_of(&blocks, &owners, image, recorded) else {
            // A child that leaves nothing, or was killed before it did.
            continue;
        };
        found[at] += 1;
        compare_process(case, recorded, &owners[at], &blocks, process, wrong);
        if let (Host::Java { .. }, true) = (&case.host, owners[at].first) {
            stacks::compare(case, recorded, image, process, wrong);
        }
    }
    for (owner, found) in owners.iter().zip(found) {
        let needed = !owner.least.is_empty() && !case.loses_records();
        if found > 1 || (needed && found == 0) {
            wrong.push(format!("{} has {found} records", owner.name));
        }
    }
}

fn images(recorded: &Outcome) -> Result<Vec<Image>, String> {
    let mut images = Vec::new();
    let entries = fs::read_dir(recorded.images()).map_err(|e| e.to_string())?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "hackleak"))
    {
        images.push(Image::open(path).map_err(|e| e.to_string())?);
    }
    Ok(images)
}

/// A report for each image, so that it is known which is whose.
fn report(recorded: &Outcome, empty: bool) -> Result<Vec<(Process, PathBuf)>, String> {
    if empty {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for image in images(recorded)? {
        let path = image.path().to_owned();
        let report = catch_unwind(AssertUnwindSafe(|| Report::of([&path])));
        let report = report.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.unwrap_or_else(|| "the reporter's checks failed".to_owned())
        })?;
        let only = report.processes.into_iter().next();
        all.push((only.ok_or("a report without a process")?, path));
    }
    Ok(all)
}

/// The blocks of an image whose sizes the case knows.
fn known_blocks(image: &Image, owners: &[Owner]) -> Blocks {
    let sizes: std::collections::BTreeSet<u64> = owners
        .iter()
        .flat_map(|owner| owner.blocks.keys().map(|(_, bytes)| *bytes))
        .chain([900_001])
        .collect();
    let mut blocks = Blocks::new();
    for record in image
        .live_records(0)
        .filter(|record| sizes.contains(&record.size))
    {
        *blocks
            .entry((record.kind.name().to_owned(), record.size))
            .or_default() += 1;
    }
    blocks
}

fn owner_of(blocks: &Blocks, owners: &[Owner], image: &Image, recorded: &Outcome) -> Option<usize> {
    let by_block = owners
        .iter()
        .position(|owner| owner.blocks.keys().any(|block| blocks.contains_key(block)));
    let first = image.header().pid == recorded.pid;
    by_block.or(first.then_some(0).filter(|_| owners[0].blocks.is_empty()))
}

fn difference(from: &Blocks, to: &Blocks) -> Vec<String> {
    let more = from
        .iter()
        .filter(|(block, count)| to.get(*block).unwrap_or(&0) < count);
    more.map(|((kind, bytes), _)| format!("{kind} of {bytes}"))
        .collect()
}

fn compare_process(
    case: &Case,
    recorded: &Outcome,
    owner: &Owner,
    blocks: &Blocks,
    process: &Process,
    wrong: &mut Vec<String>,
) {
    let name = &owner.name;
    let missing = difference(&owner.least, blocks);
    let foreign = difference(blocks, &owner.blocks);
    if !foreign.is_empty() {
        wrong.push(format!("{name}: not left, or not there: {foreign:?}"));
    }
    let lost: BTreeMap<&str, u64> = losses(process);
    if !missing.is_empty() {
        let said = case.loses_records() && process.verdict != "clean" && !lost.is_empty();
        if !said {
            let what = (&process.verdict, &process.notes);
            wrong.push(format!(
                "{name}: not recorded: {missing:?}; verdict and notes {what:?}"
            ));
        }
    }
    if !process.invalid_frees.is_empty() {
        wrong.push(format!(
            "{name}: invalid frees: {:?}",
            process.invalid_frees
        ));
    }
    if !case.loses_records() && !lost.is_empty() {
        wrong.push(format!("{name}: lost: {lost:?}"));
    }
    let expected: u64 = owner.blocks.values().sum();
    if expected > 0 && missing.is_empty() && !recorded.killed && process.verdict == "clean" {
        wrong.push(format!("{name}: clean by mistake"));
    }
    let by_signal = recorded
        .status
        .is_some_and(|status| status.code().is_none());
    if owner.first && by_signal && !case.is_java() && process.state != "killed" {
        wrong.push(format!(
            "{name}: ended by a signal, and is said to be {}",
            process.state
        ));
    }
    for site in process.leaks.sites.iter().filter(|site| site.blocks == 1) {
        if let Some(name) = innocent(site, owner) {
            wrong.push(format!(
                "{name} did not leave {} bytes: {:?}",
                site.bytes,
                site.names()
            ));
        }
    }
    compare_sums(case, recorded, owner, process, missing.is_empty(), wrong);
}

/// A piece in the stack of a block that another piece left.
fn innocent(site: &Site, owner: &Owner) -> Option<String> {
    let function = owner.functions.get(&site.bytes)?;
    let mut pieces = site
        .names()
        .into_iter()
        .filter(|name| name.contains("::piece_"));
    pieces.find(|name| !name.ends_with(function.as_str()))
}

/// The report has nothing but what the script leaves.
fn compare_sums(
    case: &Case,
    recorded: &Outcome,
    owner: &Owner,
    process: &Process,
    whole: bool,
    wrong: &mut Vec<String>,
) {
    if owner.loose || recorded.killed || !whole || case.is_java() {
        return;
    }
    let count: u64 = owner.blocks.values().sum();
    let bytes: u64 = owner
        .blocks
        .iter()
        .map(|((_, bytes), count)| bytes * count)
        .sum();
    // A script does not say which descriptors its pieces leave open.
    let is_memory = |site: &&Site| site.kind != "file descriptor";
    let sites = || process.leaks.sites.iter().filter(is_memory);
    let reported = (
        sites().map(|site| site.blocks).sum::<u64>(),
        sites().map(|site| site.bytes).sum::<u64>(),
    );
    if reported != (count, bytes) {
        let most: Vec<_> = sites()
            .map(|site| (site.bytes, site.blocks, site.names()))
            .collect();
        wrong.push(format!(
            "{}: {} bytes in {} blocks reported, {bytes} in {count} are left: {most:?}",
            owner.name, reported.1, reported.0
        ));
    }
}

/// Counters of events that are missing, in whole or in part.
fn losses(process: &Process) -> BTreeMap<&str, u64> {
    const LOSSES: [&str; 10] = [
        "droppedNoSegment",
        "droppedAddress",
        "stackTreeFull",
        "contextsFull",
        "namesFull",
        "thunksFull",
        "threadsFull",
        "segmentsInMemory",
        "timelineFull",
        "logLost",
    ];
    let counters = process
        .counters
        .iter()
        .map(|(name, count)| (name.as_str(), *count));
    counters
        .filter(|(name, count)| *count > 0 && LOSSES.contains(name))
        .collect()
}
