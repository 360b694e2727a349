//! Reports from whatever is named: images, folders of images, and reports in JSON that were
//! written before.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use hackleak_report::baseline::Baseline;
use hackleak_report::model::SCHEMA_VERSION;
use hackleak_report::{Process, Report, Selection};

use crate::{images, known, output, standard_input};

/// The report on `inputs` without what `known` leaves out but the baselines. What cannot be read is
/// in the report, and said on stderr; it is an error when nothing is left.
pub(crate) fn read(
    inputs: &[PathBuf],
    selection: &Selection,
    known: &known::Args,
) -> anyhow::Result<Report> {
    let besides = known.besides()?;
    let mut report = Report::new(Vec::new());
    let mut read = false;
    let (images, mut errors) = images::find(inputs);
    let mut files = HashSet::new();
    let mut reports = Vec::new();
    for input in images {
        // A folder and a file in it, a file and a link to it.
        if !files.insert(std::fs::canonicalize(&input).unwrap_or_else(|_| input.clone())) {
            continue;
        }
        // A pipe without a writer would never open.
        if std::fs::metadata(&input).is_ok_and(|it| !it.is_file() && !it.is_dir()) {
            let file = input.display();
            let error = anyhow!(
                "`{file}` is not a file: name an image or a report, or `-` for standard input"
            );
            errors.push(images::unreadable_file(&input, &error));
            continue;
        }
        if is_json(&input) {
            if *selection != Selection::default() || known.needs_image() {
                bail!(
                    "`{}` is a report: --since, --scope, suppressions and known leaks need its image",
                    input.display()
                );
            }
            match read_json(&input) {
                Ok(found) => {
                    read = true;
                    reports.extend(found.processes);
                    report.unreadable.extend(found.unreadable);
                    report.baselines.extend(found.baselines);
                }
                Err(error) => errors.push(images::unreadable_file(&input, &error)),
            }
            continue;
        }
        match images::process(&input, selection, &besides) {
            Ok(process) => {
                read = true;
                report.processes.push(process);
            }
            Err(error) => errors.push(images::unreadable_file(&input, &error)),
        }
    }
    let of_images: HashSet<_> = report.processes.iter().map(identity).collect();
    // One of a check may tell what was freed later, so it counts beside the image.
    let is_whole = |process: &Process| process.leaks.since.is_none();
    reports.retain(|process| !is_whole(process) || !of_images.contains(&identity(process)));
    report.processes.splice(0..0, reports);
    match errors.split_last() {
        Some((last, others)) if !read => {
            others
                .iter()
                .for_each(|error| output::complain(&error.reason));
            bail!("{}", last.reason);
        }
        _ => errors
            .iter()
            .for_each(|error| output::complain(&error.reason)),
    }
    report.unreadable.extend(errors);
    Ok(report)
}

/// What tells a process from others: a report that was made of an image has what the image has.
fn identity(process: &Process) -> (u32, u64, String) {
    (process.pid, process.start_unix_ns, process.exe.clone())
}

/// The same without what baselines know: the one of the command line, or those that were
/// recorded with.
pub(crate) fn read_judged(
    inputs: &[PathBuf],
    selection: &Selection,
    known: &known::Args,
) -> anyhow::Result<Report> {
    // A wrong baseline is said before a long report is made.
    let baseline = match &known.baseline {
        None => None,
        Some(file) => Some((
            file.display().to_string(),
            Baseline::read(&standard_input::or_kept(file)?)?,
        )),
    };
    let mut report = read(inputs, selection, known)?;
    match &baseline {
        Some((file, baseline)) => report.subtract_baselines(Some((file, baseline))),
        // A report in JSON has been compared already.
        None if report.baselines.is_empty() => report.subtract_baselines(None),
        None => {}
    }
    Ok(report)
}

/// All of `inputs`, or an error: half of the leaks would make a wrong comparison.
pub(crate) fn read_whole(inputs: &[PathBuf], known: &known::Args) -> anyhow::Result<Report> {
    let report = read(inputs, &Selection::default(), known)?;
    match report.unreadable.len() {
        0 => Ok(report),
        some => bail!("{some} of the images cannot be read: take them away, or record again"),
    }
}

/// Whether a file begins as a JSON object does; an image never does.
pub(crate) fn is_json(file: &Path) -> bool {
    let mut start = [0; 64];
    let read = File::open(file).and_then(|mut file| file.read(&mut start));
    let start = &start[..read.unwrap_or(0)];
    start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

fn read_json(file: &Path) -> anyhow::Result<Report> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the report `{}`", file.display()))?;
    let report: Report = serde_json::from_str(&text).with_context(|| {
        format!(
            "`{}` is no report: `hackleak report --format json` makes one",
            file.display()
        )
    })?;
    if report.schema_version != SCHEMA_VERSION {
        bail!(
            "the report `{}` has version {}, and this hackleak reads version {SCHEMA_VERSION}: make \
             it anew from its images",
            file.display(),
            report.schema_version
        );
    }
    Ok(report)
}
