//! Java objects that hold native memory, which have its address in a `long`, or file descriptors, in an `int`
//! with the name of one.
//!
//! JVMTI walks the heap and tells the values of fields, which is what takes the time. So only objects of
//! classes that have such a field are looked at, arrays of them, and the static fields of all classes; the
//! classes carry a tag for that. All of it is done by an environment of its own: the tags of other tools stay
//! what they are, and a process that never asks pays nothing.
//!
//! The callbacks run at a safepoint, on a thread of the JVM's: they may not call it.

use super::class_fields::Keeps;
use super::java_chains::{self, Start, Way};
use super::{VM, class_fields, functions, java_paths};
use crate::descriptors;
use crate::holders::{JAVA, Java, JavaRoot, Marks, Memory, Parent, Stop, Trust};
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Acquire};
use hackleak_image::layout::Root;
use jvmti_bindings::sys::jni::{JNIEnv, jclass, jint, jlong, jobject, jvalue};
use jvmti_bindings::sys::jvmti::*;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Classes carry tags from 1 on. During a walk, a class without a `long` of its objects' gets one from here on
/// when one of its static fields holds something.
const STATIC_ONLY: jlong = 1 << 40;
/// An object that holds something gets one from here on.
const OBJECTS: jlong = 1 << 41;

/// The environments: one whose tags choose what is looked at, and one whose tags tell which classes were
/// looked at before.
static CHOOSING: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());
static SEEN: AtomicPtr<jvmtiEnv> = AtomicPtr::new(ptr::null_mut());

/// A class that was looked at has no objects with such a field, or has.
const WITHOUT: jlong = 1;
const WITH: jlong = 2;

/// The heap, as a holder of native memory.
pub struct Heap {
    jni: *mut JNIEnv,
    /// Objects that hold nothing.
    finished: Vec<jobject>,
    /// Whether the way to every place is looked for, and not only to those that are new.
    all_ways: bool,
    roots: Vec<JavaRoot>,
}

/// Places that the way to an object was looked for once. It takes some walks of the heap, so what
/// holds something in every test gets one only in the first.
static NAMED: Mutex<Option<HashSet<Place>>> = Mutex::new(None);
/// The most objects that a way is looked for at once.
const MOST_WAYS: usize = 64;

/// A place that holds something: class or mirror by its tag, sort, and index of the field.
type Place = (jlong, u32, jint);

/// A value that is the address of something.
#[derive(Clone, Copy)]
struct Hit {
    /// With all bits turned: what stands here must not look like a pointer.
    word: u64,
    /// Number of the place's root.
    root: u32,
    /// Tag of the object; 0 when it does not matter which one it is.
    object: jlong,
}

/// What the callbacks work on.
struct Walk<'pass> {
    marks: &'pass Marks,
    memory: &'pass Memory,
    places: HashMap<Place, u32>,
    hits: Vec<Hit>,
    next_class: jlong,
    next_object: jlong,
    /// Whether it matters which objects hold something.
    tells_objects: bool,
}

const NOT_TOLD: Stop = Stop::Unknown("what Java objects hold: the JVM does not tell");

impl Heap {
    /// The heap of the JVM that the calling thread is attached to.
    pub fn of_this_thread(finished: Vec<jobject>, all_ways: bool) -> Option<Heap> {
        let jni = super::jni_env();
        (!jni.is_null()).then(|| Heap {
            jni,
            finished,
            all_ways,
            roots: Vec::new(),
        })
    }
}

