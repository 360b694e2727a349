//! `hackleak report`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use hackleak_report::coverage::Unseen;
use hackleak_report::{Process, Report as Found, Verdict, packed, render};

use crate::formats::{self, Form, ReportFormat, Weight};
use crate::selection::SelectionArguments;
use crate::standard_input::{self, is_dash};
use crate::{exit, inputs, judged, output, terminal};

const REPORT_NOTES: &str = "\
Examples:
  hackleak report hackleak-out
  hackleak report --since 2 --format json 4242.hackleak
  hackleak report 4711
  hackleak report --format json hackleak-out | hackleak report --html leaks.html -
  hackleak report --json leaks.json --html leaks.html hackleak-out
  hackleak report --write sarif=leaks.sarif --write junit-xml=leaks.xml hackleak-out
  hackleak report --format markdown hackleak-out >> $GITHUB_STEP_SUMMARY
  hackleak report --format pprof --output leaks.pb.gz hackleak-out && go tool pprof -http : leaks.pb.gz
  hackleak report --format collapsed hackleak-out | inferno-flamegraph > leaks.svg";

#[derive(Debug, Args)]
#[command(after_help = REPORT_NOTES)]
pub(crate) struct Report {
    /// Images, folders with images `*.hackleak` in them or in their folders, numbers of running
    /// processes, reports in JSON; `-` is one of these on standard input
    #[arg(required = true, value_name = "IMAGE|DIR|PID|JSON|-")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) known: crate::known::Args,
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    /// Only tell, in `lines`, what is not seen: libraries and kinds
    #[arg(long, hide = true)]
    pub(crate) unseen: bool,
    /// What to print; `lines` is for the Java library
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// Write the JSON to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the JSON to this file if something fails; of what happened when, it has what came
    /// after `--since`
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_on_failure: Option<PathBuf>,
    /// Write a page for the browser to this file as well: one file that needs no other
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print to this file instead of stdout. Here and in the other options for files, `-` is
    /// stdout, which then has nothing else in it
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write another format to a file as well; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = formats::parse)]
    pub(crate) write: Vec<(ReportFormat, PathBuf)>,
    /// What the numbers of `collapsed` are
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Weight::Bytes)]
    pub(crate) weight: Weight,
    /// The folder of the sources, to which paths in `sarif` and `markdown` are relative
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) sources: PathBuf,
    /// Leave out command lines and the names of users and hosts
    #[arg(long)]
    pub(crate) redact: bool,
    #[command(flatten)]
    pub(crate) zero: crate::exit::Zero,
}

/// Reports and returns the exit code.
pub(crate) fn report(arguments: &Report) -> anyhow::Result<u8> {
    let files = [
        &arguments.json,
        &arguments.json_on_failure,
        &arguments.html,
        &arguments.output,
    ];
    let files = files.into_iter().flatten();
    let written = arguments.write.iter().map(|(_, file)| file);
    output::must_be_apart(&arguments.inputs, files.chain(written))?;
    let code = report_to(arguments, &mut output::print_bytes)?;
    Ok(arguments.zero.of(code))
}

/// The same, with `print` for what would go to stdout.
pub(crate) fn report_to(
    arguments: &Report,
    print: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<u8> {
    if arguments.unseen {
        let [image] = &*arguments.inputs else {
            bail!("--unseen is about one image");
        };
        print(render::unseen(&Unseen::of(&packed::open(image)?)).as_bytes())?;
        return Ok(exit::CLEAN);
    }
    let selection = arguments.selection.selection()?;
    if arguments.format.is_binary() && arguments.output.is_none() && std::io::stdout().is_terminal()
    {
        bail!("this format is not for terminals: name a file with --output");
    }
    let mut report = inputs::read_judged(&arguments.inputs, &selection, &arguments.known)?;
    let names = report.redact(arguments.redact)?;
    if report.processes.is_empty() && report.unreadable.is_empty() {
        bail!("there is no process in these reports: name images");
    }
    // The Java library knows what it asks for, and must get an answer.
    if arguments.format != ReportFormat::Lines {
        let none: Option<Vec<&String>> = report
            .processes
            .iter()
            .map(|process| process.selects_nothing.as_ref())
            .collect();
        if let Some(why) = none.as_ref().and_then(|none| none.first()) {
            bail!("nothing was looked at, in any process: {why}");
        }
    }
    let on_failure = arguments.json_on_failure.as_ref();
    let json = arguments.json.as_ref().or_else(|| {
        let file = on_failure.filter(|_| fails(&report));
        file.inspect(|_| report.processes.iter_mut().for_each(Process::only_since))
    });
    let json = json.map(|file| match is_dash(file) {
        true => file.clone(),
        false => std::path::absolute(file).unwrap_or_else(|_| file.clone()),
    });
    let form = Form {
        json: json
            .as_deref()
            .filter(|_| names.is_none() || arguments.format == ReportFormat::Lines),
        weight: arguments.weight,
        sources: &arguments.sources,
    };
    let write = |format: ReportFormat, file: &Path| -> anyhow::Result<()> {
        output::write_file(file, &formats::render(&report, format, &form)?)
    };
    if let Some(file) = &json {
        write(ReportFormat::Json, file)?;
    }
    if let Some(file) = &arguments.html {
        write(ReportFormat::Html, file)?;
    }
    for (format, file) in &arguments.write {
        write(*format, file)?;
    }
    let written = arguments.write.iter().map(|(_, file)| file);
    let mut others = json.iter().chain(&arguments.html).chain(written);
    match &arguments.output {
        None if others.any(|file| is_dash(file)) => {}
        None if arguments.format == ReportFormat::Text => {
            if report.verdict() != Verdict::Clean || !terminal::is_quiet() {
                let page = arguments.html.as_deref();
                let text = judged::text(&report, json.as_deref(), page, names.as_ref());
                output::print_report(&standard_input::named(&text))?;
            }
        }
        None => print(&formats::render(&report, arguments.format, &form)?)?,
        Some(file) => write(arguments.format, file)?,
    }
    Ok(judged::judged(&report))
}

/// Whether the report is a failure, as an assertion in the process judges it.
fn fails(report: &Found) -> bool {
    exit::of(report.verdict()) == exit::LEAKS || !report.strict_failures().is_empty()
}
