//! What native code takes through the JNI function table and must give back.
//!
//! The JVM's function table gets replacements that call the JVM's own functions and record what
//! they gave, for the native and Java stack that asked. Memory that the JVM allocates for array
//! elements and strings comes from its own `malloc` calls, which are not counted there. Calls by
//! the JDK's own libraries are left out, as with `malloc`.
//!
//! A critical array or string may be the heap object itself and can be held several times at one
//! address; so can a monitor, which has no address at all and is known by its object's identity
//! hash.

mod pins;

use super::buffers;
use super::real_functions::{keep, position, real, replacements};
use crate::arch::CallSite;
use crate::hot::events::{invalid_frees, record};
use crate::hot::ground::boundary;
use core::ffi::{c_char, c_void};
use core::mem::transmute;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use hackleak_image::layout::{Kind, Release};
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;
use pins::{
    get_critical, monitor_enter, monitor_exit, release_critical_array, release_critical_string,
};

type Env = *mut c_void;
type Object = *mut c_void;

const GLOBAL: u8 = Kind::GlobalRef as u8;
const WEAK: u8 = Kind::WeakGlobalRef as u8;
const ARRAY: u8 = Kind::ArrayCritical as u8;
const STRING: u8 = Kind::StringCritical as u8;
const DELETE_GLOBAL: u32 = Release::DeleteGlobalRef as u32;
const DELETE_WEAK: u32 = Release::DeleteWeakGlobalRef as u32;
const RELEASE_CHARS: u32 = Release::ReleaseStringChars as u32;
const RELEASE_UTF: u32 = Release::ReleaseStringUtfChars as u32;

replacements! {
    NewGlobalRef 2 new_reference(GLOBAL);
    DeleteGlobalRef 2 delete_reference(DELETE_GLOBAL);
    NewWeakGlobalRef 2 new_reference(WEAK);
    DeleteWeakGlobalRef 2 delete_reference(DELETE_WEAK);
    GetBooleanArrayElements 3 get_elements(1);
    GetByteArrayElements 3 get_elements(1);
    GetCharArrayElements 3 get_elements(2);
    GetShortArrayElements 3 get_elements(2);
    GetIntArrayElements 3 get_elements(4);
    GetLongArrayElements 3 get_elements(8);
    GetFloatArrayElements 3 get_elements(4);
    GetDoubleArrayElements 3 get_elements(8);
    ReleaseBooleanArrayElements 4 release_elements;
    ReleaseByteArrayElements 4 release_elements;
    ReleaseCharArrayElements 4 release_elements;
    ReleaseShortArrayElements 4 release_elements;
    ReleaseIntArrayElements 4 release_elements;
    ReleaseLongArrayElements 4 release_elements;
    ReleaseFloatArrayElements 4 release_elements;
    ReleaseDoubleArrayElements 4 release_elements;
    GetPrimitiveArrayCritical 3 get_critical(ARRAY);
    ReleasePrimitiveArrayCritical 4 release_critical_array;
    GetStringChars 3 get_chars;
    ReleaseStringChars 3 release_chars(RELEASE_CHARS);
    GetStringUTFChars 3 get_utf_chars;
    ReleaseStringUTFChars 3 release_chars(RELEASE_UTF);
    GetStringCritical 3 get_critical(STRING);
    ReleaseStringCritical 3 release_critical_string;
    MonitorEnter 2 monitor_enter;
    MonitorExit 2 monitor_exit;
    NewDirectByteBuffer 3 new_direct_buffer;
}

/// Puts the replacements into a copy of the JVM's function table.
///
/// # Safety
///
/// `table` is a complete function table that nobody else uses.
pub unsafe fn replace(table: *mut Functions) {
    let called = [
        position!(GetArrayLength),
        position!(GetStringLength),
        position!(IsSameObject),
    ];
    // SAFETY: the caller's; positions of functions of the table.
    unsafe {
        put(table);
        called.into_iter().for_each(|index| keep(table, index));
    }
}

/// References carry tags in their lower bits.
fn untagged(reference: Object) -> usize {
    reference as usize & !7
}

fn kind(number: u8) -> Kind {
    Kind::from_number(number).unwrap_or(Kind::GlobalRef)
}

fn release(number: u32) -> Release {
    Release::from_number(number).unwrap_or(Release::ReleaseElements)
}

type Two = unsafe extern "C" fn(Env, Object) -> Object;
type Three = unsafe extern "C" fn(Env, Object, *mut u8) -> Object;
type Four = unsafe extern "C" fn(Env, Object, Object, i32);
type Length = unsafe extern "C" fn(Env, Object) -> i32;
type Status = unsafe extern "C" fn(Env, Object) -> i32;
type NewBuffer = unsafe extern "C" fn(Env, *mut c_void, i64) -> Object;

unsafe extern "C" fn new_reference<const INDEX: usize, const KIND: u8>(
    env: Env,
    object: Object,
    slot: usize,
    frame_pointer: usize,
) -> Object {
    // SAFETY: the JVM's own function of this position and type, with the caller's arguments; so
    // in every function below.
    let reference = unsafe { transmute::<usize, Two>(real(INDEX))(env, object) };
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    let tags = if KIND == WEAK {
        &WEAK_TAGS
    } else {
        &GLOBAL_TAGS
    };
    let tag = 1 << (reference as usize & TAG_BITS);
    if tags.load(Relaxed) & tag == 0 {
        tags.fetch_or(tag, Relaxed);
    }
    record::taken_by_caller(untagged(reference), 0, kind(KIND), call_site);
    reference
}

/// The lower bits in which the JVM marks what sort of reference a handle is.
const TAG_BITS: usize = 7;
/// The marks of the handles that were handed out: a bit for each.
static GLOBAL_TAGS: AtomicU8 = AtomicU8::new(0);
static WEAK_TAGS: AtomicU8 = AtomicU8::new(0);

