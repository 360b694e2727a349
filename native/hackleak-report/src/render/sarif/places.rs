//! Where results and the frames of stacks point.

use serde_json::{Value, json};

use super::super::{caption, stack};
use crate::model::Frame;
use crate::origin::{Origin, Place, Sources};
use crate::stable::module_name;

/// The folder that paths are relative to.
const BASE: &str = "%SRCROOT%";

/// Where a result is shown, whatever is known of it.
pub(super) fn location(origin: &Origin<'_>, frames: &[Frame]) -> Value {
    let logical: Vec<Value> = [
        origin.java.map(|java| {
            json!({
                "name": java.method,
                "fullyQualifiedName": format!("{}.{}", java.class, java.method),
                "kind": "member",
            })
        }),
        origin.native.map(|native| {
            let name = caption::frame(&Frame::Native(native.clone()));
            json!({
                "name": name,
                "fullyQualifiedName": native.function.as_deref().unwrap_or(&name),
                "kind": "function",
            })
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    let place = origin.place().cloned();
    let place = place.unwrap_or_else(|| suggested(origin, frames));
    let mut location = json!({ "physicalLocation": physical(&place) });
    if !logical.is_empty() {
        location["logicalLocations"] = json!(logical);
    }
    location
}

/// The path that a package or a module suggests where no source was found.
fn suggested(origin: &Origin<'_>, frames: &[Frame]) -> Place {
    if let Some(java) = origin.java {
        let package = java
            .class
            .rsplit_once('.')
            .map(|(package, _)| package.replace('.', "/"));
        let outer = java.class.rsplit('.').next().unwrap_or(&java.class);
        let outer = outer.split('$').next().unwrap_or(outer);
        let file = java.file.clone().unwrap_or_else(|| format!("{outer}.java"));
        return Place {
            file: package.map_or(file.clone(), |package| format!("{package}/{file}")),
            line: java.line,
        };
    }
    let first = frames.iter().find_map(|frame| match frame {
        Frame::Native(native) => Some(native),
        _ => None,
    });
    match origin.native.or(first) {
        Some(native) => Place {
            file: module_name(&native.module).to_string(),
            line: None,
        },
        None => Place {
            file: "unknown".to_owned(),
            line: None,
        },
    }
}

/// A place as a region of a file.
pub(super) fn physical(place: &Place) -> Value {
    let mut physical = json!({
        "artifactLocation": { "uri": uri(&place.file), "uriBaseId": BASE },
    });
    // GitHub wants a region; the first line stands for a file.
    physical["region"] = json!({ "startLine": place.line.unwrap_or(1).max(1) });
    physical
}

/// The frames of a stack.
pub(super) fn stack_of(frames: &[Frame], sources: &Sources, said: &str) -> Value {
    let frames: Vec<Value> = frames
        .iter()
        .map(|frame| {
            let place = match frame {
                Frame::Java(java) => sources.of_java(java),
                Frame::Native(native) => sources.of_native(native),
                Frame::Mark { .. } => None,
            };
            let mut location = json!({
                "logicalLocations": [{ "fullyQualifiedName": caption::frame(frame) }],
                "message": { "text": stack::frame_line(frame) },
            });
            if let Some(place) = place {
                location["physicalLocation"] = physical(&place);
            }
            let mut frame_value = json!({ "location": location });
            if let Frame::Native(native) = frame {
                frame_value["module"] = json!(&*module_name(&native.module));
            }
            frame_value
        })
        .collect();
    json!({ "message": { "text": said }, "frames": frames })
}

/// A path as a relative URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b'+'
            | b'@'
            | b'='
            | b',' => uri.push(char::from(byte)),
            other => uri += &format!("%{other:02X}"),
        }
    }
    uri
}
