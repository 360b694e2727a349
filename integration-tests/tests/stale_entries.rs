//! Java stacks stay right over calls that have returned.
//!
//! What native methods and calls back into Java leave behind on the stack is still there when
//! deeper frames lie above and below it. Those frames are full of words that look like return
//! addresses. The victim knows which Java methods it called; between them there may only be the
//! native functions that those methods are.

use integration_tests::Victim;
use integration_tests::java::{Entry, Jdk};
use integration_tests::report::Process;
use std::collections::BTreeMap;

/// The stacks that the victim tells: for each leak its Java methods, leaf first.
fn told(stdout: &str) -> Vec<Vec<&str>> {
    let lines = stdout.lines();
    lines
        .map(|line| line.split(' ').skip(1).collect())
        .collect()
}

/// What the merged stack has to be: each native method below the function that it is.
fn expected(methods: &[&str]) -> Vec<String> {
    let mut frames = vec!["block".to_owned()];
    for method in methods {
        if ["leak", "nested"].contains(method) {
            frames.push(format!("Java_StaleEntries_{method}"));
        }
        frames.push(format!("StaleEntries.{method}"));
    }
    frames
}

fn assert_stacks(process: &Process, stdout: &str, what: &str) {
    let told = told(stdout);
    assert!(told.len() > 100, "{what}: {} leaks", told.len());
    let mut wanted: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for methods in told {
        *wanted.entry(expected(&methods)).or_default() += 1;
    }
    let mut found: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for site in &process.leaks.sites {
        let mut names = site.names();
        if names.first().is_some_and(|name| name == "block") {
            names.retain(|name| !is_helper(name));
            *found.entry(names).or_default() += site.blocks;
        }
    }
    for (stack, count) in &found {
        let want = wanted.get(stack).copied().unwrap_or(0);
        assert_eq!(*count, want, "{what}: {stack:#?}");
    }
    assert_eq!(
        found.values().sum::<u64>(),
        wanted.values().sum::<u64>(),
        "{what}"
    );
}

/// The wrappers of `jni.h` and the victim's own lambda, which compilers inline as they like.
fn is_helper(name: &str) -> bool {
    name.starts_with("JNIEnv_::")
        || name == "operator"
        || name.contains("lambda")
        || name.contains("_FUN")
}

fn check(jdk: &Jdk, jvm_options: &[&str], seeds: std::ops::Range<u32>) {
    let victim = Victim::new(jdk, "StaleEntries");
    for seed in seeds {
        let what = format!("JDK {}, {jvm_options:?}, seed {seed}", jdk.feature);
        let run = victim
            .recording(Entry::Preload, jvm_options)
            .args([&seed.to_string(), "400"])
            .run()
            .expect_code(0);
        let report = run.report();
        assert_stacks(report.process(), &run.ended.stdout, &what);
    }
}

#[test]
fn interpreted() {
    for jdk in Jdk::all() {
        check(jdk, &["-Xint"], 1..3);
    }
}

#[test]
fn compiled_as_the_jvm_likes() {
    for jdk in Jdk::all() {
        check(jdk, &[], 11..14);
    }
}

#[test]
fn compiled_by_one_compiler_before_the_first_call() {
    for jdk in Jdk::all() {
        check(jdk, &["-Xcomp", "-XX:TieredStopAtLevel=1"], 21..23);
        check(jdk, &["-Xcomp", "-XX:-TieredCompilation"], 31..33);
    }
}
