use std::fmt;
use std::str::FromStr;

/// One option as the documentation lists it; a test compares this table with docs/options.md.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name on the left of `=`.
    pub name: &'static str,
    /// The values it takes, as shown to users.
    pub values: &'static str,
    /// The value in force when the key is absent.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

/// Every key that [`Options`] reads, in the order of the documentation.
pub const KEYS: &[Key] = &[
    Key {
        name: "track",
        values: "new|malloc|jni|unsafe|fd|mmap|zip|thread|attach|module",
        default: "new+malloc+jni+unsafe+fd+zip",
        meaning: "which allocations are recorded: one kind, or several joined by `+`",
    },
    Key {
        name: "include",
        values: "PATTERN",
        default: "",
        meaning: "modules whose malloc calls are recorded though they belong to the runtime; several joined by `+`, `*` stands for anything",
    },
    Key {
        name: "exclude",
        values: "PATTERN",
        default: "",
        meaning: "modules whose malloc calls are not recorded",
    },
    Key {
        name: "pools",
        values: "FILE",
        default: "",
        meaning: "functions that hand out and take back objects of a pool, one `alloc=FUNCTION,free=FUNCTION` a line",
    },
    Key {
        name: "findings",
        values: "off|report|fail",
        default: "report",
        meaning: "wrong frees: not looked for, reported, or counted as a failure",
    },
    Key {
        name: "held",
        values: "fail|note|ignore",
        default: "note",
        meaning: "memory that is not freed but held, by a global, a live thread or a live Java object: counted as a leak, noted, or left out",
    },
    Key {
        name: "stacks",
        values: "full|native|java|off",
        default: "full",
        meaning: "which frames are recorded with each allocation",
    },
    Key {
        name: "out",
        values: "DIR",
        default: "hackleak-out",
        meaning: "the folder for images and reports, created when missing",
    },
    Key {
        name: "follow",
        values: "jvm|all|none",
        default: "jvm",
        meaning: "which processes are recorded; all others pass through untouched",
    },
    Key {
        name: "preload",
        values: "yes|no",
        default: "yes",
        meaning: "a JVM with `-agentpath` that was not preloaded executes its command line once more, preloaded: [docs/agent.md](docs/agent.md)",
    },
    Key {
        name: "depth",
        values: "1..2000",
        default: "2000",
        meaning: "the most native frames recorded for one allocation",
    },
    Key {
        name: "exit",
        values: "off|settle|report",
        default: "off",
        meaning: "at JVM exit, after the shutdown hooks: settle first, and report leaks on stderr",
    },
    Key {
        name: "strict",
        values: "true|false",
        default: "false",
        meaning: "a library under test whose allocations are not seen fails the test or the run",
    },
    Key {
        name: "suppressions",
        values: "FILE",
        default: "",
        meaning: "leaks that are not reported, in LeakSanitizer's syntax; several files with colons between",
    },
    Key {
        name: "builtin-suppressions",
        values: "true|false",
        default: "true",
        meaning: "leave out what the JDK, libc and other runtimes hold for the life of the process: `hackleak suppressions --builtin`",
    },
    Key {
        name: "redact",
        values: "true|false",
        default: "false",
        meaning: "reports without command lines and names of users and hosts: [docs/privacy.md](docs/privacy.md)",
    },
    Key {
        name: "baseline",
        values: "FILE",
        default: "",
        meaning: "leaks that are known: only new ones and those that have grown are reported",
    },
    Key {
        name: "known",
        values: "fail|note",
        default: "note",
        meaning: "known leaks of libraries: counted as leaks, or noted: [docs/known-leaks.md](docs/known-leaks.md)",
    },
    Key {
        name: "known-leaks",
        values: "FILE",
        default: "",
        meaning: "more known leaks of libraries than come with HackLeak; several files with colons between",
    },
    Key {
        name: "log",
        values: "FILE|stderr",
        default: "",
        meaning: "also write a line per allocation and free, for `hackleak find-leak`; `%p` in FILE stands for the process",
    },
];

/// The kinds of allocation that are recorded: a set, joined by `+` in the text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track(u32);

impl Track {
    /// C++ `operator new` and `operator delete`, all variants.
    pub const NEW: Track = Track(1);
    /// The malloc family, where the caller is not the runtime itself.
    pub const MALLOC: Track = Track(2);
    /// What native code takes through the JNI function table and must give back.
    pub const JNI: Track = Track(4);
    /// `Unsafe.allocateMemory` and what is built on it.
    pub const UNSAFE: Track = Track(8);
    /// File descriptors of code under test and of Java code.
    pub const FD: Track = Track(16);
    /// What code under test and Java code map.
    pub const MMAP: Track = Track(32);
    /// What zlib takes for Java's `Deflater` and `Inflater`.
    pub const ZIP: Track = Track(64);
    /// Threads that code under test and Java code start.
    pub const THREAD: Track = Track(128);

