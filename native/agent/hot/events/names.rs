//! What descriptors, mappings and threads are called: names that the image keeps beside their
//! records.

use crate::IMAGE;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use hackleak_image::layout::{Live, Named};

/// Keeps the name of what is recorded as `live` at `address`, unless the image has it. `last` is
/// the last name that it has for this address: its index there plus one. Without that place the
/// name is kept each time.
pub fn keep(last: Option<&AtomicU32>, address: usize, live: Live, name: &[u8]) {
    let known = last.map_or(0, |last| last.load(Relaxed));
    let known = known
        .checked_sub(1)
        .and_then(|known| IMAGE.names.read(known));
    // In a forked child the index may be one of the parent's.
    if known.is_some_and(|known| {
        known.address == address as u64
            && known.origin == live.origin
            && IMAGE.slice(known.name) == name
    }) {
        return;
    }
    let named = Named {
        address: address as u64,
        origin: live.origin,
        name: IMAGE.blob(name),
        kind: u32::from(live.kind()),
        reserved: 0,
    };
    if let (Some(index), Some(last)) = (IMAGE.names.push(IMAGE.window(), named), last) {
        last.store(index + 1, Relaxed);
    }
}
