//! How the C library keeps its threads and their thread-local variables.
//!
//! It describes that itself, to debuggers (`nptl_db`): the sizes of its records and the places of
//! their fields. Before glibc 2.34 it does so by symbols that it does not export (`for_debuggers`).
//! So nothing here is tied to a version, and each description is checked against what the calling
//! thread knows of itself.
//!
//! A module may have been there at the start, or ask for that when it is loaded. Then its
//! thread-local variables lie at the same distance from the record of each thread,
//! `struct pthread`: below it or behind it, as the processor has it. The loader's record of the
//! module has the distance. What `dl_iterate_phdr` tells is less: the calling thread's own block,
//! and only once that thread has heard of the module. The blocks of other modules are made when a
//! thread first uses them, and the thread's table (`dtv`) has them. A table that is older than the
//! module has a former module's block in its place.

use super::memory::{Memory, WORD};
use super::objects::{Object, Objects};
use super::table::Table;
use super::{Stop, for_debuggers};
use crate::arch;
use crate::hot::thread::own_tid;
use core::ffi::CStr;
use hackleak_platform::peek::Peek;
use std::sync::OnceLock;

/// The calling thread's `struct pthread`.
pub fn own_record() -> usize {
    arch::thread_pointer()
}

/// How the C library lays out what it keeps for a thread.
pub struct Layout {
    /// Length of `struct pthread`, and of what else belongs to it.
    pub record_len: usize,
    /// Length of the thread-local variables that the loader has placed for all threads.
    pub static_len: usize,
    /// Place of the kernel's number in it.
    tid: usize,
    /// Place of the address of what it began with.
    routine: Option<usize>,
    /// Place of the ring in it that joins threads.
    ring: Option<usize>,
    /// Where rings begin that are known without any thread.
    rings: [usize; 2],
    modules: Option<ModuleLayout>,
}

/// Where the loader keeps what it knows of modules with thread-local variables, and places of
/// fields.
struct ModuleLayout {
    /// Address of the pointer to the first list.
    lists: usize,
    len: usize,
    next: usize,
    entries: usize,
    entry_len: usize,
    generation: usize,
    map: usize,
    /// In the loader's record of a module.
    number: usize,
    offset: usize,
}

/// The loader's record of a module begins with its load bias.
const BIAS: usize = 0;
/// An entry of a thread's table of blocks has two words, the first entry its generation, and the
/// one before that the length.
const ENTRY: usize = 2 * WORD;

pub fn layout() -> Result<&'static Layout, Stop> {
    static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();
    let known = LAYOUT.get_or_init(find_layout).as_ref();
    known.ok_or(Stop::Unknown("how this C library keeps threads"))
}

pub fn symbol(name: &CStr) -> usize {
    // SAFETY: a lookup by name.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.addr()
}

/// Of what describes records, which older C libraries do not export.
fn description(name: &CStr) -> usize {
    match symbol(name) {
        0 => for_debuggers::symbol(name),
        found => found,
    }
}

/// A field's place in its record. The C library describes it by size in bits, count, and place.
fn field(name: &CStr) -> Option<usize> {
    const PLACE: usize = 2 * size_of::<u32>();
    described(description(name).checked_add(PLACE)?)
}

fn size(name: &CStr) -> Option<usize> {
    described(description(name))
}

/// The number there. A library's file may be another by now than the one that was loaded, so
/// nothing may be there.
fn described(at: usize) -> Option<usize> {
    Peek::new()?.value::<u32>(at).map(|number| number as usize)
}

fn find_layout() -> Option<Layout> {
    type StaticInfo = unsafe extern "C" fn(*mut usize, *mut usize);
    let record_len = size(c"_thread_db_sizeof_pthread")? + arch::RECORD_HEAD;
    let tid = field(c"_thread_db_pthread_tid")?;
    let info = symbol(c"_dl_get_tls_static_info");
    if info == 0 {
        return None;
    }
    let (mut static_len, mut align) = (0, 0);
    // SAFETY: a function of the loader's with this name and type.
    unsafe {
        let info: StaticInfo = core::mem::transmute(info);
        info(&mut static_len, &mut align);
    }
    let global = symbol(c"_rtld_global");
    let ring_of = |name| match field(name) {
        Some(place) if global != 0 && !crate::hot::unwind::has_older_loader() => global + place,
        _ => 0,
    };
    let layout = Layout {
        record_len,
        // The loader counts what the thread pointer points to.
        static_len: match arch::RECORD_NAMES_ITSELF {
            true => static_len.checked_sub(record_len)?,
            false => static_len,
        },
        tid,
        routine: field(c"_thread_db_pthread_start_routine"),
        ring: field(c"_thread_db_pthread_list"),
        rings: match field(c"_thread_db_rtld_global__dl_stack_used") {
            Some(_) => [
                ring_of(c"_thread_db_rtld_global__dl_stack_used"),
                ring_of(c"_thread_db_rtld_global__dl_stack_user"),
            ],
            None => [c"stack_used", c"__stack_user"].map(for_debuggers::symbol),
        },
        modules: (global != 0).then(|| find_modules(global)).flatten(),
    };
    let memory = Memory::new().ok()?;
    let own = layout.tid_of(&memory, own_record());
    (own == Some(own_tid())).then_some(layout)
}

