use super::*;
use core::sync::atomic::AtomicUsize;

const JDK: &[u8] = b"/usr/lib/jvm/jdk-17/";

fn rules(include: &str, exclude: &str) -> Rules {
    Rules {
        include: include.into(),
        exclude: exclude.into(),
        executable: Vec::new(),
        zip: true,
    }
}

/// The index of a module of which this is decided. No two tests get the same one.
fn entered(decision: u8) -> u32 {
    static NEXT: AtomicUsize = AtomicUsize::new(MAX_MODULES);
    let index = NEXT.fetch_sub(1, Relaxed) - 1;
    DECISIONS[index].store(decision, Relaxed);
    index as u32
}

/// To whom calls of the module are attributed, and the descriptors that it opens.
fn attributed(rules: &Rules, path: &str) -> [&'static str; 2] {
    let index = entered(rules.decision(JDK, path.as_bytes()));
    [attribution(index), attribution_of_descriptors(index)].map(|attribution| match attribution {
        Attribution::Recorded => "yes",
        Attribution::LeftOut => "no",
        Attribution::ToCaller => "like its caller",
        Attribution::ToCallerIfLent => "if lent",
        Attribution::ToJava => "if for Java",
    })
}

#[test]
fn each_module_counts_for_what_it_is() {
    let rows = [
        // Code under test, wherever it lies and whatever its name begins with.
        ("/app/libmine.so", "yes", "yes"),
        ("", "yes", "yes"),
        ("/usr/bin/java-like", "yes", "yes"),
        ("/usr/lib/libstdc++.so.6", "yes", "yes"),
        ("/app/libjvm.so.mine", "yes", "yes"),
        ("/app/libzip.so", "yes", "yes"),
        ("/usr/lib/jvm/jdk-17-tests/libmine.so", "yes", "yes"),
        // The runtime of C and C++, the loader, the kernel's part.
        ("/lib64/ld-linux-x86-64.so.2", "no", "no"),
        ("/lib/libdl.so.2", "no", "no"),
        ("/lib/libgcc_s.so.1", "no", "no"),
        ("linux-vdso.so.1", "no", "no"),
        // The recorder and the JVM, wherever they lie.
        ("/tmp/libhackleak.so", "no", "no"),
        ("/app/jre/server/libjvm.so", "no", "no"),
        ("/usr/lib/jvm/jdk-17/lib/server/libjvm.so", "no", "no"),
        ("/usr/lib/jvm/jdk-17/lib/libjli.so", "no", "no"),
        // The C library with its parts and what it loads.
        ("/lib/x86_64-linux-gnu/libc.so.6", "if lent", "if lent"),
        ("/lib/libpthread.so.0", "if lent", "if lent"),
        ("/lib/librt.so.1", "if lent", "if lent"),
        ("/lib/libanl.so.1", "if lent", "if lent"),
        ("/lib/libresolv.so.2", "if lent", "if lent"),
        ("/lib/libnss_files-2.28.so", "if lent", "if lent"),
        ("/usr/lib/gconv/UTF-16.so", "if lent", "if lent"),
        ("/usr/lib/mygconv/UTF-16.so", "yes", "yes"),
        // The JDK's own libraries allocate for the JDK, and open for Java code.
        ("/usr/lib/jvm/jdk-17/lib/libjava.so", "no", "yes"),
        ("/usr/lib/jvm/jdk-17/lib/libnio.so", "no", "yes"),
        ("/usr/lib/jvm/jdk-17/lib/libjimage.so", "no", "no"),
        ("/usr/lib/jvm/jdk-17/lib/libattach.so", "no", "no"),
        (
            "/usr/lib/jvm/jdk-17/lib/libzip.so",
            "if for Java",
            "if for Java",
        ),
        // What a JDK may share with the program.
        ("/lib/libz.so.1", "like its caller", "like its caller"),
        ("/lib/libnuma.so.1", "like its caller", "like its caller"),
        (
            "/usr/lib/jvm/jdk-17/lib/libfreetype.so",
            "like its caller",
            "yes",
        ),
    ];
    for (path, allocates, opens) in rows {
        assert_eq!(
            attributed(&rules("", ""), path),
            [allocates, opens],
            "{path}"
        );
    }
}

#[test]
fn patterns_change_what_counts_and_exclude_wins() {
    let shared = "/lib/libz.so.1";
    assert_eq!(attributed(&rules("libz.so*", ""), shared), ["yes"; 2]);
    assert_eq!(attributed(&rules("", "libz.so*"), shared), ["no"; 2]);

    let mine = "/app/libmine.so";
    assert_eq!(attributed(&rules("", "/app/*"), mine), ["no"; 2]);
    assert_eq!(attributed(&rules("/app/*", "libmine.so"), mine), ["no"; 2]);
    assert_eq!(
        attributed(&rules("libmine.so", "/other/*"), mine),
        ["yes"; 2]
    );

    let of_jdk = "/usr/lib/jvm/jdk-17/lib/libjava.so";
    assert_eq!(attributed(&rules("libjava.so", ""), of_jdk), ["yes"; 2]);
    assert_eq!(attributed(&rules("", "libjava.so"), of_jdk), ["no"; 2]);

    let libc = "/lib/libc.so.6";
    assert_eq!(attributed(&rules("libc.so.6", ""), libc), ["yes"; 2]);
    // Nor is what it hands out recorded then.
    assert_eq!(attributed(&rules("", "libc.so.6"), libc), ["no"; 2]);
}

