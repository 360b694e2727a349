//! Java objects that hold native memory, which have its address in a `long`, or file descriptors,
//! in an `int` with the name of one.

mod doubts;

use super::heap_tags::{done, untag, with_tags_of};
use super::heap_walk::{self, NOT_TOLD, Visitor};
use super::java_chains::{self, Start, Way};
use super::java_positions;
use super::java_stale::{self, Place, Stale};
use super::own_frames::OwnFrames;
use super::{class_fields, java_paths};
use crate::cold::questions::holders::{
    JAVA, Java, JavaRoot, JavaStacks, Marks, Memory, Parent, Points, Stop, Trust,
};
use crate::hot::events::libraries;
use crate::hot::jvm::vm_structs;
use hackleak_image::layout::Root;
use jvmti_bindings::sys::jni::{JNIEnv, jint, jlong, jobject};
use jvmti_bindings::sys::jvmti::*;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Classes carry tags from 1 on. During a walk, a class without a `long` of its objects' gets one
/// from here on when one of its static fields holds something.
const STATIC_ONLY: jlong = 1 << 40;
/// An object that holds something gets one from here on, unless it has one of [`java_stale`]'s.
const OBJECTS: jlong = 1 << 41;

/// The heap, as a holder of native memory.
pub struct Heap {
    jni: *mut JNIEnv,
    /// Objects that hold nothing; of the thread that asks, its own frames.
    finished: Vec<jobject>,
    /// Whether the way to every place is looked for, and not only to those that are new.
    all_ways: bool,
    /// Whether static fields alone are looked at.
    only_statics: bool,
    /// Whether places get names.
    names: bool,
    roots: Vec<JavaRoot>,
}

/// Places that the way to an object was looked for once. It takes some walks of the heap, so what
/// holds something in every test gets one only in the first.
static NAMED: Mutex<Option<HashSet<Place>>> = Mutex::new(None);
/// The most objects that a way is looked for at once.
const MOST_WAYS: usize = 64;

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
    stale: &'pass Stale,
    places: HashMap<Place, u32>,
    hits: Vec<Hit>,
    next_class: jlong,
    next_object: jlong,
    /// Whether it matters which objects hold something.
    tells_objects: bool,
}

impl Heap {
    /// The heap of the JVM that the calling thread is attached to.
    pub fn of_this_thread(finished: Vec<jobject>, all_ways: bool) -> Option<Heap> {
        let jni = crate::hot::jvm::jni_env();
        (!jni.is_null()).then(|| Heap {
            jni,
            finished,
            all_ways,
            only_statics: false,
            names: true,
            roots: Vec::new(),
        })
    }

    /// All of it, where the names of places do not matter.
    pub fn without_names() -> Option<Heap> {
        let heap = Heap::of_this_thread(Vec::new(), false)?;
        Some(Heap {
            names: false,
            ..heap
        })
    }

    /// Its static fields alone. They hold what they hold before garbage is collected.
    pub fn statics_of_this_thread() -> Option<Heap> {
        let heap = Heap::of_this_thread(Vec::new(), false)?;
        Some(Heap {
            only_statics: true,
            ..heap
        })
    }
}

