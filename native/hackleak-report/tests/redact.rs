//! No format gives away who ran something where, once that is asked for.

mod support;

use std::path::Path;

use hackleak_report::Report;
use hackleak_report::model::{Frame, Held, Unreadable};
use hackleak_report::origin::Sources;
use hackleak_report::render::{self, Weight};
use support::sample;

/// A report that has a user, a host and a command line wherever there is a text.
fn telling() -> Report {
    let mut report = sample::run();
    let process = &mut report.processes[0];
    process.command = [
        "java",
        "-Ddb.password=hunter2",
        "-Djava.rmi.server.hostname=ci7.acme.org",
    ]
    .map(str::to_owned)
    .into();
    process.exe = "/home/zaphod/jdk/bin/java".to_owned();
    process.folder = "/home/zaphod/shop".to_owned();
    process.image = "/home/zaphod/shop/hackleak-out/java-1.hackleak".into();
    process.options += ",suppressions=/home/zaphod/leaks.supp";
    process
        .notes
        .push("read from /home/zaphod/x on ci7".to_owned());
    for assertion in &mut process.assertions {
        assertion.detail = Some("no room in /home/zaphod/tmp".to_owned());
    }
    for module in &mut process.modules {
        module.path = module.path.replace("/home/ci/", "/home/zaphod/");
    }
    for site in &mut process.leaks.sites {
        site.threads[0].name = "worker@ci7".to_owned();
        site.scope = Some("zaphod's".to_owned());
        site.names = vec!["/home/zaphod/a.db".to_owned()];
        for frame in &mut site.frames {
            if let Frame::Native(native) = frame {
                native.file = Some("/home/zaphod/src/a.cc".to_owned());
                native.module = "/tmp/zaphod/librocks.so".to_owned();
            }
        }
    }
    process.held = Held::of(process.leaks.sites[..1].to_vec());
    report.unreadable.push(Unreadable {
        file: "/home/zaphod/y".to_owned(),
        reason: "`/home/zaphod/y` is cut".to_owned(),
    });
    report
}

fn formats(report: &Report) -> Vec<(&'static str, String)> {
    let sources = Sources::in_folder(Path::new("/nonexistent"));
    vec![
        ("text", render::text(report, None)),
        ("json", render::json(report).expect("JSON")),
        ("html", render::html(report).expect("HTML")),
        ("lines", render::lines(report, None)),
        (
            "junit-xml",
            render::junit_xml(report, &sources).expect("XML"),
        ),
        ("sarif", render::sarif(report, &sources).expect("SARIF")),
        ("collapsed", render::folded(report, Weight::Bytes)),
        ("speedscope", render::speedscope(report).expect("JSON")),
        ("markdown", render::markdown(report, &sources)),
    ]
}

#[test]
fn no_format_names_a_user_a_host_or_a_command_line() {
    let secrets = ["zaphod", "ci7", "hunter2", "acme.org"];
    let open = telling();
    let all: String = formats(&open).into_iter().map(|(_, text)| text).collect();
    for secret in secrets {
        assert!(all.contains(secret), "{secret} is there to be left out");
    }
    let mut redacted = open.clone();
    let names = redacted
        .redact(true)
        .expect("JSON")
        .expect("it was asked for");
    assert_eq!(names.clean("/home/zaphod/out"), "/home/user/out");
    for (format, text) in formats(&redacted) {
        for secret in secrets {
            assert!(!text.contains(secret), "{format}: {secret}");
        }
    }
    // What leaks where is as before.
    assert_eq!(redacted.leaked(), open.leaked());
    assert_eq!(redacted.verdict(), open.verdict());
    let stack = |report: &Report| {
        let frames = &report.processes[0].leaks.sites[0].frames;
        let frames = frames
            .iter()
            .filter(|frame| matches!(frame, Frame::Java(_)));
        frames.cloned().collect::<Vec<_>>()
    };
    assert_eq!(stack(&redacted), stack(&open));

    // A process that was recorded so needs no asking, and without either nothing changes.
    let mut unasked = open.clone();
    assert_eq!(unasked.redact(false).expect("JSON"), None);
    assert_eq!(unasked, open);
    unasked.processes[1].options = "track=new,redact=true".to_owned();
    assert!(unasked.redact(false).expect("JSON").is_some());
    assert!(!render::text(&unasked, None).contains("zaphod"));
}
