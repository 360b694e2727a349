//! What the C library hands out to be given back.
//!
//! The C library's own memory is no concern of a test: buffers of streams, locales, time zones,
//! name services, thread stacks. But some of its functions allocate for their caller. The caller
//! has to free the result, or to give it back by a function (`fclose`, `freeifaddrs`, `regfree`).
//! Such a block counts as its caller's. `lenders` has the list of those functions;
//! `docs/c-library.md` is the list for users, with what is left out and why.
//!
//! What is difficult: the same call allocates both. The first `asprintf` of a process may load
//! translations, and `getline` the buffer of its stream. The C library is stripped, so the
//! functions in between have no names, except for those that it exports, if only to itself. So a
//! stack of the C library's frames, from the allocation to the function that other code called, is
//! a [`Run`]. It is judged by the exported functions in it, found by their addresses: all versions
//! of each name, and what they jump to in the end, because that is what is on the stack then.

use crate::hot::unwind;
use hackleak_platform::concurrent_map::ConcurrentMap;
use std::sync::OnceLock;

/// What is lent of the memory that a function allocates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Whatever it or the functions that it calls allocate, if other code called it.
    Below,
    /// What it allocates itself, whoever called it. For functions whose callees also fill caches.
    Itself,
    /// Whatever it or its callees allocate, whoever called it.
    Through,
    /// Nothing: it fills caches, and takes them out of the share of a function that called it.
    Nothing,
}

impl Share {
    /// Each in the place of its number.
    const ALL: [Share; 4] = [Share::Below, Share::Itself, Share::Through, Share::Nothing];
}

/// Where the functions begin that matter, in order, and what each lends.
static STARTS: OnceLock<&'static [(usize, Share)]> = OnceLock::new();

/// Takes them. Called before the gate opens.
pub fn init(starts: &'static [(usize, Share)]) {
    let _ = STARTS.set(starts);
}

/// What is lent by the function that each address of a call lies in, as far as it was asked for.
/// The C library is never unloaded.
static SHARES: ConcurrentMap = ConcurrentMap::new(10);

/// What is lent by the function that the address lies in.
pub fn share(address: usize) -> Option<Share> {
    if let Some((known, _)) = SHARES.get(address as u64) {
        return Share::ALL.get(known as usize - 1).copied();
    }
    let share = find_share(address);
    let number = share.map_or(Share::ALL.len(), |share| share as usize) as u64 + 1;
    SHARES.insert(SHARES.generation(), address as u64, number, 0);
    share
}

fn find_share(address: usize) -> Option<Share> {
    let starts = STARTS.get()?;
    let start = unwind::function_start(address)?;
    let at = starts.binary_search_by_key(&start, |(start, _)| *start);
    Some(starts[at.ok()?].1)
}

/// Frames of the C library that follow one another, from the innermost on.
#[derive(Default)]
pub struct Run {
    entered: bool,
    /// The block is lent, whatever frames follow.
    lent: bool,
    /// A frame fills caches.
    caches: bool,
    /// The last frame so far lends what it allocates.
    lends: bool,
}

impl Run {
    /// Adds the frame of the code at `address`.
    pub fn enter(&mut self, address: usize) {
        let share = share(address);
        let innermost = !self.entered;
        self.entered = true;
        self.lends = share == Some(Share::Below);
        match share {
            Some(Share::Itself) if innermost => self.lent = true,
            Some(Share::Through) if !self.caches => self.lent = true,
            Some(Share::Nothing) => self.caches = true,
            _ => {}
        }
    }

    /// Whether there are frames, and the C library keeps what they allocate.
    pub fn is_kept(&self) -> bool {
        self.entered && !self.lent && (self.caches || !self.lends)
    }
}

#[cfg(test)]
mod tests;
