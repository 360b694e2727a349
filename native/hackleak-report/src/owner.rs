//! Whose code a frame is: the user's own, the runtime's, or that of whatever runs the tests.

use crate::coverage::Runtime;
use crate::model::{Frame, JavaFrame, NativeFrame, Owner};
use crate::render::frame_name;
use crate::symbolise::native::NO_MODULE;

/// Test frameworks and build tools.
const FRAMEWORK: &[&str] = &[
    "org.junit.",
    "junit.framework.",
    "org.testng.",
    "org.scalatest.",
    "org.scalactic.",
    "org.spockframework.",
    "org.assertj.",
    "org.hamcrest.",
    "org.mockito.",
    "org.apache.maven.",
    "org.codehaus.plexus.",
    "org.gradle.",
    "worker.org.gradle.",
    "sbt.",
    "com.intellij.rt.",
    "org.eclipse.jdt.internal.",
    "dev.hackleak.",
];
/// What frameworks call tests through, and others what they like.
const REFLECTION: &[&str] = &[
    "java.lang.reflect.",
    "jdk.internal.reflect.",
    "sun.reflect.",
];
/// The parts of test frameworks that call tests, and not what tests call.
const ENGINES: &[&str] = &[
    "org.junit.platform.",
    "org.junit.jupiter.engine.",
    "org.junit.vintage.engine.",
    "org.junit.runner",
    "org.junit.internal.runners.",
    "junit.framework.TestResult",
    "junit.framework.TestSuite",
    "org.testng.internal.",
    "org.testng.TestRunner",
    "org.scalatest.Suite",
    "org.scalatest.SuperEngine",
    "org.scalatest.tools.",
    "org.spockframework.runtime.",
    "io.kotest.engine.",
    "net.jqwik.engine.",
    "io.cucumber.core.runner.",
    "io.cucumber.core.runtime.",
    "munit.MUnitRunner",
    "utest.framework.",
    "utest.runner.",
    "zio.test.sbt.",
];
/// What frameworks call each other through; on its own it says nothing about who runs the test.
const BETWEEN: &[&str] = &[
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "scala.",
    "kotlin.",
    "groovy.lang.",
    "org.codehaus.groovy.",
];
/// Java methods that only say how a thread came to run a task.
const THREAD_ROOTS: &[&str] = &[
    "java.lang.Thread.",
    "java.lang.VirtualThread.",
    "java.lang.VirtualThread$",
    "java.lang.ThreadBuilders$",
    "java.lang.ref.Finalizer",
    "java.lang.ref.Reference",
    "java.util.TimerThread.",
    "java.util.concurrent.",
    "java.security.AccessController.",
    "jdk.internal.vm.Continuation",
    "jdk.internal.vm.ScopedValueContainer.",
    "jdk.internal.ref.CleanerImpl",
    "jdk.internal.misc.InnocuousThread.",
];
/// Native functions that only say how a thread or the program started.
const NATIVE_ROOTS: &[&str] = &[
    "start_thread",
    "clone",
    "__clone",
    "clone3",
    "__clone3",
    "_start",
    "__libc_start_main",
    "__libc_start_call_main",
    "execute_native_thread_routine",
    "std::thread::_Invoker<",
    "std::thread::_State_impl<",
    "std::__invoke",
    "std::invoke",
    "void std::__invoke",
    "std::thread::",
    "std::sys::",
    "std::panicking::",
    "std::panic::",
    "core::ops::function::",
    "<alloc::boxed::Box<",
];
/// Starts of native functions that belong to a language's library, inlined into any module.
const NATIVE_LIBRARY: &[&str] = &[
    "operator new",
    "operator delete",
    "std::",
    "__gnu_cxx::",
    "__gnu_cxx",
    "core::",
    "alloc::",
    "__rustc::",
    "__rust_",
    "__rdl_",
    "hashbrown::",
    "_start",
];

/// Whether the frame belongs to a test framework or a build tool.
pub(crate) fn is_framework(frame: &JavaFrame) -> bool {
    is_runner(frame) || starts(&frame.class, REFLECTION)
}

/// The same, without reflection, which tells of no test by itself.
fn is_runner(frame: &JavaFrame) -> bool {
    starts(&frame.class, FRAMEWORK) || starts(&frame.class, ENGINES)
}

/// Whether frameworks may call each other through the frame.
pub(crate) fn is_between(frame: &JavaFrame) -> bool {
    starts(&frame.class, BETWEEN)
}

