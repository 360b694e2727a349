//! The fields of Java classes, as JVMTI counts them.
//!
//! A heap walk names a field by its index: first come the fields of all interfaces of the class,
//! then those of its superclasses from `Object` on, then its own.

use crate::hot::jvm::functions;
use core::ffi::{CStr, c_char};
use core::ptr;
use core::sync::atomic::{AtomicI64, Ordering::Relaxed};
use jvmti_bindings::sys::jni::{JNIEnv, jclass, jfieldID, jint, jlong, jobject};
use jvmti_bindings::sys::jvmti::{JVMTI_ERROR_NONE, jvmtiEnv};

const STATIC: jint = 8;

/// In the tag of a class whose objects may hold file descriptors.
const WITH_DESCRIPTORS: jlong = 1 << 39;

/// A tag that no class has yet.
pub fn next_tag(holds: Holds) -> jlong {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    let tag = NEXT.fetch_add(1, Relaxed);
    if holds.descriptors {
        tag | WITH_DESCRIPTORS
    } else {
        tag
    }
}

/// Whether an `int` in objects of the class with this tag may be a file descriptor: the number of
/// one is in many an `int`.
pub fn tells_descriptors(tag: jlong) -> bool {
    tag & WITH_DESCRIPTORS != 0
}

/// What the JVM gave in memory of its own, which goes back to it.
pub fn take_text(env: *mut jvmtiEnv, text: *mut c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: a text of the JVM's that ends in a zero byte, given to the caller.
    unsafe {
        let owned = CStr::from_ptr(text).to_string_lossy().into_owned();
        if let Some(deallocate) = functions(env).Deallocate {
            deallocate(env, text.cast());
        }
        owned
    }
}

/// The signature of a class: `Ljava/lang/String;`; empty when it has none.
pub fn signature(env: *mut jvmtiEnv, class: jclass) -> String {
    let mut text = ptr::null_mut();
    if let Some(get) = functions(env).GetClassSignature {
        // SAFETY: a JVMTI call with a reference of the caller's and a valid place.
        unsafe { get(env, class, &mut text, ptr::null_mut()) };
    }
    take_text(env, text)
}

/// A class as Java names it, without the numbers that the class of a lambda gets anew in every
/// process.
pub fn shown(signature: &str) -> String {
    const LAMBDA: &str = "$$Lambda";
    let name = signature.strip_prefix('L').unwrap_or(signature);
    let end = name.find(LAMBDA).map(|at| at + LAMBDA.len());
    let name = &name[..end.unwrap_or(name.len())];
    name.trim_end_matches(';').replace('/', ".")
}

/// The fields that a class declares; `None` while it is not linked.
fn declared(env: *mut jvmtiEnv, class: jclass) -> Option<Vec<jfieldID>> {
    let functions = functions(env);
    let (get, deallocate) = (functions.GetClassFields?, functions.Deallocate?);
    let (mut count, mut list) = (0, ptr::null_mut());
    // SAFETY: a JVMTI call with a reference of the caller's; the list has `count` ids and is given
    // back.
    unsafe {
        if get(env, class, &mut count, &mut list) != JVMTI_ERROR_NONE {
            return None;
        }
        // HotSpot gives none for a class that declares no field: it may well inherit some.
        if list.is_null() {
            return Some(Vec::new());
        }
        let fields = core::slice::from_raw_parts(list, count.max(0) as usize).to_vec();
        deallocate(env, list.cast());
        Some(fields)
    }
}

/// Whether a field of this name keeps a file descriptor: `fd`, `epfd`, `socketFd`, `fdVal`.
pub fn names_descriptor(field: &str) -> bool {
    let ends = |end| field.ends_with(end);
    field.starts_with("fd") || ends("fd") || ends("Fd") || ends("FD") || ends("escriptor")
}

