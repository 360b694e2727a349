//! Frames that hold nothing: those of the program on the thread that asks in the middle of its
//! work.
//!
//! Their variables have what was closed as well as what is open, and native code's variables on the
//! same stack hold nothing either. What is difficult: below a test on the same stack are the frames
//! of what runs it, and those have things that outlive the test: instances, extensions and what
//! these keep. So the program's frames end at the first one of a known test framework's; without
//! one, all are the program's.

use super::heap_tags::{set_tag, tag_of};
use crate::hot::jvm::functions;
use crate::hot::jvm::methods::Text;
use core::ptr;
use jvmti_bindings::sys::jni::{JNIEnv, jint, jlong, jobject};
use jvmti_bindings::sys::jvmti::*;

/// The tag of the thread that asks.
const ASKING: jlong = 5 << 42;
/// The most frames that are asked for.
const MOST: usize = 4096;

/// Packages of what runs tests, and not of what tests call with code of their own, such as
/// `org.junit.jupiter.api.Assertions`.
const RUNNERS: [&str; 15] = [
    "org/junit/platform/",
    "org/junit/jupiter/engine/",
    "org/junit/vintage/engine/",
    "org/junit/runner",
    "org/junit/internal/runners/",
    "junit/framework/TestCase",
    "org/testng/internal/",
    "org/testng/TestRunner",
    "org/apache/maven/surefire/",
    "org/gradle/api/internal/tasks/testing/",
    "org/spockframework/runtime/",
    "net/jqwik/engine/",
    "io/cucumber/",
    "com/intellij/",
    "io/kotest/engine/",
];

/// The program's frames on the thread that asks; none, where that does not ask by itself.
pub struct OwnFrames {
    env: *mut jvmtiEnv,
    /// The thread, and the tag that it had.
    thread: Option<(jobject, jlong)>,
    /// How many there are, from the youngest on.
    count: jint,
}

impl OwnFrames {
    /// Parts the objects that hold nothing: the calling thread, if it is one of them, stands for
    /// its frames.
    pub fn split(
        env: *mut jvmtiEnv,
        jni: *mut JNIEnv,
        finished: &[jobject],
    ) -> (OwnFrames, Vec<jobject>) {
        let (threads, others): (Vec<jobject>, Vec<jobject>) = finished
            .iter()
            .copied()
            .partition(|object| is_this_thread(env, jni, *object));
        let thread = threads.first().copied();
        let thread = thread.and_then(|thread| Some((thread, tag_of(env, thread)?)));
        let mut own = OwnFrames {
            env,
            thread,
            count: 0,
        };
        if let Some((thread, _)) = thread {
            own.count = count(env, jni);
            set_tag(env, thread, ASKING);
        }
        (own, others)
    }

    pub fn are_any(&self) -> bool {
        self.count > 0
    }

    /// Whether a reference is one of theirs.
    ///
    /// # Safety
    ///
    /// `info` is what the JVM tells about a reference of this kind, while it does.
    pub unsafe fn have(
        &self,
        kind: jvmtiHeapReferenceKind,
        info: *const jvmtiHeapReferenceInfo,
    ) -> bool {
        if !self.are_any() {
            return false;
        }
        let (thread, depth) = match kind {
            // SAFETY: references of this kind come with the frame that they are in.
            JVMTI_HEAP_REFERENCE_STACK_LOCAL => unsafe {
                ((*info).stack_local.thread_tag, (*info).stack_local.depth)
            },
            // SAFETY: as above.
            JVMTI_HEAP_REFERENCE_JNI_LOCAL => unsafe {
                ((*info).jni_local.thread_tag, (*info).jni_local.depth)
            },
            _ => return false,
        };
        thread == ASKING && depth < self.count
    }
}

impl Drop for OwnFrames {
    fn drop(&mut self) {
        if let Some((thread, tag)) = self.thread {
            set_tag(self.env, thread, tag);
        }
    }
}

/// How many frames come before the first one of a test framework's.
fn count(env: *mut jvmtiEnv, jni: *mut JNIEnv) -> jint {
    let mut frames = vec![jvmtiFrameInfo::default(); MOST];
    let mut count = 0;
    if let Some(get) = functions(env).GetStackTrace {
        // SAFETY: a JVMTI call of the calling thread's, with as many places as it is told.
        unsafe {
            get(
                env,
                ptr::null_mut(),
                0,
                MOST as jint,
                frames.as_mut_ptr(),
                &mut count,
            )
        };
    }
    frames.truncate(count.max(0) as usize);
    let of_runner = frames.iter().position(|frame| {
        // SAFETY: methods of frames of this thread's, which cannot end meanwhile.
        let class = Text::of_class(jni, frame.method);
        class.is_some_and(|class| is_runner(class.bytes()))
    });
    of_runner.map_or(jint::MAX, |at| at as jint)
}

fn is_runner(signature: &[u8]) -> bool {
    let name = signature.strip_prefix(b"L").unwrap_or(signature);
    RUNNERS
        .iter()
        .any(|runner| name.starts_with(runner.as_bytes()))
}

fn is_this_thread(env: *mut jvmtiEnv, jni: *mut JNIEnv, object: jobject) -> bool {
    let mut thread = ptr::null_mut();
    let Some(current) = functions(env).GetCurrentThread else {
        return false;
    };
    // SAFETY: JVMTI and JNI calls in the live phase, with a reference of the caller's and one of
    // this call's.
    unsafe {
        if current(env, &mut thread) != JVMTI_ERROR_NONE || thread.is_null() {
            return false;
        }
        let same = ((**jni).IsSameObject)(jni, thread, object) != 0;
        ((**jni).DeleteLocalRef)(jni, thread);
        same
    }
}

#[cfg(test)]
mod tests {
    use super::is_runner;

    #[test]
    fn what_runs_tests_is_told_from_what_they_call() {
        for runner in [
            "Lorg/junit/jupiter/engine/execution/MethodInvocation;",
            "Lorg/junit/runners/model/FrameworkMethod$1;",
            "Lorg/testng/internal/invokers/MethodInvocationHelper;",
            "Ljunit/framework/TestCase;",
        ] {
            assert!(is_runner(runner.as_bytes()), "{runner}");
        }
        for other in [
            "Lorg/junit/jupiter/api/AssertThrows;",
            "Lorg/junit/Assert;",
            "Lorg/testng/Assert;",
            "Lorg/junit/rules/ErrorCollector;",
            "Ldev/hackleak/NativeBridge;",
            "Lexample/org/junit/platform/Mine;",
        ] {
            assert!(!is_runner(other.as_bytes()), "{other}");
        }
    }
}
