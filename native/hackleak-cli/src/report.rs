//! `hackleak report`.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::bail;
use hackleak_image::Image;
use hackleak_report::coverage::Unseen;
use hackleak_report::render;
use hackleak_report::{Process, Report as Found, Verdict};

use crate::arguments::{Report, ReportFormat};
use crate::formats::{self, Form};
use crate::standard_input::is_dash;
use crate::{exit, inputs, output, terminal};

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
    match files.chain(written).filter(|file| is_dash(file)).count() {
        0 | 1 => {}
        _ => bail!("`-` is named for several files: standard output can be one of them"),
    }
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
        print(render::unseen(&Unseen::of(&Image::open(image)?)).as_bytes())?;
        return Ok(exit::CLEAN);
    }
    let selection = arguments.selection.selection();
    if arguments.format.is_binary() && arguments.output.is_none() && std::io::stdout().is_terminal()
    {
        bail!("this format is not for terminals: name a file with --output");
    }
    let mut report = inputs::read_judged(&arguments.inputs, &selection, &arguments.known)?;
    let names = report.redact(arguments.redact);
    if report.processes.is_empty() && report.unreadable.is_empty() {
        bail!("there is no process in these reports: name images");
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
    let others = [&json, &arguments.html];
    let others = others.into_iter().flatten();
    let mut others = others.chain(arguments.write.iter().map(|(_, file)| file));
    match &arguments.output {
        None if others.any(|file| is_dash(file)) => {}
        None if arguments.format == ReportFormat::Text => {
            if report.verdict() != Verdict::Clean || !terminal::is_quiet() {
                let text = formats::render(&report, arguments.format, &form)?;
                let mut text = String::from_utf8_lossy(&text).into_owned();
                if let Some(page) = &arguments.html {
                    text += &format!("page: {}\n", page.display());
                }
                output::print_report(&(text + &render::totals(&report)))?;
            }
        }
        None => print(&formats::render(&report, arguments.format, &form)?)?,
        Some(file) => write(arguments.format, file)?,
    }
    Ok(judged(&report))
}

/// Whether the report is a failure, as an assertion in the process judges it.
fn fails(report: &Found) -> bool {
    exit::of(report.verdict()) == exit::LEAKS || !report.strict_failures().is_empty()
}

/// The exit code of a report; what else must be known of it goes to stderr.
pub(crate) fn judged(report: &Found) -> u8 {
    let verdict = report.verdict();
    if verdict == Verdict::Incomplete {
        output::complain("no leaks were seen, but the record is incomplete: see the notes");
    }
    let blind = report.strict_failures();
    blind.iter().for_each(|sentence| output::complain(sentence));
    if !blind.is_empty() {
        return exit::NOT_SEEN;
    }
    exit::of(verdict)
}
