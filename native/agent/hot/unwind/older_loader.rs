//! Which module an address belongs to on a C library without `_dl_find_object` (glibc before 2.35).
//!
//! `dl_iterate_phdr` would tell, but it takes the loader's lock, and a hook must not: another
//! thread may hold that lock and wait for one that the allocating thread holds. So an address that
//! is not known yet is looked up in `/proc/self/maps`, read with plain system calls; the rest is in
//! the module's own headers in memory.
//!
//! The answers are kept, each range of addresses in one word, so that readers need no lock: a
//! module's until it is unloaded, and mappings that are no module (compiled Java code, most often)
//! until the next `dlopen`.
//!
//! Difficult: one file may be mapped several times over, and a linker may put the file's first page
//! into two segments. The headers that decide are the first ones that do not lie within a module
//! that was found before them.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{
    AtomicPtr, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};
use hackleak_platform::maps::{self, File};

/// A loaded module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Object {
    pub start: usize,
    pub end: usize,
    /// Load bias.
    pub bias: usize,
    /// Address of its `.eh_frame_hdr`, or 0.
    pub eh_frame_hdr: usize,
}

const PAGE: usize = 4096;

/// A range of whole pages in one word: the first page above 28 bits for their number. 0 is none.
fn pack(range: &Range<usize>) -> u64 {
    let first = (range.start / PAGE) as u64;
    let count = (range.end.div_ceil(PAGE) as u64).saturating_sub(first);
    if first == 0 || first >= 1 << 36 || count >= 1 << 28 {
        return 0;
    }
    first << 28 | count
}

fn packed_contains(word: u64, address: usize) -> bool {
    ((address / PAGE) as u64).wrapping_sub(word >> 28) < word & ((1 << 28) - 1)
}

/// A module that was found. A place is used once, so that a reader never sees two modules mixed.
struct Entry {
    /// Written last; 0 again when the module is gone.
    range: AtomicU64,
    end: AtomicUsize,
    bias: AtomicUsize,
    eh_frame_hdr: AtomicUsize,
    /// The loader's name of what a program starts with; null for what was found later.
    name: AtomicPtr<c_char>,
    /// The file of what was found later.
    device: AtomicU64,
    inode: AtomicU64,
}

const MAX_ENTRIES: usize = 4096;
static ENTRIES: [Entry; MAX_ENTRIES] = [const {
    Entry {
        range: AtomicU64::new(0),
        end: AtomicUsize::new(0),
        bias: AtomicUsize::new(0),
        eh_frame_hdr: AtomicUsize::new(0),
        name: AtomicPtr::new(ptr::null_mut()),
        device: AtomicU64::new(0),
        inode: AtomicU64::new(0),
    }
}; MAX_ENTRIES];
static ENTRY_COUNT: AtomicUsize = AtomicUsize::new(0);

/// Mappings of no module, as packed ranges; the oldest is overwritten.
static OTHERS: [AtomicU64; 32] = [const { AtomicU64::new(0) }; 32];
static OTHERS_COUNT: AtomicUsize = AtomicUsize::new(0);
/// Counts each `dlopen`: what was no module may be one then.
static OPENED: AtomicUsize = AtomicUsize::new(0);

impl Entry {
    fn object(&self, range: u64) -> Object {
        Object {
            start: (range >> 28) as usize * PAGE,
            end: self.end.load(Relaxed),
            bias: self.bias.load(Relaxed),
            eh_frame_hdr: self.eh_frame_hdr.load(Relaxed),
        }
    }

    fn file(&self) -> File {
        (self.device.load(Relaxed), self.inode.load(Relaxed))
    }
}

fn entries() -> &'static [Entry] {
    &ENTRIES[..ENTRY_COUNT.load(Acquire).min(MAX_ENTRIES)]
}

fn entry_at(address: usize) -> Option<(&'static Entry, Object)> {
    entries().iter().find_map(|entry| {
        let range = entry.range.load(Acquire);
        packed_contains(range, address).then(|| (entry, entry.object(range)))
    })
}

/// Keeps a module; without a place for it, it is looked up again each time.
fn keep(object: Object, name: *const c_char, file: File) {
    let range = pack(&(object.start..object.end));
    if range == 0 || ENTRY_COUNT.load(Relaxed) >= MAX_ENTRIES {
        return;
    }
    let Some(entry) = ENTRIES.get(ENTRY_COUNT.fetch_add(1, SeqCst)) else {
        return;
    };
    entry.end.store(object.end, Relaxed);
    entry.bias.store(object.bias, Relaxed);
    entry.eh_frame_hdr.store(object.eh_frame_hdr, Relaxed);
    entry.name.store(name.cast_mut(), Relaxed);
    entry.device.store(file.0, Relaxed);
    entry.inode.store(file.1, Relaxed);
    entry.range.store(range, Release);
}

/// Learns what the program has loaded so far, with the loader's own names. Not for hooks.
pub fn init() {
    // SAFETY: the callback has the type that the C library wants and keeps nothing.
    unsafe { libc::dl_iterate_phdr(Some(learn), ptr::null_mut()) };
}

unsafe extern "C" fn learn(info: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: the C library's description of one object, valid during the call.
    let (bias, name, headers) = unsafe {
        let info = &*info;
        let headers = core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        (info.dlpi_addr as usize, info.dlpi_name, headers)
    };
    if let Some(object) = from_headers(bias, headers)
        && entry_at(object.start).is_none()
    {
        keep(object, name, (0, 0));
    }
    0
}

