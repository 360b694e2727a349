//! What handles that are still there stand for: the paths of file descriptors, what mappings are of, and the names
//! of threads.
//!
//! The process notes it when somebody looks at what is live. A handle's place is used again, so only the last note
//! for each counts, and only while what lies there is what it was about.

use std::collections::{BTreeSet, HashMap};

use hackleak_image::Image;
use hackleak_image::layout::Kind;

use crate::selection::Selection;

/// Names by stack and kind.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<(u32, Kind), BTreeSet<String>>);

impl Names {
    /// Those of what the selection takes.
    pub(crate) fn read(image: &Image, selection: &Selection) -> Names {
        let mut last: HashMap<u64, (u64, String)> = HashMap::new();
        for named in image.named() {
            let record = named.record;
            last.insert(record.address, (record.origin, named.name));
        }
        let mut names = Names::default();
        if last.is_empty() {
            return names;
        }
        for live in image.live_records(selection.since.unwrap_or(0)) {
            let origin = u64::from(live.stack) | u64::from(live.context) << 32;
            let Some((_, name)) = last
                .get(&live.address)
                .filter(|(named, _)| *named == origin)
            else {
                continue;
            };
            let context = image.context(live.context);
            if context.is_none_or(|context| selection.takes(image, &context)) {
                let of = names.0.entry((live.stack, live.kind)).or_default();
                of.insert(name.clone());
            }
        }
        names
    }

    /// Those of a stack and kind.
    pub(crate) fn of(&self, stack: u32, kind: Kind) -> impl Iterator<Item = String> {
        let of = self.0.get(&(stack, kind));
        of.into_iter().flatten().cloned()
    }
}