/// Which descriptors a field of this class and name may keep. Java's own classes keep what the JDK
/// has opened, and none in constants; its `FileDescriptor` may have been given any.
pub fn keeps(class: &str, field: &str) -> Keeps {
    let is_own = ["java.", "sun.", "jdk.", "com.sun."];
    let is_of_jdk = is_own.iter().any(|own| class.starts_with(own));
    // `EPoll.OFFSETOF_FD`, which is 4.
    let is_constant = !field.contains(char::is_lowercase);
    if !names_descriptor(field) || is_of_jdk && is_constant {
        Keeps::None
    } else if class != "java.io.FileDescriptor" && is_of_jdk {
        Keeps::OfJava
    } else {
        Keeps::Any
    }
}

/// See [`keeps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    None,
    OfJava,
    Any,
}

/// What objects of a class may hold by the fields that it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holds {
    /// A `long`, which may be an address.
    pub memory: bool,
    /// An `int` by whose name it is a file descriptor.
    pub descriptors: bool,
}

impl Holds {
    pub const fn anything(self) -> bool {
        self.memory || self.descriptors
    }

    /// What either of them holds.
    pub const fn or(self, other: Holds) -> Holds {
        Holds {
            memory: self.memory || other.memory,
            descriptors: self.descriptors || other.descriptors,
        }
    }
}

/// What the class declares; `None` while it is not linked.
pub fn may_hold(env: *mut jvmtiEnv, class: jclass) -> Option<Holds> {
    let functions = functions(env);
    let (get_name, get_modifiers) = (functions.GetFieldName?, functions.GetFieldModifiers?);
    let fields = declared(env, class)?;
    let holds = |field: jfieldID| {
        let (mut name, mut signature, mut modifiers) = (ptr::null_mut(), ptr::null_mut(), 0);
        // SAFETY: JVMTI calls with an id of this class and valid places.
        unsafe {
            get_modifiers(env, class, field, &mut modifiers);
            if modifiers & STATIC != 0 {
                return Holds::default();
            }
            get_name(
                env,
                class,
                field,
                &mut name,
                &mut signature,
                ptr::null_mut(),
            );
        }
        let (name, signature) = (take_text(env, name), take_text(env, signature));
        Holds {
            memory: signature == "J",
            descriptors: signature == "I" && names_descriptor(&name),
        }
    };
    Some(
        fields
            .into_iter()
            .map(holds)
            .fold(Holds::default(), Holds::or),
    )
}

/// `package.Class.field` for the field of this index in objects of `class`, or of the class itself.
pub fn name(env: *mut jvmtiEnv, jni: *mut JNIEnv, class: jclass, index: jint) -> String {
    let shown = shown(&signature(env, class));
    match field(env, jni, class, index) {
        Some(field) => format!("{shown}.{field}"),
        None => shown,
    }
}

/// The name of that field alone.
pub fn field(env: *mut jvmtiEnv, jni: *mut JNIEnv, class: jclass, index: jint) -> Option<String> {
    // From the class up to `Object`; the references die with the frame.
    // SAFETY: JNI calls on an attached thread.
    if unsafe { ((**jni).PushLocalFrame)(jni, 64) } != 0 {
        return None;
    }
    let mut line = vec![class];
    while let Some(last) = line.last().copied() {
        // SAFETY: as above, with a reference to a class.
        let parent = unsafe { ((**jni).GetSuperclass)(jni, last) };
        if parent.is_null() {
            break;
        }
        line.push(parent);
    }
    let mut start = fields_of_interfaces(env, jni, &line);
    let mut found = None;
    for class in line.into_iter().rev() {
        let fields = declared(env, class).unwrap_or_default();
        let place = usize::try_from(index).unwrap_or(0).checked_sub(start);
        if let Some(field) = place.and_then(|place| fields.get(place)) {
            found = field_name(env, class, *field);
            break;
        }
        start += fields.len();
    }
    // SAFETY: the frame that was pushed above.
    unsafe { ((**jni).PopLocalFrame)(jni, ptr::null_mut()) };
    found
}