impl Java for Heap {
    fn look(&mut self, marks: &mut Marks, memory: &Memory) -> Result<(), Stop> {
        let choosing = environment(&CHOOSING).ok_or(NOT_TOLD)?;
        let seen = environment(&SEEN).ok_or(NOT_TOLD)?;
        self.choose(choosing, seen).ok_or(NOT_TOLD)?;
        let mut walk = Walk {
            marks,
            memory,
            places: HashMap::new(),
            hits: Vec::new(),
            next_class: STATIC_ONLY,
            next_object: OBJECTS,
            tells_objects: !self.finished.is_empty(),
        };
        let callbacks = jvmtiHeapCallbacks {
            primitive_field_callback: Some(on_field),
            array_primitive_value_callback: Some(on_array),
            ..jvmtiHeapCallbacks::default()
        };
        let iterate = functions(choosing).IterateThroughHeap.ok_or(NOT_TOLD)?;
        let filter = JVMTI_HEAP_FILTER_CLASS_UNTAGGED;
        // SAFETY: a JVMTI call in the live phase, with callbacks of its types; `walk` outlives it.
        let error = unsafe {
            iterate(
                choosing,
                filter,
                ptr::null_mut(),
                &callbacks,
                (&raw mut walk).cast_const().cast(),
            )
        };
        if error != JVMTI_ERROR_NONE {
            return Err(NOT_TOLD);
        }
        let Walk {
            places,
            mut hits,
            next_object,
            ..
        } = walk;
        self.drop_other_numbers(choosing, &places, &mut hits);
        let tags: Vec<jlong> = (OBJECTS..next_object).collect();
        if !self.finished.is_empty() && !tags.is_empty() {
            let only = java_paths::only_through(choosing, &self.finished, &tags);
            hits.retain(|hit| hit.object == 0 || !only.contains(&hit.object));
        }
        let ways = self.ways(choosing, &places, &hits);
        self.untag(choosing, &tags);
        for hit in hits {
            marks.word(memory, !hit.word, Parent::Root(hit.root), 0, Trust::All);
        }
        let mut places: Vec<(Place, u32)> = places.into_iter().collect();
        places.sort_by_key(|(_, number)| *number);
        let places: Vec<Place> = places.into_iter().map(|(place, _)| place).collect();
        self.roots = self.named(choosing, &places, ways);
        Ok(())
    }

    fn roots(&self) -> Vec<JavaRoot> {
        self.roots.clone()
    }
}

/// An environment that may tag objects; made at the first need.
pub(super) fn environment(place: &AtomicPtr<jvmtiEnv>) -> Option<*mut jvmtiEnv> {
    let known = place.load(Acquire);
    if !known.is_null() {
        return Some(known);
    }
    let vm = VM.load(Acquire);
    let mut env: *mut c_void = ptr::null_mut();
    // SAFETY: the invocation interface of a JVM that was started; `env` is a valid place.
    if vm.is_null() || unsafe { ((**vm).GetEnv)(vm, &mut env, JVMTI_VERSION_1_2) } != 0 {
        return None;
    }
    let env: *mut jvmtiEnv = env.cast();
    let mut wanted = jvmtiCapabilities::default();
    wanted.set_can_tag_objects(true);
    let add = functions(env).AddCapabilities?;
    // SAFETY: a JVMTI call with a valid structure.
    if unsafe { add(env, &wanted) } != JVMTI_ERROR_NONE {
        return None;
    }
    // One pass runs at a time, so nobody else has made one meanwhile.
    place.store(env, core::sync::atomic::Ordering::Release);
    Some(env)
}

impl Heap {
    /// Tags the classes that have come since the last time and whose objects are to be looked at.
    fn choose(&self, choosing: *mut jvmtiEnv, seen: *mut jvmtiEnv) -> Option<()> {
        let functions = functions(seen);
        let (classes, deallocate) = (functions.GetLoadedClasses?, functions.Deallocate?);
        let (mut count, mut list) = (0, ptr::null_mut());
        // SAFETY: a JVMTI call in the live phase, with valid places for the answer.
        if unsafe { classes(seen, &mut count, &mut list) } != JVMTI_ERROR_NONE || list.is_null() {
            return None;
        }
        for index in 0..count.max(0) as usize {
            // SAFETY: the list has `count` local references, which are this call's.
            unsafe {
                let class = *list.add(index);
                self.may_hold(choosing, seen, class);
                ((**self.jni).DeleteLocalRef)(self.jni, class);
            }
        }
        // SAFETY: the list that the JVM made for the call above.
        unsafe { deallocate(seen, list.cast()) };
        Some(())
    }

