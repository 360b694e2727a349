//! `hackleak completions` and `hackleak man`: made from the command line's own description.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;

use crate::{exit, output};

const COMPLETIONS_NOTES: &str = "\
Examples:
  hackleak completions bash > ~/.local/share/bash-completion/completions/hackleak
  hackleak completions zsh > ~/.zfunc/_hackleak
  hackleak completions fish > ~/.config/fish/completions/hackleak.fish";

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_NOTES)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

const MAN_NOTES: &str = "\
Examples:
  hackleak man | man -l -
  hackleak man --out /usr/local/share/man/man1";

#[derive(Debug, Args)]
#[command(after_help = MAN_NOTES)]
pub(crate) struct Man {
    /// Write the pages of all commands into this folder, created when missing, instead of
    /// printing the first one
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Prints the completions of a shell for `command`.
pub(crate) fn completions(arguments: &Completions, mut command: Command) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "hackleak", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(exit::CLEAN)
}

/// Prints the man page, or writes all of them.
pub(crate) fn man(arguments: &Man, mut command: Command) -> anyhow::Result<u8> {
    command.build();
    let exits = exits_of(&command);
    match &arguments.out {
        None => output::print(&page(&command, &exits).context("cannot make the man page")?)?,
        Some(folder) => {
            let cannot_write = || format!("cannot write man pages to `{}`", folder.display());
            fs::create_dir_all(folder).with_context(cannot_write)?;
            write_pages(&command, &exits, folder).with_context(cannot_write)?;
        }
    }
    Ok(exit::CLEAN)
}

/// What the help of a command says of exit codes.
fn exits_of(command: &Command) -> String {
    let help = command.get_after_help().map(ToString::to_string);
    Parts::of(&help.unwrap_or_default()).exits
}

/// Writes the page of a command and those of its commands.
fn write_pages(command: &Command, exits: &str, folder: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    fs::write(folder.join(format!("{name}.1")), page(command, exits)?)?;
    let visible = command.get_subcommands().filter(|it| !it.is_hide_set());
    visible
        .filter(|it| it.get_name() != "help")
        .try_for_each(|it| write_pages(it, exits, folder))
}

/// The page of a command: what clap knows of it, and the sections that people look for, made of
/// the text at the end of its help.
fn page(command: &Command, usual_exits: &str) -> io::Result<String> {
    let help = command.get_after_help().map(ToString::to_string);
    let parts = Parts::of(&help.unwrap_or_default());
    let man = clap_mangen::Man::new(command.clone().after_help(""));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    page.extend(paragraphs(&parts.notes).into_bytes());
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut page = String::from_utf8_lossy(&page).into_owned();
    let exits = match parts.exits.is_empty() {
        true => usual_exits.to_owned(),
        false => parts.exits,
    };
    for (title, text) in [("EXAMPLES", &parts.examples), ("EXIT STATUS", &exits)] {
        if !text.is_empty() {
            page += &format!(".SH \"{title}\"\n.nf\n{}.fi\n", literal(text));
        }
    }
    for (title, entries) in [("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)] {
        page += &format!(".SH {title}\n");
        for (name, about) in entries {
            page += &format!(".TP\n\\fB{}\\fR\n{}", roff(name), literal(about));
        }
    }
    page += ".SH \"SEE ALSO\"\n.BR hackleak (1)\n";
    Ok(page)
}

/// The text at the end of a help, taken apart.
#[derive(Default)]
struct Parts {
    notes: String,
    examples: String,
    exits: String,
}

impl Parts {
    fn of(help: &str) -> Parts {
        let mut parts = Parts::default();
        let mut to = &mut parts.notes;
        for line in help.lines() {
            match line {
                "Examples:" | "Example:" => to = &mut parts.examples,
                line if line.starts_with("Exit codes") && line.ends_with(':') => {
                    to = &mut parts.exits;
                }
                line => {
                    to.push_str(line);
                    to.push('\n');
                }
            }
        }
        for part in [&mut parts.notes, &mut parts.examples, &mut parts.exits] {
            let text = part.trim_end().trim_start_matches('\n').to_owned();
            *part = text;
        }
        parts
    }
}

/// Text for roff: neither a backslash nor a minus is what it seems to be there.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// Lines as they are.
fn literal(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let guard = if line.starts_with(['.', '\'']) {
            "\\&"
        } else {
            ""
        };
        format!("{guard}{}\n", roff(line))
    });
    lines.collect()
}

/// Paragraphs, which empty lines part.
fn paragraphs(text: &str) -> String {
    let parts = text.split("\n\n").filter(|part| !part.trim().is_empty());
    parts
        .map(|part| format!(".PP\n{}", literal(part)))
        .collect()
}

/// Variables of the environment.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "HACKLEAK_OPTIONS",
        "Options of the recorder, KEY=VALUE with commas between. Options on the command line of\n\
         `hackleak run` go first.",
    ),
    (
        "HACKLEAK_LIBRARY",
        "The recorder's file, where it is neither beside this program nor in ../lib.",
    ),
    (
        "HACK_TRACE",
        "With 1, the text log of option log has the stacks of allocations.",
    ),
    (
        "LD_PRELOAD, JAVA_TOOL_OPTIONS",
        "Set by `hackleak run` for the command; what they have already stays in them.",
    ),
    (
        "NO_COLOR, CLICOLOR_FORCE",
        "No colour, and colour also where the output is no terminal.",
    ),
    (
        "TMPDIR",
        "Where standard input is kept while it is read; otherwise /tmp.",
    ),
];

/// Files.
const FILES: &[(&str, &str)] = &[
    (
        "hackleak-out/run-N/NAME-PID.hackleak",
        "The image of a process of the Nth run.",
    ),
    (
        "hackleak-out/run-N/report.json, report.html",
        "The report of `hackleak run`: for programs, and for the browser.",
    ),
    (
        "hackleak-out/run-N/modules/",
        "Libraries that were deleted while the process ran, for their names of functions.",
    ),
    ("libhackleak.so", "The recorder."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_is_taken_apart() {
        let parts = Parts::of("A.\n\nB.\n\nExamples:\n  x -y\n\nExit codes of `z`:\n  0  fine\n");
        assert_eq!(parts.notes, "A.\n\nB.");
        assert_eq!(parts.examples, "  x -y");
        assert_eq!(parts.exits, "  0  fine");
        assert_eq!(literal(".x\n'y\na\\b-c"), "\\&.x\n\\&'y\na\\eb\\-c\n");
    }
}
