use super::*;

fn java(class: &str, method: &str) -> Frame {
    Frame::Java(JavaFrame {
        class: class.to_owned(),
        method: method.to_owned(),
        file: None,
        line: None,
        native: false,
    })
}

#[test]
fn a_test_in_the_unnamed_package_owns_what_a_library_made_for_it() {
    for test in ["StoreTest", "StoreTest$Inner", "demo.StoreTest"] {
        let frames = [
            java("org.rocksdb.Options", "<init>"),
            java(&test.replace("StoreTest", "Wrapper"), "<init>"),
            java(test, "leaks"),
            java("java.lang.reflect.Method", "invoke"),
            java(
                "org.junit.platform.commons.util.ReflectionUtils",
                "invokeMethod",
            ),
        ];
        let owner = owner(&frames, &Runtime::of(std::iter::empty())).expect("an owner");
        assert_eq!(owner.java_frame, Some(2), "{test}");
    }
}

#[test]
fn whoever_has_started_the_tests_owns_nothing() {
    let runtime = Runtime::of(std::iter::empty());
    for engine in [
        "org.junit.platform.engine.support.hierarchical.NodeTestTask",
        "org.junit.runner.JUnitCore",
        "org.testng.internal.invokers.TestInvoker",
        "org.scalatest.SuperEngine",
        "munit.MUnitRunner",
    ] {
        let frames = [
            java("org.rocksdb.Options", "<init>"),
            java("demo.StoreTest", "leaks"),
            java("java.lang.reflect.Method", "invoke"),
            java("dev.hackleak.junit.Rounds", "run"),
            java(engine, "execute"),
            java("com.example.ide.Launcher", "launch"),
            java("com.example.ide.Launcher", "main"),
        ];
        let owner = owner(&frames, &runtime).expect("an owner");
        assert_eq!(owner.java_frame, Some(1), "{engine}");
        let telling = telling(&frames, &runtime);
        assert_eq!((telling.frames, telling.is_test), (2, true), "{engine}");
        assert_eq!(root_frames(&frames, &runtime), 5, "{engine}");
    }
}

#[test]
fn what_a_framework_calls_itself_through_is_a_start_and_what_it_calls_of_the_jdk_is_not() {
    let roots = |classes: &[&str]| {
        let frames: Vec<Frame> = classes.iter().map(|class| java(class, "run")).collect();
        root_frames(&frames, &Runtime::of(std::iter::empty()))
    };
    let invoke = "java.lang.reflect.Method";
    let engine = "org.junit.platform.engine.support.hierarchical.NodeTestTask";
    let (list, stream) = ("java.util.ArrayList", "java.util.stream.ForEachOps");
    assert_eq!(roots(&["demo.Test", invoke, engine, list, engine]), 4);
    assert_eq!(
        roots(&["demo.Test", invoke, engine, list, stream, list, engine]),
        6
    );
    assert_eq!(
        roots(&["demo.Test", invoke, engine, list, engine, "any.Launcher"]),
        5
    );
    assert_eq!(
        roots(&["java.util.zip.Deflater", list, engine, list, engine]),
        3
    );
    assert_eq!(roots(&["demo.Test", list, "demo.Main"]), 0);
}

#[test]
fn a_proxy_in_the_package_of_the_test_owns_nothing() {
    let frames = [
        java("com.sun.jna.Native", "createNativeCallback"),
        java("demo.$Proxy", "qsort"),
        java("demo.SortTest", "sorts"),
        java("java.lang.reflect.Method", "invoke"),
        java(
            "org.junit.platform.commons.util.ReflectionUtils",
            "invokeMethod",
        ),
    ];
    let runtime = Runtime::of(std::iter::empty());
    let owner = owner(&frames, &runtime).expect("an owner");
    assert_eq!(owner.java_frame, Some(2));
    let telling = telling(&frames, &runtime);
    assert_eq!((telling.frames, telling.is_test), (3, true));
}

#[test]
fn library_code_is_not_the_users() {
    for name in [
        "operator new(unsigned long)",
        "std::vector<int, std::allocator<int> >::reserve(unsigned long)",
        "void std::vector<a::B>::_M_realloc_insert<a::B>(int)",
        "<alloc::vec::Vec<T,A> as core::clone::Clone>::clone",
        "__gnu_cxx::new_allocator<char>::allocate(unsigned long, void const*)",
        "alloc::alloc::exchange_malloc",
    ] {
        assert!(is_of_library(name), "{name}");
    }
    for name in [
        "rocksdb::DB::Open(std::string const&)",
        "Java_demo_Store_open0",
        "std_like::make()",
        "a::B<std::string> a::make<std::string>(int)",
        "my_alloc::f",
    ] {
        assert!(!is_of_library(name), "{name}");
    }
}
