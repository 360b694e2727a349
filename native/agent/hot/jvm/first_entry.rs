//! Crossings of the JNI boundary: by threads that have no state yet, and by a jump.

use super::entries::{Entry, EntryStack};
use crate::arch::CallSite;
use crate::hot::ground::{boundary, gate};
use crate::hot::thread;

/// The first crossing of a thread without state: makes the state and notes it. Gives the thread's
/// entry stack; null when there is none.
pub extern "C" fn first_entry(slot: usize, cell: usize, detail: usize) -> *mut EntryStack {
    let noted = boundary::guarded(|| {
        let mut thread = if gate::is_open() {
            thread::enter()
        } else {
            None
        }?;
        // SAFETY: where the thunk that called this has its return address.
        let caller = unsafe { hackleak_platform::stack_word::read(slot) };
        thread.entries.push(Entry::new(slot, cell, detail, caller));
        Some(&raw mut thread.entries)
    });
    noted.flatten().unwrap_or(core::ptr::null_mut())
}

/// The function of the native method that has left its place to the call at `call_site`, by a jump
/// at its end.
pub fn jumped_from(call_site: CallSite) -> Option<usize> {
    let thread = thread::enter_existing()?;
    let mut entries = thread.entries.all().iter();
    let entry = entries.rfind(|entry| entry.slot == call_site.slot)?;
    (!entry.is_upcall() && entry.is_called_from_there()).then(|| entry.cell().target)
}
