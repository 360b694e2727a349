//! What zlib takes for Java's `Deflater` and `Inflater`.

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Run, Victim};

const SORTS: [(&str, &str, &str); 3] = [
    ("Deflater", "large", "deflater"),
    ("Inflater", "small", "inflater"),
    ("GZIPInputStream", "small", "expanded"),
];

fn run(jdk: &Jdk, options: &str) -> Run {
    println!("JDK {}, {options}", jdk.feature);
    Victim::new(jdk, "Zlib")
        .recording(Entry::Preload, &[])
        .options(options)
        .run()
        .expect_code(0)
}

/// One line for each sort, and one for what to do about what is kept.
fn expect(run: &Run, kept: impl Fn(&str) -> String) {
    let mut lines = run.ended.stdout.lines();
    for (name, size, owner) in SORTS {
        let expected = format!(
            "{name}: ended none lost, none held; kept {}, then none lost, none held; \
             garbage none lost, none held",
            kept(size)
        );
        assert_eq!(lines.next(), Some(&*expected), "{}", run.ended);
        let next = format!(
            "next: end() the Deflater or Inflater, or close the stream around it: \
             Zlib.{owner}(Zlib.java:"
        );
        let told = lines.next().is_some_and(|line| line.starts_with(&next));
        assert!(told, "{next}: {}", run.ended);
    }
    assert_eq!(lines.next(), None, "{}", run.ended);
}

#[test]
fn what_compresses_is_held_until_it_is_ended() {
    for jdk in Jdk::all() {
        let run = run(jdk, "track=new+malloc+jni+unsafe+fd+zip,held=note");
        expect(&run, |size| format!("none lost, {size} held"));
        // What the JVM reads its classes with is of no interest.
        let report = run.report();
        let left: Vec<_> = report.process().leaks.sites.iter().collect();
        assert!(
            left.iter().all(|site| site.kind != "zlib memory"),
            "{left:#?}"
        );
    }
}

#[test]
fn without_other_kinds_nobody_knows_who_holds_it() {
    for jdk in Jdk::all() {
        expect(&run(jdk, "track=zip"), |size| {
            format!("{size} lost, none held")
        });
    }
}

#[test]
fn what_native_code_has_from_zlib_is_its_own() {
    for jdk in Jdk::all() {
        let recording = Victim::new(jdk, "Zlib").recording(Entry::Preload, &[]);
        let recording = recording.options("track=new+malloc+zip");
        let run = recording.args(["native"]).run().expect_code(0);
        assert_eq!(run.ended.stdout, "native: malloc, 1\n", "{}", run.ended);
    }
}

#[test]
fn without_the_kind_none_is_recorded() {
    for jdk in Jdk::all() {
        let run = run(jdk, "track=new+malloc+jni+unsafe+fd");
        for (line, (name, ..)) in run.ended.stdout.lines().zip(SORTS) {
            assert!(line.starts_with(name), "{}", run.ended);
            assert_eq!(line.matches("none lost, none held").count(), 4, "{line}");
        }
        assert_eq!(run.ended.stdout.lines().count(), SORTS.len());
    }
}