    /// Whether objects of the class have such a field; remembered in the tags.
    fn may_hold(&self, choosing: *mut jvmtiEnv, seen: *mut jvmtiEnv, class: jclass) -> bool {
        let functions = functions(seen);
        let (Some(get_tag), Some(set_tag)) = (functions.GetTag, functions.SetTag) else {
            return false;
        };
        let mut known = 0;
        // SAFETY: JVMTI and JNI calls in the live phase, with a local reference and places of the callers.
        unsafe {
            if get_tag(seen, class, &mut known) == JVMTI_ERROR_NONE && known != 0 {
                return known == WITH;
            }
        }
        let signature = class_fields::signature(seen, class);
        let mut has = matches!(signature.as_str(), "[J" | "Ljava/lang/Class;");
        if !has && !signature.starts_with('[') {
            let Some(own) = class_fields::may_hold(seen, class) else {
                // Not linked yet: it has no objects, and is looked at again.
                return false;
            };
            has = own;
            // SAFETY: as above.
            let parent = unsafe { ((**self.jni).GetSuperclass)(self.jni, class) };
            if !parent.is_null() {
                has |= self.may_hold(choosing, seen, parent);
                // SAFETY: the reference was just made for this call.
                unsafe { ((**self.jni).DeleteLocalRef)(self.jni, parent) };
            }
        }
        // SAFETY: as above.
        unsafe {
            set_tag(seen, class, if has { WITH } else { WITHOUT });
            if has {
                set_tag(choosing, class, class_fields::next_tag());
            }
        }
        has
    }

    /// Takes out the fields with the number of a descriptor that by their names are something else.
    fn drop_other_numbers(
        &self,
        env: *mut jvmtiEnv,
        places: &HashMap<Place, u32>,
        hits: &mut Vec<Hit>,
    ) {
        let numbers: HashSet<u32> = hits
            .iter()
            .filter(|hit| descriptors::is_address(!hit.word as usize))
            .map(|hit| hit.root)
            .collect();
        if numbers.is_empty() {
            return;
        }
        let mut of_roots: Vec<(Place, u32)> = places
            .iter()
            .filter(|(_, root)| numbers.contains(root))
            .map(|(place, root)| (*place, *root))
            .collect();
        of_roots.sort_unstable_by_key(|(_, root)| *root);
        let mut tags: Vec<jlong> = of_roots.iter().map(|(place, _)| place.0).collect();
        tags.sort_unstable();
        tags.dedup();
        let classes = with_tags(env, &tags);
        let kept: HashMap<u32, Keeps> = of_roots
            .into_iter()
            .filter_map(|((tag, _, index), root)| {
                let class = *classes.get(&tag)?;
                let field = class_fields::field(env, self.jni, class, index)?;
                let class = class_fields::shown(&class_fields::signature(env, class));
                Some((root, class_fields::keeps(&class, &field)))
            })
            .collect();
        for class in classes.into_values() {
            done(env, self.jni, class, false);
        }
        hits.retain(|hit| {
            let address = !hit.word as usize;
            !descriptors::is_address(address)
                || match kept.get(&hit.root) {
                    Some(Keeps::Any) => true,
                    Some(Keeps::OfJava) => descriptors::is_of_java(address),
                    Some(Keeps::None) | None => false,
                }
        });
    }

