//! The tables of its own structures that HotSpot exports for its Serviceability Agent:
//! `gHotSpotVMStructs` (type, field, offset or address), `gHotSpotVMTypes` (type, size) and
//! `gHotSpotVMIntConstants`.

use core::ffi::{CStr, c_char, c_void};

/// The tests' way to a JVM without the tables, as a later one may be.
const SWITCH: &str = "HACKLEAK_TEST_NO_VMSTRUCTS";

#[repr(C)]
pub struct Field {
    type_name: *const c_char,
    name: *const c_char,
    type_text: *const c_char,
    is_static: i32,
    offset: u64,
    pub address: *const c_void,
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
    pub fn find() -> Option<Tables> {
        if super::lacks_for_tests(SWITCH) {
            return None;
        }
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

    /// A field of a type.
    pub fn field(&self, type_name: &CStr, name: &CStr) -> Option<&Field> {
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

    pub fn constant(&self, name: &CStr) -> Option<i32> {
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
