//! The report as a test result, which every CI server shows: the form that Maven Surefire writes,
//! one `testsuite`. Each leaking site is a failed case, and so is each image that cannot be read.
//! Each process is a case that fails when its record is incomplete.
//!
//! What is difficult: XML cannot hold most control characters at all, and Surefire's schema wants
//! the children of a case in one order.

use std::io::Write;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, Event};

use super::{caption, stack};
use crate::merge::{self, Merged};
use crate::model::{InvalidFree, Process, Report, Unreadable, Verdict};
use crate::numbers::counted;
use crate::origin::{Origin, Sources};

/// The name of the suite, and the class of cases that are about a process.
const SUITE: &str = "hackleak";

/// A test case.
struct Case {
    class: String,
    name: String,
    /// Whether it is an error of the record rather than a leak.
    error: bool,
    /// Type, message and text of what is wrong.
    wrong: Option<[String; 3]>,
    /// What is said beside.
    output: String,
}

/// The report as JUnit XML, ended by a newline.
///
/// # Errors
///
/// None that a report can cause; the signature is that of a writer.
pub fn junit_xml(report: &Report, sources: &Sources) -> std::io::Result<String> {
    let mut cases: Vec<Case> = report.processes.iter().map(process_case).collect();
    cases.extend(report.unreadable.iter().map(unreadable_case));
    cases.extend(
        merge::sites(report)
            .iter()
            .map(|site| site_case(site, sources)),
    );
    cases.extend(
        merge::invalid_frees(report)
            .filter(|(process, _)| process.verdict >= Verdict::InvalidFrees)
            .map(|(process, invalid_free)| invalid_free_case(process, invalid_free, sources)),
    );
    let count = |error| {
        let wrong = cases
            .iter()
            .filter(|case| case.wrong.is_some() && case.error == error);
        wrong.count().to_string()
    };
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", SUITE),
            ("time", "0"),
            ("tests", &cases.len().to_string()),
            ("errors", &count(true)),
            ("skipped", "0"),
            ("failures", &count(false)),
        ])
        .write_inner_content(|writer| cases.iter().try_for_each(|case| case.write(writer)))?;
    let mut xml = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    xml.push('\n');
    Ok(xml)
}

impl Case {
    fn write(&self, writer: &mut Writer<impl Write>) -> std::io::Result<()> {
        let element = writer.create_element("testcase").with_attributes([
            ("classname", &*allowed(&self.class)),
            ("name", &*allowed(&self.name)),
            ("time", "0"),
        ]);
        if self.wrong.is_none() && self.output.is_empty() {
            element.write_empty()?;
            return Ok(());
        }
        element.write_inner_content(|writer| {
            if let Some([kind, message, text]) = &self.wrong {
                writer
                    .create_element(if self.error { "error" } else { "failure" })
                    .with_attributes([("type", &*allowed(kind)), ("message", &*allowed(message))])
                    .write_text_content(quick_xml::events::BytesText::new(&allowed(text)))?;
            }
            if !self.output.is_empty() {
                writer.create_element("system-out").write_text_content(
                    quick_xml::events::BytesText::new(&allowed(&self.output)),
                )?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// What is known of a process but its leaks.
fn process_case(process: &Process) -> Case {
    let mut output: String = process
        .notes
        .iter()
        .map(|note| format!("note: {note}\n"))
        .collect();
    if process.verdict < Verdict::InvalidFrees {
        for invalid_free in &process.invalid_frees {
            output += &format!("invalid free: {}\n", invalid_free.sentence());
        }
    }
    let incomplete = !process.incomplete.is_empty();
    Case {
        class: SUITE.to_owned(),
        name: caption::process(process),
        error: true,
        wrong: incomplete.then(|| {
            let said = match process.leaks.blocks {
                0 => "no leaks were seen, but not everything was recorded",
                _ => "not everything was recorded, so there may be more leaks",
            };
            let notes = process.notes.join("\n");
            ["incomplete".to_owned(), said.to_owned(), notes]
        }),
        output,
    }
}

fn unreadable_case(image: &Unreadable) -> Case {
    let said = "the image cannot be read, so leaks in it are not seen".to_owned();
    Case {
        class: SUITE.to_owned(),
        name: image.file.clone(),
        error: true,
        wrong: Some(["incomplete".to_owned(), said, image.reason.clone()]),
        output: String::new(),
    }
}

fn site_case(merged: &Merged<'_>, sources: &Sources) -> Case {
    let site = merged.site;
    let origin = Origin::of(&site.frames, site.owner.as_ref(), sources);
    let amount = caption::amount(merged);
    let mut text = stack::whole(&site.frames).join("\n");
    if merged.processes.len() > 1 {
        for (process, part) in &merged.processes {
            text += &format!(
                "\n{}: {}",
                caption::process(process),
                crate::numbers::blocks(part.blocks, part.bytes)
            );
        }
    }
    Case {
        class: class(&origin),
        name: format!("{}: {} leak", method(&origin, merged), site.kind.name()),
        error: false,
        wrong: Some([format!("leak.{}", site.kind.name()), amount, text]),
        output: String::new(),
    }
}

fn invalid_free_case(process: &Process, invalid_free: &InvalidFree, sources: &Sources) -> Case {
    let origin = Origin::of(&invalid_free.freed, None, sources);
    let text = format!(
        "freed:\n{}\nallocated:\n{}",
        stack::whole(&invalid_free.freed).join("\n"),
        stack::whole(&invalid_free.allocated).join("\n")
    );
    let message = format!(
        "{}, {} in {}",
        invalid_free.sentence(),
        counted(invalid_free.count, "time"),
        caption::process(process)
    );
    Case {
        class: class(&origin),
        name: format!(
            "{}: invalid free",
            caption::owner(&origin, &invalid_free.freed)
        ),
        error: false,
        wrong: Some(["invalid-free".to_owned(), message, text]),
        output: String::new(),
    }
}

fn class(origin: &Origin<'_>) -> String {
    match (origin.java, origin.native) {
        (Some(java), _) => java.class.clone(),
        (None, Some(native)) => {
            let module = crate::stable::module_name(&native.module);
            // A dot would make a package of it.
            module.trim_end_matches(".so").to_owned()
        }
        (None, None) => SUITE.to_owned(),
    }
}

fn method(origin: &Origin<'_>, merged: &Merged<'_>) -> String {
    match origin.java {
        Some(java) => java.method.clone(),
        None => caption::owner(origin, &merged.site.frames),
    }
}

/// `text` with what XML 1.0 cannot hold written out.
fn allowed(text: &str) -> String {
    let mut allowed = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                allowed.push(character);
            }
            other => allowed.extend(other.escape_unicode()),
        }
    }
    allowed
}
