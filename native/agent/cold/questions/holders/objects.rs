//! The loaded modules: their writable data, and where their thread-local variables lie.

use super::Stop;
use super::table::Table;
use crate::cold::process::jdk;
use crate::hot::ground::{module_policy, real};
use crate::hot::unwind;
use core::ffi::{CStr, c_int, c_void};
use core::ops::Range;

/// A loaded module.
#[derive(Clone, Copy)]
pub struct Object {
    /// Its index in the image.
    pub module: Option<u32>,
    /// Load bias.
    pub bias: usize,
    /// What its pointers are worth.
    pub trust: Trust,
    /// Number of its thread-local block; 0 when it has none.
    pub tls: usize,
    /// Length of the block in bytes.
    pub tls_len: usize,
    /// The calling thread's own block, or 0.
    pub tls_here: usize,
    /// What nobody can write to once the loader is done, in (start, end).
    pub fixed: (usize, usize),
    first_data: usize,
    data_count: usize,
}

/// What the pointers in a module's data are worth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// They hold what they point into.
    All,
    /// Those to the start of a block hold it: the C library's others are its allocator's.
    Starts,
    /// Those near the start or the end of a block hold it. Whoever is to free a block has its
    /// start, or can tell it from what lies at its end; an old word of which a half was overwritten
    /// may point anywhere.
    Edges,
    /// None: the module is the JVM, the recorder, or an allocator under test, which knows all
    /// blocks.
    None,
}

/// A part of a module's writable data.
#[derive(Clone, Copy)]
pub struct Data {
    pub start: usize,
    pub end: usize,
    /// What of it the module's file has, and where; the rest begins as zeros.
    pub file_len: usize,
    pub offset: u64,
}

/// All modules.
pub struct Objects {
    pub all: Table<Object>,
    /// Where code lies that may hold something while it runs, not the JVM's, the recorder's or the
    /// C library's; and whether it is a library's of the JDK that works for Java code alone.
    pub code: Table<(usize, usize, bool)>,
    /// Where the JVM's own code lies.
    pub jvm: Range<usize>,
    /// Where the code of the allocator under test lies, if that is not the C library's.
    pub allocator: Range<usize>,
    data: Table<Data>,
    failed: Option<Stop>,
}

impl Objects {
    /// The modules that are loaded now.
    pub fn read() -> Result<Objects, Stop> {
        let mut objects = Objects {
            all: Table::new(),
            code: Table::new(),
            jvm: 0..0,
            allocator: 0..0,
            data: Table::new(),
            failed: None,
        };
        // SAFETY: the callback has the type that the C library wants; the pointer is valid
        // meanwhile.
        unsafe { libc::dl_iterate_phdr(Some(add), (&raw mut objects).cast()) };
        match objects.failed.take() {
            Some(stop) => Err(stop),
            None => Ok(objects),
        }
    }

    /// The writable data of all modules, also of those whose pointers are worth nothing.
    pub fn all_data(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.data.iter().map(|data| (data.start, data.end))
    }

    /// The writable data of a module.
    pub fn data_of(&self, object: &Object) -> impl Iterator<Item = Range<usize>> {
        let parts = self.parts_of(object).iter();
        parts.map(|data| data.start..data.end)
    }

    /// The same, with what is in the module's file.
    pub fn parts_of(&self, object: &Object) -> &[Data] {
        &self.data[object.first_data..object.first_data + object.data_count]
    }

    fn add(&mut self, info: &libc::dl_phdr_info, len: usize) -> Result<(), Stop> {
        let bias = info.dlpi_addr as usize;
        let mut object = Object {
            module: None,
            bias,
            trust: Trust::All,
            tls: 0,
            tls_len: 0,
            tls_here: 0,
            fixed: (0, 0),
            first_data: self.data.len(),
            data_count: 0,
        };
        if len >= size_of::<libc::dl_phdr_info>() {
            object.tls = info.dlpi_tls_modid;
            object.tls_here = info.dlpi_tls_data as usize;
        }
        // SAFETY: the loader's name ends in a zero byte; it is empty for the program itself.
        let path = unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes();
        object.trust = trust(path);
        let allocator = real::malloc() as usize;
        let runs = object.trust == Trust::All && !module_policy::is_plain_runtime(path);
        for index in 0..usize::from(info.dlpi_phnum) {
            // SAFETY: the object's program headers, which are mapped while it is loaded.
            let program = unsafe { &*info.dlpi_phdr.add(index) };
            let start = bias.wrapping_add(program.p_vaddr as usize);
            let end = start.wrapping_add(program.p_memsz as usize);
            if program.p_type == libc::PT_LOAD && program.p_flags & libc::PF_X != 0 {
                if object.trust == Trust::All && (start..end).contains(&allocator) {
                    object.trust = Trust::None;
                    self.allocator = start..end;
                }
                if runs {
                    let is_for_java = module_policy::works_for_java_alone(path);
                    self.code.push((start, end, is_for_java))?;
                } else if jdk::is_libjvm(path) {
                    self.jvm = start..end;
                }
            }
            match program.p_type {
                libc::PT_LOAD if program.p_flags & libc::PF_W != 0 => {
                    self.data.push(Data {
                        start,
                        end,
                        file_len: program.p_filesz as usize,
                        offset: program.p_offset,
                    })?;
                    object.data_count += 1;
                }
                libc::PT_LOAD if object.module.is_none() => {
                    object.module = unwind::enter_module(start);
                }
                libc::PT_GNU_RELRO => object.fixed = (start, end),
                libc::PT_TLS => object.tls_len = program.p_memsz as usize,
                _ => {}
            }
        }
        self.all.push(object)
    }
}

fn trust(path: &[u8]) -> Trust {
    match path.rsplit(|byte| *byte == b'/').next().unwrap_or(path) {
        name if module_policy::holds_nothing(name) => Trust::None,
        name if module_policy::is_of_c_library(name) => Trust::Starts,
        _ => Trust::All,
    }
}

unsafe extern "C" fn add(info: *mut libc::dl_phdr_info, len: usize, data: *mut c_void) -> c_int {
    // SAFETY: the description that the C library gives, and the pointer that `read` passed.
    let (info, objects) = unsafe { (&*info, &mut *data.cast::<Objects>()) };
    if let Err(stop) = objects.add(info, len) {
        objects.failed = Some(stop);
        return 1;
    }
    0
}
