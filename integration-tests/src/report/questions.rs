//! What tests ask of a report, and how one is made.

use std::process::Command;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use super::{Frame, Process, Report, Site};
use crate::{artefacts, process, workspace};

impl Frame {
    /// `Class.method`, `Class.method:LINE` for Java frames, the function for native ones, `(text)`
    /// for marks.
    ///
    /// A native function is cut at its parameter list: compilers differ in how they clone and print
    /// it.
    pub fn name(&self) -> String {
        match self {
            Frame::Native {
                function: Some(name),
                ..
            } => name.split('(').next().unwrap_or_default().to_owned(),
            Frame::Native { .. } => "?".to_owned(),
            Frame::Java { class, method, .. } => format!("{class}.{method}"),
            Frame::Mark { text } => format!("({text})"),
        }
    }

    /// Whether this is a Java frame.
    pub fn is_java(&self) -> bool {
        matches!(self, Frame::Java { .. })
    }

    /// Whether this call was inlined into the next frame.
    pub fn is_inlined(&self) -> bool {
        matches!(self, Frame::Native { inlined: true, .. })
    }

    /// Whether this is a native frame.
    pub fn is_native(&self) -> bool {
        matches!(self, Frame::Native { .. })
    }
}

impl Site {
    /// The names of all frames, innermost first, without inlined calls: those are the compiler's
    /// choice.
    pub fn names(&self) -> Vec<String> {
        self.frames
            .iter()
            .filter(|frame| !frame.is_inlined())
            .map(Frame::name)
            .collect()
    }

    /// The names of the Java frames, innermost first.
    pub fn java(&self) -> Vec<String> {
        self.frames
            .iter()
            .filter(|frame| frame.is_java())
            .map(Frame::name)
            .collect()
    }

    /// The first frame with that name.
    pub fn frame(&self, name: &str) -> &Frame {
        let found = self.frames.iter().find(|frame| frame.name() == name);
        found.unwrap_or_else(|| panic!("no frame {name} in {:#?}", self.names()))
    }

    /// Asserts that frames of these names are in the stack, in this order, others between them
    /// allowed.
    pub fn assert_order(&self, names: &[&str]) {
        let all = self.names();
        let mut rest = all.iter();
        for name in names {
            assert!(
                rest.any(|frame| frame == name),
                "no {name} in its place in {all:#?}"
            );
        }
    }
}

impl Process {
    /// The number of the checkpoint with that label.
    pub fn epoch(&self, label: &str) -> u32 {
        let found = self
            .checkpoints
            .iter()
            .find(|c| c.label.as_deref() == Some(label));
        found
            .unwrap_or_else(|| panic!("no checkpoint {label}: {:?}", self.checkpoints))
            .epoch
    }

    /// The sites whose blocks all have this size.
    pub fn sites_of(&self, bytes: u64) -> Vec<&Site> {
        self.leaks
            .sites
            .iter()
            .filter(|site| site.bytes == site.blocks * bytes)
            .collect()
    }

    /// The only site whose blocks have this size.
    pub fn site_of(&self, bytes: u64) -> &Site {
        let sites = self.sites_of(bytes);
        assert_eq!(
            sites.len(),
            1,
            "one site of {bytes} bytes was expected: {:#?}",
            self.leaks
        );
        sites[0]
    }

    /// How many blocks of this size are left.
    pub fn blocks_of(&self, bytes: u64) -> u64 {
        self.sites_of(bytes).iter().map(|site| site.blocks).sum()
    }

    /// How many blocks of this size are held.
    pub fn held_blocks_of(&self, bytes: u64) -> u64 {
        let sites = self.held.sites.iter();
        let of_size = sites.filter(|site| site.bytes == site.blocks * bytes);
        of_size.map(|site| site.blocks).sum()
    }

    /// Asserts that nothing that happened is missing from the record.
    pub fn assert_nothing_lost(&self) {
        self.assert_nothing_lost_but("");
    }

    /// The same, but for the counter `known`.
    pub fn assert_nothing_lost_but(&self, known: &str) {
        let lost: Vec<_> = self
            .counters
            .iter()
            .filter(|(name, count)| **count != 0 && *name != known)
            .collect();
        assert!(lost.is_empty(), "not recorded: {lost:?}");
        assert_ne!(self.verdict, "incomplete", "{:?}", self.notes);
    }
}

impl Report {
    /// The only process; panics if there are none or several.
    pub fn process(&self) -> &Process {
        assert_eq!(
            self.processes.len(),
            1,
            "one process was expected: {self:#?}"
        );
        &self.processes[0]
    }

    /// Parses and validates what `hackleak report --format json` printed.
    pub fn parse(json: &str) -> Report {
        let value: Value = serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"));
        let errors: Vec<String> = schema()
            .iter_errors(&value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "not as the schema says: {errors:#?}\n{json}"
        );
        serde_json::from_value(value).unwrap_or_else(|e| panic!("{e}: {json}"))
    }

    /// Runs `hackleak report` with `arguments` and checks that its exit code says what its JSON
    /// says.
    pub fn of<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Report {
        let mut command = Command::new(artefacts::cli());
        command
            .arg("report")
            .args(["--format", "json"])
            .args(arguments);
        let ended = process::run(&mut command);
        let known = matches!(ended.status.code(), Some(0 | 23 | 24));
        assert!(known && !ended.stdout.is_empty(), "{ended}");
        let report = Report::parse(&ended.stdout);
        let says = |verdict| {
            report
                .processes
                .iter()
                .any(|process| process.verdict == verdict)
        };
        let leaks = report
            .processes
            .iter()
            .any(|process| process.leaks.blocks > 0);
        assert_eq!(says("leaks"), leaks, "{ended}");
        let expected = if leaks || says("invalidFrees") {
            23
        } else if says("incomplete") {
            24
        } else {
            0
        };
        assert_eq!(ended.code(), expected, "{ended}");
        report
    }
}

fn schema() -> &'static Validator {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let path = workspace::root().join("docs/schema/report-v1.json");
        let text = std::fs::read_to_string(&path).expect("the report's schema is published");
        let value = serde_json::from_str(&text).expect("the report's schema is JSON");
        jsonschema::validator_for(&value).expect("the report's schema is a schema")
    })
}