    /// Threads that are attached to the JVM, local frames, and local references beyond a bound.
    pub const ATTACH: Track = Track(256);
    /// Libraries that were opened.
    pub const MODULE: Track = Track(512);

    /// All but mapped memory, threads, attached threads and opened libraries: allocators map, too, and libraries keep
    /// threads and what they opened.
    pub const STANDARD: Track = Track(31 | 64);

    /// Every kind with its name.
    pub const ALL: &'static [(&'static str, Track)] = &[
        ("new", Track::NEW),
        ("malloc", Track::MALLOC),
        ("jni", Track::JNI),
        ("unsafe", Track::UNSAFE),
        ("fd", Track::FD),
        ("mmap", Track::MMAP),
        ("zip", Track::ZIP),
        ("thread", Track::THREAD),
        ("attach", Track::ATTACH),
        ("module", Track::MODULE),
    ];

    /// The set as the bits that the image stores.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The names of the kinds in these bits, as an image has them.
    pub fn names(bits: u32) -> Vec<String> {
        let kinds = Track::ALL.iter().filter(|(_, kind)| bits & kind.0 != 0);
        kinds.map(|(name, _)| (*name).to_owned()).collect()
    }

    /// Whether every kind of `other` is in this set.
    pub fn contains(self, other: Track) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Which frames are recorded with each allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacks {
    /// Native frames, and above them the Java frames that crossed JNI.
    Full,
    /// Native frames only.
    Native,
    /// Java frames only.
    Java,
    /// No frames: totals per checkpoint and thread.
    Off,
}

/// Which processes are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Java virtual machines.
    Jvm,
    /// Every process that loads the library.
    All,
    /// No process.
    None,
}

/// What is done about wrong frees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Findings {
    /// They are not noted.
    Off,
    /// They are reported.
    Report,
    /// They are reported and fail a test or a run.
    Fail,
}

/// What is done about memory that something still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It counts as a leak.
    Fail,
    /// It is reported, and no leak.
    Note,
    /// It is not reported.
    Ignore,
}

/// What is done about known leaks of libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// They count as leaks.
    Fail,
    /// They are reported, and fail nothing.
    Note,
}

impl FromStr for Known {
    type Err = OptionError;

    fn from_str(value: &str) -> Result<Known, OptionError> {
        choice("known", value, KNOWN)
    }
}

impl Held {
    /// The choice of this name.
    pub fn of_name(name: &str) -> Option<Held> {
        let known = HELD.iter().find(|(known, _)| *known == name);
        known.map(|(_, choice)| *choice)
    }
}

/// What happens at the exit of a JVM, after its shutdown hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing.
    Off,
    /// Force garbage collection until the live set is stable.
    Settle,
    /// Settle, then report what is still live on stderr.
    Report,
}

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
    /// See the key `findings`.
    pub findings: Findings,
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
            findings: Findings::Report,
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

/// One sentence that names the culprit and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionError(String);

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionError {}

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

    /// Makes the paths of suppressions, known leaks and baseline absolute, so that another process in another
    /// folder finds them. `out` stays as it is.
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
            "track" => self.track = track(value)?,
            "findings" => self.findings = choice(key, value, FINDINGS)?,
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

const FINDINGS: &[(&str, Findings)] = &[
    ("off", Findings::Off),
    ("report", Findings::Report),
    ("fail", Findings::Fail),
];
const HELD: &[(&str, Held)] = &[
    ("fail", Held::Fail),
    ("note", Held::Note),
    ("ignore", Held::Ignore),
];
const KNOWN: &[(&str, Known)] = &[("fail", Known::Fail), ("note", Known::Note)];
const STACKS: &[(&str, Stacks)] = &[
    ("full", Stacks::Full),
    ("native", Stacks::Native),
    ("java", Stacks::Java),
    ("off", Stacks::Off),
];
const FOLLOW: &[(&str, Follow)] = &[
    ("jvm", Follow::Jvm),
    ("all", Follow::All),
    ("none", Follow::None),
];
const YES_NO: &[(&str, bool)] = &[("yes", true), ("no", false)];
const SWITCH: &[(&str, bool)] = &[("true", true), ("false", false)];
const EXIT: &[(&str, Exit)] = &[
    ("off", Exit::Off),
    ("settle", Exit::Settle),
    ("report", Exit::Report),
];

fn choice<T: Copy>(key: &str, value: &str, known: &[(&str, T)]) -> Result<T, OptionError> {
    known
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, choice)| *choice)
        .ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            OptionError(format!(
                "option `{key}={value}` is not known: use one of {}",
                names.join(", ")
            ))
        })
}

