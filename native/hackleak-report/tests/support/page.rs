//! A page in a file of its own, and what the browser says of it.

use std::path::{Path, PathBuf};

use hackleak_report::{Report, render};

use super::chromium::Browser;

/// A page in a file of its own.
pub struct Page {
    folder: tempfile::TempDir,
}

impl Page {
    /// The page of a report.
    pub fn of(report: &Report) -> Page {
        let folder = tempfile::tempdir().expect("temporary folder");
        let html = render::html(report).expect("HTML");
        std::fs::write(folder.path().join("report.html"), html).expect("write");
        Page { folder }
    }

    /// Where it is.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("report.html")
    }
}

/// Where a picture is left, to be looked at.
pub fn picture(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    target.join("html-report").join(name)
}

/// Nothing but the file was asked for, and the browser had nothing to complain of.
pub fn assert_alone(browser: &mut Browser, page: &Page) {
    let (requests, complaints) = browser.requests_and_complaints();
    let own = format!("file://{}", page.file().display());
    let of_own = |url: &str| url.split('#').next() == Some(&*own) || url == "about:blank";
    let others: Vec<&String> = requests.iter().filter(|url| !of_own(url)).collect();
    assert!(!requests.is_empty(), "the page itself was asked for");
    assert_eq!(others, Vec::<&String>::new());
    assert_eq!(complaints, Vec::<String>::new());
}
