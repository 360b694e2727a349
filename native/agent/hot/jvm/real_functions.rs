//! The JVM's own JNI functions, in whose place the recorder's are.

use core::ffi::c_void;
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use jvmti_bindings::sys::jni::JNINativeInterface_ as Functions;

type Env = *mut c_void;
type Object = *mut c_void;
type Two = unsafe extern "C" fn(Env, Object) -> Object;

/// More than the functions of any JNI version.
const TABLE_LEN: usize = 256;
/// The JVM's own functions, by their position in the table.
static REAL: [AtomicUsize; TABLE_LEN] = [const { AtomicUsize::new(0) }; TABLE_LEN];

/// The position of a function in the table.
macro_rules! position {
    ($name:ident) => {
        core::mem::offset_of!(jvmti_bindings::sys::jni::JNINativeInterface_, $name)
            / size_of::<usize>()
    };
}
pub(crate) use position;

/// Replacements for functions of the table, by their handlers: `NewGlobalRef 2
/// new_reference(GLOBAL);` with the number of arguments. A handler takes those, then the words of a
/// [`CallSite`](crate::arch::CallSite), and is told its position in the table. Makes the function
/// `put`, which puts them all in.
macro_rules! replacements {
    ($($name:ident $args:tt $handler:ident$(($constant:expr))?;)*) => {
        $(
            #[allow(non_snake_case)]
            mod $name {
                use super::*;
                use $crate::arch::method_entry;
                pub const INDEX: usize = $crate::hot::jvm::real_functions::position!($name);
                method_entry!(entry, $args, $handler::<INDEX $(, { $constant })?>);
                pub fn replacement() -> usize {
                    entry as *const () as usize
                }
            }
        )*
        /// Puts all replacements into a copy of the JVM's function table.
        ///
        /// # Safety
        ///
        /// `table` is a complete function table that nobody else uses.
        unsafe fn put(table: *mut jvmti_bindings::sys::jni::JNINativeInterface_) {
            for (index, replacement) in [$(($name::INDEX, $name::replacement())),*] {
                // SAFETY: the caller's; the position of a function of the table.
                unsafe { $crate::hot::jvm::real_functions::replace(table, index, replacement) };
            }
        }
    };
}
pub(crate) use replacements;

/// Puts `replacement` into a copy of the JVM's function table, and keeps what was there for
/// [`real`].
///
/// # Safety
///
/// `table` is a complete function table that nobody else uses, and `index` the position of a
/// function in it.
pub unsafe fn replace(table: *mut Functions, index: usize, replacement: usize) {
    // SAFETY: the caller's.
    unsafe {
        keep(table, index);
        table.cast::<usize>().add(index).write(replacement);
    }
}

/// Keeps a function of the table for [`real`].
///
/// # Safety
///
/// As for [`replace`].
pub unsafe fn keep(table: *mut Functions, index: usize) {
    // SAFETY: the caller's.
    let function = unsafe { table.cast::<usize>().add(index).read() };
    REAL[index].store(function, Relaxed);
}

/// The JVM's own function at this position of its table; 0 while there is none.
pub fn real(index: usize) -> usize {
    REAL[index].load(Relaxed)
}

/// A weak global reference that is not recorded; null when there is none to be had.
pub fn weak_reference(env: Env, object: Object) -> Object {
    // SAFETY: the function of this name and type; only called while the replacements are in place.
    unsafe { transmute::<usize, Two>(real(position!(NewWeakGlobalRef)))(env, object) }
}

/// Gives a reference of [`weak_reference`] back.
pub fn drop_weak_reference(env: Env, reference: Object) {
    // SAFETY: as above.
    unsafe { transmute::<usize, Two>(real(position!(DeleteWeakGlobalRef)))(env, reference) };
}

/// Whether the object of a weak reference has been collected.
pub fn is_collected(env: Env, reference: Object) -> bool {
    type Same = unsafe extern "C" fn(Env, Object, Object) -> u8;
    // SAFETY: as above; a null reference stands for no object.
    unsafe {
        transmute::<usize, Same>(real(position!(IsSameObject)))(env, reference, ptr::null_mut())
            != 0
    }
}
