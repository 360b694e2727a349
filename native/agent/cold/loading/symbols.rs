//! What the dynamic sections of loaded modules tell: which functions they define, and the places
//! where they hold the addresses of functions that the dynamic linker gave them.
//!
//! Each module's dynamic section leads to its relocations; those with a symbol are such places:
//! slots of the procedure linkage table, addresses that code loads, and addresses in data.

use crate::cold::loading::gnu_hash;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering::Release};
use core::{ptr, slice};
use hackleak_platform::{dynamic, this_library};
use object::elf;

const PAGE: usize = 4096;

/// A loaded module.
struct Module {
    bias: usize,
    /// The loader's name; empty for the program.
    name: *const c_char,
    dynamic: usize,
    /// What the loader made read-only after relocation.
    read_only: Range<usize>,
}

/// One place that holds a function's address.
pub struct Reference<'module> {
    module: &'module Module,
    name: *const c_char,
    place: usize,
}

/// How often modules have been loaded and unloaded so far.
pub fn loads() -> u64 {
    unsafe extern "C" fn first(
        info: *mut libc::dl_phdr_info,
        _len: usize,
        data: *mut c_void,
    ) -> c_int {
        // SAFETY: the C library's description of one object, and the caller's place.
        unsafe { *data.cast::<u64>() = (*info).dlpi_adds.wrapping_add((*info).dlpi_subs << 32) };
        1
    }
    let mut loads = 0u64;
    // SAFETY: the callback has the type that the C library wants, and the place outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut loads).cast()) };
    loads
}

/// All modules that are loaded now.
fn modules() -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    // SAFETY: as in `loads`.
    unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut modules).cast()) };
    modules
}

/// Calls `visit` with name and address of every function that modules with a path that is `wanted`
/// define for others, in each of its versions.
pub fn for_each_function(wanted: impl Fn(&[u8]) -> bool, mut visit: impl FnMut(&[u8], usize)) {
    for module in modules() {
        // SAFETY: the loader's name of a module that was loaded a moment ago; the C library and
        // what belongs to it is never unloaded while the constructor runs.
        let wanted =
            !module.name.is_null() && wanted(unsafe { CStr::from_ptr(module.name) }.to_bytes());
        if wanted {
            module.functions(&mut visit);
        }
    }
}

/// Calls `visit` with every reference to a named function that any module but this library holds.
pub fn for_each_reference(mut visit: impl FnMut(&[u8], &Reference)) {
    for module in &modules() {
        if !this_library::has(module.dynamic) {
            module.references(&mut visit);
        }
    }
}

unsafe extern "C" fn collect(
    info: *mut libc::dl_phdr_info,
    _len: usize,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the C library's description of one object, valid during the call, and the caller's
    // list.
    let (info, modules) = unsafe { (&*info, &mut *data.cast::<Vec<Module>>()) };
    let bias = info.dlpi_addr as usize;
    let mut module = Module {
        bias,
        name: info.dlpi_name,
        dynamic: 0,
        read_only: 0..0,
    };
    for index in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: the object's program headers.
        let program = unsafe { &*info.dlpi_phdr.add(index) };
        let start = bias.wrapping_add(program.p_vaddr as usize);
        match program.p_type {
            libc::PT_DYNAMIC => module.dynamic = start,
            libc::PT_GNU_RELRO => module.read_only = start..start + program.p_memsz as usize,
            _ => {}
        }
    }
    if module.dynamic != 0 {
        modules.push(module);
    }
    0
}

/// The tables of a module that lead to its references.
#[derive(Default)]
struct Tables {
    symbols: usize,
    strings: usize,
    hash: usize,
    gnu_hash: usize,
    relocations: [(usize, usize); 2],
}

impl Module {
    fn tables(&self) -> Tables {
        let mut tables = Tables::default();
        // Addresses here were relocated by the loader, except for those of the kernel's own object.
        let address = |value: usize| if value < self.bias { 0 } else { value };
        // SAFETY: the dynamic section of a loaded module.
        for (tag, value) in unsafe { dynamic::entries(self.dynamic) } {
            match tag {
                elf::DT_SYMTAB => tables.symbols = address(value),
                elf::DT_HASH => tables.hash = address(value),
                elf::DT_GNU_HASH => tables.gnu_hash = address(value),
                elf::DT_STRTAB => tables.strings = address(value),
                elf::DT_RELA => tables.relocations[0].0 = address(value),
                elf::DT_RELASZ => tables.relocations[0].1 = value,
                elf::DT_JMPREL => tables.relocations[1].0 = address(value),
                elf::DT_PLTRELSZ => tables.relocations[1].1 = value,
                _ => {}
            }
        }
        tables
    }

