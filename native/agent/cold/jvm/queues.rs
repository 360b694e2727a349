//! Whether what a collection has found is worked off: the proof that makes waiting for it needless.
//!
//! A collection puts references into one list; the JVM's reference handler moves each into its
//! queue; a thread of a `Cleaner`, the finalizer's, or one of the program's takes it from there and
//! frees what it stands for. The first step is asked of the JVM itself
//! (`Reference.waitForReferenceProcessing`), and of the second one the queues are looked at: all
//! objects of class `ReferenceQueue`, which a walk over the heap finds and tags.
//!
//! What is difficult: many queues are emptied only when their owner is used the next time, such as
//! that of each `WeakHashMap`. Those of the JDK hold nothing native, and are known by the class of
//! what lies in them. Of the others nobody knows, so they are told by a number that changes with
//! what lies in them, and the Java side waits.

use super::class_fields;
use super::heap_tags::{all_with_tags, environment};
use super::native_call::{Failure, call, longs};
use crate::hot::jvm::{functions, jni_env};
use core::ffi::{CStr, c_void};
use core::ptr;
use core::sync::atomic::AtomicPtr;
use jni::EnvUnowned;
use jni::objects::{JClass, JLongArray, JObject, JString};
use jvmti_bindings::sys::jni::{JNIEnv, jclass, jfieldID, jint, jlong, jobject};
use jvmti_bindings::sys::jvmti::*;
use std::sync::{Mutex, PoisonError};

/// The environment whose tags mark the queues.
static QUEUES: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());
/// The tag of a queue.
const QUEUE: jlong = 1;
/// The most references that are looked at in one queue; what lies deeper is older.
const MOST: usize = 64;

/// One look at a time.
static LOOK: Mutex<()> = Mutex::new(());

/// What lies in the queues.
#[derive(Default)]
struct Waiting {
    /// References of the JDK's cleaners and finalizers.
    cleaners: i64,
    /// Changes with the references of everybody else; 0 for none.
    others: i64,
}

/// `long[] queues(boolean anew)`: how many references wait for the JDK's cleaners and finalizers,
/// and a number that changes with those of others; null where the JVM does not tell. `anew` looks
/// for queues that have come since.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_queues<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    anew: jni::sys::jboolean,
) -> JLongArray<'local> {
    call(env, |env| {
        let alone = LOOK.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting(anew as u8 != 0);
        drop(alone);
        match found {
            Some(waiting) => longs(env, &[waiting.cleaners, waiting.others]),
            None => Ok(JLongArray::default()),
        }
    })
}

/// `int references()`: 1 if the reference handler had something to do, so that this waited for some
/// of it; 0 if not; 2 if the thread was interrupted; -1 where the JVM does not tell.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_references<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
) -> i32 {
    call(env, |_| Ok::<i32, Failure>(pending().unwrap_or(-1)))
}

/// `Class<?> loadedClass(ClassLoader loader, String name)`: null if the loader has not loaded it.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_hackleak_NativeBridge_loadedClass<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    loader: JObject<'local>,
    name: JString<'local>,
) -> JObject<'local> {
    call(env, |env| {
        let found = loaded(loader.as_raw().cast(), name.as_raw().cast());
        Ok::<_, Failure>(match found {
            // SAFETY: a local reference of this call's, which nobody else gives back.
            Some(found) => unsafe { JObject::from_raw(env, found.cast()) },
            None => JObject::null(),
        })
    })
}

fn loaded(loader: jobject, name: jobject) -> Option<jobject> {
    let jni = Jni::get()?;
    if loader.is_null() || name.is_null() {
        return None;
    }
    let class = jni.class(c"java/lang/ClassLoader")?;
    let signature = c"(Ljava/lang/String;)Ljava/lang/Class;";
    // SAFETY: JNI calls with live references and the method's own signature.
    unsafe {
        let functions = &**jni.env;
        let find = (functions.GetMethodID)(
            jni.env,
            class,
            c"findLoadedClass".as_ptr(),
            signature.as_ptr(),
        );
        (functions.DeleteLocalRef)(jni.env, class);
        if find.is_null() {
            (functions.ExceptionClear)(jni.env);
            return None;
        }
        let arguments = [jvmti_bindings::sys::jni::jvalue { l: name }];
        let found = (functions.CallObjectMethodA)(jni.env, loader, find, arguments.as_ptr());
        if (functions.ExceptionCheck)(jni.env) != 0 {
            (functions.ExceptionClear)(jni.env);
            return None;
        }
        (!found.is_null()).then_some(found)
    }
}

