//! Which version of a library a process has: from the jars on its class path.
//!
//! A running process holds its jars open, and `/proc` tells which those are, however they got onto
//! the class path. Of one that has ended the arguments are left: `-cp`, `-jar`, the files of
//! arguments that build tools write, and the class path that a jar's manifest has. A jar says in
//! its `pom.properties`, in its manifest or by its name what it is; a jar that others were copied
//! into has the `pom.properties` of each of them.

mod zip;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use zip::Zip;

/// The most jars that are opened.
const MAX_JARS: usize = 4096;

/// The jars of one process, looked for when they are first asked for.
pub(super) struct Jars {
    command: Vec<String>,
    running: Option<u32>,
    files: Option<BTreeSet<PathBuf>>,
    known: BTreeMap<String, Vec<String>>,
}

impl Jars {
    /// Of the process with these arguments, and this number if it still runs.
    pub(super) fn of(command: &[String], running: Option<u32>) -> Jars {
        Jars {
            command: command.to_vec(),
            running,
            files: None,
            known: BTreeMap::new(),
        }
    }

    /// The versions of a library that were found; none when no jar is known to be the library's.
    pub(super) fn versions(&mut self, library: &str) -> Vec<String> {
        if let Some(known) = self.known.get(library) {
            return known.clone();
        }
        let Jars {
            command, running, ..
        } = self;
        let files = self.files.get_or_insert_with(|| find(command, *running));
        let of_name = |file: &&PathBuf| {
            let name = file.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(library))
        };
        let own = files.iter().filter(of_name);
        let mut found: BTreeSet<String> = own.filter_map(|jar| version(jar, library)).collect();
        if found.is_empty() {
            let others = files.iter().filter(|file| !of_name(file));
            found = others
                .take(MAX_JARS)
                .filter_map(|jar| version_of_copied(jar, library))
                .collect();
        }
        let found: Vec<String> = found.into_iter().collect();
        self.known.insert(library.to_owned(), found.clone());
        found
    }
}

/// The jars of a process.
fn find(command: &[String], running: Option<u32>) -> BTreeSet<PathBuf> {
    let open = running
        .and_then(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let mut jars: BTreeSet<PathBuf> = open.filter(|path| is_jar(path)).collect();
    for element in class_path(command) {
        if let Some(folder) = element.strip_suffix("/*") {
            let files = fs::read_dir(folder).into_iter().flatten().flatten();
            jars.extend(files.map(|file| file.path()).filter(|path| is_jar(path)));
        } else if is_jar(Path::new(&element)) {
            jars.extend(of_manifest(Path::new(&element)));
            jars.insert(element.into());
        }
    }
    jars
}

fn is_jar(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jar")
}

/// The elements of the class path that a JVM's arguments name.
fn class_path(command: &[String]) -> Vec<String> {
    let mut arguments = Vec::new();
    for argument in command.iter().skip(1) {
        match argument.strip_prefix('@') {
            Some(file) => {
                let text = crate::input::text(Path::new(file)).unwrap_or_default();
                let unquoted = |word: &str| word.trim_matches('"').to_owned();
                arguments.extend(text.split_ascii_whitespace().map(unquoted));
            }
            None => arguments.push(argument.clone()),
        }
    }
    let mut elements = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let value = match argument.split_once('=') {
            Some(("--class-path" | "-Djava.class.path", value)) => Some(value.to_owned()),
            _ => match &*argument {
                "-cp" | "-classpath" | "--class-path" | "-jar" => arguments.next(),
                _ => None,
            },
        };
        let value = value.unwrap_or_default();
        let named = value.split(':').filter(|element| !element.is_empty());
        elements.extend(named.map(str::to_owned));
    }
    elements
}

/// The jars that the class path in a jar's manifest names.
fn of_manifest(jar: &Path) -> Vec<PathBuf> {
    let Some(manifest) = manifest(jar) else {
        return Vec::new();
    };
    let folder = jar.parent().unwrap_or(Path::new(""));
    let urls = manifest.get("Class-Path").map(String::as_str);
    let urls = urls.unwrap_or_default().split_ascii_whitespace();
    urls.map(|url| folder.join(unescaped(url.strip_prefix("file:").unwrap_or(url))))
        .filter(|path| is_jar(path))
        .collect()
}

/// A path in a URL, in which bytes may stand as `%20`.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| str::from_utf8(two).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    // Some write `file:///home/…`, some `file:/home/…`.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match text.strip_prefix("//") {
        Some(path) => path.to_owned(),
        None => text,
    }
}

/// The version of a jar whose name begins like the library's.
fn version(jar: &Path, library: &str) -> Option<String> {
    let of_name = || {
        let name = jar.file_stem()?.to_str()?;
        let rest = name.strip_prefix(library)?.strip_prefix('-')?;
        let starts = rest.starts_with(|first: char| first.is_ascii_digit());
        starts.then(|| rest.to_owned())
    };
    let of_manifest = || {
        let manifest = manifest(jar)?;
        let names = [
            "Implementation-Title",
            "Bundle-SymbolicName",
            "Automatic-Module-Name",
        ];
        let is_it = |name: &str| {
            let title = manifest.get(name);
            title.is_some_and(|title| title.split([';', '.']).any(|part| part == library))
        };
        names.iter().find(|name| is_it(name))?;
        let versions = ["Implementation-Version", "Bundle-Version"];
        versions
            .iter()
            .find_map(|name| manifest.get(*name).cloned())
    };
    version_of_copied(jar, library)
        .or_else(of_name)
        .or_else(of_manifest)
}

