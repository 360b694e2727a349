//! What the threads that Java code starts are called.

use super::{class_fields, java_chains};
use crate::hot::events::started;
use crate::hot::ground::boundary;
use crate::hot::jvm::Jvmti;
use jvmti_bindings::sys::jni::{JNIEnv, jthread};
use jvmti_bindings::sys::jvmti::jvmtiEnv;

/// The JVM's call on each new thread, before Java code runs there.
pub unsafe extern "system" fn on_start(_: *mut jvmtiEnv, jni: *mut JNIEnv, thread: jthread) {
    boundary::guarded(|| {
        boundary::may_panic();
        let env = Jvmti::get()?.env;
        // SAFETY: the JNI environment of this thread and a reference that lives as long as the
        // call, as does the one to its class.
        let class = unsafe { ((**jni).GetObjectClass)(jni, thread) };
        let class = class_fields::signature(env, class);
        let name = java_chains::thread_name(env, thread)?;
        started::is_of_java(name.as_bytes(), is_of_the_jdk(&class, &name));
        Some(())
    });
}

/// Whether the JDK has started it for itself, and keeps it.
fn is_of_the_jdk(class: &str, name: &str) -> bool {
    class.starts_with("Ljdk/internal/")
        || class.starts_with("Lsun/")
        || name.starts_with("ForkJoinPool.commonPool-worker-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_the_jdk_keeps_are_its_own() {
        assert!(is_of_the_jdk(
            "Ljdk/internal/misc/InnocuousThread;",
            "Common-Cleaner"
        ));
        assert!(is_of_the_jdk(
            "Ljava/util/concurrent/ForkJoinWorkerThread;",
            "ForkJoinPool.commonPool-worker-3"
        ));
        assert!(!is_of_the_jdk(
            "Ljava/util/concurrent/ForkJoinWorkerThread;",
            "ForkJoinPool-1-worker-1"
        ));
        assert!(!is_of_the_jdk("Ljava/lang/Thread;", "pool-1-thread-1"));
        assert!(!is_of_the_jdk("Ljava/util/TimerThread;", "Timer-0"));
    }
}
