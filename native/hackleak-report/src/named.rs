//! What handles that are still there stand for: the paths of file descriptors, what mappings are
//! of, the names of threads and which of them are attached. And how many native calls have too many
//! local references.
//!
//! The process notes it when somebody looks at what is live. A handle's place is used again, so
//! only the last note for each counts, and only while what lies there is what it was about.

use std::collections::{BTreeSet, HashMap};

use hackleak_image::Image;
use hackleak_image::layout::{Kind, LOCAL_BOUND};

use crate::numbers;
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
        let mut calls: HashMap<(u32, Kind), u64> = HashMap::new();
        for live in image.live_records(selection.since.unwrap_or(0)) {
            let origin = u64::from(live.stack) | u64::from(live.context) << 32;
            let named = last
                .get(&live.address)
                .filter(|(named, _)| *named == origin)
                .map(|(_, name)| name.as_str());
            if named.is_none() && !matches!(live.kind, Kind::Attach | Kind::LocalRefs) {
                continue;
            }
            let context = image.context(live.context);
            if !context.is_none_or(|context| selection.selects(image, &context)) {
                continue;
            }
            let place = (live.stack, live.kind);
            let name = match live.kind {
                Kind::LocalRefs => {
                    *calls.entry(place).or_default() += 1;
                    continue;
                }
                Kind::Attach => context
                    .and_then(|context| image.thread(context.thread))
                    .map(|thread| attached(named.unwrap_or(&thread.name), thread.record.running)),
                _ => named.map(str::to_owned),
            };
            names.0.entry(place).or_default().extend(name);
        }
        for (place, calls) in calls {
            let calls = match calls {
                1 => "one native call".to_owned(),
                calls => numbers::counted(calls, "native call"),
            };
            let name = format!("{calls} (bound {LOCAL_BOUND})");
            names.0.entry(place).or_default().insert(name);
        }
        names
    }

    /// Those of a stack and kind.
    pub(crate) fn of(&self, stack: u32, kind: Kind) -> impl Iterator<Item = String> {
        let of = self.0.get(&(stack, kind));
        of.into_iter().flatten().cloned()
    }
}

/// What an attached thread is called, and whether it still runs.
fn attached(name: &str, running: u32) -> String {
    let now = if running != 0 {
        "still runs"
    } else {
        "has ended"
    };
    format!("\"{name}\" ({now})")
}
