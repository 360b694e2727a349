//! Reports without what says who ran something where: command lines, and names of users and hosts.
//!
//! Every text of a report is looked through, whatever field it is in, so that a field which is
//! added later is not forgotten. What is left alone are names in code: a class is not called
//! differently because a user has the name of its package.

use std::collections::BTreeSet;
use std::path::Path;

use hackleak_options::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::input;
use crate::model::{Process, Report};

/// Fields that are names in code, numbers, or words of this program.
const CODE: [&str; 19] = [
    "class",
    "method",
    "function",
    "kind",
    "type",
    "state",
    "verdict",
    "outcome",
    "check",
    "cause",
    "problem",
    "buildId",
    "offset",
    "revision",
    "root",
    "incomplete",
    "verdictWithoutLeaks",
    "visibility",
    "moment",
];
/// Names that nobody is known by.
const NOBODY: [&str; 8] = [
    "root",
    "user",
    "host",
    "localhost",
    "home",
    "nobody",
    "none",
    "null",
];
/// What user names stand behind in paths.
const HOMES: [&str; 4] = ["/home/", "/Users/", "hsperfdata_", "user.name="];
/// What host names stand behind in arguments.
const HOSTS: [&str; 2] = ["hostname=", "HOSTNAME="];

/// Names that do not belong into a report, and what stands for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    users: BTreeSet<String>,
    hosts: BTreeSet<String>,
}

impl Names {
    /// The names of this user and this host.
    pub fn here() -> Names {
        let mut names = Names::default();
        for variable in ["USER", "LOGNAME", "SUDO_USER"] {
            names.user(&std::env::var(variable).unwrap_or_default());
        }
        let home = std::env::var("HOME").unwrap_or_default();
        names.user(home.rsplit('/').next().unwrap_or_default());
        names.host(&std::env::var("HOSTNAME").unwrap_or_default());
        let host = input::text(Path::new("/proc/sys/kernel/hostname"));
        names.host(host.unwrap_or_default().trim());
        names
    }

    /// The same, and those that what is told here gives away.
    pub(crate) fn of(told: &impl Serialize) -> serde_json::Result<Names> {
        let mut names = Names::here();
        let mut value = serde_json::to_value(told)?;
        each_text(&mut value, &mut |text| names.learn(text));
        Ok(names)
    }

    /// What is told, without the names.
    pub(crate) fn without<T: Serialize + DeserializeOwned>(
        &self,
        told: &T,
    ) -> serde_json::Result<T> {
        let mut value = serde_json::to_value(told)?;
        each_text(&mut value, &mut |text| *text = self.clean(text));
        // Texts have become other texts, so the shape is the same.
        serde_json::from_value(value)
    }

    fn user(&mut self, name: &str) {
        if is_name(name) {
            self.users.insert(name.to_owned());
        }
    }

    /// A host by its whole name and by the first part of it.
    fn host(&mut self, name: &str) {
        let first = name.split('.').next().unwrap_or_default();
        for name in [name, first] {
            if is_name(name) {
                self.hosts.insert(name.to_owned());
            }
        }
    }

    /// Finds the names that a text gives away.
    fn learn(&mut self, text: &str) {
        let ends = |c: char| c == '/' || c == '\\' || c.is_whitespace() || ",;:'\"`".contains(c);
        for (starts, is_host) in [(&HOMES[..], false), (&HOSTS[..], true)] {
            for start in starts {
                for (at, _) in text.match_indices(start) {
                    let rest = &text[at + start.len()..];
                    let name = &rest[..rest.find(ends).unwrap_or(rest.len())];
                    match is_host {
                        true => self.host(name),
                        false => self.user(name),
                    }
                }
            }
        }
    }

    /// The text without the names.
    pub fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        // A long name may have a short one in it.
        let mut all: Vec<(&str, &str)> = Vec::new();
        all.extend(self.hosts.iter().map(|name| (name.as_str(), "host")));
        all.extend(self.users.iter().map(|name| (name.as_str(), "user")));
        all.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, instead) in all {
            clean = without(&clean, name, instead);
        }
        clean
    }
}

/// Whether somebody or something may be known by this.
fn is_name(name: &str) -> bool {
    name.len() > 1
        && !NOBODY.contains(&name)
        && name.chars().any(char::is_alphabetic)
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "._-@$".contains(c))
}

