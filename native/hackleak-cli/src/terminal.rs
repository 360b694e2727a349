//! What depends on the terminal: colour, progress, and how much is said.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::{Args, ColorChoice, ValueEnum};
use hackleak_report::progress::{self, Observer, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is done sooner shows no progress.
const PATIENCE: Duration = Duration::from_millis(700);

/// Flags of every command.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Terminal {
    /// When to use colour; `auto` is on terminals, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// No progress, and no report where nothing is wrong; leaks and errors are always said
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

static TERMINAL: OnceLock<Terminal> = OnceLock::new();

/// Takes over the flags. Called once, before anything is printed.
pub(crate) fn set(terminal: Terminal) {
    let _ = TERMINAL.set(terminal);
    if shows_progress() {
        progress::observe(Box::new(Bars::default()));
    }
}

fn get() -> Terminal {
    TERMINAL.get().copied().unwrap_or_default()
}

/// Whether only leaks and errors are said.
pub(crate) fn is_quiet() -> bool {
    get().quiet
}

fn shows_progress() -> bool {
    !get().quiet && io::stderr().is_terminal()
}

/// What `--color` among the arguments means for help and errors of usage, which are printed before
/// the arguments are known.
pub(crate) fn color_of(arguments: impl Iterator<Item = std::ffi::OsString>) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let mut value_follows = false;
    for argument in arguments {
        let text = argument.to_string_lossy();
        if text == "--" {
            break;
        }
        let value = match text.strip_prefix("--color=") {
            Some(value) => value,
            None if std::mem::replace(&mut value_follows, text == "--color") => &text,
            None => continue,
        };
        choice = match value {
            "always" => ColorChoice::Always,
            "never" => ColorChoice::Never,
            _ => ColorChoice::Auto,
        };
    }
    choice
}

/// Whether `stream` gets colour.
pub(crate) fn colours(stream: &impl anstream::stream::RawStream) -> bool {
    match get().color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}

/// A text report with colour: the verdict, the heads of sites, Java frames, and notes.
pub(crate) fn painted(text: &str) -> String {
    let mut painted = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive('\n') {
        let (content, end) = match line.strip_suffix('\n') {
            Some(content) => (content, "\n"),
            None => (line, ""),
        };
        match style(content) {
            Some(style) => painted.push_str(&format!("{style}{content}{style:#}{end}")),
            None => painted.push_str(line),
        }
    }
    painted
}

fn style(line: &str) -> Option<Style> {
    let plain = Style::new();
    let text = line.trim_start();
    if text.starts_with("note: ") || text.starts_with("tracked: ") || text.starts_with("... ") {
        Some(plain.dimmed())
    } else if text.starts_with("at ") {
        Some(plain.fg_color(Some(AnsiColor::Cyan.into())))
    } else if text.len() < line.len() {
        None
    } else if text.starts_with("no leaks") || text.starts_with("clean: ") {
        Some(plain.bold().fg_color(Some(AnsiColor::Green.into())))
    } else if text.starts_with("incomplete: ") {
        Some(plain.bold().fg_color(Some(AnsiColor::Yellow.into())))
    } else if text.starts_with("leaks: ") || text.starts_with("invalid frees: ") {
        Some(plain.bold().fg_color(Some(AnsiColor::Red.into())))
    } else if !text.starts_with(|c: char| c.is_ascii_digit()) {
        None
    } else if text.contains(" leaked in ") {
        Some(plain.bold().fg_color(Some(AnsiColor::Red.into())))
    } else if text.contains(") ") {
        Some(plain.bold())
    } else {
        None
    }
}

/// A bar for `total` things, or a spinner where `total` is 0, that appears when the work takes
/// long.
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Instant,
    shown: bool,
}

impl Progress {
    /// Progress in bytes.
    pub(crate) fn of_bytes(name: String, total: u64) -> Progress {
        let template = if total > 0 {
            "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}"
        } else {
            "{msg} {spinner} {bytes} {bytes_per_sec}"
        };
        Progress::new(name, total, template)
    }

    fn of_things(name: String, total: u64) -> Progress {
        let template = if total > 0 {
            "{msg} {wide_bar} {human_pos}/{human_len} {eta}"
        } else {
            "{msg} {spinner} {human_pos}"
        };
        Progress::new(name, total, template)
    }

    fn new(name: String, total: u64, template: &str) -> Progress {
        let bar = match total {
            0 => ProgressBar::no_length(),
            total => ProgressBar::new(total),
        };
        bar.set_draw_target(ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name);
        Progress {
            bar,
            began: Instant::now(),
            shown: !shows_progress(),
        }
    }

    /// `done` things are done.
    pub(crate) fn set(&mut self, done: u64) {
        if !self.shown && self.began.elapsed() > PATIENCE {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The bars of the reporter's stages, one at a time.
#[derive(Default)]
struct Bars(Mutex<Option<(Stage, Progress)>>);

impl Observer for Bars {
    fn step(&self, stage: Stage, done: u64, total: u64) {
        let Ok(mut current) = self.0.lock() else {
            return;
        };
        if done >= total && (total > 0 || done == 0) {
            *current = None;
            return;
        }
        if current.as_ref().is_none_or(|(of, _)| *of != stage) {
            let name = match stage {
                Stage::Reading => "reading live blocks",
                Stage::Symbolising => "looking up symbols",
            };
            *current = Some((stage, Progress::of_things(name.to_owned(), total)));
        }
        if let Some((_, progress)) = &mut *current {
            progress.set(done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_notes_and_java_frames_are_told_apart() {
        let text = "7 bytes leaked in 1 block\n\n1) 7 bytes in 1 block\n    at a.B.c(B.java:1)\n    \
                    #0 f()  x.cpp:1\nnote: something\n";
        let painted = painted(text);
        let lines: Vec<&str> = painted.lines().collect();
        assert!(lines[0].starts_with("\u{1b}["), "{painted:?}");
        assert!(lines[3].contains("\u{1b}[36m"), "{painted:?}");
        assert_eq!(lines[4], "    #0 f()  x.cpp:1");
        assert!(lines[5].starts_with("\u{1b}[2m"), "{painted:?}");
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), text);
    }

    #[test]
    fn colour_of_help_is_asked_for_before_the_command() {
        let of = |arguments: &[&str]| color_of(arguments.iter().map(|text| (*text).into()));
        assert_eq!(of(&["hackleak", "--color", "never"]), ColorChoice::Never);
        assert_eq!(of(&["hackleak", "--color=always"]), ColorChoice::Always);
        assert_eq!(
            of(&["hackleak", "run", "--", "--color=always"]),
            ColorChoice::Auto
        );
    }
}
