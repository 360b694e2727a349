//! Functions that make local references, and the one that deletes them.
//!
//! Each is replaced by one that calls the JVM's own and counts. Those that can run Java code have thunks in
//! front (`upcalls`), which call the replacement: their caller is the thunk's.

use super::real_functions::position;
use crate::arch::{Position, is_upcall_return, method_entry};
use crate::{references, word};
use core::ffi::c_void;
use core::mem::transmute;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;

type Word = *mut c_void;
type Two = unsafe extern "C" fn(Word, Word) -> Word;
type Three = unsafe extern "C" fn(Word, Word, Word) -> Word;
type Four = unsafe extern "C" fn(Word, Word, Word, Word) -> Word;
type Five = unsafe extern "C" fn(Word, Word, Word, Word, Word) -> Word;

/// More than the functions of any JNI version.
const TABLE_LEN: usize = 256;
/// What the table had, by its position there.
static REAL: [AtomicUsize; TABLE_LEN] = [const { AtomicUsize::new(0) }; TABLE_LEN];

macro_rules! replacements {
    ($($name:ident $args:tt $handler:ident;)*) => {
        $(
            #[allow(non_snake_case)]
            mod $name {
                use super::*;
                const INDEX: usize = position!($name);
                method_entry!(entry, $args, $handler::<INDEX>);
                pub fn replacement() -> (usize, usize) {
                    (INDEX, entry as *const () as usize)
                }
            }
        )*
        /// Position and replacement of every function.
        fn replacements() -> impl Iterator<Item = (usize, usize)> {
            [$($name::replacement()),*].into_iter()
        }
    };
}

// Those with an open list of arguments are called by their variants with a `va_list`.
replacements! {
    DeleteLocalRef 2 delete;
    NewLocalRef 2 two;
    FindClass 2 two;
    GetSuperclass 2 two;
    ExceptionOccurred 2 two;
    AllocObject 2 two;
    GetObjectClass 2 two;
    NewStringUTF 2 two;
    NewBooleanArray 2 two;
    NewByteArray 2 two;
    NewCharArray 2 two;
    NewShortArray 2 two;
    NewIntArray 2 two;
    NewLongArray 2 two;
    NewFloatArray 2 two;
    NewDoubleArray 2 two;
    GetObjectField 3 three;
    GetStaticObjectField 3 three;
    GetObjectArrayElement 3 three;
    NewString 3 three;
    NewObjectArray 4 four;
    ToReflectedMethod 4 four;
    ToReflectedField 4 four;
    NewObjectV 4 four;
    NewObjectA 4 four;
    CallObjectMethodV 4 four;
    CallObjectMethodA 4 four;
    CallStaticObjectMethodV 4 four;
    CallStaticObjectMethodA 4 four;
    CallNonvirtualObjectMethodV 5 five;
    CallNonvirtualObjectMethodA 5 five;
    DefineClass 5 five;
}

/// Puts the replacements into a copy of the JVM's function table.
///
/// # Safety
///
/// `table` is a complete function table that nobody else uses.
pub unsafe fn replace(table: *mut Functions) {
    for (index, replacement) in replacements() {
        // SAFETY: the caller's; the position of a function of the table.
        unsafe {
            let place = table.cast::<usize>().add(index);
            REAL[index].store(place.read(), Relaxed);
            place.write(replacement);
        }
    }
}

/// The JVM's own function of this type.
macro_rules! real {
    ($index:ident: $type:ty) => {
        transmute::<usize, $type>(REAL[$index].load(Relaxed))
    };
}

/// Where the function was called that has this stack position, past the thunk in front of it.
fn caller(slot: usize, frame_pointer: usize) -> Position {
    // SAFETY: the word with the replacement's return address. Where that lies in a thunk, its frame has the
    // frame pointer of its caller, and above it the return address.
    unsafe {
        if is_upcall_return(word::read(slot)) {
            return Position {
                slot: frame_pointer + size_of::<usize>(),
                frame_pointer: word::read(frame_pointer),
            };
        }
    }
    Position {
        slot,
        frame_pointer,
    }
}

fn made(reference: Word, slot: usize, frame_pointer: usize) {
    if !reference.is_null() {
        references::made(caller(slot, frame_pointer));
    }
}

unsafe extern "C" fn two<const INDEX: usize>(
    env: Word,
    first: Word,
    slot: usize,
    frame_pointer: usize,
) -> Word {
    // SAFETY: the JVM's own function of this position and type, with the caller's arguments; so in every
    // function below.
    let reference = unsafe { real!(INDEX: Two)(env, first) };
    made(reference, slot, frame_pointer);
    reference
}

unsafe extern "C" fn three<const INDEX: usize>(
    env: Word,
    first: Word,
    second: Word,
    slot: usize,
    frame_pointer: usize,
) -> Word {
    // SAFETY: see `two`.
    let reference = unsafe { real!(INDEX: Three)(env, first, second) };
    made(reference, slot, frame_pointer);
    reference
}

unsafe extern "C" fn four<const INDEX: usize>(
    env: Word,
    first: Word,
    second: Word,
    third: Word,
    slot: usize,
    frame_pointer: usize,
) -> Word {
    // SAFETY: see `two`.
    let reference = unsafe { real!(INDEX: Four)(env, first, second, third) };
    made(reference, slot, frame_pointer);
    reference
}

unsafe extern "C" fn five<const INDEX: usize>(
    env: Word,
    first: Word,
    second: Word,
    third: Word,
    fourth: Word,
    slot: usize,
    frame_pointer: usize,
) -> Word {
    // SAFETY: see `two`.
    let reference = unsafe { real!(INDEX: Five)(env, first, second, third, fourth) };
    made(reference, slot, frame_pointer);
    reference
}

unsafe extern "C" fn delete<const INDEX: usize>(
    env: Word,
    reference: Word,
    slot: usize,
    frame_pointer: usize,
) {
    // SAFETY: see `two`.
    unsafe { real!(INDEX: Two)(env, reference) };
    if !reference.is_null() {
        references::deleted(caller(slot, frame_pointer));
    }
}
