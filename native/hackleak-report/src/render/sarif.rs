//! SARIF 2.1.0 (OASIS), which GitHub shows as annotations of the leaking line.
//!
//! What is difficult: GitHub refuses a whole file when one result has no physical location, and
//! shows none when its path is not below the repository. So each result points at the likely
//! owner's source where that is found, and else at the path that its package or module suggests.
//! Results keep their identity over rebuilds by the fingerprint of their names.

mod places;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::caption;
use crate::merge::{self, Merged};
use crate::model::{
    Holder, InvalidFree, InvalidFreeKind, Kind, KnownLeak, Process, Report, Verdict,
};
use crate::origin::{Origin, Sources};
use crate::stable::Identity;
use places::{location, physical, stack_of};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const HOME: &str = "https://github.com/hackleak/hackleak";
/// What the fingerprints are made of; another way to make them gets another name.
const FINGERPRINT: &str = "hackleakSite/v1";

/// The report as SARIF, ended by a newline.
///
/// # Errors
///
/// None that a report can cause; the signature is that of `serde_json`.
pub fn sarif(report: &Report, sources: &Sources) -> serde_json::Result<String> {
    let mut rules = Rules::default();
    let mut fingerprints = Fingerprints::default();
    let compared = !report.baselines.is_empty();
    let mut results: Vec<Value> = merge::sites(report)
        .iter()
        .map(|site| leak(site, sources, compared, &mut rules, &mut fingerprints))
        .collect();
    // Known leaks of libraries are there for whoever looks for them, and raise no alert.
    for site in &merge::known(report) {
        let mut result = leak(site, sources, compared, &mut rules, &mut fingerprints);
        result["level"] = json!("note");
        let known = site.site.known.as_ref().map(KnownLeak::sentence);
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": known,
        }]);
        results.push(result);
    }
    for (process, invalid_free) in merge::invalid_frees(report) {
        results.push(invalid_free_result(
            process,
            invalid_free,
            sources,
            &mut rules,
            &mut fingerprints,
        ));
    }
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "HackLeak",
                "semanticVersion": report.tool.version,
                "informationUri": HOME,
                "rules": rules.all,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": invocations(report),
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log)?;
    text.push('\n');
    Ok(text)
}

/// The rules that results name, in the order in which they were met.
#[derive(Default)]
struct Rules {
    all: Vec<Value>,
    known: HashMap<String, usize>,
}

impl Rules {
    fn index(&mut self, id: &str, short: &str, help: &str) -> usize {
        *self.known.entry(id.to_owned()).or_insert_with(|| {
            self.all.push(json!({
                "id": id,
                "name": camel(id),
                "shortDescription": { "text": short },
                "fullDescription": { "text": help },
                "help": { "text": help },
                "helpUri": HOME,
                "defaultConfiguration": { "level": "error" },
                "properties": { "tags": ["memory", "leak"], "precision": "very-high" },
            }));
            self.all.len() - 1
        })
    }
}

/// Fingerprints, told apart where several results have the same.
#[derive(Default)]
struct Fingerprints(HashMap<String, usize>);

impl Fingerprints {
    fn of(&mut self, identity: &Identity) -> Value {
        let fingerprint = identity.fingerprint();
        let number = self.0.entry(fingerprint.clone()).or_default();
        *number += 1;
        json!({ FINGERPRINT: format!("{fingerprint}:{number}") })
    }
}

fn leak(
    merged: &Merged<'_>,
    sources: &Sources,
    compared: bool,
    rules: &mut Rules,
    fingerprints: &mut Fingerprints,
) -> Value {
    let site = merged.site;
    let origin = Origin::of(&site.frames, site.owner.as_ref(), sources);
    let id = format!("leak/{}", kebab(site.kind.name()));
    let short = format!("Native memory leak ({})", site.kind.name());
    let rule = rules.index(&id, &short, &help(site.kind));
    let mut result = json!({
        "ruleId": id,
        "ruleIndex": rule,
        "level": "error",
        "kind": "fail",
        "message": { "text": format!(
            "{}: {}",
            caption::owner(&origin, &site.frames),
            caption::amount(merged)
        )},
        "locations": [location(&origin, &site.frames)],
        "stacks": [stack_of(&site.frames, sources, "allocated at")],
        "occurrenceCount": merged.amount.blocks.clamp(1, i64::MAX as u64),
        "partialFingerprints": fingerprints.of(&Identity::of(site)),
        "properties": {
            "bytes": merged.amount.bytes,
            "blocks": merged.amount.blocks,
            "kind": site.kind.name(),
            "verdict": site.verdict.name(),
            "heldBy": site.holder.as_ref().map(Holder::sentence),
            "knownLeak": site.known.as_ref().map(KnownLeak::sentence),
            "processes": merged.processes.iter().map(|(process, amount)| json!({
                "process": caption::process(process),
                "pid": process.pid,
                "bytes": amount.bytes,
                "blocks": amount.blocks,
            })).collect::<Vec<_>>(),
        },
    });
    // The other side of the border, when its source is known too.
    if let (Some(_), Some(native)) = (&origin.java_place, &origin.native_place) {
        result["relatedLocations"] = json!([{
            "id": 1,
            "physicalLocation": physical(native),
            "message": { "text": "the native code" },
        }]);
    }
    if compared {
        let state = if site.baseline.is_some() {
            "updated"
        } else {
            "new"
        };
        result["baselineState"] = json!(state);
    }
    result
}