    /// The ways to the places, by their roots: for each the way to one of its objects.
    fn ways(
        &self,
        env: *mut jvmtiEnv,
        places: &HashMap<Place, u32>,
        hits: &[Hit],
    ) -> HashMap<u32, Way> {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        let named = named.get_or_insert_default();
        // One object of each root.
        let told = hits.iter().filter(|hit| hit.object != 0);
        let objects: HashMap<u32, jlong> = told.map(|hit| (hit.root, hit.object)).rev().collect();
        let mut wanted: HashMap<u32, jlong> = HashMap::new();
        for (place, root) in places {
            if place.1 == Root::StaticField as u32 || wanted.len() == MOST_WAYS {
                continue;
            }
            if let Some(object) = objects.get(root)
                && (named.insert(*place) || self.all_ways)
            {
                wanted.insert(*root, *object);
            }
        }
        if wanted.is_empty() {
            return HashMap::new();
        }
        let mut objects: Vec<jlong> = wanted.values().copied().collect();
        objects.sort_unstable();
        objects.dedup();
        let ways = java_chains::to_objects(env, self.jni, &objects);
        wanted
            .into_iter()
            .filter_map(|(root, object)| Some((root, ways.get(&object)?.clone())))
            .collect()
    }

    /// What people call the places.
    fn named(
        &self,
        env: *mut jvmtiEnv,
        places: &[Place],
        ways: HashMap<u32, Way>,
    ) -> Vec<JavaRoot> {
        let mut tags: Vec<jlong> = places.iter().map(|place| place.0).collect();
        tags.sort_unstable();
        tags.dedup();
        let classes = with_tags(env, &tags);
        let roots = (JAVA..).zip(places).map(|(number, (tag, sort, index))| {
            let root = Root::from_number(*sort).unwrap_or(Root::Field);
            let class = classes.get(tag).copied();
            let name = class.map_or_else(String::new, |class| match root {
                Root::Element => "long[]".to_owned(),
                _ => class_fields::name(env, self.jni, class, *index),
            });
            let Some(way) = ways.get(&number) else {
                return JavaRoot { root, name };
            };
            let root = match way.start {
                Start::Static => Root::StaticField,
                Start::Local => Root::Local,
                Start::Global => Root::GlobalReference,
                Start::Thread => Root::JavaThread,
                Start::Jvm => return JavaRoot { root, name },
            };
            let mut steps = way.steps.clone();
            steps.push(name);
            JavaRoot {
                root,
                name: steps.join("\n"),
            }
        });
        let roots = roots.collect();
        for (tag, class) in classes {
            done(env, self.jni, class, tag >= STATIC_ONLY);
        }
        roots
    }

    fn untag(&self, env: *mut jvmtiEnv, tags: &[jlong]) {
        for object in with_tags(env, tags).into_values() {
            done(env, self.jni, object, true);
        }
    }
}

/// Gives back a reference that `with_tags` has made, and the object's tag if it was one for this walk.
pub(super) fn done(env: *mut jvmtiEnv, jni: *mut JNIEnv, object: jobject, untag: bool) {
    // SAFETY: JVMTI and JNI calls with a local reference of this call's.
    unsafe {
        if let Some(set_tag) = functions(env).SetTag.filter(|_| untag) {
            set_tag(env, object, 0);
        }
        ((**jni).DeleteLocalRef)(jni, object);
    }
}

/// The objects with these tags, as local references.
pub(super) fn with_tags(env: *mut jvmtiEnv, tags: &[jlong]) -> HashMap<jlong, jobject> {
    let objects = all_with_tags(env, tags).unwrap_or_default();
    objects.into_iter().collect()
}

