//! The way from a root of the JVM's to an object that holds native memory, as a Java developer
//! would write it: `example.Cache.ENTRIES → HashMap → example.Options.handle`.
//!
//! JVMTI follows references in one direction only and in an order of its own, so the way is found
//! backwards: each round follows all of them once and notes who refers to what the round before has
//! found. The first way that ends at a root is a shortest one. It costs some walks of the heap,
//! which is why it is not asked for at every check.
//!
//! The callback runs at a safepoint, on a thread of the JVM's: it may not call it.

use super::class_fields;
use super::heap_tags::{done, untag, with_tags};
use super::java_paths::follow_references;
use super::own_frames::OwnFrames;
use crate::hot::jvm::functions;
use crate::hot::jvm::methods::Text;
use core::ffi::c_void;
use core::ptr;
use hackleak_platform::clock;
use jvmti_bindings::sys::jni::{JNIEnv, jint, jlong, jmethodID, jobject};
use jvmti_bindings::sys::jvmti::*;
use std::collections::{HashMap, HashSet};

/// Objects on the way get tags from here on.
const ON_THE_WAY: jlong = 1 << 43;
/// The most rounds: objects on a way.
const LONGEST: usize = 16;
/// The most references to one object that are looked at.
const MOST_REFERRERS: usize = 8;
/// The most objects that are looked at.
const MOST_OBJECTS: usize = 4096;
/// How long it may take, of the clock and of the process's CPU time; what was not found by then has
/// no way.
const PATIENCE: u64 = 2_000_000_000;
const CLOCKS: [libc::clockid_t; 2] = [libc::CLOCK_MONOTONIC, libc::CLOCK_PROCESS_CPUTIME_ID];

/// Who refers to an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Referrer {
    /// A static field of the class whose mirror has the tag.
    Static(jlong, jint),
    /// A local variable of a method that runs.
    Local(jmethodID),
    /// A global reference of native code's.
    Global,
    /// A field of the object that has the tag.
    Field(jlong, jint),
    /// An element of the array that has the tag.
    Element(jlong),
    /// What the JVM itself keeps: a thread, a monitor.
    Jvm,
}

impl Referrer {
    /// What a person would rather read comes first.
    fn rank(self) -> u32 {
        match self {
            Referrer::Static(..) => 0,
            Referrer::Local(_) => 1,
            Referrer::Global => 2,
            Referrer::Jvm => 3,
            Referrer::Field(..) | Referrer::Element(_) => 4,
        }
    }

    fn is_root(self) -> bool {
        self.rank() < 4
    }
}

/// What the callback works on.
struct Search<'own> {
    /// Frames that hold nothing.
    own: &'own OwnFrames,
    /// Objects whose referrers are wanted in this round.
    wanted: HashSet<jlong>,
    referrers: HashMap<jlong, Vec<Referrer>>,
    next: jlong,
}

/// A root of the JVM's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A static field; the first step names it.
    Static,
    /// A local variable; the first step names its method.
    Local,
    /// A global reference of native code's; the first step is empty.
    Global,
    /// A thread; the first step is its name.
    Thread,
    /// Something else that the JVM keeps.
    Jvm,
}

/// A way: where it begins, and the steps from there, each a field, or a class of the JDK's.
#[derive(Clone)]
pub struct Way {
    pub start: Start,
    pub steps: Vec<String>,
}

/// The ways to the objects with these tags, as far as they were found. Objects on the way lose the
/// tags that they get here.
pub fn to_objects(
    env: *mut jvmtiEnv,
    jni: *mut JNIEnv,
    own: &OwnFrames,
    targets: &[jlong],
) -> HashMap<jlong, Way> {
    let begun = CLOCKS.map(clock::of);
    let is_late = || {
        let took = CLOCKS.map(clock::of);
        took.iter()
            .zip(begun)
            .all(|(now, then)| now.saturating_sub(then) > PATIENCE)
    };
    let mut search = Search {
        own,
        wanted: targets.iter().copied().collect(),
        referrers: HashMap::new(),
        next: ON_THE_WAY,
    };
    let mut open: Vec<jlong> = targets.to_vec();
    for _ in 0..LONGEST {
        if !follow(env, &mut search) {
            break;
        }
        open.retain(|target| chain(*target, &search.referrers).is_none());
        let many = search.referrers.len() + search.wanted.len() > MOST_OBJECTS;
        if open.is_empty() || many || is_late() {
            break;
        }
        let known = &search.referrers;
        let next: HashSet<jlong> = search
            .wanted
            .iter()
            .filter_map(|object| known.get(object))
            .flatten()
            .filter_map(|referrer| match referrer {
                Referrer::Field(object, _) | Referrer::Element(object) => Some(*object),
                _ => None,
            })
            .filter(|object| !known.contains_key(object))
            .collect();
        if next.is_empty() {
            break;
        }
        search.wanted = next;
    }
    let chains: HashMap<jlong, Vec<Referrer>> = targets
        .iter()
        .filter_map(|target| Some((*target, chain(*target, &search.referrers)?)))
        .collect();
    let named = named(env, jni, &chains);
    let tags: Vec<jlong> = (ON_THE_WAY..search.next).collect();
    untag(env, jni, &tags);
    named
}

