//! Functions that make local references, and the one that deletes them.
//!
//! Each is replaced by one that calls the JVM's own and counts. Those that can run Java code have
//! thunks in front (`upcalls`), which call the replacement: their caller is the thunk's.

use super::real_functions::{real, replacements};
use crate::arch::{CallSite, is_upcall_return};
use crate::hot::events::references;
use core::ffi::c_void;
use core::mem::transmute;
use hackleak_platform::stack_word;
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;

type Word = *mut c_void;
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
pub unsafe fn watch(table: *mut Functions) {
    // SAFETY: the caller's.
    unsafe { put(table) };
}

/// Where the function was called that has this stack position, past the thunk in front of it.
fn caller(slot: usize, frame_pointer: usize) -> CallSite {
    // SAFETY: the word with the replacement's return address. Where that lies in a thunk, its frame
    // has the frame pointer of its caller, and above it the return address.
    unsafe {
        if is_upcall_return(stack_word::read(slot)) {
            return CallSite {
                slot: frame_pointer + size_of::<usize>(),
                frame_pointer: stack_word::read(frame_pointer),
            };
        }
    }
    CallSite {
        slot,
        frame_pointer,
    }
}

fn made(reference: Word, slot: usize, frame_pointer: usize) {
    if !reference.is_null() {
        references::made(caller(slot, frame_pointer));
    }
}

/// Handlers of functions that return a local reference, by their arguments after the first.
macro_rules! makers {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            unsafe extern "C" fn $name<const INDEX: usize>(
                env: Word,
                $($argument: $type,)*
                slot: usize,
                frame_pointer: usize,
            ) -> Word {
                type Real = unsafe extern "C" fn(Word, $($type),*) -> Word;
                // SAFETY: the JVM's own function of this position and type, with the caller's
                // arguments.
                let reference = unsafe { transmute::<usize, Real>(real(INDEX))(env, $($argument),*) };
                made(reference, slot, frame_pointer);
                reference
            }
        )*
    };
}

makers! {
    two(first: Word);
    three(first: Word, second: Word);
    four(first: Word, second: Word, third: Word);
    five(first: Word, second: Word, third: Word, fourth: Word);
}

unsafe extern "C" fn delete<const INDEX: usize>(
    env: Word,
    reference: Word,
    slot: usize,
    frame_pointer: usize,
) {
    type Real = unsafe extern "C" fn(Word, Word);
    // SAFETY: as for those that make them.
    unsafe { transmute::<usize, Real>(real(INDEX))(env, reference) };
    if !reference.is_null() {
        references::deleted(caller(slot, frame_pointer));
    }
}
