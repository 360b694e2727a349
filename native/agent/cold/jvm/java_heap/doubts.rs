//! Hits that are none after all, by what is known of their fields and classes.

use super::super::class_fields::{self, Keeps};
use super::super::heap_tags::{done, with_tags_of};
use super::super::java_stale::Place;
use super::{Heap, Hit};
use crate::IMAGE;
use crate::hot::events::descriptors;
use jvmti_bindings::sys::jvmti::jvmtiEnv;
use std::collections::{HashMap, HashSet};

impl Heap {
    /// Takes out the fields with the number of a descriptor that by their names are something else.
    pub(super) fn drop_other_numbers(
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
        let classes = with_tags_of(env, of_roots.iter().map(|(place, _)| place.0));
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
                    Some(Keeps::OfJava) => IMAGE
                        .live
                        .live_at(address)
                        .is_some_and(descriptors::is_of_java),
                    Some(Keeps::None) | None => false,
                }
        });
    }

    /// Takes out the fields of classes that may be garbage, together with the loader that has made
    /// them.
    pub(super) fn drop_of_loaders(
        &self,
        env: *mut jvmtiEnv,
        places: &HashMap<Place, u32>,
        hits: &mut Vec<Hit>,
    ) {
        let classes = with_tags_of(env, places.keys().map(|place| place.0));
        let system = class_fields::system_loader(self.jni);
        let lasting: HashSet<u32> = places
            .iter()
            .filter(|(place, _)| {
                let class = classes.get(&place.0);
                class.is_some_and(|class| class_fields::lasts(env, self.jni, *class, system))
            })
            .map(|(_, root)| *root)
            .collect();
        for reference in classes.into_values().chain([system]) {
            done(env, self.jni, reference, false);
        }
        hits.retain(|hit| lasting.contains(&hit.root));
    }
}
