//! What happened when: the timeline of live memory, and what became of the assertions.

use hackleak_image::{Image, layout};

use crate::model::{Assertion, Cause, Check, Outcome, TimelinePoint};

/// A moment of the image as ns since the start of its recording. The system's clock may have been
/// set back meanwhile: what seems to be before the start counts as the start.
pub(crate) fn since_start(image: &Image, unix_ns: u64) -> u64 {
    unix_ns.saturating_sub(image.header().start_unix_ns)
}

/// What was live when, in the order of time.
pub(crate) fn timeline(image: &Image) -> Vec<TimelinePoint> {
    let points = image.points().map(|(cause, point)| TimelinePoint {
        at_ns: since_start(image, point.unix_ns),
        bytes: point.bytes,
        blocks: point.blocks,
        epoch: point.epoch,
        cause: match cause {
            layout::Cause::Start => Cause::Start,
            layout::Cause::Traffic => Cause::Traffic,
            layout::Cause::Checkpoint => Cause::Checkpoint,
            layout::Cause::End => Cause::End,
            layout::Cause::Assertion => Cause::Assertion,
        },
    });
    let mut points: Vec<TimelinePoint> = points.collect();
    points.sort_by_key(|point| point.at_ns);
    points
}

/// What became of the assertions, in the order in which they ended.
pub(crate) fn assertions(image: &Image) -> Vec<Assertion> {
    let assertions = image.assertions().map(|ended| Assertion {
        outcome: match ended.outcome {
            layout::Outcome::Passed => Outcome::Passed,
            layout::Outcome::Failed => Outcome::Failed,
            layout::Outcome::Incomplete => Outcome::Incomplete,
            layout::Outcome::Error => Outcome::Error,
        },
        check: match ended.check {
            layout::Check::Assertion => Check::Assertion,
            layout::Check::Exit => Check::Exit,
        },
        label: ended.label,
        since: ended.record.since,
        scope: image.scope(ended.record.scope),
        at_ns: since_start(image, ended.record.unix_ns),
        bytes: ended.record.bytes,
        blocks: ended.record.blocks,
        sites: ended.record.sites,
        detail: (!ended.detail.is_empty()).then_some(ended.detail),
        freed_later: None,
    });
    assertions.collect()
}