fn track(value: &str) -> Result<Track, OptionError> {
    let mut set = 0;
    for kind in value.split('+') {
        set |= choice("track", kind, Track::ALL)?.0;
    }
    Ok(Track(set))
}

fn name<T: Copy + PartialEq>(value: T, known: &[(&'static str, T)]) -> &'static str {
    known
        .iter()
        .find(|(_, choice)| *choice == value)
        .map_or("", |(name, _)| name)
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Track::ALL
            .iter()
            .filter(|(_, kind)| self.contains(*kind))
            .map(|(name, _)| *name)
            .collect();
        f.write_str(&names.join("+"))
    }
}

/// The text form, which reads back as the same options.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "track={},findings={},held={},stacks={},out={},follow={},depth={},exit={},strict={}",
            self.track,
            name(self.findings, FINDINGS),
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
mod tests {
    use super::*;

    #[test]
    fn text_form_reads_back_as_the_same_options() {
        let text = "track=new,findings=fail,held=ignore,stacks=native,out=/a b/c,follow=all,depth=12,exit=settle,strict=true,suppressions=x.supp:y.supp,baseline=leaks.json,known-leaks=k.known,preload=no,known=fail,builtin-suppressions=false,redact=true";
        let options: Options = text.parse().expect("valid");
        assert_eq!(options.to_string(), text);
        assert_eq!(options.depth, 12);
        assert_eq!(options.follow, Follow::All);
    }

    #[test]
    fn files_become_absolute_one_by_one() {
        let mut options: Options =
            "suppressions=a.supp:/b.supp,baseline=c.json,known-leaks=d.known:/e.known"
                .parse()
                .expect("valid");
        options.make_files_absolute();
        let here = std::env::current_dir().expect("a working folder");
        let here = here.display();
        assert_eq!(options.suppressions, format!("{here}/a.supp:/b.supp"));
        assert_eq!(options.baseline, format!("{here}/c.json"));
        assert_eq!(options.suppression_files().count(), 2);
        assert_eq!(options.known_leaks, format!("{here}/d.known:/e.known"));

        let mut elsewhere: Options = "out=o,pools=p,log=l-%p".parse().expect("known keys");
        elsewhere.make_paths_absolute();
        let paths = [elsewhere.out, elsewhere.pools, elsewhere.log];
        assert_eq!(
            paths,
            ["o", "p", "l-%p"].map(|name| format!("{here}/{name}"))
        );
        let mut stderr: Options = "log=stderr".parse().expect("a known key");
        stderr.make_paths_absolute();
        assert_eq!(stderr.log, "stderr");

        let mut none = Options::default();
        none.make_files_absolute();
        assert_eq!(none, Options::default());
    }

    #[test]
    fn every_documented_key_is_read_and_its_default_holds() {
        for key in KEYS {
            if key.default.is_empty() {
                continue;
            }
            let options: Options = format!("{}={}", key.name, key.default)
                .parse()
                .expect(key.name);
            assert_eq!(options, Options::default(), "{}", key.name);
        }
    }

    #[test]
    fn the_documentation_lists_every_key_as_it_is() {
        let page = include_str!("../../../docs/options.md");
        for key in KEYS {
            let quoted = |list: &str| {
                let words: Vec<String> = list.split('|').map(|word| format!("`{word}`")).collect();
                words.join(", ")
            };
            let default = if key.default.is_empty() {
                String::new()
            } else {
                quoted(key.default)
            };
            let row = format!(
                "| `{}` | {} | {default} | {} |",
                key.name,
                quoted(key.values),
                key.meaning.replace("](docs/", "](")
            );
            assert!(page.contains(&row), "docs/options.md lacks the row\n{row}");
        }
        let rows = page
            .split("# Options")
            .nth(1)
            .and_then(|rest| rest.split("## ").next());
        let count = rows
            .unwrap_or_default()
            .lines()
            .filter(|line| line.starts_with("| `"))
            .count();
        assert_eq!(
            count,
            KEYS.len(),
            "docs/options.md lists an option that does not exist"
        );
    }

    #[test]
    fn errors_name_the_culprit_and_the_remedy() {
        for (text, culprit, remedy) in [
            ("colour=red", "`colour`", "use one of track, "),
            ("stacks=some", "`stacks=some`", "full, native, java, off"),
            ("track=new+old", "`track=old`", "new, malloc"),
            ("depth=0", "`depth=0`", "1 to 2000"),
            ("depth", "`depth`", "key=value"),
            ("out=", "`out`", "folder"),
        ] {
            let error = text.parse::<Options>().expect_err(text).to_string();
            assert!(
                error.contains(culprit) && error.contains(remedy),
                "{text}: {error}"
            );
        }
    }
}