fn from_headers(bias: usize, headers: &[libc::Elf64_Phdr]) -> Option<Object> {
    let segments = headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
    let start = segments.clone().map(|h| h.p_vaddr as usize).min()?;
    let end = segments
        .map(|h| (h.p_vaddr as usize).saturating_add(h.p_memsz as usize))
        .max()?;
    let tables = headers.iter().find(|h| h.p_type == libc::PT_GNU_EH_FRAME);
    Some(Object {
        start: bias.wrapping_add(start) / PAGE * PAGE,
        end: bias.wrapping_add(end),
        bias,
        eh_frame_hdr: tables.map_or(0, |h| bias.wrapping_add(h.p_vaddr as usize)),
    })
}

/// The module at `address`.
pub fn find(address: usize) -> Option<Object> {
    if let Some((_, object)) = entry_at(address) {
        return Some(object);
    }
    let is_other = |other: &AtomicU64| packed_contains(other.load(Relaxed), address);
    if OTHERS.iter().any(is_other) {
        return None;
    }
    look_up(address)
}

#[cold]
#[inline(never)]
fn look_up(address: usize) -> Option<Object> {
    let opened = OPENED.load(SeqCst);
    let mut here = None;
    maps::read(|mapping| {
        if mapping.range.contains(&address) {
            here = Some((mapping.range.clone(), mapping.file()));
        }
        here.is_none()
    });
    let (range, file) = here?;
    let found = file.and_then(|file| Some((of_file(address, file)?, file)));
    match found {
        Some((object, file)) => keep(object, ptr::null(), file),
        None => keep_other(&range, opened),
    }
    found.map(|(object, _)| object)
}

fn keep_other(range: &Range<usize>, opened: usize) {
    let word = pack(range);
    let at = OTHERS_COUNT.fetch_add(1, Relaxed) % OTHERS.len();
    OTHERS[at].store(word, SeqCst);
    if OPENED.load(SeqCst) != opened {
        let _ = OTHERS[at].compare_exchange(word, 0, SeqCst, Relaxed);
    }
}

/// The module that the mappings of `file` make up around `address`.
fn of_file(address: usize, file: File) -> Option<Object> {
    let mut found: Option<Object> = None;
    maps::read(|mapping| {
        let is_first = mapping.file() == Some(file) && mapping.offset == 0 && mapping.is_readable();
        let known = found.is_some_and(|object| mapping.range.start < object.end);
        if is_first && !known && mapping.range.start <= address {
            found = at_headers(&mapping.range).or(found);
        }
        mapping.range.start <= address
    });
    found.filter(|object| (object.start..object.end).contains(&address))
}

/// The module whose ELF header the mapping begins with.
fn at_headers(mapping: &Range<usize>) -> Option<Object> {
    // SAFETY: a readable mapping of at least a page, whose file holds code that is being run: a
    // module stays mapped as long as its code is on a stack.
    let header = unsafe { &*(mapping.start as *const libc::Elf64_Ehdr) };
    if header.e_ident[..4] != *b"\x7fELF" {
        return None;
    }
    let first = mapping.start.checked_add(header.e_phoff as usize)?;
    let count = usize::from(header.e_phnum);
    let end = first.checked_add(count * size_of::<libc::Elf64_Phdr>())?;
    if end > mapping.end || !first.is_multiple_of(align_of::<libc::Elf64_Phdr>()) {
        return None;
    }
    // SAFETY: checked to lie within the mapping.
    let headers = unsafe { core::slice::from_raw_parts(first as *const libc::Elf64_Phdr, count) };
    let lowest = headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
    let lowest = lowest.map(|h| h.p_vaddr as usize / PAGE * PAGE).min()?;
    from_headers(mapping.start.wrapping_sub(lowest), headers)
}

/// Calls `take` with the name of the module at `address` as the loader has it: empty for the
/// executable, else its path.
pub fn with_name<T>(address: usize, take: impl FnOnce(&[u8]) -> T) -> T {
    let known = entry_at(address).map(|(entry, _)| entry.name.load(Relaxed));
    if let Some(name) = known.filter(|name| !name.is_null()) {
        // SAFETY: the loader's name of what a program starts with, which is never unloaded.
        return take(unsafe { CStr::from_ptr(name) }.to_bytes());
    }
    let mut path = [0; maps::LINE];
    let mut len = 0;
    maps::read(|mapping| {
        let here = mapping.range.contains(&address);
        if here {
            len = mapping.path.len();
            path[..len].copy_from_slice(mapping.path);
        }
        !here
    });
    let path = &path[..len];
    match path {
        b"[vdso]" => take(b"linux-vdso.so.1"),
        _ => take(path.strip_suffix(b" (deleted)").unwrap_or(path)),
    }
}

/// A `dlopen` begins.
pub fn opening() {
    OPENED.fetch_add(1, SeqCst);
    OTHERS.iter().for_each(|other| other.store(0, SeqCst));
}

/// A `dlclose` has ended: forgets the modules whose file is no longer mapped where it was.
pub fn closed() {
    let mut still = [0u64; MAX_ENTRIES / 64];
    maps::read(|mapping| {
        let file = mapping.file().filter(|_| mapping.offset == 0);
        for (at, entry) in entries().iter().enumerate() {
            let range = entry.range.load(Acquire);
            if file == Some(entry.file()) && entry.object(range).start == mapping.range.start {
                still[at / 64] |= 1 << (at % 64);
            }
        }
        true
    });
    for (at, entry) in entries().iter().enumerate() {
        let is_permanent = !entry.name.load(Relaxed).is_null();
        if !is_permanent && still[at / 64] >> (at % 64) & 1 == 0 {
            entry.range.store(0, Release);
        }
    }
}