/// How many frames at the root side of a stack only say how its thread came to run the rest: the
/// start of a thread, its pool, and the test framework. At least one frame is left.
pub(crate) fn root_frames(frames: &[Frame], runtime: &Runtime) -> usize {
    let is_root = |frame: &&Frame| match frame {
        Frame::Java(java) => {
            is_framework(java) || THREAD_ROOTS.iter().any(|root| is_method_of(java, root))
        }
        Frame::Native(native) => match &native.function {
            Some(function) => {
                let function = function.trim_start_matches("void ");
                starts(function, NATIVE_ROOTS) || runtime.contains(&native.module)
            }
            None => runtime.contains(&native.module),
        },
        Frame::Mark { .. } => false,
    };
    // Frameworks call each other through the JDK's code. What they call of it last is no start.
    let (launcher, run) = outer_run(frames);
    let framework = match run.iter().any(|frame| is_runner(frame)) {
        true => run.iter().rposition(|frame| is_framework(frame)),
        false => None,
    };
    let framework = framework.map_or(launcher, |last| launcher + last + 1);
    let inside = &frames[..frames.len() - framework];
    let roots = framework + inside.iter().rev().take_while(is_root).count();
    roots.min(frames.len().saturating_sub(1))
}

/// How many frames lie outside of the outermost one that calls tests. Who has started it, a build
/// tool, an editor, a program of somebody's own, is no user of what the tests use, and there are
/// more of these than anybody knows.
fn launcher_frames(frames: &[Frame]) -> usize {
    let engine = frames
        .iter()
        .rposition(|frame| matches!(frame, Frame::Java(java) if starts(&java.class, ENGINES)));
    engine.map_or(0, |engine| frames.len() - 1 - engine)
}

/// The launcher's frames, by their number, and the next ones that are frameworks' or that
/// frameworks may call each other through, the outermost first.
pub(crate) fn outer_run(frames: &[Frame]) -> (usize, Vec<&JavaFrame>) {
    let launcher = launcher_frames(frames);
    let outer = frames.iter().rev().skip(launcher);
    let run = outer.map_while(|frame| match frame {
        Frame::Java(java) if is_framework(java) || is_between(java) => Some(java),
        _ => None,
    });
    (launcher, run.collect())
}

fn without_launcher(frames: &[Frame]) -> &[Frame] {
    &frames[..frames.len() - launcher_frames(frames)]
}

/// Whether `class.method` starts with `root`.
fn is_method_of(frame: &JavaFrame, root: &str) -> bool {
    match root.strip_suffix('.') {
        Some(class) => frame.class == class || frame.class.starts_with(root),
        None => frame.class.starts_with(root),
    }
}

/// The first frame in the user's own code on each side. Where the stack shows the test, or `main`,
/// the user's Java code is that of the same packages, and libraries that it uses are not.
pub(crate) fn owner(frames: &[Frame], runtime: &Runtime) -> Option<Owner> {
    let frames = without_launcher(frames);
    let first = |is_own: &dyn Fn(&Frame) -> bool| {
        let index = frames.iter().position(is_own)?;
        Some((index as u32, frame_name(&frames[index])))
    };
    let own_java = |frame: &Frame| matches!(frame, Frame::Java(java) if is_own_java(java));
    // The method around a native one has a line; the native one is better than none.
    let with_line =
        |frame: &Frame| matches!(frame, Frame::Java(java) if !java.native && is_own_java(java));
    let own_native =
        |frame: &Frame| matches!(frame, Frame::Native(native) if is_own_native(native, runtime));
    let of_project = project(frames).and_then(|package| {
        let in_project = |frame: &Frame| {
            with_line(frame) && matches!(frame, Frame::Java(java) if is_in(&java.class, package))
        };
        // Whoever makes an object has to close it, not its constructor.
        let made = |frame: &Frame| {
            in_project(frame) && matches!(frame, Frame::Java(java) if java.method != "<init>")
        };
        first(&made).or_else(|| first(&in_project))
    });
    let java = of_project
        .or_else(|| first(&with_line))
        .or_else(|| first(&own_java));
    let native = first(&own_native);
    (java.is_some() || native.is_some()).then(|| Owner {
        java_frame: java.as_ref().map(|(index, _)| *index),
        java: java.map(|(_, name)| name),
        native_frame: native.as_ref().map(|(index, _)| *index),
        native: native.map(|(_, name)| name),
    })
}

/// The packages of the test that the framework ran, or of the class whose `main` was: the first
/// two parts of its name, or the one that there is.
fn project(frames: &[Frame]) -> Option<&str> {
    let mut framework = false;
    for frame in frames.iter().rev() {
        let Frame::Java(java) = frame else {
            return None;
        };
        if is_own_java(java) {
            let is_project = framework || java.method == "main";
            return is_project.then(|| packages(&java.class));
        }
        framework |= is_framework(java);
    }
    None
}

