//! `hackleak suppressions`: the built-in rules, and what is wrong with files of rules.

use std::path::PathBuf;

use anyhow::Context;
use hackleak_report::suppress::{BUILT_IN, Suppressions};

use crate::{exit, output, standard_input};

const NOTES: &str = "\
A file has one rule per line: `leak:PATTERN`. The pattern matches anywhere in a function, a source \
file, a module or a Java class.method of the leaking stack; `*` stands for anything, `^` and `$` \
hold it to the start and the end. Lines that begin with `#` are comments.

Built-in rules apply unless HACKLEAK_OPTIONS has builtin-suppressions=false, or the report is made \
with --no-builtin-suppressions.

Examples:
  hackleak suppressions --builtin
  hackleak suppressions leaks.supp

Exit codes:
  0   every line is a rule, a comment, or a rule of another sanitizer
  1   wrong usage, a file that cannot be read, or a line that is no rule";

#[derive(Debug, clap::Args)]
#[command(after_help = NOTES, arg_required_else_help = true)]
pub(crate) struct Args {
    /// List the built-in rules
    #[arg(long)]
    builtin: bool,
    /// Files to check: their rules are listed, and what is no rule is said
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Lists rules and returns the exit code.
pub(crate) fn suppressions(arguments: &Args) -> anyhow::Result<u8> {
    let mut text = String::new();
    if arguments.builtin {
        for rule in BUILT_IN {
            text += &format!(
                "{}\n  {}\n  matches: {}\n",
                rule.name,
                rule.reason,
                rule.form()
            );
        }
    }
    let mut wrong = false;
    for file in &arguments.files {
        let name = file.to_string_lossy();
        let kept = standard_input::or_kept(file)?;
        let rules = Suppressions::read(&kept.to_string_lossy())
            .with_context(|| format!("cannot read the suppressions `{name}`"))?;
        for (line, pattern) in rules.rules() {
            text += &format!("{name}:{line}: leak:{pattern}\n");
        }
        wrong |= rules.has_errors();
        rules
            .skipped()
            .iter()
            .for_each(|sentence| output::complain(sentence));
    }
    output::print(&text)?;
    Ok(if wrong { exit::FAILED } else { exit::CLEAN })
}