/// The shortest way from a root to the object: the root's side first.
fn chain(target: jlong, referrers: &HashMap<jlong, Vec<Referrer>>) -> Option<Vec<Referrer>> {
    // By object: the one below it, and how it refers to that.
    let mut below: HashMap<jlong, (jlong, Referrer)> = HashMap::new();
    let mut wave = vec![target];
    while !wave.is_empty() {
        let roots = wave.iter().flat_map(|object| {
            let of_object = referrers.get(object).into_iter().flatten();
            of_object.map(move |referrer| (*object, *referrer))
        });
        let best = roots
            .filter(|(_, referrer)| referrer.is_root())
            .min_by_key(|(_, referrer)| referrer.rank());
        if let Some((mut object, root)) = best {
            let mut way = vec![root];
            while object != target {
                let (next, by) = below[&object];
                way.push(by);
                object = next;
            }
            return Some(way);
        }
        let mut next = Vec::new();
        for object in wave {
            for referrer in referrers.get(&object).into_iter().flatten() {
                if let Referrer::Field(from, _) | Referrer::Element(from) = *referrer
                    && from != target
                    && !below.contains_key(&from)
                {
                    below.insert(from, (object, *referrer));
                    next.push(from);
                }
            }
        }
        wave = next;
    }
    None
}

/// The ways in words.
fn named(
    env: *mut jvmtiEnv,
    jni: *mut JNIEnv,
    chains: &HashMap<jlong, Vec<Referrer>>,
) -> HashMap<jlong, Way> {
    let mut tags: Vec<jlong> = chains
        .values()
        .flatten()
        .filter_map(|referrer| match referrer {
            Referrer::Static(object, _) | Referrer::Field(object, _) => Some(*object),
            _ => None,
        })
        .collect();
    tags.sort_unstable();
    tags.dedup();
    let objects = with_tags(env, &tags);
    let ways = chains.iter().map(|(target, chain)| {
        let mut steps: Vec<String> = Vec::new();
        let mut inside = false;
        for referrer in chain {
            let (step, of_jdk) = match *referrer {
                Referrer::Static(class, index) => {
                    let class = objects.get(&class);
                    let name = class.map(|class| class_fields::name(env, jni, *class, index));
                    (name, false)
                }
                Referrer::Field(object, index) => {
                    let Some(object) = objects.get(&object) else {
                        continue;
                    };
                    // SAFETY: a JNI call with a local reference; the answer is given back below.
                    let class = unsafe { ((**jni).GetObjectClass)(jni, *object) };
                    let name = class_fields::name(env, jni, class, index);
                    let signature = class_fields::signature(env, class);
                    // SAFETY: the reference that was just made.
                    unsafe { ((**jni).DeleteLocalRef)(jni, class) };
                    match of_jdk(&signature) {
                        Some(simple) => (Some(simple), true),
                        None => (Some(name), false),
                    }
                }
                Referrer::Local(method) => (method_name(jni, method), false),
                Referrer::Element(_) | Referrer::Global | Referrer::Jvm => (None, inside),
            };
            // How a collection is built inside is of no interest.
            if let Some(step) = step
                && !(inside && of_jdk)
            {
                steps.push(step);
            }
            inside = of_jdk;
        }
        let start = match chain.first() {
            Some(Referrer::Static(..)) => Start::Static,
            Some(Referrer::Local(_)) => Start::Local,
            Some(Referrer::Global) => Start::Global,
            _ => Start::Jvm,
        };
        // A thread is a root, whatever has it: its own stack, or the JVM.
        let thread = chain.get(1).filter(|_| start != Start::Static);
        let thread = thread.and_then(|referrer| match referrer {
            Referrer::Field(object, _) => thread_name(env, *objects.get(object)?),
            _ => None,
        });
        let start = thread.map_or(start, |name| {
            // In place of the method that has it in a local variable, and of the class `Thread`.
            let others = usize::from(start == Start::Local);
            let is_plain = steps.get(others).is_some_and(|step| step == "Thread");
            steps.splice(0..others + usize::from(is_plain), [name]);
            Start::Thread
        });
        if start == Start::Global {
            steps.insert(0, String::new());
        }
        (*target, Way { start, steps })
    });
    let ways = ways.collect();
    for object in objects.into_values() {
        done(env, jni, object, false);
    }
    ways
}

