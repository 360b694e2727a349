//! The options in their text form, `key=value` with commas between.

use crate::choices::{
    EXIT, Exit, FOLLOW, Follow, HELD, Held, INVALID_FREES, InvalidFrees, KNOWN, Known, OptionError,
    STACKS, SWITCH, Stacks, YES_NO, choice, name,
};
use crate::keys::KEYS;
use crate::track::Track;
use std::fmt;
use std::str::FromStr;

/// The options of one recorded process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// See the key `track`.
    pub track: Track,
    /// See the key `include`: patterns joined by `+`; empty when there are none.
    pub include: String,
    /// See the key `exclude`.
    pub exclude: String,
    /// See the key `pools`; empty when there is none.
    pub pools: String,
    /// See the key `invalid-frees`.
    pub invalid_frees: InvalidFrees,
    /// See the key `held`.
    pub held: Held,
    /// See the key `stacks`.
    pub stacks: Stacks,
    /// See the key `out`.
    pub out: String,
    /// See the key `follow`.
    pub follow: Follow,
    /// See the key `preload`.
    pub preload: bool,
    /// See the key `depth`.
    pub depth: u32,
    /// See the key `exit`.
    pub exit: Exit,
    /// See the key `strict`.
    pub strict: bool,
    /// See the key `suppressions`: paths with colons between; empty when there is none.
    pub suppressions: String,
    /// See the key `log`; empty when there is none.
    pub log: String,
    /// See the key `builtin-suppressions`.
    pub builtin_suppressions: bool,
    /// See the key `redact`.
    pub redact: bool,
    /// See the key `baseline`; empty when there is none.
    pub baseline: String,
    /// See the key `known`.
    pub known: Known,
    /// See the key `known-leaks`: paths with colons between; empty when there is none.
    pub known_leaks: String,
}

/// The most frames that `depth` may ask for.
pub const MAX_DEPTH: u32 = 2000;

impl Default for Options {
    fn default() -> Self {
        Options {
            track: Track::STANDARD,
            include: String::new(),
            exclude: String::new(),
            pools: String::new(),
            invalid_frees: InvalidFrees::Report,
            held: Held::Note,
            stacks: Stacks::Full,
            out: "hackleak-out".to_owned(),
            follow: Follow::Jvm,
            preload: true,
            depth: MAX_DEPTH,
            exit: Exit::Off,
            strict: false,
            suppressions: String::new(),
            log: String::new(),
            builtin_suppressions: true,
            redact: false,
            baseline: String::new(),
            known: Known::Note,
            known_leaks: String::new(),
        }
    }
}

fn absolute(file: &str) -> String {
    match std::path::absolute(file) {
        Ok(path) => path.to_string_lossy().into_owned(),
        Err(_) => file.to_owned(),
    }
}

impl FromStr for Options {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let mut options = Options::default();
        options.apply(text)?;
        Ok(options)
    }
}

impl Options {
    /// Reads `text` over the options as they are: keys that it does not name keep their value.
    ///
    /// # Errors
    ///
    /// An unknown key, a key without `=`, or a value outside of what the key takes. The options
    /// are then partly changed and must not be used.
    pub fn apply(&mut self, text: &str) -> Result<(), OptionError> {
        for item in text.split(',').filter(|item| !item.trim().is_empty()) {
            let (key, value) = item.trim().split_once('=').ok_or_else(|| {
                OptionError(format!(
                    "option `{item}` has no value: write it as key=value"
                ))
            })?;
            self.set(key, value)?;
        }
        Ok(())
    }

    /// Whether `text` names the key, whatever its value is.
    pub fn names(text: &str, key: &str) -> bool {
        let mut keys = text.split(',').filter_map(|item| item.split_once('='));
        keys.any(|(named, _)| named.trim() == key)
    }

    /// The files of suppressions, one by one.
    pub fn suppression_files(&self) -> impl Iterator<Item = &str> {
        self.suppressions.split(':').filter(|file| !file.is_empty())
    }

    /// The files of known leaks, one by one.
    pub fn known_leaks_files(&self) -> impl Iterator<Item = &str> {
        self.known_leaks.split(':').filter(|file| !file.is_empty())
    }

