//! Finding images, and reading all of them.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use hackleak_report::model::Unreadable;
use hackleak_report::{Besides, Process, Report, Selection, packed};

use crate::{maps, output, standard_input, thin};

/// The images that `inputs` name: files as they are, `-` for standard input, the numbers of running
/// processes, folders with the images in them and in their folders; and what has none or cannot be
/// read.
pub(crate) fn find(inputs: &[PathBuf]) -> (Vec<PathBuf>, Vec<Unreadable>) {
    let mut images = Vec::new();
    let mut errors = Vec::new();
    for input in inputs {
        if let Some(pid) = process_number(input) {
            match maps::image_of(pid) {
                Ok(image) => images.push(image),
                Err(error) => errors.push(unreadable_file(input, &error)),
            }
            continue;
        }
        if !input.is_dir() {
            match standard_input::or_kept(input) {
                Ok(input) => images.push(input),
                Err(error) => errors.push(unreadable_file(input, &error)),
            }
            continue;
        }
        match in_folder(input) {
            Ok((found, unreadable)) if found.is_empty() && unreadable.is_empty() => {
                let folder = input.display();
                let error = anyhow!("no images in `{folder}`: nothing was recorded there");
                errors.push(unreadable_file(input, &error));
            }
            Ok((found, unreadable)) => {
                images.extend(found);
                errors.extend(unreadable);
            }
            Err(error) => errors.push(unreadable_file(input, &error)),
        }
    }
    (images, errors)
}

/// The number of a process, unless there is a file of that name.
pub(crate) fn process_number(input: &Path) -> Option<u32> {
    let number = input.to_str()?.parse().ok()?;
    (!input.exists()).then_some(number)
}

/// A file, and why it cannot be read.
pub(crate) fn unreadable_file(file: &Path, error: &anyhow::Error) -> Unreadable {
    Unreadable {
        file: file.to_string_lossy().into_owned(),
        reason: output::sentence(error),
    }
}

/// The images in `folder` and in the folders directly in it, by path, and those of the latter that
/// cannot be read.
pub(crate) fn in_folder(folder: &Path) -> anyhow::Result<(Vec<PathBuf>, Vec<Unreadable>)> {
    let mut images = Vec::new();
    let mut errors = Vec::new();
    for entry in entries(folder)? {
        if !entry.is_dir() {
            images.extend(Some(entry).filter(|path| is_image(path)));
            continue;
        }
        match entries(&entry) {
            Ok(found) => images.extend(found.into_iter().filter(|path| is_image(path))),
            Err(error) => errors.push(unreadable_file(&entry, &error)),
        }
    }
    images.sort();
    errors.sort_by(|a, b| a.file.cmp(&b.file));
    Ok((images, errors))
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot_read = || format!("cannot read the folder `{}`", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot_read)?;
    entries
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()
        .with_context(cannot_read)
}

/// By its name alone: an image that cannot be read is to be told, not to be passed over.
fn is_image(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let is_image = |end: &str| name.len() > end.len() && name.ends_with(end.as_bytes());
    [".hackleak", packed::EXTENSION].into_iter().any(is_image) && !path.is_dir()
}

/// The process of an image, which takes less of the disk afterwards if that process is gone.
pub(crate) fn process(
    image: &Path,
    selection: &Selection,
    besides: &Besides,
) -> anyhow::Result<Process> {
    let process = Process::of_image_with(image, selection, besides)?;
    thin::thin(image);
    Ok(process)
}

/// The report on `images`, with those that cannot be read.
pub(crate) fn read(images: &[PathBuf], selection: &Selection) -> Report {
    let mut report = Report::new(Vec::new());
    for image in images {
        match process(image, selection, &Besides::default()) {
            Ok(process) => report.processes.push(process),
            Err(error) => report.unreadable.push(unreadable_file(image, &error)),
        }
    }
    report.subtract_baselines(None);
    report
}