fn invalid_free_result(
    process: &Process,
    invalid_free: &InvalidFree,
    sources: &Sources,
    rules: &mut Rules,
    fingerprints: &mut Fingerprints,
) -> Value {
    let origin = Origin::of(&invalid_free.freed, None, sources);
    let (id, short) = match invalid_free.problem {
        InvalidFreeKind::Mismatch => (
            "invalid-free/mismatch",
            "Block freed by another family of functions",
        ),
        InvalidFreeKind::DoubleFree => ("invalid-free/double-free", "Block freed twice"),
        InvalidFreeKind::Interior => ("invalid-free/interior", "Pointer inside a block freed"),
        InvalidFreeKind::Size => ("invalid-free/size", "Block freed with a wrong size"),
        InvalidFreeKind::NotAllocated => (
            "invalid-free/not-allocated",
            "Given back what was not allocated",
        ),
        InvalidFreeKind::UnderBuffer => (
            "invalid-free/under-buffer",
            "Memory freed under a direct byte buffer",
        ),
    };
    let rule = rules.index(
        id,
        short,
        "Undefined behaviour: the first stack is the invalid free, the second the allocation.",
    );
    let level = if process.verdict >= Verdict::InvalidFrees {
        "error"
    } else {
        "warning"
    };
    json!({
        "ruleId": id,
        "ruleIndex": rule,
        "level": level,
        "kind": "fail",
        "message": { "text": invalid_free.sentence() },
        "locations": [location(&origin, &invalid_free.freed)],
        "stacks": [
            stack_of(&invalid_free.freed, sources, "freed at"),
            stack_of(&invalid_free.allocated, sources, "allocated at"),
        ],
        "occurrenceCount": invalid_free.count.clamp(1, i64::MAX as u64),
        "partialFingerprints": fingerprints.of(&Identity::of_frames(&invalid_free.freed, invalid_free.kind)),
        "properties": {
            "bytes": invalid_free.bytes,
            "process": caption::process(process),
        },
    })
}

fn invocations(report: &Report) -> Vec<Value> {
    let unreadable = report.unreadable_notes().map(|note| {
        json!({
            "executionSuccessful": false,
            "toolExecutionNotifications": [{ "level": "warning", "message": { "text": note } }],
        })
    });
    report
        .processes
        .iter()
        .map(invocation)
        .chain(unreadable)
        .collect()
}

/// One run of a recorded program; notes say what qualifies its results.
fn invocation(process: &Process) -> Value {
    let incomplete = !process.incomplete.is_empty();
    let notes: Vec<Value> = process
        .notes
        .iter()
        .map(|note| {
            json!({
                "level": if incomplete { "warning" } else { "note" },
                "message": { "text": note },
            })
        })
        .collect();
    json!({
        "commandLine": process.command.join(" "),
        "arguments": process.command.get(1..).unwrap_or_default(),
        "processId": process.pid,
        "executionSuccessful": !incomplete,
        "toolExecutionNotifications": notes,
    })
}

fn help(kind: Kind) -> String {
    let remedy = match kind {
        Kind::New | Kind::NewArray => "delete it, or close the Java object that owns it",
        Kind::Malloc => "free it, or close the Java object that owns it",
        Kind::Unsafe => "call Unsafe.freeMemory, or let go of the direct buffer",
        Kind::GlobalRef => "call DeleteGlobalRef",
        Kind::WeakGlobalRef => "call DeleteWeakGlobalRef",
        Kind::ArrayElements => "call Release<Type>ArrayElements on every path",
        Kind::ArrayCritical => "call ReleasePrimitiveArrayCritical on every path",
        Kind::StringChars => "call ReleaseStringChars on every path",
        Kind::StringUtfChars => "call ReleaseStringUTFChars on every path",
        Kind::StringCritical => "call ReleaseStringCritical on every path",
        Kind::Monitor => "call MonitorExit on every path",
        Kind::Fd => "close it, or the Java stream, channel or socket that owns it",
        Kind::Mmap => "call munmap, or close the Java arena or let go of the buffer that owns it",
        Kind::Thread => {
            "end it, and join or detach it; in Java, shut down the executor that owns it"
        }
        Kind::Zip => "call end() on the Deflater or Inflater, or close the stream that owns it",
        Kind::Attach => {
            "call DetachCurrentThread before the thread ends, or when it needs Java no more"
        }
        Kind::LocalFrame => "call PopLocalFrame on every path",
        Kind::LocalRefs => "call DeleteLocalRef, or PushLocalFrame and PopLocalFrame, in the loop",
        Kind::Module => "call dlclose, or close the Java object that opened it",
        Kind::Pool => "give it back to its pool",
        Kind::Runtime => "nothing: it is the runtime's",
        Kind::DirectBuffer => "let go of the buffer before its memory is freed",
    };
    format!("Allocated and never given back: {remedy}.")
}

/// `UTF string characters` as `utf-string-characters`; `new[]` as `new-array`.
fn kebab(name: &str) -> String {
    let name = name.replace("[]", " array").to_lowercase();
    name.replace(' ', "-")
}

/// `leak/new-array` as `LeakNewArray`.
fn camel(id: &str) -> String {
    id.split(['/', '-'])
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters)
        })
        .collect()
}
