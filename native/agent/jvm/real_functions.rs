//! The JVM's own JNI functions, in whose place the recorder's are.

use core::ffi::c_void;
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

type Env = *mut c_void;
type Object = *mut c_void;
type Two = unsafe extern "C" fn(Env, Object) -> Object;

/// More than the functions of any JNI version.
const TABLE_LEN: usize = 256;
/// The JVM's own functions, by their position in the table.
pub static REAL: [AtomicUsize; TABLE_LEN] = [const { AtomicUsize::new(0) }; TABLE_LEN];

/// The position of a function in the table.
macro_rules! position {
    ($name:ident) => {
        core::mem::offset_of!(jvmti_bindings::sys::jni::JNINativeInterface_, $name)
            / size_of::<usize>()
    };
}
pub(super) use position;

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