impl Java for Heap {
    fn look(&mut self, marks: &mut Marks, memory: &Memory) -> Result<(), Stop> {
        let choosing = heap_walk::chosen(self.jni).ok_or(NOT_TOLD)?;
        let stale = java_stale::of_now();
        let mut walk = Walk {
            marks,
            memory,
            stale: &stale,
            places: HashMap::new(),
            hits: Vec::new(),
            next_class: STATIC_ONLY,
            next_object: OBJECTS,
            tells_objects: !self.finished.is_empty(),
        };
        match self.only_statics {
            true => heap_walk::iterate_statics(self.jni, choosing, &mut walk)?,
            false => heap_walk::iterate(choosing, &mut walk)?,
        }
        let Walk {
            places,
            mut hits,
            next_object,
            ..
        } = walk;
        drop(stale);
        java_stale::judged();
        self.drop_other_numbers(choosing, &places, &mut hits);
        if self.only_statics {
            self.drop_of_loaders(choosing, &places, &mut hits);
        }
        let (own, finished) = OwnFrames::split(choosing, self.jni, &self.finished);
        // What a static field has, is held, whatever else has it.
        let firm = if self.finished.is_empty() {
            hits.len()
        } else {
            hits.sort_by_key(|hit| hit.object != 0);
            hits.partition_point(|hit| hit.object == 0)
        };
        marks.watch();
        mark(marks, memory, &hits[..firm]);
        marks.flood(memory)?;
        let mut used = marks.roots_of_suspects()?;
        let mut others = hits.split_off(firm);
        if marks.open > 0 && !others.is_empty() {
            let only = |objects: &HashSet<jlong>| {
                java_paths::only_through(choosing, self.jni, &finished, &own, objects)
            };
            drop_finished(marks, memory, &mut others, only)?;
            marks.watch();
            mark(marks, memory, &others);
            marks.flood(memory)?;
            used.extend(marks.roots_of_suspects()?);
        }
        marks.unwatch();
        hits.append(&mut others);
        let mut places: Vec<(Place, u32)> = places.into_iter().collect();
        places.sort_by_key(|(_, number)| *number);
        if !self.names {
            used.clear();
        }
        let ways = self.ways(choosing, &own, &places, &used, &hits);
        drop(own);
        let tags: Vec<jlong> = (OBJECTS..next_object).collect();
        untag(choosing, self.jni, &tags);
        self.roots = self.named(choosing, &places, &used, ways);
        Ok(())
    }

    fn roots(&self) -> Vec<JavaRoot> {
        self.roots.clone()
    }

    fn stacks(&self) -> JavaStacks {
        let Some(layout) = vm_structs::layout() else {
            return JavaStacks::default();
        };
        JavaStacks {
            code: layout.code.clone(),
            positions: java_positions::positions(),
            call_return: layout.call_stub_return,
        }
    }
}

fn mark(marks: &mut Marks, memory: &Memory, hits: &[Hit]) {
    for hit in hits {
        let root = Parent::Root(hit.root);
        marks.word(memory, !hit.word, root, 0, Trust::All);
    }
}

/// Leaves out the values of objects that `only` says hold nothing. To find out takes walks of the
/// heap, so it is asked only of objects by which something in question was reached.
fn drop_finished(
    marks: &mut Marks,
    memory: &Memory,
    hits: &mut Vec<Hit>,
    only: impl Fn(&HashSet<jlong>) -> HashSet<jlong>,
) -> Result<(), Stop> {
    const ROUNDS: usize = 3;
    let mut known = HashSet::new();
    for _ in 0..ROUNDS {
        // Those that are known to hold come first: then nothing need be asked of others.
        hits.sort_by_key(|hit| !known.contains(&hit.object));
        let unknown = hits.partition_point(|hit| known.contains(&hit.object));
        let tried = (0..)
            .zip(hits.iter())
            .map(|(root, hit)| Hit { root, ..*hit });
        let tried: Vec<Hit> = tried.collect();
        marks.watch();
        mark(marks, memory, &tried[..unknown]);
        marks.flood(memory)?;
        mark(marks, memory, &tried[unknown..]);
        marks.flood(memory)?;
        let reached = marks.roots_of_suspects()?;
        marks.undo();
        let objects = reached.iter().map(|root| hits[*root as usize].object);
        let objects: HashSet<jlong> = objects.filter(|tag| !known.contains(tag)).collect();
        if objects.is_empty() {
            return Ok(());
        }
        let gone = only(&objects);
        if gone.is_empty() {
            return Ok(());
        }
        hits.retain(|hit| !gone.contains(&hit.object));
        known.extend(objects);
    }
    let objects: HashSet<jlong> = hits.iter().map(|hit| hit.object).collect();
    let gone = only(&objects);
    hits.retain(|hit| !gone.contains(&hit.object));
    Ok(())
}