/// Servers, and what runs code for others: not what somebody looks for who knows their own project.
const CONTAINERS: &[&str] = &[
    "org.springframework.",
    "org.apache.catalina.",
    "org.apache.coyote.",
    "org.apache.tomcat.",
    "org.apache.spark.",
    "org.apache.flink.",
    "org.eclipse.jetty.",
    "org.quartz.",
    "io.netty.",
    "io.undertow.",
    "io.vertx.",
    "io.quarkus.",
    "io.micronaut.",
    "io.grpc.",
    "reactor.",
    "akka.",
    "jakarta.",
    "com.google.common.util.concurrent.",
];

/// The part of a stack that says which leak it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telling {
    /// How many frames it has, from the allocation on: up to the project's code, and that.
    pub(crate) frames: usize,
    /// Whether the last of them is a test, which a framework calls.
    pub(crate) is_test: bool,
}

/// Up to where a stack says which leak it is. Beyond the project's first run of frames, whoever
/// calls it may be another one tomorrow: a framework, a server, another thread.
pub(crate) fn telling(frames: &[Frame], runtime: &Runtime) -> Telling {
    let kept = frames.len() - root_frames(frames, runtime);
    let frames = without_launcher(frames);
    let all = Telling {
        frames: kept,
        is_test: false,
    };
    let java = |index: usize| match &frames[index] {
        Frame::Java(java) => Some(java),
        Frame::Native(_) | Frame::Mark { .. } => None,
    };
    let own = |index: &usize| java(*index).is_some_and(is_own_java);
    let of_container = |index: &usize| java(*index).is_some_and(|it| starts(&it.class, CONTAINERS));
    let outermost = (0..frames.len()).rev().filter(own);
    let Some(outermost) = outermost
        .clone()
        .find(|index| !of_container(index))
        .or_else(|| outermost.clone().next())
    else {
        return all;
    };
    let class = java(outermost).map_or("", |java| &java.class);
    let in_project = |index: usize| {
        java(index)
            .is_some_and(|java| is_own_java(java) && packages(&java.class) == packages(class))
    };
    // A native method is a library's interface as often as the project's own code.
    let begins =
        |index: &usize| in_project(*index) && java(*index).is_some_and(|java| !java.native);
    let Some(first) = (0..=outermost).find(begins) else {
        return Telling {
            frames: outermost + 1,
            is_test: false,
        };
    };
    let mut last = first;
    for (index, frame) in frames.iter().enumerate().skip(first) {
        match frame {
            _ if in_project(index) => last = index,
            Frame::Java(java) if is_between(java) && !is_framework(java) => {}
            Frame::Mark { .. } => {}
            Frame::Java(_) | Frame::Native(_) => break,
        }
    }
    let outer = frames[last + 1..].iter().find_map(|frame| match frame {
        Frame::Java(java) if !is_framework(java) && is_between(java) => None,
        Frame::Java(java) => Some(is_framework(java)),
        Frame::Native(_) | Frame::Mark { .. } => Some(false),
    });
    let is_lambda = java(last).is_some_and(|java| java.method.starts_with("lambda$"));
    Telling {
        frames: last + 1,
        is_test: outer == Some(true) && (last == outermost || is_lambda),
    }
}

/// The first two parts of a class's packages, or what there is.
fn packages(class: &str) -> &str {
    let package = class.rsplit_once('.').map_or("", |(package, _)| package);
    let mut dots = package.match_indices('.');
    let end = dots.nth(1).map_or(package.len(), |(at, _)| at);
    &package[..end]
}

fn is_in(class: &str, package: &str) -> bool {
    if package.is_empty() {
        return !class.contains('.');
    }
    class
        .strip_prefix(package)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn is_own_java(frame: &JavaFrame) -> bool {
    !is_framework(frame)
        && !is_between(frame)
        && !frame.class.starts_with('<')
        && !is_proxy(&frame.class)
}

/// Whether the JVM has made the class, in the package of an interface: nobody can look into it.
fn is_proxy(class: &str) -> bool {
    let name = class.rsplit('.').next().unwrap_or(class);
    name.starts_with("$Proxy")
}

fn is_own_native(frame: &NativeFrame, runtime: &Runtime) -> bool {
    if runtime.contains(&frame.module) || frame.module == NO_MODULE {
        return false;
    }
    frame
        .function
        .as_deref()
        .is_none_or(|function| !is_of_library(function))
}

/// Whether the function belongs to a language's library. A return type may stand before its name
/// (`void std::vector<…>::push_back`), and Rust quotes the type (`<alloc::vec::Vec<T>>::push`).
fn is_of_library(function: &str) -> bool {
    let name = function.trim_start_matches('<');
    let before_arguments = &name[..name.find(['<', '(']).unwrap_or(name.len())];
    let last = before_arguments
        .rsplit_once(' ')
        .map_or(before_arguments, |(_, last)| last);
    starts(name, NATIVE_LIBRARY) || starts(last, NATIVE_LIBRARY)
}

fn starts(text: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests;
