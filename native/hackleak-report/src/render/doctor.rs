//! What `hackleak doctor` says, for terminals.

use std::fmt::Write;

use crate::coverage::{Diagnosis, Library, Process, Subject};
use crate::model::Visibility;

/// The diagnosis as text, every line ended.
pub fn doctor(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for (position, subject) in diagnosis.subjects.iter().enumerate() {
        // A library is its own headline.
        let alone = matches!(&*subject.libraries, [library] if library.path == subject.input);
        if !alone || subject.process.is_some() || !subject.notes.is_empty() {
            if position > 0 {
                line(&mut text, "");
            }
            line(&mut text, &headline(subject));
        }
        for note in &subject.notes {
            line(&mut text, &format!("note    {note}"));
        }
        for library in &subject.libraries {
            one(&mut text, library);
        }
    }
    text
}

fn headline(subject: &Subject) -> String {
    let head = match &subject.process {
        Some(process) => state(process),
        None => subject.input.clone(),
    };
    let track = subject.track.join("+");
    match subject.libraries.len() {
        0 => format!("{head}: no library under test, track={track}"),
        _ => format!("{head}: track={track}"),
    }
}

fn state(process: &Process) -> String {
    let pid = process.pid;
    match (&process.recorder, &process.image) {
        (Some(_), Some(image)) => format!("process {pid}, recorded in {}", image.display()),
        (Some(recorder), None) => {
            format!("process {pid}, not recorded: {recorder} is loaded, but `follow` leaves it out")
        }
        (None, _) => format!("process {pid}, not recorded: libhackleak.so is not loaded there"),
    }
}

fn one(text: &mut String, library: &Library) {
    let coverage = &library.coverage;
    let verdict = match coverage.visibility {
        Visibility::Seen => "seen",
        Visibility::Unknown => "unknown",
        Visibility::Partly => "partly",
        Visibility::Blind => "blind",
    };
    line(text, &format!("{verdict:<8}{}", library.path));
    for reason in &coverage.reasons {
        line(text, &format!("        {reason}"));
    }
    if let Some(remedy) = &coverage.remedy {
        line(text, &format!("        remedy: {remedy}"));
    }
}

/// A line without control characters but its end, whatever a file is called.
fn line(text: &mut String, line: &str) {
    for character in line.chars() {
        if character.is_control() {
            let _ = write!(text, "{}", character.escape_unicode());
        } else {
            text.push(character);
        }
    }
    text.push('\n');
}
