//! The line that makes a known leak of a site: for code that is not the user's own.

use super::Entry;
use crate::model::{Frame, JavaFrame, NativeFrame, Site};
use crate::owner;
use crate::stable::{class_name, library_name, method_name, module_name, without_platform};

/// An entry that knows all of `sites`, which have the same callers: if a library allocated them
/// that is not the user's own.
pub fn offer(sites: &[&Site]) -> Option<Entry> {
    let first = sites.first()?;
    if sites.iter().all(|site| site.known.is_some()) {
        return None;
    }
    let owner = first.owner.as_ref().and_then(|owner| owner.native_frame);
    let native = match first
        .frames
        .get(owner.map_or(usize::MAX, |owner| owner as usize))
    {
        Some(Frame::Native(native)) => Some(native),
        _ => None,
    };
    let mut java = java_of_library(first);
    if java.is_empty() && native.is_some_and(is_unpacked) {
        // Nobody knows which of its callers are the user's: the native method is not.
        let mut called = first.frames.iter().filter_map(java_frame);
        java.extend(called.find(|java| !owner::is_between(java) && java.class.contains('.')));
    }
    let site = match (&*java, native) {
        ([], Some(native)) if sites.len() == 1 && is_unpacked(native) => {
            vec![exactly(native.function.as_deref()?)]
        }
        ([], _) => return None,
        ([only], _) => vec![method(only)],
        ([inner, .., outer], _) => vec![method(inner), method(outer)],
    };
    let kind = sites.iter().all(|site| site.kind == first.kind);
    let library = match (native, java.first()) {
        (Some(native), _) => artefact(&native.module),
        (None, Some(java)) => package(&java.class),
        (None, None) => return None,
    };
    Some(Entry {
        library,
        versions: None,
        kind: kind.then_some(first.kind),
        site,
        report: None,
    })
}

/// The library's own Java frames below the user's, the allocating side first.
fn java_of_library(site: &Site) -> Vec<&JavaFrame> {
    let Some(owner) = site.owner.as_ref().and_then(|owner| owner.java_frame) else {
        return Vec::new();
    };
    let Some(Frame::Java(user)) = site.frames.get(owner as usize) else {
        return Vec::new();
    };
    let own = package(&user.class);
    site.frames[..owner as usize]
        .iter()
        .filter_map(java_frame)
        .filter(|java| package(&java.class) != own && !owner::is_between(java))
        .collect()
}

fn java_frame(frame: &Frame) -> Option<&JavaFrame> {
    match frame {
        Frame::Java(java) => Some(java),
        _ => None,
    }
}

/// The first two parts of a class's name: whose it is.
fn package(class: &str) -> String {
    let packages = class.rsplit_once('.').map_or("", |(package, _)| package);
    packages.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// Whether the library's file was unpacked from a jar: what is built beside the tests is not.
fn is_unpacked(native: &NativeFrame) -> bool {
    let file = native.module.rsplit('/').next().unwrap_or_default();
    let file = file.strip_suffix(" (deleted)").unwrap_or(file);
    let Some((stem, _)) = file.split_once(".so") else {
        return false;
    };
    module_name(&native.module).strip_suffix(".so") != Some(stem)
}

/// `librocksdbjni123456.so` is `rocksdbjni`, and `libnetty_tcnative_linux_x86_64123456.so` is
/// `netty_tcnative`. Some unpack theirs as `NAME-NUMBERS-libNAME.so`.
fn artefact(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let own = file.rsplit_once("-lib").map_or(file, |(_, own)| own);
    let name = module_name(&without_platform(&library_name(own)));
    let name = name.strip_suffix(".so").unwrap_or(&name);
    name.strip_prefix("lib").unwrap_or(name).to_owned()
}

fn method(java: &JavaFrame) -> String {
    let (class, method) = (class_name(&java.class), method_name(&java.method));
    let name = format!("{class}.{method}");
    if class == java.class && method == java.method {
        exactly(&name)
    } else {
        // A number that the compiler or the JVM gave out in passing follows.
        format!("^{}*.{}", in_entry(&class), in_entry(&method))
    }
}

fn exactly(name: &str) -> String {
    format!("^{}$", in_entry(name))
}

/// A name without what means something else in an entry.
fn in_entry(name: &str) -> String {
    name.replace(';', "*").replace(" < ", "*")
}

#[cfg(test)]
mod tests {
    use super::artefact;

    #[test]
    fn an_artefact_is_its_file_without_what_unpacking_and_building_added() {
        for (path, name) in [
            ("/tmp/librocksdbjni16230810609573563609.so", "rocksdbjni"),
            ("/tmp/librocksdbjni-linux64.so", "rocksdbjni"),
            (
                "/tmp/libnetty_tcnative_linux_x86_6412345678901234567890.so",
                "netty_tcnative",
            ),
            ("/tmp/liblz4-java-1234567890123456789.so", "lz4-java"),
            (
                "/tmp/sqlite-3.45.1.0-6a1f9c1e-1b2c-4d3e-8f90-a1b2c3d4e5f6-libsqlitejdbc.so",
                "sqlitejdbc",
            ),
            ("/opt/libcounter64.so", "counter64"),
        ] {
            assert_eq!(artefact(path), name, "{path}");
        }
    }
}