impl Heap {
    /// The ways to the places that are used, by their roots: for each the way to one of its
    /// objects.
    fn ways(
        &self,
        env: *mut jvmtiEnv,
        own: &OwnFrames,
        places: &[(Place, u32)],
        used: &HashSet<u32>,
        hits: &[Hit],
    ) -> HashMap<u32, Way> {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        let named = named.get_or_insert_default();
        // One object of each root.
        let told = hits.iter().filter(|hit| hit.object != 0);
        let objects: HashMap<u32, jlong> = told.map(|hit| (hit.root, hit.object)).rev().collect();
        let mut wanted: HashMap<u32, jlong> = HashMap::new();
        for (place, root) in places {
            let is_static = place.1 == Root::StaticField as u32;
            if is_static || !used.contains(root) || wanted.len() == MOST_WAYS {
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
        let ways = java_chains::to_objects(env, self.jni, own, &objects);
        wanted
            .into_iter()
            .filter_map(|(root, object)| Some((root, ways.get(&object)?.clone())))
            .collect()
    }

    /// What people call the places that are used, and no name for the others.
    fn named(
        &self,
        env: *mut jvmtiEnv,
        places: &[(Place, u32)],
        used: &HashSet<u32>,
        ways: HashMap<u32, Way>,
    ) -> Vec<JavaRoot> {
        let is_for_this_walk = |tag| (STATIC_ONLY..OBJECTS).contains(&tag);
        let wanted = places
            .iter()
            .filter(|((tag, ..), root)| used.contains(root) || is_for_this_walk(*tag));
        let classes = with_tags_of(env, wanted.map(|(place, _)| place.0));
        let roots = places.iter().map(|((tag, sort, index), number)| {
            let root = Root::from_number(*sort).unwrap_or(Root::Field);
            let class = classes.get(tag).copied().filter(|_| used.contains(number));
            let name = class.map_or_else(String::new, |class| match root {
                Root::Element => "long[]".to_owned(),
                _ => class_fields::name(env, self.jni, class, *index),
            });
            let Some(way) = ways.get(number) else {
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
            done(env, self.jni, class, is_for_this_walk(tag));
        }
        roots
    }
}

impl Visitor for Walk<'_> {
    fn value(&mut self, class: jlong, tag: &mut jlong, sort: Root, index: jint, value: jlong) {
        if self.marks.may_point(value as u64) {
            self.word(class, tag, sort, index, value);
        }
        // Libraries have their records elsewhere.
        for address in libraries::addresses(value as u64) {
            self.word(class, tag, sort, index, address as jlong);
        }
    }
}

impl Walk<'_> {
    fn word(&mut self, class: jlong, tag: &mut jlong, sort: Root, index: jint, value: jlong) {
        if !self.is_hit(value, (*tag, sort as u32, index)) {
            return;
        }
        if sort == Root::StaticField {
            if *tag == 0 {
                *tag = self.next_class;
                self.next_class += 1;
            }
            self.hit(value, (*tag, sort as u32, index), 0);
            return;
        }
        // The elements of all arrays of a class are one place.
        let index = if sort == Root::Element { 0 } else { index };
        let place = (class, sort as u32, index);
        let object = self.object(tag, &place);
        self.hit(value, place, object);
    }

    /// Whether the value is the address of something that was not reached yet, and may be evidence:
    /// not what the place has had since before the block was there.
    fn is_hit(&self, value: jlong, place: Place) -> bool {
        match self.marks.points(self.memory, value as u64) {
            Points::Nowhere => false,
            Points::ToArea => true,
            Points::ToBlock => !self.stale.contains(place, value as u64),
        }
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