/// The same where several objects may have one tag; `None` where the JVM does not tell.
pub(super) fn all_with_tags(env: *mut jvmtiEnv, tags: &[jlong]) -> Option<Vec<(jlong, jobject)>> {
    if tags.is_empty() {
        return Some(Vec::new());
    }
    let functions = functions(env);
    let (get, deallocate) = (functions.GetObjectsWithTags?, functions.Deallocate?);
    let (mut count, mut objects, mut of) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: a JVMTI call in the live phase; the answers are two lists of `count`, given back here.
    unsafe {
        let len = tags.len() as jint;
        let error = get(env, len, tags.as_ptr(), &mut count, &mut objects, &mut of);
        if error != JVMTI_ERROR_NONE {
            return None;
        }
        let all = 0..count.max(0) as usize;
        let found = all.map(|index| (*of.add(index), *objects.add(index)));
        let found = found.collect();
        deallocate(env, objects.cast());
        deallocate(env, of.cast());
        Some(found)
    }
}

impl Walk<'_> {
    /// Whether the value is the address of something that was not reached yet.
    fn is_hit(&self, value: jlong) -> bool {
        self.marks.is_new(self.memory, value as u64)
    }

    fn hit(&mut self, value: jlong, place: Place, object: jlong) {
        let next = JAVA + self.places.len() as u32;
        self.hits.push(Hit {
            word: !(value as u64),
            root: *self.places.entry(place).or_insert(next),
            object,
        });
    }

    /// The tag of an object that holds something.
    fn object(&mut self, tag: &mut jlong, place: &Place) -> jlong {
        // The first object of each place is always told: a way to it may be wanted.
        if !self.tells_objects && self.places.contains_key(place) {
            return 0;
        }
        if *tag == 0 {
            *tag = self.next_object;
            self.next_object += 1;
        }
        *tag
    }
}

unsafe extern "system" fn on_field(
    kind: jvmtiHeapReferenceKind,
    info: *const jvmtiHeapReferenceInfo,
    class_tag: jlong,
    object_tag: *mut jlong,
    value: jvalue,
    of: jvmtiPrimitiveType,
    walk: *mut c_void,
) -> jint {
    if of == JVMTI_PRIMITIVE_TYPE_LONG || of == JVMTI_PRIMITIVE_TYPE_INT {
        // SAFETY: the pointer that `look` passed; a value of the type told; the field's index and the object's
        // tag lie where the JVM says during the call.
        unsafe {
            let walk = &mut *walk.cast::<Walk>();
            let value = match of {
                JVMTI_PRIMITIVE_TYPE_INT if value.i < 0 => return JVMTI_VISIT_OBJECTS,
                JVMTI_PRIMITIVE_TYPE_INT => descriptors::address(value.i) as jlong,
                _ => value.j,
            };
            if walk.is_hit(value) {
                let (index, tag) = ((*info).field.index, &mut *object_tag);
                if kind == JVMTI_HEAP_REFERENCE_STATIC_FIELD {
                    if *tag == 0 {
                        *tag = walk.next_class;
                        walk.next_class += 1;
                    }
                    walk.hit(value, (*tag, Root::StaticField as u32, index), 0);
                } else {
                    let place = (class_tag, Root::Field as u32, index);
                    let object = walk.object(tag, &place);
                    walk.hit(value, place, object);
                }
            }
        }
    }
    JVMTI_VISIT_OBJECTS
}

unsafe extern "system" fn on_array(
    class_tag: jlong,
    _size: jlong,
    tag: *mut jlong,
    count: jint,
    of: jvmtiPrimitiveType,
    elements: *const c_void,
    walk: *mut c_void,
) -> jint {
    if of == JVMTI_PRIMITIVE_TYPE_LONG && !elements.is_null() {
        // SAFETY: the pointer that `look` passed; as many elements as the JVM says, and the array's tag, all
        // valid during the call.
        unsafe {
            let walk = &mut *walk.cast::<Walk>();
            for index in 0..count.max(0) as usize {
                let value = elements.cast::<jlong>().add(index).read_unaligned();
                if walk.is_hit(value) {
                    let place = (class_tag, Root::Element as u32, 0);
                    let object = walk.object(&mut *tag, &place);
                    walk.hit(value, place, object);
                }
            }
        }
    }
    JVMTI_VISIT_OBJECTS
}
