//! Where the JVM keeps its code and how it begins Java frames, as it says itself.
//!
//! HotSpot exports tables of its own structures for its Serviceability Agent: `gHotSpotVMStructs` (type,
//! field, offset or address), `gHotSpotVMTypes` (type, size) and `gHotSpotVMIntConstants`. What is missing there, or does not fit
//! together, is `None`, and whoever needs it does without.

use super::code_heaps::CodeHeaps;
use core::ffi::{CStr, c_char, c_void};
use core::ops::Range;
use core::ptr;
use std::sync::OnceLock;

/// What is known of one JVM.
pub struct Layout {
    /// Addresses of all compiled and generated code.
    pub code: Range<usize>,
    /// Where compiled methods lie.
    pub heaps: CodeHeaps,
    /// The code of the interpreter.
    pub interpreter: Range<usize>,
    /// Where Java code returns to that native code called.
    pub call_stub_return: usize,
    /// Distance from that frame's base to the word with its `JavaCallWrapper`.
    pub wrapper_offset: isize,
    /// Distance from a `JavaCallWrapper` to the stack position of the Java code before it.
    pub anchor_offset: usize,
    /// The JVM's variable with the address where a virtual thread's code returns to its carrier's, which is 0
    /// before there was one; 0 for a JVM without virtual threads.
    continuation_return: usize,
}

static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();

/// The layout, if the JVM tells all of it.
#[inline]
pub fn layout() -> Option<&'static Layout> {
    LAYOUT.get()?.as_ref()
}

/// Reads the tables. The JVM has generated its stubs by the time that it runs Java code.
pub fn init() {
    LAYOUT.get_or_init(Layout::read);
}

#[repr(C)]
struct Field {
    type_name: *const c_char,
    name: *const c_char,
    type_text: *const c_char,
    is_static: i32,
    offset: u64,
    address: *const c_void,
}

#[repr(C)]
struct Constant {
    name: *const c_char,
    value: i32,
}

#[repr(C)]
struct Type {
    name: *const c_char,
    parent: *const c_char,
    is_oop: i32,
    is_integer: i32,
    is_unsigned: i32,
    size: u64,
}

/// The tables.
pub struct Tables {
    fields: *const Field,
    constants: *const Constant,
    types: *const Type,
}

impl Tables {
    fn find() -> Option<Tables> {
        // SAFETY: finds a library that is loaded already, and symbols in it: each is a pointer to a
        // table, and the stride tells that its entries have the layout known here.
        unsafe {
            let jvm = libc::dlopen(c"libjvm.so".as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY);
            let symbol = |name: &CStr| {
                let found = libc::dlsym(jvm, name.as_ptr());
                (!found.is_null()).then_some(found)
            };
            let stride = symbol(c"gHotSpotVMStructEntryArrayStride")?.cast::<u64>();
            let constant = symbol(c"gHotSpotVMIntConstantEntryArrayStride")?.cast::<u64>();
            let kind = symbol(c"gHotSpotVMTypeEntryArrayStride")?.cast::<u64>();
            if *stride != size_of::<Field>() as u64
                || *constant != size_of::<Constant>() as u64
                || *kind != size_of::<Type>() as u64
            {
                return None;
            }
            let fields: *const Field = symbol(c"gHotSpotVMStructs")?.cast::<*const Field>().read();
            let constants = symbol(c"gHotSpotVMIntConstants")?
                .cast::<*const Constant>()
                .read();
            let types = symbol(c"gHotSpotVMTypes")?.cast::<*const Type>().read();
            Some(Tables {
                fields,
                constants,
                types,
            })
        }
    }

    fn field(&self, type_name: &CStr, name: &CStr) -> Option<&Field> {
        let mut at = self.fields;
        // SAFETY: the table ends with an entry without a type; names end in a zero byte.
        unsafe {
            while !(*at).type_name.is_null() {
                if CStr::from_ptr((*at).type_name) == type_name
                    && CStr::from_ptr((*at).name) == name
                {
                    return Some(&*at);
                }
                at = at.add(1);
            }
        }
        None
    }

    /// Where a field lies in its type, in bytes.
    pub fn offset(&self, type_name: &CStr, name: &CStr) -> Option<usize> {
        let field = self.field(type_name, name)?;
        (field.is_static == 0).then_some(field.offset as usize)
    }

    /// The value of a static field that holds an address.
    pub fn value(&self, type_name: &CStr, name: &CStr) -> Option<usize> {
        let field = self.field(type_name, name)?;
        if field.is_static == 0 || field.address.is_null() {
            return None;
        }
        // SAFETY: the JVM's own variable of the size of a pointer.
        let value = unsafe { field.address.cast::<usize>().read_volatile() };
        (value != 0).then_some(value)
    }

    /// The size of a type in bytes.
    pub fn size(&self, type_name: &CStr) -> Option<usize> {
        let mut at = self.types;
        // SAFETY: as in `field`.
        unsafe {
            while !(*at).name.is_null() {
                if CStr::from_ptr((*at).name) == type_name {
                    return usize::try_from((*at).size).ok().filter(|size| *size > 0);
                }
                at = at.add(1);
            }
        }
        None
    }

    fn constant(&self, name: &CStr) -> Option<i32> {
        let mut at = self.constants;
        // SAFETY: as in `field`.
        unsafe {
            while !(*at).name.is_null() {
                if CStr::from_ptr((*at).name) == name {
                    return Some((*at).value);
                }
                at = at.add(1);
            }
        }
        None
    }
}

impl Layout {
    fn read() -> Option<Layout> {
        let tables = Tables::find()?;
        let code = tables.value(c"CodeCache", c"_low_bound")?
            ..tables.value(c"CodeCache", c"_high_bound")?;
        let call_stub_return = tables.value(c"StubRoutines", c"_call_stub_return_address")?;
        let anchor = tables.offset(c"JavaCallWrapper", c"_anchor")?;
        let position = tables.offset(c"JavaFrameAnchor", c"_last_Java_sp")?;
        let word = size_of::<usize>() as isize;
        let wrapper = tables.constant(c"frame::entry_frame_call_wrapper_offset")? as isize;
        let continuation_return = match tables.field(c"ContinuationEntry", c"_return_pc") {
            Some(field) => field.address as usize,
            None if tables.field(c"JavaThread", c"_cont_entry").is_none() => 0,
            None => return None,
        };
        Some(Layout {
            heaps: CodeHeaps::read(&tables, &code)?,
            interpreter: interpreter(&tables)?,
            code,
            call_stub_return,
            wrapper_offset: wrapper * word,
            anchor_offset: anchor + position,
            continuation_return,
        })
    }
}

impl Layout {
    /// Where a virtual thread's code returns to its carrier's; 0 when there was none yet.
    pub fn continuation_return(&self) -> usize {
        let place = self.continuation_return as *const usize;
        // SAFETY: null or the JVM's own variable.
        unsafe {
            place
                .as_ref()
                .map_or(0, |place| ptr::from_ref(place).read_volatile())
        }
    }
}

/// Where the interpreter's code lies.
fn interpreter(tables: &Tables) -> Option<Range<usize>> {
    let queue = tables.value(c"AbstractInterpreter", c"_code")?;
    let start = tables.offset(c"StubQueue", c"_stub_buffer")?;
    let len = tables.offset(c"StubQueue", c"_buffer_limit")?;
    // SAFETY: the interpreter's queue of generated code, which the JVM makes at its start and keeps for good.
    unsafe {
        let start = ((queue + start) as *const usize).read();
        let len = usize::try_from(((queue + len) as *const i32).read()).ok()?;
        Some(start..start.checked_add(len)?)
    }
}