/// The simple name of a class of the JDK's.
fn of_jdk(signature: &str) -> Option<String> {
    let name = signature.strip_prefix('L')?.strip_suffix(';')?;
    let is = ["java/", "jdk/", "sun/", "javax/"]
        .iter()
        .any(|start| name.starts_with(start));
    is.then(|| {
        let simple = name.rsplit('/').next().unwrap_or(name);
        simple.split('$').next().unwrap_or(simple).to_owned()
    })
}

/// The name of a thread; `None` for other objects.
pub fn thread_name(env: *mut jvmtiEnv, thread: jobject) -> Option<String> {
    let get = functions(env).GetThreadInfo?;
    let mut info = core::mem::MaybeUninit::<jvmtiThreadInfo>::zeroed();
    // SAFETY: a JVMTI call with a local reference, which says so where that is no thread.
    if unsafe { get(env, thread, info.as_mut_ptr()) } != JVMTI_ERROR_NONE {
        return None;
    }
    // SAFETY: the JVM has filled it in; references in it are local ones of this native method.
    let name = unsafe { info.assume_init().name };
    Some(class_fields::take_text(env, name).replace('\n', " "))
}

/// The name of a method that a frame had a moment ago; `None` if its class has gone meanwhile.
fn method_name(jni: *mut JNIEnv, method: jmethodID) -> Option<String> {
    let name = Text::of_method(method)?;
    let class = Text::of_class(jni, method)?;
    let class = class_fields::shown(&String::from_utf8_lossy(class.bytes()));
    Some(format!("{class}.{}", String::from_utf8_lossy(name.bytes())))
}

fn follow(env: *mut jvmtiEnv, search: &mut Search) -> bool {
    // Objects without a tag are followed all the same, and cost no callback.
    let filter = JVMTI_HEAP_FILTER_UNTAGGED;
    // SAFETY: the callback takes a `Search`.
    unsafe { follow_references(env, ptr::null_mut(), filter, on_reference, search) }
}

#[allow(clippy::too_many_arguments)]
unsafe extern "system" fn on_reference(
    kind: jvmtiHeapReferenceKind,
    info: *const jvmtiHeapReferenceInfo,
    _class_tag: jlong,
    _referrer_class_tag: jlong,
    _size: jlong,
    tag: *mut jlong,
    referrer_tag: *mut jlong,
    _length: jint,
    search: *mut c_void,
) -> jint {
    // SAFETY: the pointer that `follow` passed, and the object's tag, valid during the call.
    let (search, tag) = unsafe { (&mut *search.cast::<Search>(), *tag) };
    if tag == 0 || !search.wanted.contains(&tag) {
        return JVMTI_VISIT_OBJECTS;
    }
    // The referrer's tag, which it gets if it has none.
    let mut from = || {
        // SAFETY: null for a root, else valid during the call.
        let place = unsafe { referrer_tag.as_mut() }?;
        if *place == 0 {
            *place = search.next;
            search.next += 1;
        }
        Some(*place)
    };
    // SAFETY: the JVM fills in the member that belongs to the kind.
    let referrer = unsafe {
        match kind {
            JVMTI_HEAP_REFERENCE_STATIC_FIELD => {
                from().map(|class| Referrer::Static(class, (*info).field.index))
            }
            JVMTI_HEAP_REFERENCE_FIELD => {
                from().map(|object| Referrer::Field(object, (*info).field.index))
            }
            JVMTI_HEAP_REFERENCE_ARRAY_ELEMENT => from().map(Referrer::Element),
            _ if search.own.have(kind, info) => None,
            JVMTI_HEAP_REFERENCE_STACK_LOCAL => {
                let method = (*info).stack_local.method;
                Some(if method.is_null() {
                    Referrer::Jvm
                } else {
                    Referrer::Local(method)
                })
            }
            JVMTI_HEAP_REFERENCE_JNI_GLOBAL => Some(Referrer::Global),
            _ if referrer_tag.is_null() => Some(Referrer::Jvm),
            _ => None,
        }
    };
    if let Some(referrer) = referrer {
        let known = search.referrers.entry(tag).or_default();
        if !known.contains(&referrer) {
            if known.len() < MOST_REFERRERS {
                known.push(referrer);
            } else if let Some(worst) = known.iter_mut().max_by_key(|known| known.rank())
                && worst.rank() > referrer.rank()
            {
                *worst = referrer;
            }
        }
    }
    JVMTI_VISIT_OBJECTS
}
