//! The report as one HTML file that needs nothing else: no server, no network, no other file.
//!
//! The page is three things. A plain one that Rust writes, with verdict, processes, tests and the
//! largest sites: it is readable where an artifact store forbids scripts and styles. The data of
//! the whole report, as JSON in a script element that nobody runs. And the script in
//! `html/*.js` that makes tables, flame graph and timeline of it, and hides the plain page.
//!
//! What is difficult: everything in an image may be hostile. Text reaches the page in two ways
//! only, [`escape::text`] here and `textContent` in the script; the data cannot end its element,
//! because `<` is escaped in it; and the page's own policy allows no script but the one whose
//! hash it names, and no connection at all.

mod data;
mod escape;
mod plain;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::model::Report;

const STYLE: &str = include_str!("html/style.css");
const PAGE: &str = include_str!("html/page.html");
/// In the order in which they need each other.
const SCRIPTS: [&str; 9] = [
    include_str!("html/dom.js"),
    include_str!("html/model.js"),
    include_str!("html/grid.js"),
    include_str!("html/stack.js"),
    include_str!("html/sites.js"),
    include_str!("html/flame.js"),
    include_str!("html/timeline.js"),
    include_str!("html/overview.js"),
    include_str!("html/main.js"),
];

/// The report as one HTML file.
///
/// # Errors
///
/// None that a report can cause; the signature is that of `serde_json`.
pub fn html(report: &Report) -> serde_json::Result<String> {
    let data = escape::json_in_script(&serde_json::to_string(&data::Data::of(report))?);
    let script = format!("(() => {{\n\"use strict\";\n{}\n}})();\n", SCRIPTS.concat());
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        source(&script),
        source(STYLE)
    );
    let plain = plain::body(report);
    // Each placeholder is replaced where the template has it, never inside what was put in.
    let mut page = String::with_capacity(data.len() + plain.len() + script.len() + STYLE.len());
    let mut rest = PAGE;
    while let Some(at) = rest.find("{{") {
        page.push_str(&rest[..at]);
        let (name, after) = rest[at + 2..]
            .split_once("}}")
            .unwrap_or((&rest[at + 2..], ""));
        page.push_str(match name {
            "policy" => &policy,
            "style" => STYLE,
            "plain" => &plain,
            "data" => &data,
            "script" => &script,
            _ => "",
        });
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// How a content security policy names an inline script or style.
fn source(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}