    /// Makes the paths of suppressions, known leaks and baseline absolute, so that another process
    /// in another folder finds them. `out` stays as it is.
    pub fn make_files_absolute(&mut self) {
        let files: Vec<String> = self.suppression_files().map(absolute).collect();
        self.suppressions = files.join(":");
        let files: Vec<String> = self.known_leaks_files().map(absolute).collect();
        self.known_leaks = files.join(":");
        if !self.baseline.is_empty() {
            self.baseline = absolute(&self.baseline);
        }
    }

    /// The same for what the recorder itself opens, in a process that may go elsewhere before.
    pub fn make_paths_absolute(&mut self) {
        self.make_files_absolute();
        self.out = absolute(&self.out);
        if !self.pools.is_empty() {
            self.pools = absolute(&self.pools);
        }
        if !self.log.is_empty() && self.log != "stderr" {
            self.log = absolute(&self.log);
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), OptionError> {
        match key {
            "track" => self.track = value.parse()?,
            "invalid-frees" => self.invalid_frees = choice(key, value, INVALID_FREES)?,
            "held" => self.held = choice(key, value, HELD)?,
            "stacks" => self.stacks = choice(key, value, STACKS)?,
            "preload" => self.preload = choice(key, value, YES_NO)?,
            "follow" => self.follow = choice(key, value, FOLLOW)?,
            "exit" => self.exit = choice(key, value, EXIT)?,
            "strict" => self.strict = choice(key, value, SWITCH)?,
            "builtin-suppressions" => self.builtin_suppressions = choice(key, value, SWITCH)?,
            "redact" => self.redact = choice(key, value, SWITCH)?,
            "out" if !value.is_empty() => self.out = value.to_owned(),
            "out" => {
                return Err(OptionError(
                    "option `out` is empty: name a folder".to_owned(),
                ));
            }
            "log" => self.log = value.to_owned(),
            "suppressions" => self.suppressions = value.to_owned(),
            "pools" => self.pools = value.to_owned(),
            "baseline" => self.baseline = value.to_owned(),
            "known" => self.known = choice(key, value, KNOWN)?,
            "known-leaks" => self.known_leaks = value.to_owned(),
            "include" => self.include = value.to_owned(),
            "exclude" => self.exclude = value.to_owned(),
            "depth" => {
                self.depth = match value.parse() {
                    Ok(depth) if (1..=MAX_DEPTH).contains(&depth) => depth,
                    _ => {
                        return Err(OptionError(format!(
                            "option `depth={value}` is not a whole number from 1 to {MAX_DEPTH}"
                        )));
                    }
                }
            }
            "findings" => {
                return Err(OptionError(format!(
                    "option `findings` is not known: write `invalid-frees={value}`"
                )));
            }
            _ => {
                let known: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
                return Err(OptionError(format!(
                    "option `{key}` is not known: use one of {}",
                    known.join(", ")
                )));
            }
        }
        Ok(())
    }
}

/// The text form, which reads back as the same options.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "track={},invalid-frees={},held={},stacks={},out={},follow={},depth={},exit={},strict={}",
            self.track,
            name(self.invalid_frees, INVALID_FREES),
            name(self.held, HELD),
            name(self.stacks, STACKS),
            self.out,
            name(self.follow, FOLLOW),
            self.depth,
            name(self.exit, EXIT),
            self.strict,
        )?;
        let texts = [
            ("include", &self.include),
            ("exclude", &self.exclude),
            ("pools", &self.pools),
            ("suppressions", &self.suppressions),
            ("log", &self.log),
            ("baseline", &self.baseline),
            ("known-leaks", &self.known_leaks),
        ];
        for (key, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
            write!(f, ",{key}={value}")?;
        }
        if !self.preload {
            f.write_str(",preload=no")?;
        }
        if self.known != Known::Note {
            write!(f, ",known={}", name(self.known, KNOWN))?;
        }
        if !self.builtin_suppressions {
            f.write_str(",builtin-suppressions=false")?;
        }
        if self.redact {
            f.write_str(",redact=true")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