/// The version in the `pom.properties` of the library, which a jar keeps that it was copied into.
fn version_of_copied(jar: &Path, library: &str) -> Option<String> {
    let end = format!("/{library}/pom.properties");
    let is_it = |name: &str| name.starts_with("META-INF/maven/") && name.ends_with(&end);
    let text = Zip::open(jar).ok()?.text(is_it)?;
    let mut lines = text.lines();
    let version = lines.find_map(|line| line.trim().strip_prefix("version="));
    version.map(|version| version.trim().to_owned())
}

/// The main attributes of a jar's manifest.
fn manifest(jar: &Path) -> Option<BTreeMap<String, String>> {
    let text = Zip::open(jar)
        .ok()?
        .text(|name| name == "META-INF/MANIFEST.MF")?;
    // A line that begins with a space goes on with the one before.
    let text = text.replace("\r\n", "\n").replace("\n ", "");
    let main = text.split("\n\n").next().unwrap_or_default();
    let attributes = main.lines().filter_map(|line| line.split_once(':'));
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    Some(attributes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use std::io::Write;

    /// A jar with these entries, each second one packed.
    fn jar(path: &Path, entries: &[(&str, &str)]) {
        let mut bytes = Vec::new();
        let mut directory = Vec::new();
        for (index, (name, text)) in entries.iter().enumerate() {
            let start = bytes.len() as u32;
            let (method, packed) = match index % 2 {
                0 => {
                    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                    encoder.write_all(text.as_bytes()).expect("packed");
                    (8u16, encoder.finish().expect("packed"))
                }
                _ => (0, text.as_bytes().to_vec()),
            };
            let sizes = [packed.len() as u32, text.len() as u32].map(u32::to_le_bytes);
            bytes.extend(b"PK\x03\x04\x14\x00\x00\x00");
            bytes.extend(method.to_le_bytes());
            bytes.extend([0; 8]);
            bytes.extend(sizes.concat());
            // The header of the entry has a field that the directory has not.
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend([4, 0]);
            bytes.extend(name.as_bytes());
            bytes.extend([1, 2, 0, 0]);
            bytes.extend(packed);
            directory.extend(b"PK\x01\x02\x14\x00\x14\x00\x00\x00");
            directory.extend(method.to_le_bytes());
            directory.extend([0; 8]);
            directory.extend(sizes.concat());
            directory.extend((name.len() as u16).to_le_bytes());
            directory.extend([0; 12]);
            directory.extend(start.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let (size, start) = (directory.len() as u32, bytes.len() as u32);
        bytes.extend(directory);
        bytes.extend(b"PK\x05\x06\0\0\0\0\0\0\0\0");
        bytes.extend(size.to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend([0, 0]);
        fs::write(path, bytes).expect("written");
    }

    fn versions(command: &[&str], library: &str) -> Vec<String> {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        Jars::of(&command, None).versions(library)
    }

    #[test]
    fn jars_tell_their_versions() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = |name: &str| folder.path().join(name);
        let text = |path: &Path| path.display().to_string();
        jar(&file("rocksdbjni-11.8.1.jar"), &[("a", "b")]);
        jar(
            &file("crypto.jar"),
            &[
                ("x/y", "z"),
                (
                    "META-INF/maven/org.x/commons-crypto/pom.properties",
                    "#c\nversion=1.2.0\n",
                ),
            ],
        );
        jar(
            &file("lz4-java.jar"),
            &[(
                "META-INF/MANIFEST.MF",
                "Manifest-Version: 1.0\r\nImplementation-Title: lz4-\r\n java\r\nImplementation-Version: 1.8.0\r\n\r\nName: x\r\n",
            )],
        );
        let all =
            ["rocksdbjni-11.8.1.jar", "crypto.jar", "lz4-java.jar"].map(|name| text(&file(name)));
        let class_path = all.join(":");
        let command = ["java", "-Xmx1g", "-cp", &*class_path, "Main"];
        assert_eq!(versions(&command, "rocksdbjni"), ["11.8.1"]);
        assert_eq!(versions(&command, "commons-crypto"), ["1.2.0"]);
        assert_eq!(versions(&command, "lz4-java"), ["1.8.0"]);
        assert_eq!(versions(&command, "rocksdb"), [""; 0]);
        let wildcard = format!("{}/*", folder.path().display());
        assert_eq!(
            versions(&["java", "--class-path", &wildcard], "rocksdbjni"),
            ["11.8.1"]
        );

        // As Surefire starts its JVMs: a jar with nothing but a class path, or a file of arguments.
        let urls = all
            .iter()
            .map(|path| format!("file:{path}"))
            .collect::<Vec<_>>();
        let booter = file("booter.jar");
        let manifest = format!("Class-Path: {}\n\n", urls.join(" "));
        jar(&booter, &[("META-INF/MANIFEST.MF", &manifest)]);
        assert_eq!(
            versions(&["java", "-jar", &text(&booter)], "rocksdbjni"),
            ["11.8.1"]
        );
        let arguments = file("arguments");
        fs::write(&arguments, format!("-cp\n\"{class_path}\"\nMain\n")).expect("written");
        let named = format!("@{}", arguments.display());
        assert_eq!(versions(&["java", &named], "commons-crypto"), ["1.2.0"]);
    }

    #[test]
    fn whatever_is_damaged_is_no_version() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("crypto.jar");
        let name = "META-INF/maven/org.x/commons-crypto/pom.properties";
        jar(&path, &[(name, "version=1.2.0\n")]);
        let whole = fs::read(&path).expect("read");
        let command = ["java", "-cp", path.to_str().expect("a name")];
        assert_eq!(versions(&command, "commons-crypto"), ["1.2.0"]);
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("written");
            let found = versions(&command, "commons-crypto");
            assert!(found.is_empty(), "{length} bytes: {found:?}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] = 0xff;
            fs::write(&path, bytes).expect("written");
            versions(&command, "commons-crypto");
        }
    }
}
