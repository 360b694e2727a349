//! Which loaded module an address belongs to.
//!
//! glibc 2.35 and later answer that without a lock (`_dl_find_object`); the symbol is looked up at
//! start, and on an older C library `older_loader` finds the same. Modules are entered in the image
//! when their code is first seen on a stack, and known again when they are loaded a second time.

mod build_id;
mod loader;
mod record;

pub use loader::{LinkMap, init, opening, range};
pub use record::set_executable;

use super::{older_loader, rules};
use crate::IMAGE;
use crate::hot::ground::sandbox;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};
use hackleak_image::layout::{Counter, module_flags};
use loader::{Object, find_object, find_passing, is_older};
use record::enter;

/// What is known of the module at an address.
pub struct Found {
    /// End of its mapping.
    pub end: usize,
    /// Load bias.
    pub bias: usize,
    /// Address of its `.eh_frame_hdr`, or 0.
    pub eh_frame_hdr: usize,
    /// Its index in the image; `None` when there is no room.
    pub module: Option<u32>,
}

/// The module at `address`, entered in the image if it is new.
pub fn find(address: usize) -> Option<Found> {
    let object = find_object(address)?;
    Some(Found {
        end: object.map_end,
        bias: object.bias,
        eh_frame_hdr: object.eh_frame_hdr,
        module: loaded(&object),
    })
}

/// Loads that the loader had counted when every module was entered last.
static ENTERED_AT: AtomicU64 = AtomicU64::new(0);

/// Enters every module that is loaded now, also those whose code was on no stack yet: a report
/// tells whether their allocations are seen. Takes the loader's lock: not for hooks.
pub fn enter_all() {
    // SAFETY: the callback has the type that the C library wants and keeps nothing.
    unsafe { libc::dl_iterate_phdr(Some(enter_one), ptr::null_mut()) };
}

unsafe extern "C" fn enter_one(
    info: *mut libc::dl_phdr_info,
    _len: usize,
    _data: *mut c_void,
) -> c_int {
    // SAFETY: the C library's description of one object, valid during the call.
    let info = unsafe { &*info };
    // The main program comes first.
    // SAFETY: the name ends in a zero byte.
    let first = info.dlpi_name.is_null() || unsafe { *info.dlpi_name } == 0;
    if first && ENTERED_AT.swap(info.dlpi_adds, Relaxed) == info.dlpi_adds {
        return 1;
    }
    for index in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: the object's program headers.
        let program = unsafe { &*info.dlpi_phdr.add(index) };
        if program.p_type == libc::PT_LOAD && program.p_flags & libc::PF_X != 0 {
            find(info.dlpi_addr as usize + program.p_vaddr as usize);
            break;
        }
    }
    0
}

/// One mapping of a module that is loaded now.
struct Mapping {
    start: AtomicUsize,
    end: AtomicUsize,
    link_map: AtomicUsize,
    /// Index in the image plus one; 0 until the entry is complete.
    module: AtomicU32,
}

const MAX_MAPPINGS: usize = 4096;
static MAPPINGS: [Mapping; MAX_MAPPINGS] = [const {
    Mapping {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        link_map: AtomicUsize::new(0),
        module: AtomicU32::new(0),
    }
}; MAX_MAPPINGS];
static MAPPING_COUNT: AtomicUsize = AtomicUsize::new(0);

/// In a forked child: no module is in its image yet, and a `dlclose` of another thread never ends.
pub fn left_parent() {
    let count = MAPPING_COUNT.load(Acquire).min(MAX_MAPPINGS);
    for mapping in &MAPPINGS[..count] {
        mapping.module.store(0, Relaxed);
    }
    ENTERED_AT.store(0, Relaxed);
    CLOSING.store(0, SeqCst);
    GENERATION.fetch_add(1, SeqCst);
}

/// In a forked child that has an image: enters the modules that the parent had entered, without the
/// loader's lock.
pub fn enter_again() {
    let count = MAPPING_COUNT.swap(0, SeqCst).min(MAX_MAPPINGS);
    for mapping in &MAPPINGS[..count] {
        let start = mapping.start.swap(0, Relaxed);
        if start != 0 {
            // Takes one of the places that were looked at already.
            find(start);
        }
    }
}

fn known_mapping(object: &Object) -> Option<&'static Mapping> {
    let count = MAPPING_COUNT.load(Acquire).min(MAX_MAPPINGS);
    MAPPINGS[..count].iter().find(|mapping| {
        mapping.module.load(Acquire) != 0
            && mapping.start.load(Relaxed) == object.map_start
            && mapping.link_map.load(Relaxed) == object.link_map as usize
    })
}

/// The module that an address belongs to, of those that were entered. Reads nothing of the
/// loader's.
pub fn known(address: usize) -> Option<u32> {
    let count = MAPPING_COUNT.load(Acquire).min(MAX_MAPPINGS);
    let mut entered = MAPPINGS[..count].iter().filter_map(|mapping| {
        let module = mapping.module.load(Acquire).checked_sub(1)?;
        let range = mapping.start.load(Relaxed)..mapping.end.load(Relaxed);
        range.contains(&address).then_some(module)
    });
    entered.next()
}