fn has_mark(known: u8, word: usize) -> bool {
    known == 0 || known & 1 << (word & TAG_BITS) != 0
}

/// Whether a word with these lower bits may be a handle of the kind; any may, as long as none was
/// handed out. The JVM has pointers of its own to the places that handles name, without the mark.
pub fn is_handle(kind: Kind, word: usize) -> bool {
    let tags = match kind {
        Kind::WeakGlobalRef => &WEAK_TAGS,
        _ => &GLOBAL_TAGS,
    };
    has_mark(tags.load(Relaxed), word)
}

unsafe extern "C" fn delete_reference<const INDEX: usize, const RELEASE: u32>(
    env: Env,
    reference: Object,
    slot: usize,
    frame_pointer: usize,
) {
    // One that was never taken is no invalid free: the JVM itself hands out some.
    record::freed(
        untagged(reference),
        release(RELEASE),
        None,
        CallSite {
            slot,
            frame_pointer,
        },
    );
    // SAFETY: see `new_reference`.
    unsafe { transmute::<usize, Two>(real(INDEX))(env, reference) };
}

unsafe extern "C" fn get_elements<const INDEX: usize, const SIZE: usize>(
    env: Env,
    array: Object,
    is_copy: *mut u8,
    slot: usize,
    frame_pointer: usize,
) -> Object {
    // SAFETY: see `new_reference`.
    let (elements, len) = unsafe {
        let elements = transmute::<usize, Three>(real(INDEX))(env, array, is_copy);
        let len = transmute::<usize, Length>(real(position!(GetArrayLength)));
        (
            elements,
            if elements.is_null() {
                0
            } else {
                len(env, array)
            },
        )
    };
    // All empty arrays share one address, where nothing is allocated.
    if len > 0 {
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        let size = len as usize * SIZE;
        record::taken_by_caller(elements as usize, size, Kind::ArrayElements, call_site);
    }
    elements
}

unsafe extern "C" fn release_elements<const INDEX: usize>(
    env: Env,
    array: Object,
    elements: Object,
    mode: i32,
    slot: usize,
    frame_pointer: usize,
) {
    /// Copies back, and frees nothing.
    const JNI_COMMIT: i32 = 1;
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    if mode != JNI_COMMIT
        && !record::released(elements as usize, Release::ReleaseElements, call_site)
    {
        // SAFETY: see `new_reference`.
        let len =
            unsafe { transmute::<usize, Length>(real(position!(GetArrayLength)))(env, array) };
        // Elements of an empty array are not recorded.
        if len > 0 {
            invalid_frees::not_allocated(elements as usize, Release::ReleaseElements, call_site);
        }
    }
    // SAFETY: see `new_reference`.
    unsafe { transmute::<usize, Four>(real(INDEX))(env, array, elements, mode) };
}

unsafe extern "C" fn get_chars<const INDEX: usize>(
    env: Env,
    string: Object,
    is_copy: *mut u8,
    slot: usize,
    frame_pointer: usize,
) -> Object {
    // SAFETY: see `new_reference`.
    let (chars, len) = unsafe {
        let chars = transmute::<usize, Three>(real(INDEX))(env, string, is_copy);
        let len = transmute::<usize, Length>(real(position!(GetStringLength)));
        (chars, if chars.is_null() { 0 } else { len(env, string) })
    };
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    let size = (len as usize + 1) * size_of::<u16>();
    record::taken_by_caller(chars as usize, size, Kind::StringChars, call_site);
    chars
}

unsafe extern "C" fn get_utf_chars<const INDEX: usize>(
    env: Env,
    string: Object,
    is_copy: *mut u8,
    slot: usize,
    frame_pointer: usize,
) -> Object {
    // SAFETY: see `new_reference`; the JVM's characters end in a zero byte.
    let (chars, size) = unsafe {
        let chars = transmute::<usize, Three>(real(INDEX))(env, string, is_copy);
        (
            chars,
            if chars.is_null() {
                0
            } else {
                libc::strlen(chars.cast::<c_char>()) + 1
            },
        )
    };
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    record::taken_by_caller(chars as usize, size, Kind::StringUtfChars, call_site);
    chars
}

unsafe extern "C" fn release_chars<const INDEX: usize, const RELEASE: u32>(
    env: Env,
    string: Object,
    chars: *mut u8,
    slot: usize,
    frame_pointer: usize,
) {
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    if !record::released(chars as usize, release(RELEASE), call_site) {
        invalid_frees::not_allocated(chars as usize, release(RELEASE), call_site);
    }
    // SAFETY: see `new_reference`.
    unsafe { transmute::<usize, Three>(real(INDEX))(env, string, chars) };
}

unsafe extern "C" fn new_direct_buffer<const INDEX: usize>(
    env: Env,
    address: *mut c_void,
    capacity: i64,
    slot: usize,
    frame_pointer: usize,
) -> Object {
    // SAFETY: see `new_reference`.
    let buffer = unsafe { transmute::<usize, NewBuffer>(real(INDEX))(env, address, capacity) };
    if !buffer.is_null() {
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        boundary::guarded(|| {
            buffers::made(env, buffer, address as usize, capacity as u64, call_site);
        });
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_what_a_handle_names_is_no_handle() {
        let place = 0x7ed2_5c79_8d00;
        for (mark, other) in [(0, 1), (1, 0), (2, 1), (1, 2)] {
            assert!(has_mark(1 << mark, place | mark));
            assert!(!has_mark(1 << mark, place | other));
            assert!(has_mark(1 << mark | 1 << other, place | other));
        }
        assert!(has_mark(0, place));
    }
}