fn find_modules(global: usize) -> Option<ModuleLayout> {
    Some(ModuleLayout {
        lists: global + field(c"_thread_db_rtld_global__dl_tls_dtv_slotinfo_list")?,
        len: field(c"_thread_db_dtv_slotinfo_list_len")?,
        next: field(c"_thread_db_dtv_slotinfo_list_next")?,
        entries: field(c"_thread_db_dtv_slotinfo_list_slotinfo")?,
        entry_len: size(c"_thread_db_sizeof_dtv_slotinfo")?,
        generation: field(c"_thread_db_dtv_slotinfo_gen")?,
        map: field(c"_thread_db_dtv_slotinfo_map")?,
        number: field(c"_thread_db_link_map_l_tls_modid")?,
        offset: field(c"_thread_db_link_map_l_tls_offset")?,
    })
}

impl Layout {
    /// The kernel's number of the thread whose record is at `at`; `None` when there is no record.
    pub fn tid_of(&self, memory: &Memory, at: usize) -> Option<u32> {
        if at == 0 || !self.is_record(memory, at) {
            return None;
        }
        let word = memory.word((at + self.tid) & !7)?;
        let shift = if self.tid & 4 == 0 { 0 } else { 32 };
        Some((word >> shift) as u32).filter(|tid| *tid != 0)
    }

    /// Whether what is at `at` looks like a thread's record.
    fn is_record(&self, memory: &Memory, at: usize) -> bool {
        const SELF: usize = 2 * WORD;
        const MODULES: u64 = 1 << 16;
        let is = |place, address: usize| memory.word(place) == Some(address as u64);
        if arch::RECORD_NAMES_ITSELF {
            return is(at, at) && is(at + SELF, at);
        }
        // Its neighbour in the ring leads back to it, and its table has a length.
        let ring = self.ring.map(|place| at.wrapping_add(place));
        let is_joined = ring.is_none_or(|ring| {
            let next = memory.word(ring).unwrap_or(0) as usize;
            is(next.wrapping_add(WORD), ring)
        });
        let table = memory.word(arch::table_place(at, self.record_len));
        let len = table.and_then(|table| memory.word((table as usize).checked_sub(ENTRY)?));
        is_joined && len.is_some_and(|len| (1..MODULES).contains(&len))
    }

    /// The record that the word at `place` is of, if it has its own address or the number of one of
    /// `tasks` there.
    pub fn record_by(&self, place: usize, word: u64, tasks: &[u32]) -> Option<usize> {
        const ALIGN: usize = 64;
        if arch::RECORD_NAMES_ITSELF {
            return (word == place as u64 && place.is_multiple_of(ALIGN)).then_some(place);
        }
        let half = self.tid & 4;
        let tid = (word >> (8 * half)) as u32;
        let record = (place + half).checked_sub(self.tid)?;
        (record.is_multiple_of(2 * WORD) && tasks.contains(&tid)).then_some(record)
    }

    /// Where the frames end of a stack that has this record at its upper end.
    pub fn frames_end(&self, record: usize) -> usize {
        arch::frames_end(record, self.static_len)
    }

    /// Where what is local to the thread with this record ends, and the record.
    pub fn end_of(&self, record: usize) -> usize {
        arch::locals(record, self.record_len, self.static_len).end
    }

    /// Where the code begins that the thread with this record was made to run.
    pub fn routine_of(&self, memory: &Memory, record: usize) -> Option<usize> {
        let routine = memory.word(record.checked_add(self.routine?)?)?;
        Some(routine as usize)
    }

    /// The threads of all rings that are known or that lead from one of `records`. Nobody is
    /// stopped: a thread that starts or ends meanwhile may lead away, so at most `most` steps are
    /// made in a ring.
    pub fn threads(
        &self,
        memory: &Memory,
        records: &[usize],
        most: usize,
    ) -> Result<Table<(u32, usize)>, Stop> {
        let mut found: Table<(u32, usize)> = Table::new();
        for start in self.rings.into_iter().filter(|start| *start != 0) {
            self.add_ring(memory, start, most, &mut found)?;
        }
        for record in records.iter().copied() {
            if !found.iter().any(|(_, known)| *known == record)
                && let Some(tid) = self.tid_of(memory, record)
            {
                found.push((tid, record))?;
                if let Some(ring) = self.ring {
                    self.add_ring(memory, record + ring, most, &mut found)?;
                }
            }
        }
        Ok(found)
    }

