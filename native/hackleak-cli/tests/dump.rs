//! `hackleak dump`: every number of an image that a test has written, in text and JSON.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use hackleak_image::Frame;
use hackleak_image::frame::Marker;
use hackleak_image::layout::{
    CONTEXT_INHERITED, Counter, InvalidFree, InvalidFreeKind, Kind, Live, Release, SegmentKind,
    flags, module_flags,
};
use hackleak_image::reader::testing::ImageBuilder;
use serde_json::{Value, json};
use support::{Ended, end, hackleak};

const SIZE: u64 = 1_999_993;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

/// An image with one of everything, and three blocks at two stacks.
fn rich() -> ImageBuilder {
    let mut image = ImageBuilder::new();
    image.header.flags = flags::JAVA | flags::FORKED;
    image.header.command = image.text("java\0-Dsecret=1\0");
    let main = image.thread(4242, "main", 1000, 7_000_000);
    image.thread(4243, "evil\u{1b}[31m", 5, 50);
    let module = image.module("/home/alice/libx.so", &[0xab; 20], module_flags::APART);
    let method = image.method("a.B", "make", "B.java", &[(0, 7)]);
    image.checkpoint(2, "start of it");
    let scope = image.scope("mine");
    image.close_scope(scope, 2);
    let context = image.context(2, scope, main, CONTEXT_INHERITED);
    let small = image.stack(&[Frame::Address(0x1234), Frame::Marker(Marker::Truncated)]);
    let large = image.stack(&[
        Frame::Native {
            module,
            vaddr: 0x4567,
        },
        Frame::Java { method, bci: 3 },
    ]);
    image.live(0x7f00_0000_0010, 16, Kind::Malloc, small, context);
    image.live(0x7f00_0000_0020, SIZE, Kind::New, large, context);
    image.live(0x7f00_0010_0008, SIZE, Kind::New, large, context);
    image.invalid_free(InvalidFree {
        problem: InvalidFreeKind::Mismatch as u32,
        release: Release::Free as u32,
        address: 0x7f00_0000_0020,
        detail: 0,
        freed: small.into(),
        allocated: Live::new(large, context, SIZE, Kind::New),
    });
    image.counter(Counter::StackTruncated, 3);
    image
}

fn written(image: &ImageBuilder, folder: &Path) -> PathBuf {
    let file = folder.join("rich.hackleak");
    image.write(&file).expect("write");
    file
}

fn dump(file: &Path, arguments: &[&str]) -> Ended {
    end(hackleak().arg("dump").args(arguments).arg(file))
}

fn dumped(file: &Path, arguments: &[&str]) -> Value {
    let ended = dump(file, &[arguments, &["--json"]].concat());
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    serde_json::from_str(&ended.stdout).expect("JSON")
}

const ALL: &str = "records,stacks,modules,threads,scopes,checkpoints,invalid-frees";