#[test]
fn libzip_counts_for_java_only_where_that_is_tracked() {
    let libzip = "/usr/lib/jvm/jdk-17/lib/libzip.so";
    let mut without = rules("", "");
    without.zip = false;
    assert_eq!(attributed(&without, libzip), ["no"; 2]);
    assert_eq!(attributed(&rules("", "libzip.so"), libzip), ["no"; 2]);
    assert_eq!(attributed(&rules("libzip.so", ""), libzip), ["yes"; 2]);
}

#[test]
fn without_a_jdk_no_library_is_of_one() {
    let decision = rules("", "").decision(b"", b"/usr/lib/jvm/jdk-17/lib/libzip.so");
    assert_eq!(decision, RECORDED);
}

#[test]
fn what_the_jvm_and_the_recorder_allocate_holds_nothing_of_the_programs() {
    let holds = |path: &[u8]| may_hold(entered(rules("", "").decision(JDK, path)));
    assert!(!holds(b"/usr/lib/jvm/jdk-17/lib/server/libjvm.so"));
    assert!(!holds(b"/tmp/libhackleak.so"));
    assert!(holds(b"/usr/lib/jvm/jdk-17/lib/libjava.so"));
    assert!(holds(b"/lib/libc.so.6"));
    assert!(!may_hold(MAX_MODULES as u32), "a module without a decision");
}

#[test]
fn stacks_end_in_the_c_library_however_it_is_recorded() {
    for rules in [rules("", ""), rules("*", ""), rules("", "*")] {
        let is_c_library = |path: &[u8]| is_c_library(entered(rules.decision(JDK, path)));
        assert!(is_c_library(b"/lib/libc.so.6"));
        assert!(is_c_library(b"/lib/libpthread.so.0"));
        assert!(is_c_library(b"/lib64/ld-linux-x86-64.so.2"));
        assert!(!is_c_library(b"/lib/libgcc_s.so.1"));
        assert!(!is_c_library(b"/app/libc.so"));
    }
}

#[test]
fn a_module_beyond_the_table_is_recorded() {
    assert!(attribution(MAX_MODULES as u32) == Attribution::Recorded);
    assert!(attribution_of_descriptors(u32::MAX) == Attribution::Recorded);
}

#[test]
fn a_pattern_is_for_the_path_or_the_file_name() {
    let is_meant = |patterns: &str, path: &str| matches_any(patterns.as_bytes(), path.as_bytes());
    let path = "/app/lib/libmine.so.1";
    for pattern in [
        "libmine.so.1",
        "libmine*",
        "lib*.so*",
        "/app/*",
        "*/lib/*",
        "*",
        "/app/lib/libmine.so.1",
        "*mine*",
        "**.1",
    ] {
        assert!(is_meant(pattern, path), "{pattern}");
    }
    for pattern in [
        "libmine",
        "mine*",
        "lib/libmine.so.1",
        "/app",
        "LIBMINE*",
        "libmine.so.?",
        "libmine.so.[1]",
        "*.so",
        "",
    ] {
        assert!(!is_meant(pattern, path), "{pattern}");
    }
    assert!(is_meant("libmine.so", "libmine.so"), "a path of one name");
}

#[test]
fn patterns_are_joined_by_a_plus() {
    let is_meant = |patterns: &str| matches_any(patterns.as_bytes(), b"/app/libmine.so");
    assert!(is_meant("libother.so+libmine.so"));
    assert!(is_meant("libmine.so+libother.so"));
    assert!(is_meant("+libmine.so+"));
    assert!(!is_meant("libother.so+libthird.so"));
    // The executable's path may be empty; an empty pattern is none for it.
    for patterns in ["", "+", "++"] {
        assert!(!matches_any(patterns.as_bytes(), b""), "{patterns}");
    }
}

/// The same by the definition of a star: it stands for nothing, or for a byte and what follows.
fn matches_by_definition(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        ([b'*', rest @ ..], text) => {
            matches_by_definition(rest, text)
                || !text.is_empty() && matches_by_definition(pattern, &text[1..])
        }
        ([first, pattern @ ..], [found, text @ ..]) => {
            first == found && matches_by_definition(pattern, text)
        }
        _ => false,
    }
}

#[test]
fn every_short_pattern_matches_what_it_should() {
    let all = |bytes: &[u8], most: usize| {
        let mut texts = vec![Vec::new()];
        let mut longest = texts.clone();
        for _ in 0..most {
            let longer = |text: &Vec<u8>| {
                let text = text.clone();
                bytes.iter().map(move |byte| [&text[..], &[*byte]].concat())
            };
            longest = longest.iter().flat_map(longer).collect();
            texts.extend(longest.iter().cloned());
        }
        texts
    };
    let texts = all(b"ab", 6);
    for pattern in all(b"ab*", 5) {
        for text in &texts {
            let expected = matches_by_definition(&pattern, text);
            assert_eq!(matches(&pattern, text), expected, "{pattern:?} {text:?}");
        }
    }
}