    fn add_ring(
        &self,
        memory: &Memory,
        start: usize,
        most: usize,
        found: &mut Table<(u32, usize)>,
    ) -> Result<(), Stop> {
        let mut at = start;
        for _ in 0..most {
            at = memory.word(at).unwrap_or(0) as usize;
            let record = at.checked_sub(self.ring.unwrap_or(0));
            let Some(record) = record.filter(|_| at != start) else {
                break;
            };
            if let Some(tid) = self.tid_of(memory, record)
                && !found.contains(&(tid, record))
            {
                found.push((tid, record))?;
            }
        }
        Ok(())
    }
}

/// What the loader knows of a module with thread-local variables.
#[derive(Clone, Copy)]
struct Module {
    /// When it came: tables of threads that are older do not know it.
    generation: u64,
    bias: usize,
    /// How far from a thread's record its variables lie; 0 or -1 when each thread gets a block.
    offset: usize,
}

/// Where the thread-local variables of each module lie.
pub struct Places {
    layout: &'static Layout,
    /// By number of the module; empty when the loader does not tell.
    modules: Table<Module>,
}

impl Places {
    pub fn read(memory: &Memory, objects: &Objects) -> Result<Places, Stop> {
        let layout = layout()?;
        let mut places = Places {
            layout,
            modules: Table::new(),
        };
        if let Some(fields) = &layout.modules {
            places.modules = fields.read(memory)?;
        }
        // What is known of the calling thread for sure.
        let own = own_record();
        let mut own_blocks = objects.all.iter().filter(|object| object.tls_here != 0);
        if own_blocks.any(|object| places.of(memory, own, object) != Some(object.tls_here)) {
            places.modules.clear();
        }
        Ok(places)
    }

    pub fn record_len(&self) -> usize {
        self.layout.record_len
    }

    /// Where the variables of a module are that the thread with this record has, if it has any.
    pub fn of(&self, memory: &Memory, record: usize, object: &Object) -> Option<usize> {
        let len = self.layout.record_len;
        let table = arch::table_place(record, len);
        match self.modules.get(object.tls) {
            Some(module) if module.bias == object.bias => {
                let is_static = (1..=self.layout.static_len).contains(&module.offset);
                if is_static {
                    Some(arch::local_place(record, len, module.offset))
                } else {
                    block(memory, table, object.tls, module.generation)
                }
            }
            // A module that came or went a moment ago, or a loader that does not tell.
            _ => {
                let here = own_record();
                let own = arch::locals(here, len, self.layout.static_len);
                if own.contains(&object.tls_here) {
                    Some(record.wrapping_add(object.tls_here.wrapping_sub(here)))
                } else {
                    block(memory, table, object.tls, 0)
                }
            }
        }
    }
}

/// The block of a module that a thread's table has, if the table is of `generation` or a later one.
/// `place` has the table's address.
fn block(memory: &Memory, place: usize, number: usize, generation: u64) -> Option<usize> {
    /// The thread may make its table longer meanwhile.
    const TRIES: usize = 4;
    for _ in 0..TRIES {
        let table = memory.word(place)? as usize;
        let len = memory.word(table.checked_sub(ENTRY)?)? as usize;
        let has = number <= len && memory.word(table)? >= generation;
        let block = match has {
            true => memory.word(table + number * ENTRY)? as usize,
            false => 0,
        };
        if memory.word(place)? as usize == table {
            // -1 says that the thread has no block of the module.
            return (block != 0 && block != usize::MAX).then_some(block);
        }
    }
    None
}

impl ModuleLayout {
    fn read(&self, memory: &Memory) -> Result<Table<Module>, Stop> {
        /// More lists than modules can be loaded.
        const LISTS: usize = 1 << 10;
        const MODULES: usize = 1 << 16;
        let word = |at: usize| memory.word(at).unwrap_or(0);
        let mut modules = Table::new();
        let mut list = word(self.lists) as usize;
        for _ in 0..LISTS {
            if list == 0 {
                break;
            }
            let len = word(list + self.len) as usize;
            for index in 0..len.min(MODULES) {
                let entry = list + self.entries + index * self.entry_len;
                let map = word(entry + self.map) as usize;
                let mut module = Module {
                    generation: word(entry + self.generation),
                    bias: usize::MAX,
                    offset: 0,
                };
                if map != 0 && word(map + self.number) as usize == modules.len() {
                    module.bias = word(map + BIAS) as usize;
                    module.offset = word(map + self.offset) as usize;
                }
                modules.push(module)?;
            }
            list = word(list + self.next) as usize;
        }
        Ok(modules)
    }
}