fn field_name(env: *mut jvmtiEnv, class: jclass, field: jfieldID) -> Option<String> {
    let get = functions(env).GetFieldName?;
    let mut name = ptr::null_mut();
    // SAFETY: a JVMTI call with an id of the class and a valid place.
    unsafe {
        get(
            env,
            class,
            field,
            &mut name,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    Some(take_text(env, name))
}

/// How many fields all interfaces of these classes declare, each interface counted once.
fn fields_of_interfaces(env: *mut jvmtiEnv, jni: *mut JNIEnv, classes: &[jclass]) -> usize {
    let functions = functions(env);
    let (Some(get), Some(deallocate)) = (functions.GetImplementedInterfaces, functions.Deallocate)
    else {
        return 0;
    };
    let mut open = classes.to_vec();
    let mut known: Vec<jclass> = Vec::new();
    let mut fields = 0;
    while let Some(class) = open.pop() {
        let (mut count, mut list) = (0, ptr::null_mut());
        // SAFETY: JVMTI and JNI calls with references of this frame; the list is given back.
        unsafe {
            if get(env, class, &mut count, &mut list) != JVMTI_ERROR_NONE || list.is_null() {
                continue;
            }
            for index in 0..count.max(0) as usize {
                let interface = *list.add(index);
                let is_new = known
                    .iter()
                    .all(|other| ((**jni).IsSameObject)(jni, *other, interface) == 0);
                if is_new {
                    fields += declared(env, interface).map_or(0, |fields| fields.len());
                    known.push(interface);
                    open.push(interface);
                }
            }
            deallocate(env, list.cast());
        }
    }
    fields
}

/// The loader of the application, as a local reference; null where the JVM does not tell.
pub fn system_loader(jni: *mut JNIEnv) -> jobject {
    // SAFETY: JNI calls of this thread with live references and the method's own signature; what
    // they throw is none of the program's.
    unsafe {
        let functions = &**jni;
        let mut system = ptr::null_mut();
        let loaders = (functions.FindClass)(jni, c"java/lang/ClassLoader".as_ptr());
        if !loaders.is_null() {
            let get = (functions.GetStaticMethodID)(
                jni,
                loaders,
                c"getSystemClassLoader".as_ptr(),
                c"()Ljava/lang/ClassLoader;".as_ptr(),
            );
            if !get.is_null() {
                system = (functions.CallStaticObjectMethodA)(jni, loaders, get, ptr::null());
            }
        }
        (functions.ExceptionClear)(jni);
        (functions.DeleteLocalRef)(jni, loaders);
        system
    }
}

/// Whether the class is there as long as the JVM is: the JVM itself or the loader of the
/// application, `system`, has made it.
pub fn lasts(env: *mut jvmtiEnv, jni: *mut JNIEnv, class: jclass, system: jobject) -> bool {
    let Some(loader_of) = functions(env).GetClassLoader else {
        return false;
    };
    let mut loader = ptr::null_mut();
    // SAFETY: JVMTI and JNI calls in the live phase, with references of the caller's and a valid
    // place; the reference that is made is given back.
    unsafe {
        if loader_of(env, class, &mut loader) != JVMTI_ERROR_NONE {
            return false;
        }
        if loader.is_null() {
            return true;
        }
        let functions = &**jni;
        let is_system = (functions.IsSameObject)(jni, loader, system) != 0;
        (functions.DeleteLocalRef)(jni, loader);
        is_system
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_kept_by_a_field_with_the_name_of_one() {
        for (class, field, kept) in [
            ("java.io.FileDescriptor", "fd", Keeps::Any),
            ("sun.nio.ch.SocketChannelImpl", "fdVal", Keeps::OfJava),
            ("sun.nio.ch.EPollSelectorImpl", "epfd", Keeps::OfJava),
            ("io.netty.channel.unix.FileDescriptor", "fd", Keeps::Any),
            ("demo.Store", "socketFd", Keeps::Any),
            ("demo.Store", "fileDescriptor", Keeps::Any),
            ("demo.Store", "size", Keeps::None),
            ("java.lang.Thread", "priority", Keeps::None),
            ("sun.nio.ch.EPoll", "OFFSETOF_FD", Keeps::None),
            ("demo.Store", "LOCK_FD", Keeps::Any),
        ] {
            assert_eq!(keeps(class, field), kept, "{class}.{field}");
        }
    }
}