#[test]
fn every_number_of_the_file_is_there() {
    let folder = folder();
    let file = written(&rich(), folder.path());
    let json = dumped(&file, &["--list", ALL]);
    assert_eq!(
        json["fileBytes"],
        fs::metadata(&file).expect("a file").len()
    );
    assert_eq!(json["version"], hackleak_image::layout::VERSION);
    assert_eq!(json["state"], "finished");
    assert_eq!(json["flags"], json!(["java", "forked"]));
    assert_eq!(json["epoch"], 2);
    assert_eq!(json["counters"], json!({"stackTruncated": 3}));
    assert_eq!(json["damage"], json!({}));
    assert_eq!(json["events"]["allocations"], 1005);
    assert_eq!(json["events"]["threads"], 2);
    assert_eq!(
        json["blocks"],
        json!({
            "kinds": [
                {"kind": "new", "blocks": 2, "bytes": 2 * SIZE},
                {"kind": "malloc", "blocks": 1, "bytes": 16},
            ],
            "stacks": 2,
            "contexts": 1,
        })
    );
    let tables = json["tables"].as_array().expect("tables");
    assert_eq!(tables.len(), SegmentKind::ARENAS.len());
    let nodes = &tables[0];
    // The root, and two frames of each stack.
    assert_eq!(
        (&nodes["name"], &nodes["records"]),
        (&json!("nodes"), &json!(5))
    );
    assert_eq!(
        (&nodes["segments"], &nodes["percentUsed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(json["pages"][0]["used"], 1);
    assert_eq!(json["pages"][1]["name"], "live at 8");
    let records = &json["records"];
    assert_eq!(records["total"], 3);
    assert_eq!(records["shown"][0]["address"], "0x7f0000000010");
    assert_eq!(
        records["shown"][2],
        json!({
            "address": "0x7f0000100008", "bytes": SIZE, "kind": "new", "stack": 4,
            "context": {"index": 1, "epoch": 2, "scope": 1, "thread": 0, "flags": ["inherited"]},
        })
    );
    let stacks = &json["stacks"]["shown"];
    assert_eq!(stacks[0]["blocks"], 2);
    assert_eq!(
        stacks[0]["frames"],
        json!(["/home/alice/libx.so+0x4567", "a.B.make()V bci 3"])
    );
    assert_eq!(stacks[1]["frames"], json!(["0x1234", "[Truncated]"]));
    assert_eq!(json["modules"]["shown"][0]["buildId"], "ab".repeat(20));
    assert_eq!(json["modules"]["shown"][0]["flags"], json!(["apart"]));
    assert_eq!(json["threads"]["shown"][0]["tid"], 4242);
    assert_eq!(
        json["scopes"]["shown"],
        json!([{"scope": 1, "name": "mine", "parent": 0, "closed": 2}])
    );
    assert_eq!(json["checkpoints"]["shown"][0]["label"], "start of it");
    assert_eq!(json["invalidFrees"]["shown"][0]["problem"], "mismatch");
    assert_eq!(json["invalidFrees"]["shown"][0]["bytes"], SIZE);
}

#[test]
fn the_text_says_the_same_and_steers_no_terminal() {
    let folder = folder();
    let file = written(&rich(), folder.path());
    let ended = dump(&file, &["--list", ALL]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    for line in [
        "process 4242: finished, epoch 2, machine 62",
        "flags: java, forked",
        "command: java -Dsecret=1",
        "live: 2 stacks, 1 context",
        "  new: 2 records, 3,999,986 bytes",
        "  stackTruncated: 3",
        "damage: none",
        "  stack 4: 2 records, 3,999,986 bytes",
        "    a.B.make()V bci 3",
        "  1 in 0, closed in epoch 2: mine",
        "  epoch 2 by thread 0 at 1: start of it",
    ] {
        assert!(
            ended.stdout.lines().any(|it| it == line),
            "{line}: {}",
            ended.stdout
        );
    }
    assert!(ended.stdout.contains("evil\\u{1b}[31m"), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}'));
    assert!(
        !dump(&file, &[]).stdout.contains("libx.so"),
        "no list is asked for"
    );
}

#[test]
fn lists_are_cut_at_the_limit_and_say_so() {
    let folder = folder();
    let file = folder.path().join("large.hackleak");
    ImageBuilder::large(1000, 30).write(&file).expect("write");
    let lists = ["--list", "records,stacks,threads"];
    let json = dumped(&file, &[&lists[..], &["--limit", "7"]].concat());
    for (list, total) in [("records", 1000), ("stacks", 30)] {
        assert_eq!(json[list]["total"], total);
        assert_eq!(json[list]["shown"].as_array().map(Vec::len), Some(7));
    }
    assert_eq!(json["threads"]["shown"].as_array().map(Vec::len), Some(2));
    let shown = json["stacks"]["shown"].as_array().expect("stacks");
    let bytes: Vec<u64> = shown.iter().filter_map(|it| it["bytes"].as_u64()).collect();
    assert!(bytes.is_sorted_by(|a, b| a >= b), "{bytes:?}");
    let text = dump(&file, &lists).stdout;
    assert!(text.contains("  … 980 more: --limit\n"), "{text}");
}

#[test]
fn names_of_users_are_left_out_where_asked() {
    let folder = folder();
    let mut image = rich();
    let open = written(&image, folder.path());
    let ask = |file: &Path, arguments: &[&str]| {
        let whole = [&["--list", ALL], arguments].concat();
        [dump(file, &whole).stdout, dumped(file, &whole).to_string()]
    };
    for text in ask(&open, &[]) {
        assert!(text.contains("alice") && text.contains("secret"), "{text}");
    }
    let closed = folder.path().join("closed.hackleak");
    image.header.options = image.text("track=new,redact=true");
    image.write(&closed).expect("write");
    for text in ask(&open, &["--redact"])
        .into_iter()
        .chain(ask(&closed, &[]))
    {
        assert!(
            !text.contains("alice") && !text.contains("secret"),
            "{text}"
        );
        assert!(text.contains("/home/user/libx.so"), "{text}");
    }
}

#[test]
fn damage_is_told_and_is_no_failure() {
    let folder = folder();
    let file = written(&rich(), folder.path());
    let whole = fs::read(&file).expect("read");
    fs::write(&file, &whole[..whole.len() / 2]).expect("write");
    let json = dumped(&file, &["--list", ALL]);
    let damage = json["damage"].as_object().expect("damage");
    assert!(
        damage.contains_key("segments are missing at the end of the file"),
        "{damage:?}"
    );
    assert!(
        json["segments"]["readable"].as_u64() < json["segments"]["counted"].as_u64(),
        "{json}"
    );
    assert!(dump(&file, &[]).stdout.contains("damage:\n  "));
}

#[test]
fn wrong_input_is_one_sentence() {
    let folder = folder();
    for (name, bytes, said) in [
        ("short", &b"HackLeak"[..], "fewer than the 4096"),
        ("other", &[7; 5000], "starts with other bytes"),
        ("empty", &[0; 5000], "is empty"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).expect("write");
        let ended = dump(&file, &[]);
        assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{name}");
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}
