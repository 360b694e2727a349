//! Which loaded module an address belongs to.
//!
//! glibc 2.35 and later answer that without a lock (`_dl_find_object`); the symbol is looked up at
//! start, and on an older C library `older_loader` finds the same. Modules are entered in the image
//! when their code is first seen on a stack, and known again when they are loaded a second time.

use super::{older_loader, rules};
use crate::real;
use crate::{IMAGE, callers};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{
    AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};
use hackleak_image::frame::MAX_MODULE;
use hackleak_image::layout::{Blob, Counter, Module, module_flags};

/// `struct dl_find_object` of `<dlfcn.h>`.
#[repr(C)]
struct DlFindObject {
    flags: u64,
    map_start: usize,
    map_end: usize,
    link_map: *const LinkMap,
    eh_frame: usize,
    reserved: [u64; 7],
}

/// The public head of `struct link_map` of `<link.h>`.
#[repr(C)]
pub struct LinkMap {
    bias: usize,
    name: *const c_char,
    /// Its dynamic section.
    pub dynamic: usize,
    /// The next module of the same namespace.
    pub next: *const LinkMap,
}

type FindObject = unsafe extern "C" fn(*const c_void, *mut DlFindObject) -> c_int;

static FIND_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// A loaded module, however it was found.
struct Object {
    map_start: usize,
    map_end: usize,
    bias: usize,
    /// Address of its `.eh_frame_hdr`, or 0.
    eh_frame_hdr: usize,
    /// Null on an older C library.
    link_map: *const LinkMap,
}

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

pub fn init() {
    // SAFETY: a lookup by name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
    if found.is_null() || super::has_older_loader() {
        older_loader::init();
    } else {
        FIND_OBJECT.store(found, Relaxed);
    }
}

fn is_older() -> bool {
    FIND_OBJECT.load(Relaxed).is_null()
}

/// A `dlopen` begins.
pub fn opening() {
    if is_older() {
        older_loader::opening();
    }
}

fn find_object(address: usize) -> Option<Object> {
    let function = FIND_OBJECT.load(Relaxed);
    if function.is_null() {
        return older_loader::find(address).map(|found| Object {
            map_start: found.start,
            map_end: found.end,
            bias: found.bias,
            eh_frame_hdr: found.eh_frame_hdr,
            link_map: ptr::null(),
        });
    }
    // SAFETY: the C library's function of this name and type.
    let function: FindObject = unsafe { transmute(function) };
    let mut object = DlFindObject {
        flags: 0,
        map_start: 0,
        map_end: 0,
        link_map: ptr::null(),
        eh_frame: 0,
        reserved: [0; 7],
    };
    // SAFETY: `object` has the documented layout.
    let found = unsafe { function(address as *const c_void, &mut object) } == 0;
    found.then(|| Object {
        map_start: object.map_start,
        map_end: object.map_end,
        // SAFETY: the loader keeps the link map of a module as long as the module is loaded, and
        // found it a moment ago.
        bias: unsafe { (*object.link_map).bias },
        eh_frame_hdr: object.eh_frame,
        link_map: object.link_map,
    })
}

/// Where the module at `address` is mapped.
pub fn range(address: usize) -> Option<core::ops::Range<usize>> {
    find_object(address).map(|object| object.map_start..object.map_end)
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

/// In a forked child that has an image: enters the modules that the parent had entered, without the loader's
/// lock.
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

/// Enters a module in the image, or finds it there from an earlier time that it was loaded.
fn enter(object: &Object, flags: u32) -> Option<u32> {
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
    callers::decide(
        index,
        if name.is_empty() {
            callers::executable()
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

/// Record `index` of the image, once the thread that makes it has completed it; `None` when that takes
/// too long.
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

/// The GNU build-id of a module, from its program headers in memory.
fn build_id(object: &Object) -> ([u8; 32], u32) {
    let mut id = [0; 32];
    let len = find_build_id(object, &mut id).unwrap_or(0);
    (id, len)
}

fn find_build_id(object: &Object, id: &mut [u8; 32]) -> Option<u32> {
    const NT_GNU_BUILD_ID: u32 = 3;
    let range = object.map_start..object.map_end;
    // SAFETY: a module's first page is mapped; it begins with the ELF header where the linker put
    // that into a segment, which the magic number tells.
    let header = unsafe { &*(object.map_start as *const libc::Elf64_Ehdr) };
    if header.e_ident[..4] != *b"\x7fELF" {
        return None;
    }
    let first = object.map_start.checked_add(header.e_phoff as usize)?;
    let end = first + usize::from(header.e_phnum) * size_of::<libc::Elf64_Phdr>();
    if !range.contains(&end) {
        return None;
    }
    for index in 0..usize::from(header.e_phnum) {
        // SAFETY: checked to lie within the module's range.
        let program = unsafe { &*(first as *const libc::Elf64_Phdr).add(index) };
        if program.p_type != libc::PT_NOTE {
            continue;
        }
        let mut at = object.bias.wrapping_add(program.p_vaddr as usize);
        let end = at.checked_add(program.p_memsz as usize)?;
        if !range.contains(&at) || !range.contains(&end) {
            continue;
        }
        while at + 12 <= end {
            // SAFETY: within a note segment that lies within the module's range.
            let (name_len, len, kind) = unsafe {
                let words = at as *const u32;
                (words.read(), words.add(1).read(), words.add(2).read())
            };
            let name_end = at + 12 + (name_len as usize).next_multiple_of(4);
            let next = name_end.checked_add((len as usize).next_multiple_of(4))?;
            if next > end {
                break;
            }
            // SAFETY: as above; the name's four bytes lie before `name_end`.
            let is_gnu = name_len == 4 && unsafe { *((at + 12) as *const [u8; 4]) } == *b"GNU\0";
            if kind == NT_GNU_BUILD_ID && is_gnu {
                let len = (len as usize).min(id.len());
                // SAFETY: `len` bytes of the description lie before `next`.
                unsafe {
                    ptr::copy_nonoverlapping(name_end as *const u8, id.as_mut_ptr(), len);
                }
                return Some(len as u32);
            }
            at = next;
        }
    }
    None
}

impl Mapping {
    /// Whether the module that was entered as `module` is still what is mapped here: another
    /// thread may have loaded another one in its place since.
    fn is_still(&self, module: u32) -> bool {
        let start = self.start.load(Relaxed);
        let Some(object) = find_object(start) else {
            return false;
        };
        if object.map_start != start
            || object.map_end != self.end.load(Relaxed)
            || object.link_map as usize != self.link_map.load(Relaxed)
        {
            return false;
        }
        let place = IMAGE.modules.get(module);
        let (id, len) = build_id(&object);
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