fn pending() -> Option<i32> {
    let jni = Jni::get()?;
    let class = jni.class(c"java/lang/ref/Reference")?;
    // SAFETY: JNI calls with live references and the method's own signature; whatever it throws is
    // told by a number.
    unsafe {
        let functions = &**jni.env;
        let wait = (functions.GetStaticMethodID)(
            jni.env,
            class,
            c"waitForReferenceProcessing".as_ptr(),
            c"()Z".as_ptr(),
        );
        let answer = if wait.is_null() {
            None
        } else {
            Some((functions.CallStaticBooleanMethodA)(jni.env, class, wait, ptr::null()) as u8)
        };
        let thrown = (functions.ExceptionCheck)(jni.env) != 0;
        (functions.ExceptionClear)(jni.env);
        (functions.DeleteLocalRef)(jni.env, class);
        match answer {
            Some(_) if thrown => Some(2),
            answer => answer.map(|waited| i32::from(waited != 0)),
        }
    }
}

/// Looks into all queues.
fn waiting(anew: bool) -> Option<Waiting> {
    let jni = Jni::get()?;
    let jvmti = environment(&QUEUES)?;
    let queue_class = jni.class(c"java/lang/ref/ReferenceQueue")?;
    let reference_class = jni.class(c"java/lang/ref/Reference")?;
    let head = jni.field(queue_class, c"head");
    let next = jni.field(reference_class, c"next");
    if anew {
        let iterate = functions(jvmti).IterateOverInstancesOfClass?;
        // SAFETY: a JVMTI call in the live phase, with a callback of its type.
        let error = unsafe {
            iterate(
                jvmti,
                queue_class,
                JVMTI_HEAP_OBJECT_UNTAGGED,
                Some(on_queue),
                ptr::null(),
            )
        };
        if error != JVMTI_ERROR_NONE {
            return None;
        }
    }
    let (head, next) = (head?, next?);
    jni.drop(queue_class);
    jni.drop(reference_class);
    let mut waiting = Waiting::default();
    for (_, queue) in all_with_tags(jvmti, &[QUEUE])? {
        jni.queue(jvmti, queue, head, next, &mut waiting);
        jni.drop(queue);
    }
    Some(waiting)
}

unsafe extern "system" fn on_queue(
    _class: jlong,
    _size: jlong,
    tag: *mut jlong,
    _data: *mut c_void,
) -> jvmtiIterationControl {
    // SAFETY: the place of the object's tag, during the callback.
    unsafe { *tag = QUEUE };
    JVMTI_ITERATION_CONTINUE
}

/// The calling thread's JNI.
#[derive(Clone, Copy)]
struct Jni {
    env: *mut JNIEnv,
}

impl Jni {
    fn get() -> Option<Jni> {
        let env = jni_env();
        (!env.is_null()).then_some(Jni { env })
    }

    fn class(self, name: &CStr) -> Option<jclass> {
        // SAFETY: JNI calls of this thread; what it throws is none of the program's.
        unsafe {
            let class = ((**self.env).FindClass)(self.env, name.as_ptr());
            ((**self.env).ExceptionClear)(self.env);
            (!class.is_null()).then_some(class)
        }
    }

    /// A field that holds a reference.
    fn field(self, class: jclass, name: &CStr) -> Option<jfieldID> {
        let signature = c"Ljava/lang/ref/Reference;";
        // SAFETY: as above, with a live class.
        unsafe {
            let field =
                ((**self.env).GetFieldID)(self.env, class, name.as_ptr(), signature.as_ptr());
            ((**self.env).ExceptionClear)(self.env);
            (!field.is_null()).then_some(field)
        }
    }

    fn drop(self, object: jobject) {
        // SAFETY: a local reference that is used no more, or null.
        unsafe { ((**self.env).DeleteLocalRef)(self.env, object) };
    }