    fn functions(&self, visit: &mut impl FnMut(&[u8], usize)) {
        const STT_FUNC: u8 = 2;
        let tables = self.tables();
        if tables.symbols == 0 || tables.strings == 0 {
            return;
        }
        for index in 0..tables.symbol_count() {
            // SAFETY: an index below the length of the module's table of symbols.
            let symbol = unsafe { &*(tables.symbols as *const libc::Elf64_Sym).add(index) };
            if symbol.st_shndx == 0 || symbol.st_info & 15 != STT_FUNC {
                continue;
            }
            let name = (tables.strings + symbol.st_name as usize) as *const c_char;
            // SAFETY: a name of the module's table of strings, which ends in a zero byte.
            let name = unsafe { CStr::from_ptr(name) }.to_bytes();
            visit(name, self.bias.wrapping_add(symbol.st_value as usize));
        }
    }

    fn references(&self, visit: &mut impl FnMut(&[u8], &Reference)) {
        let tables = self.tables();
        if tables.symbols == 0 || tables.strings == 0 {
            return;
        }
        for (first, len) in tables.relocations {
            if first == 0 {
                continue;
            }
            for index in 0..len / size_of::<libc::Elf64_Rela>() {
                // SAFETY: a relocation of the module's table.
                let relocation = unsafe { &*(first as *const libc::Elf64_Rela).add(index) };
                let (kind, symbol) = (relocation.r_info as u32, relocation.r_info >> 32);
                if symbol == 0 || !crate::arch::holds_function(kind) || relocation.r_addend != 0 {
                    continue;
                }
                // SAFETY: a relocation names a symbol of the module's table, whose name is in the
                // table of strings and ends in a zero byte.
                let name = unsafe {
                    let symbol = &*(tables.symbols as *const libc::Elf64_Sym).add(symbol as usize);
                    (tables.strings + symbol.st_name as usize) as *const c_char
                };
                // SAFETY: as above.
                let text = unsafe { CStr::from_ptr(name) }.to_bytes();
                let reference = Reference {
                    module: self,
                    name,
                    place: self.bias.wrapping_add(relocation.r_offset as usize),
                };
                visit(text, &reference);
            }
        }
    }
}

impl Tables {
    /// How many symbols there are: only the tables for looking them up tell.
    fn symbol_count(&self) -> usize {
        if self.hash != 0 {
            // SAFETY: the table begins with the lengths of its two parts; the second part has an
            // entry for each symbol.
            return unsafe { (self.hash as *const u32).add(1).read() } as usize;
        }
        if self.gnu_hash == 0 {
            return 0;
        }
        let count = gnu_hash::symbol_count(|at, count| {
            let first = (self.gnu_hash + at as usize) as *const u32;
            // SAFETY: words of the table of a module that stays loaded.
            Some(unsafe { slice::from_raw_parts(first, count as usize) }.to_vec())
        });
        count.unwrap_or(0) as usize
    }
}

impl Reference<'_> {
    /// What the place holds now: a function's address, or the linker's own before the first call.
    pub fn value(&self) -> usize {
        // SAFETY: a place of a loaded module that a relocation of it names.
        unsafe { (self.place as *const usize).read_volatile() }
    }

    /// The function that the name stands for, as this module sees it.
    pub fn target(&self) -> Option<usize> {
        // SAFETY: finds a module that is loaded, by the loader's own name for it, and a symbol.
        let found = unsafe {
            let name = self.module.name;
            let program = name.is_null() || *name == 0;
            let name = if program { ptr::null() } else { name };
            let handle = libc::dlopen(name, libc::RTLD_NOLOAD | libc::RTLD_LAZY);
            let found = if handle.is_null() {
                ptr::null_mut()
            } else {
                libc::dlsym(handle, self.name)
            };
            if !handle.is_null() {
                libc::dlclose(handle);
            }
            found
        };
        (!found.is_null()).then_some(found as usize)
    }

    /// Makes the place hold `address`; false if it cannot be written.
    pub fn redirect(&self, address: usize) -> bool {
        let page = self.place & !(PAGE - 1);
        let sealed = self.module.read_only.contains(&self.place);
        let protect = |protection| {
            // SAFETY: a page of a loaded module's data.
            unsafe { libc::mprotect(page as *mut c_void, PAGE, protection) == 0 }
        };
        if sealed && !protect(libc::PROT_READ | libc::PROT_WRITE) {
            return false;
        }
        // SAFETY: an aligned word of the module that is writable now; other threads read it whole.
        unsafe { AtomicUsize::from_ptr(self.place as *mut usize).store(address, Release) };
        if sealed {
            protect(libc::PROT_READ);
        }
        true
    }
}

#[cfg(test)]
mod tests;
