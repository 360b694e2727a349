//! JVMs that start from a cache of classes which were linked ahead of time (JDK 24 and later).
//!
//! Such a cache and an early start of the tool interface exclude each other, and with `AOTMode=on` the JVM does not
//! start. So the early start is not asked for then. It is there for `Unsafe`, whose native methods are bound
//! before the ordinary start: they are bound once more instead, by the class's own method.

use super::{Jvmti, unsafe_memory};
use crate::{agentpath, control};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use hackleak_options::Track;
use jni::sys::JNIEnv;
use jni::{EnvUnowned, jni_sig, jni_str};

static IS_CACHE_NAMED: AtomicBool = AtomicBool::new(false);

/// Looks at the options that a JVM is made with.
pub fn look<'text>(options: impl Iterator<Item = &'text str>) {
    let variables = agentpath::words(&["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"]);
    let all = options.map(str::to_owned).chain(variables);
    IS_CACHE_NAMED.store(names_cache(all), Relaxed);
}

/// Whether a JVM with these options may use a cache.
fn names_cache(options: impl Iterator<Item = String>) -> bool {
    let mut is_named = false;
    let mut mode = String::new();
    for option in options {
        if let Some(value) = option.strip_prefix("-XX:AOTMode=") {
            value.clone_into(&mut mode);
        }
        is_named |=
            option.starts_with("-XX:AOTCache=") || option.starts_with("-XX:SharedArchiveFile=");
    }
    is_named && !["off", "record", "create"].contains(&mode.as_str())
}

/// Whether the JVM could not use its cache if the tool interface started early.
pub fn needs_late_start() -> bool {
    IS_CACHE_NAMED.load(Relaxed)
}

/// The JVM has started: binds the methods of `Unsafe` again, if they were bound unseen.
pub fn bind_again(env: *mut JNIEnv) {
    if !control::tracks(Track::UNSAFE) || unsafe_memory::is_bound() || Jvmti::get().is_none() {
        return;
    }
    // SAFETY: the environment that the JVM gave for this thread and this event.
    let mut env = unsafe { EnvUnowned::from_raw(env) };
    let outcome = env.with_env(|env| {
        let class = jni_str!("jdk/internal/misc/Unsafe");
        let called =
            env.call_static_method(class, jni_str!("registerNatives"), jni_sig!("()V"), &[]);
        if called.is_err() {
            env.exception_clear();
        }
        Ok::<(), jni::errors::Error>(())
    });
    outcome.resolve::<jni::errors::LogErrorAndDefault>();
}

#[cfg(test)]
mod tests {
    use super::names_cache;

    #[test]
    fn a_cache_is_used_where_one_is_named_and_not_being_made() {
        let is = |text: &str| names_cache(text.split(' ').map(str::to_owned));
        assert!(is("-XX:AOTCache=a -Xmx1g"));
        assert!(is("-XX:AOTMode=on -XX:AOTCache=a"));
        assert!(is("-XX:SharedArchiveFile=a"));
        assert!(!is("-XX:AOTMode=create -XX:AOTCache=a"));
        assert!(!is("-XX:AOTMode=auto -Xmx1g"));
    }
}