    /// Adds what lies in one queue.
    fn queue(
        self,
        jvmti: *mut jvmtiEnv,
        queue: jobject,
        head: jfieldID,
        next: jfieldID,
        waiting: &mut Waiting,
    ) {
        // SAFETY: a live object, and a field of its class.
        let mut reference = unsafe { ((**self.env).GetObjectField)(self.env, queue, head) };
        let mut depth = 0;
        while !reference.is_null() && depth < MOST {
            match self.owner(jvmti, reference) {
                Owner::Nobody => {}
                Owner::Cleaner => waiting.cleaners += 1,
                Owner::Other => waiting.others = mixed(waiting.others, self.hash(jvmti, reference)),
            }
            // SAFETY: as above.
            let following = unsafe { ((**self.env).GetObjectField)(self.env, reference, next) };
            // SAFETY: live references. The last one of a queue names itself.
            let last = unsafe { ((**self.env).IsSameObject)(self.env, reference, following) } != 0;
            self.drop(reference);
            if last {
                self.drop(following);
                return;
            }
            reference = following;
            depth += 1;
        }
        self.drop(reference);
    }

    fn hash(self, jvmti: *mut jvmtiEnv, object: jobject) -> jint {
        let mut hash = 0;
        if let Some(get) = functions(jvmti).GetObjectHashCode {
            // SAFETY: a JVMTI call with a live reference and a place for the answer.
            unsafe { get(jvmti, object, &mut hash) };
        }
        hash
    }

    fn owner(self, jvmti: *mut jvmtiEnv, reference: jobject) -> Owner {
        let Some(loader_of) = functions(jvmti).GetClassLoader else {
            return Owner::Other;
        };
        let mut loader = ptr::null_mut();
        // SAFETY: JNI and JVMTI calls with live references and a valid place; the answers are given
        // back here.
        let (class, told) = unsafe {
            let class = ((**self.env).GetObjectClass)(self.env, reference);
            (
                class,
                loader_of(jvmti, class, &mut loader) == JVMTI_ERROR_NONE,
            )
        };
        let of_jdk = told && loader.is_null();
        self.drop(loader);
        let signature = if of_jdk {
            class_fields::signature(jvmti, class)
        } else {
            String::new()
        };
        self.drop(class);
        if signature.is_empty() {
            return Owner::Other;
        }
        Owner::of_jdk(signature.as_bytes())
    }
}

/// Who is to work off a reference.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// A `Cleaner` or the finalizer, each with a thread of its own.
    Cleaner,
    /// A map or cache of the JDK, when it is used the next time. No native memory depends on it.
    Nobody,
    /// Whoever made the reference.
    Other,
}

impl Owner {
    /// Of a reference whose class is the JDK's.
    fn of_jdk(signature: &[u8]) -> Owner {
        if signature.starts_with(b"Ljdk/internal/ref/")
            || signature.starts_with(b"Ljava/lang/ref/Final")
        {
            Owner::Cleaner
        } else if signature.starts_with(b"Ljava/lang/ref/") {
            // A plain reference, which may be anybody's.
            Owner::Other
        } else {
            Owner::Nobody
        }
    }
}

/// A sum that depends on the order, and is never 0.
fn mixed(sum: i64, hash: jint) -> i64 {
    let mixed = sum
        .wrapping_mul(31)
        .wrapping_add(i64::from(hash))
        .wrapping_add(1);
    if mixed == 0 { 1 } else { mixed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_references_may_be_anybodys() {
        let owners: [(&[u8], Owner); 5] = [
            (
                b"Ljdk/internal/ref/CleanerImpl$PhantomCleanableRef;",
                Owner::Cleaner,
            ),
            (b"Ljava/lang/ref/Finalizer;", Owner::Cleaner),
            (b"Ljava/lang/ref/PhantomReference;", Owner::Other),
            (b"Ljava/lang/ref/WeakReference;", Owner::Other),
            (b"Ljava/util/WeakHashMap$Entry;", Owner::Nobody),
        ];
        for (signature, owner) in owners {
            assert_eq!(Owner::of_jdk(signature), owner);
        }
    }

    #[test]
    fn sums_tell_what_was_added() {
        assert_ne!(mixed(0, 5), mixed(mixed(0, 5), 5));
        assert_ne!(mixed(mixed(0, 1), 2), mixed(mixed(0, 2), 1));
        assert_ne!(mixed(0, -1), 0);
    }
}