/// `text` with `instead` for each `name` that is a word of its own, in any case of its letters.
fn without(text: &str, name: &str, instead: &str) -> String {
    let (lower, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for (at, _) in lower.match_indices(&name) {
        let end = at + name.len();
        let before = lower[..at].chars().next_back();
        let after = lower[end..].chars().next();
        let is_inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if at < done || is_inside(before) || is_inside(after) {
            continue;
        }
        clean.push_str(&text[done..at]);
        clean.push_str(instead);
        done = end;
    }
    clean.push_str(&text[done..]);
    clean
}

/// Whether a process was recorded with `redact=true`, by its options.
pub(crate) fn is_asked_by(options: &str) -> bool {
    let options: Result<Options, _> = options.parse();
    options.is_ok_and(|options| options.redact)
}

impl Process {
    fn asks_to_be_redacted(&self) -> bool {
        is_asked_by(&self.options)
    }
}

impl Report {
    /// Takes out command lines and the names of users and hosts, if that is asked for here or by a
    /// process itself; returns the names then.
    ///
    /// # Errors
    ///
    /// The report cannot be looked through: then it must not be shown.
    pub fn redact(&mut self, asked: bool) -> serde_json::Result<Option<Names>> {
        if !asked && !self.processes.iter().any(Process::asks_to_be_redacted) {
            return Ok(None);
        }
        let names = Names::of(self)?;
        self.processes.iter_mut().for_each(|it| it.command.clear());
        let mut clean = names.without(self)?;
        // The JSON lacks what is for the process itself, and has no names in it.
        for (clean, whole) in clean.processes.iter_mut().zip(&mut self.processes) {
            clean.covered = std::mem::take(&mut whole.covered);
        }
        *self = clean;
        Ok(Some(names))
    }
}

/// Every text that is no name in code.
fn each_text(value: &mut Value, work: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => work(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, work)),
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(key, _)| !CODE.contains(&key.as_str()))
            .for_each(|(_, value)| each_text(value, work)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_their_own() {
        let mut names = Names::default();
        names.learn(
            "/home/mila/shop:/tmp/hsperfdata_otto/1 -Djava.rmi.server.hostname=ci7.acme.org",
        );
        names.learn("/home/root/x /home//y /root/z");
        let users: Vec<&str> = names.users.iter().map(String::as_str).collect();
        let hosts: Vec<&str> = names.hosts.iter().map(String::as_str).collect();
        assert_eq!(users, ["mila", "otto"]);
        assert_eq!(hosts, ["ci7", "ci7.acme.org"]);
        for (text, clean) in [
            ("/home/mila/a/libmila.so", "/home/user/a/libmila.so"),
            ("worker-of-Mila on CI7.acme.org!", "worker-of-user on host!"),
            ("ci7: ottoman, otto", "host: ottoman, user"),
            ("ünter mila", "ünter user"),
        ] {
            assert_eq!(names.clean(text), clean);
        }
    }

    /// Fields of the schema whose texts are words of this program.
    fn words(schema: &Value, found: &mut BTreeSet<String>) {
        let definitions = &schema["$defs"];
        let named = |value: &Value| {
            let name = value["$ref"].as_str()?.rsplit('/').next()?;
            definitions.get(name).cloned()
        };
        let is_words = |value: &Value| {
            let value = named(value).unwrap_or_else(|| value.clone());
            let all = value["oneOf"].as_array().cloned().unwrap_or_default();
            value.get("enum").is_some()
                || !all.is_empty()
                    && all
                        .iter()
                        .all(|one| one.get("const").is_some() || one.get("enum").is_some())
        };
        for definition in definitions
            .as_object()
            .into_iter()
            .flat_map(|all| all.values())
        {
            let properties = definition["properties"].as_object();
            for (name, property) in properties.into_iter().flatten() {
                let parts = [property, &property["items"]];
                let any = property["anyOf"].as_array().into_iter().flatten();
                if parts.into_iter().chain(any).any(is_words) {
                    found.insert(name.clone());
                }
            }
        }
    }

    #[test]
    fn words_of_this_program_are_no_names() {
        let schema: Value = serde_json::from_str(&crate::schema::text()).expect("JSON");
        let mut found = BTreeSet::new();
        words(&schema, &mut found);
        assert!(found.len() > 5, "{found:?}");
        let forgotten: Vec<&String> = found
            .iter()
            .filter(|it| !CODE.contains(&it.as_str()))
            .collect();
        assert!(forgotten.is_empty(), "{forgotten:?}");
    }
}
