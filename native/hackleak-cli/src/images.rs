//! Finding images, and reading all of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use hackleak_image::ImageError;
use hackleak_report::{Process, Report, Selection};

/// The images that `inputs` name: files as they are, folders with the images in them and in
/// their folders.
pub(crate) fn find(inputs: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut images = Vec::new();
    for input in inputs {
        if !input.is_dir() {
            images.push(input.clone());
            continue;
        }
        let found = in_folder(input)?;
        if found.is_empty() {
            bail!(
                "no images in `{}`: nothing was recorded there",
                input.display()
            );
        }
        images.extend(found);
    }
    Ok(images)
}

/// The images in `folder` and in the folders directly in it, by path.
pub(crate) fn in_folder(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut images = Vec::new();
    for entry in entries(folder)? {
        if entry.is_dir() {
            images.extend(entries(&entry)?.into_iter().filter(|path| is_image(path)));
        } else if is_image(&entry) {
            images.push(entry);
        }
    }
    images.sort();
    Ok(images)
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot_read = || format!("cannot read the folder `{}`", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot_read)?;
    entries
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()
        .with_context(cannot_read)
}

fn is_image(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "hackleak")
        && path.is_file()
}

/// The report on `images`, and why some of them cannot be read.
pub(crate) fn read(images: &[PathBuf], selection: &Selection) -> (Report, Vec<ImageError>) {
    let mut processes = Vec::new();
    let mut errors = Vec::new();
    for image in images {
        match Process::of_image(image, selection) {
            Ok(process) => processes.push(process),
            Err(error) => errors.push(error),
        }
    }
    let mut report = Report::new(processes);
    report.subtract_baselines(None);
    (report, errors)
}