fn loaded(object: &Object) -> Option<u32> {
    if let Some(mapping) = known_mapping(object) {
        // 0 if it was unloaded this moment.
        return mapping.module.load(Acquire).checked_sub(1);
    }
    let module = enter(object, 0)?;
    remember(object, module)
}

/// Enters the module that `map` describes, which lies in another namespace than this library.
///
/// # Safety
///
/// The module is loaded, and stays so during the call.
pub unsafe fn enter_apart(map: *const LinkMap) {
    // SAFETY: the caller's.
    let Some(object) = find_object(unsafe { (*map).dynamic }) else {
        return;
    };
    // The loader is the same in every namespace, and belongs to the first.
    if object.link_map != map {
        return;
    }
    let Some(module) = enter(&object, module_flags::APART) else {
        return;
    };
    // Its code may have been on a stack before it was known where it is loaded.
    match known_mapping(&object) {
        Some(mapping) => mapping.module.store(module + 1, Release),
        None => {
            remember(&object, module);
        }
    }
}

/// Keeps in mind that the module, which is `module` in the image, is loaded.
fn remember(object: &Object, module: u32) -> Option<u32> {
    let count = MAPPING_COUNT.load(Acquire).min(MAX_MAPPINGS);
    // A free place of an unloaded module, or a new one.
    let at = (0..count)
        .find(|at| {
            MAPPINGS[*at]
                .start
                .compare_exchange(0, object.map_start, SeqCst, Relaxed)
                .is_ok()
        })
        .unwrap_or_else(|| MAPPING_COUNT.fetch_add(1, SeqCst));
    // Without a place here nobody would notice that the module was unloaded: it stays unknown.
    let Some(mapping) = MAPPINGS.get(at) else {
        IMAGE.count(Counter::NamesFull);
        return None;
    };
    mapping.start.store(object.map_start, Relaxed);
    mapping.end.store(object.map_end, Relaxed);
    mapping.link_map.store(object.link_map as usize, Relaxed);
    mapping.module.store(module + 1, Release);
    Some(module)
}

impl Mapping {
    /// Whether the module that was entered as `module` is still what is mapped here: another
    /// thread may have loaded another one in its place since.
    fn is_still(&self, module: u32) -> bool {
        let start = self.start.load(Relaxed);
        let Some(object) = find_passing(start) else {
            return false;
        };
        if object.map_start != start
            || object.map_end != self.end.load(Relaxed)
            || object.link_map as usize != self.link_map.load(Relaxed)
        {
            return false;
        }
        // A `dlclose` of another thread may be under way with this very module.
        if sandbox::is_deadly() {
            return true;
        }
        let Some((id, len)) = build_id::of_passing(&object) else {
            return true;
        };
        let place = IMAGE.modules.get(module);
        // SAFETY: the place is null or a record that was complete before its mapping was.
        unsafe { !place.is_null() && (*place).build_id_len == len && (*place).build_id == id }
    }
}

/// Counts up before and after each `dlclose`: what a thread remembers of its stack from another
/// generation is forgotten.
static GENERATION: AtomicUsize = AtomicUsize::new(1);
static CLOSING: AtomicUsize = AtomicUsize::new(0);

/// The current generation.
#[inline(always)]
pub fn generation() -> usize {
    GENERATION.load(Acquire)
}

/// Whether a `dlclose` is under way: rules computed now are not kept.
pub fn is_closing() -> bool {
    CLOSING.load(SeqCst) != 0
}

/// A `dlclose` that is under way.
pub struct Closing(());

impl Closing {
    /// To be called before the real `dlclose`.
    pub fn begin() -> Closing {
        CLOSING.fetch_add(1, SeqCst);
        GENERATION.fetch_add(1, SeqCst);
        Closing(())
    }
}

impl Drop for Closing {
    /// After the real `dlclose`: forgets what was unloaded.
    fn drop(&mut self) {
        GENERATION.fetch_add(1, SeqCst);
        if is_older() {
            older_loader::closed();
        }
        let count = MAPPING_COUNT.load(Acquire).min(MAX_MAPPINGS);
        let mut unloaded = false;
        for mapping in &MAPPINGS[..count] {
            let start = mapping.start.load(Relaxed);
            let module = mapping.module.load(Acquire);
            if start != 0 && module != 0 && !mapping.is_still(module - 1) {
                let end = mapping.end.load(Relaxed);
                mapping.module.store(0, Release);
                rules::forget(start..end);
                mapping.start.store(0, Release);
                unloaded = true;
            }
        }
        if unloaded {
            GENERATION.fetch_add(1, SeqCst);
        }
        CLOSING.fetch_sub(1, SeqCst);
    }
}
