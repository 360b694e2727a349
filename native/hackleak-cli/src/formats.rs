//! A report in the format that was asked for.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use hackleak_report::origin::Sources;
use hackleak_report::{Report, render};

use crate::standard_input;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Text,
    /// Everything, by the schema that `hackleak schema` prints
    Json,
    /// One page for the browser
    Html,
    /// For the Java library
    Lines,
    /// Test results, as Maven Surefire writes them
    JunitXml,
    /// SARIF 2.1.0, for code scanning: GitHub annotates the leaking line
    Sarif,
    /// Folded stacks, for flame graphs
    Collapsed,
    /// For https://www.speedscope.app
    Speedscope,
    /// A gzipped profile for pprof
    Pprof,
    /// A summary, for `$GITHUB_STEP_SUMMARY`
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Weight {
    Bytes,
    Blocks,
}

/// How to write a report, besides the format.
pub(crate) struct Form<'a> {
    /// The file that has the JSON, if one has.
    pub(crate) json: Option<&'a Path>,
    pub(crate) weight: Weight,
    pub(crate) sources: &'a Path,
}

/// `report` in `format`.
pub(crate) fn render(
    report: &Report,
    format: ReportFormat,
    form: &Form<'_>,
) -> anyhow::Result<Vec<u8>> {
    let sources = || Sources::in_folder(form.sources);
    let text = match format {
        ReportFormat::Text => render::text(report, form.json),
        ReportFormat::Json => render::json(report)?,
        ReportFormat::Html => render::html(report)?,
        ReportFormat::Lines => render::lines(report, form.json),
        ReportFormat::JunitXml => render::junit_xml(report, &sources())?,
        ReportFormat::Sarif => render::sarif(report, &sources())?,
        ReportFormat::Collapsed => render::folded(
            report,
            match form.weight {
                Weight::Bytes => render::Weight::Bytes,
                Weight::Blocks => render::Weight::Blocks,
            },
        ),
        ReportFormat::Speedscope => render::speedscope(report)?,
        ReportFormat::Pprof => return Ok(render::pprof(report)?),
        ReportFormat::Markdown => render::markdown(report, &sources()),
    };
    Ok(standard_input::named(&text).into_bytes())
}

impl ReportFormat {
    /// Whether it is no text, and so nothing for a terminal.
    pub(crate) fn is_binary(self) -> bool {
        self == ReportFormat::Pprof
    }
}

/// The names of all formats.
pub(crate) fn names() -> String {
    let names = ReportFormat::value_variants().iter();
    let names = names.filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()));
    names.collect::<Vec<_>>().join(", ")
}

/// Reads `FORMAT=FILE`.
pub(crate) fn parse(text: &str) -> Result<(ReportFormat, PathBuf), String> {
    let Some((format, file)) = text.split_once('=') else {
        return Err("write it as FORMAT=FILE".to_owned());
    };
    if file.is_empty() {
        return Err("name a file after the `=`".to_owned());
    }
    let format = ReportFormat::from_str(format, false)
        .map_err(|_| format!("`{format}` is no format: use one of {}", names()))?;
    Ok((format, file.into()))
}
