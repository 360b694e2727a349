//! `hackleak report`.

use std::fs;

use anyhow::Context;
use hackleak_report::{Verdict, render};

use crate::arguments::{Report, ReportFormat};
use crate::{exit, images, output, terminal};

/// Reports and returns the exit code.
pub(crate) fn report(arguments: &Report) -> anyhow::Result<u8> {
    let selection = arguments.selection.selection();
    let (report, errors) = images::read(&images::find(&arguments.inputs)?, &selection);
    errors
        .iter()
        .for_each(|error| output::complain(&error.to_string()));
    if report.processes.is_empty() {
        return Ok(exit::FAILED);
    }
    let json = match &arguments.json {
        None => None,
        Some(file) => {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            fs::write(&file, render::json(&report)?)
                .with_context(|| format!("cannot write the JSON to `{}`", file.display()))?;
            Some(file)
        }
    };
    if let Some(file) = &arguments.html {
        fs::write(file, render::html(&report)?)
            .with_context(|| format!("cannot write the HTML to `{}`", file.display()))?;
    }
    let text = match arguments.format {
        ReportFormat::Text => render::text(&report, json.as_deref()),
        ReportFormat::Json => render::json(&report)?,
        ReportFormat::Html => render::html(&report)?,
        ReportFormat::Lines => render::lines(&report, json.as_deref()),
    };
    match &arguments.output {
        None if arguments.format != ReportFormat::Text => output::print(&text)?,
        None if report.verdict() == Verdict::Clean && terminal::is_quiet() => {}
        None => output::print_report(&text)?,
        Some(file) => fs::write(file, text)
            .with_context(|| format!("cannot write the report to `{}`", file.display()))?,
    }
    let verdict = report.verdict();
    if verdict == Verdict::Incomplete {
        output::complain("no leaks were seen, but the record is incomplete: see the notes");
    }
    let blind = report.strict_failures();
    blind.iter().for_each(|sentence| output::complain(sentence));
    if !blind.is_empty() {
        return Ok(exit::NOT_SEEN);
    }
    // An image that cannot be read may hold leaks, so the rest does not make it clean.
    Ok(if errors.is_empty() {
        exit::of(verdict)
    } else {
        exit::of(verdict).max(exit::FAILED)
    })
}
