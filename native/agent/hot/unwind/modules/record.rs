//! The record of a module in the image.
//!
//! A module has one record for all the times that it is loaded. Two threads may enter it at the
//! same moment; the earlier record counts then.

use super::build_id::build_id;
use super::loader::Object;
use crate::IMAGE;
use crate::hot::ground::{module_policy, real};
use crate::hot::unwind::older_loader;
use core::ffi::CStr;
use core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use hackleak_image::frame::MAX_MODULE;
use hackleak_image::layout::{Blob, Counter, Module, module_flags};

/// Enters a module in the image, or finds it there from an earlier time that it was loaded.
pub(super) fn enter(object: &Object, flags: u32) -> Option<u32> {
    if object.link_map.is_null() {
        return older_loader::with_name(object.map_start, |name| enter_named(object, name, flags));
    }
    // SAFETY: the loader keeps the link map of a module as long as the module is loaded, and the
    // module's code is on this thread's stack.
    let name = unsafe { (*object.link_map).name };
    if name.is_null() {
        return enter_named(object, &[], flags);
    }
    // SAFETY: the loader's name ends in a zero byte.
    enter_named(object, unsafe { CStr::from_ptr(name) }.to_bytes(), flags)
}

fn enter_named(object: &Object, name: &[u8], flags: u32) -> Option<u32> {
    let (build_id, build_id_len) = build_id(object);
    // Before the search: what another thread begins to enter meanwhile is looked at in the end.
    let before = IMAGE.modules.len(IMAGE.window());
    if build_id_len > 0
        && let Some(known) = known(name, &build_id, build_id_len, flags)
    {
        return Some(known);
    }
    let mut flags = flags;
    if (object.map_start..object.map_end).contains(&(enter_named as *const () as usize)) {
        flags |= module_flags::RECORDER;
    }
    let mut path = absolute(name);
    if (object.map_start..object.map_end).contains(&(real::malloc() as *const () as usize)) {
        flags |= module_flags::ALLOCATOR;
    }
    if name.is_empty() {
        flags |= module_flags::EXECUTABLE;
        path = Blob(EXECUTABLE.load(Relaxed));
    }
    let Some(index) = IMAGE
        .modules
        .reserve(IMAGE.window(), 1)
        .filter(|index| *index <= MAX_MODULE)
    else {
        IMAGE.count(Counter::NamesFull);
        return None;
    };
    let place = IMAGE.modules.get(index);
    let module = Module {
        path,
        build_id,
        build_id_len,
        flags,
        bias: object.bias as u64,
        start: object.map_start as u64,
        end: 0,
    };
    // SAFETY: the index was handed out to this call alone, and its segment exists. The end is
    // written last: it tells that the record is complete.
    unsafe {
        place.write(module);
        AtomicU64::from_ptr(&raw mut (*place).end).store(object.map_end as u64, Release);
    }
    module_policy::decide(
        index,
        if name.is_empty() {
            module_policy::executable()
        } else {
            name
        },
    );
    // Another thread may have entered the module at the same time: the earlier record counts.
    Some(
        (before..index)
            .find(|other| is_same(*other, &module))
            .unwrap_or(index),
    )
}

/// Record `index` of the image, once the thread that makes it has completed it; `None` when that
/// takes too long.
fn complete(index: u32) -> Option<&'static Module> {
    const PATIENCE: u32 = 10_000;
    let place = IMAGE.modules.get(index);
    if place.is_null() {
        return None;
    }
    // SAFETY: an index below the arena's length, in a segment that exists.
    let end = unsafe { AtomicU64::from_ptr(&raw mut (*place).end) };
    let mut waits = 0;
    while end.load(Acquire) == 0 {
        waits += 1;
        if waits == PATIENCE {
            return None;
        }
        core::hint::spin_loop();
    }
    // SAFETY: as above; a complete record never changes, and stays mapped.
    Some(unsafe { &*place })
}

/// Whether record `index`, made by another thread just now, is of the same module.
fn is_same(index: u32, module: &Module) -> bool {
    let Some(other) = complete(index) else {
        return false;
    };
    other.start == module.start
        && other.bias == module.bias
        && other.build_id_len == module.build_id_len
        && other.build_id == module.build_id
}

/// Stores the path, after the working folder if it is relative: the reporter may run elsewhere.
fn absolute(name: &[u8]) -> Blob {
    const MAX: usize = 2048;
    if name.first() == Some(&b'/') || !name.contains(&b'/') {
        return IMAGE.blob(name);
    }
    let mut path = [0u8; MAX];
    // SAFETY: a system call that writes at most `MAX` bytes, with a zero byte at their end.
    let len = unsafe { libc::syscall(libc::SYS_getcwd, path.as_mut_ptr(), MAX) };
    let len = len.max(1) as usize - 1;
    if len == 0 || len + 1 + name.len() > MAX {
        return IMAGE.blob(name);
    }
    path[len] = b'/';
    path[len + 1..len + 1 + name.len()].copy_from_slice(name);
    IMAGE.blob(&path[..len + 1 + name.len()])
}

/// The executable's path: the loader has an empty name for it.
static EXECUTABLE: AtomicU64 = AtomicU64::new(0);

/// Sets the path of the executable.
pub fn set_executable(path: Blob) {
    EXECUTABLE.store(path.0, Relaxed);
}

fn known(name: &[u8], build_id: &[u8; 32], build_id_len: u32, flags: u32) -> Option<u32> {
    (0..IMAGE.modules.len(IMAGE.window())).find(|index| {
        complete(*index).is_some_and(|module| {
            module.build_id_len == build_id_len
                && module.build_id == *build_id
                && (module.flags ^ flags) & module_flags::APART == 0
                && IMAGE.blob_ends_with(module.path, name)
        })
    })
}
