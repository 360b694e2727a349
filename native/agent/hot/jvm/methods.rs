//! Java methods: from the JVM's method ids to names in the image.
//!
//! A method is resolved when a stack with it is first seen. It is live on that stack, so its id
//! is valid; an id is never used again later, when its class may have been unloaded. HotSpot does
//! not hand out an id a second time.
//!
//! Where JVMTI may not be called (see `method_ids`), a method gets its record at once and its names
//! at the next chance; an id whose class has been unloaded by then is an error to JVMTI, and the
//! method stays without a name.

use super::Jvmti;
use crate::IMAGE;
use core::ffi::{CStr, c_char};
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use hackleak_image::frame::MAX_METHOD;
use hackleak_image::layout::{Blob, Counter, Method};
use hackleak_platform::concurrent_map::ConcurrentMap;
use jvmti_bindings::sys::jni::{JNIEnv, jint, jmethodID};
use jvmti_bindings::sys::jvmti::{JVMTI_ERROR_NONE, jvmtiLineNumberEntry};

static METHODS: ConcurrentMap = ConcurrentMap::new(12);

const MAX_NAME: usize = 1024;
const MAX_LINES: usize = 2048;

/// Room for one class name and one line table.
pub struct Buffer {
    name: [u8; MAX_NAME],
    lines: [[u8; 4]; MAX_LINES],
}

/// The index of a method that is live on the calling thread's stack; `None` when there is no
/// room for more.
#[inline(always)]
pub fn index(buffer: &mut Buffer, env: *mut JNIEnv, method: jmethodID) -> Option<u32> {
    match METHODS.get(method as u64) {
        Some((index, _)) => Some(index as u32 - 1),
        None => enter(buffer, env, method),
    }
}

/// The same where JVMTI may not be called.
pub fn index_unnamed(method: jmethodID) -> Option<u32> {
    if let Some((index, _)) = METHODS.get(method as u64) {
        return Some(index as u32 - 1);
    }
    let place = UNNAMED.get(UNNAMED_COUNT.fetch_add(1, Relaxed))?;
    let generation = METHODS.generation();
    // SAFETY: zero is a method without names.
    let record: Method = unsafe { core::mem::zeroed() };
    let index = IMAGE.methods.push(IMAGE.window(), record);
    let index = index.filter(|index| *index <= MAX_METHOD)?;
    METHODS.insert(generation, method as u64, u64::from(index) + 1, 0);
    place.1.store(index, Relaxed);
    place.0.store(method as usize, Release);
    ARE_UNNAMED.store(true, Release);
    Some(index)
}

/// Names the methods that have none yet. To be called in native code.
pub fn name_all(env: *mut JNIEnv) {
    if env.is_null() || !ARE_UNNAMED.load(Relaxed) || !ARE_UNNAMED.swap(false, Acquire) {
        return;
    }
    let mut buffer = Box::new(Buffer {
        name: [0; MAX_NAME],
        lines: [[0; 4]; MAX_LINES],
    });
    let count = UNNAMED_COUNT.load(Acquire).min(UNNAMED.len());
    for (method, index) in &UNNAMED[..count] {
        let method = method.swap(0, AcqRel);
        let record = IMAGE.methods.get(index.load(Relaxed));
        if method != 0
            && !record.is_null()
            && let Some(named) = resolve(&mut buffer, env, method as jmethodID)
        {
            // SAFETY: the record's only writer: the id was taken from its place by this call.
            unsafe { record.write(named) };
        }
    }
}

/// Methods without names: id, and index of the record.
static UNNAMED: [(AtomicUsize, AtomicU32); 4096] =
    [const { (AtomicUsize::new(0), AtomicU32::new(0)) }; 4096];
static UNNAMED_COUNT: AtomicUsize = AtomicUsize::new(0);
/// Some have come since they were named last.
static ARE_UNNAMED: AtomicBool = AtomicBool::new(false);

#[cold]
#[inline(never)]
fn enter(buffer: &mut Buffer, env: *mut JNIEnv, method: jmethodID) -> Option<u32> {
    let generation = METHODS.generation();
    let record = resolve(buffer, env, method)?;
    match IMAGE.methods.push(IMAGE.window(), record) {
        Some(index) if index <= MAX_METHOD => {
            METHODS.insert(generation, method as u64, u64::from(index) + 1, 0);
            Some(index)
        }
        _ => {
            IMAGE.count(Counter::NamesFull);
            None
        }
    }
}

fn resolve(buffer: &mut Buffer, env: *mut JNIEnv, method: jmethodID) -> Option<Method> {
    let jvmti = Jvmti::get()?;
    let functions = jvmti.functions();
    let mut name = Text::new(jvmti);
    let mut signature = Text::new(jvmti);
    let get_name = functions.GetMethodName?;
    // SAFETY: JVMTI calls about a method that is live on this thread's stack; the places for the
    // answers are valid.
    unsafe {
        get_name(
            jvmti.env,
            method,
            &mut name.at,
            &mut signature.at,
            ptr::null_mut(),
        );
    }
    let mut class = Text::new(jvmti);
    let mut file = Text::new(jvmti);
    let mut holder = ptr::null_mut();
    // SAFETY: as above; the local reference to the class is dropped at once.
    unsafe {
        if functions.GetMethodDeclaringClass?(jvmti.env, method, &mut holder) == JVMTI_ERROR_NONE {
            functions.GetClassSignature?(jvmti.env, holder, &mut class.at, ptr::null_mut());
            functions.GetSourceFileName?(jvmti.env, holder, &mut file.at);
            ((**env).DeleteLocalRef)(env, holder);
        }
    }
    Some(Method {
        class: IMAGE.blob(class_name(class.bytes(), &mut buffer.name)),
        name: IMAGE.blob(name.bytes()),
        signature: IMAGE.blob(signature.bytes()),
        file: IMAGE.blob(file.bytes()),
        lines: lines(jvmti, method, &mut buffer.lines),
    })
}

/// `Lorg/rocksdb/Options;` as `org.rocksdb.Options`.
fn class_name<'a>(signature: &[u8], buffer: &'a mut [u8; MAX_NAME]) -> &'a [u8] {
    let inner = signature
        .strip_prefix(b"L")
        .and_then(|name| name.strip_suffix(b";"));
    let inner = inner.unwrap_or(signature);
    let len = inner.len().min(MAX_NAME);
    for (to, from) in buffer.iter_mut().zip(inner) {
        *to = if *from == b'/' { b'.' } else { *from };
    }
    &buffer[..len]
}

fn lines(jvmti: Jvmti, method: jmethodID, buffer: &mut [[u8; 4]; MAX_LINES]) -> Blob {
    let Some(get) = jvmti.functions().GetLineNumberTable else {
        return Blob::default();
    };
    let mut count: jint = 0;
    let mut table: *mut jvmtiLineNumberEntry = ptr::null_mut();
    // SAFETY: as in `resolve`. A native method has no table, which is an error of the call.
    if unsafe { get(jvmti.env, method, &mut count, &mut table) } != JVMTI_ERROR_NONE {
        return Blob::default();
    }
    let count = (count.max(0) as usize).min(MAX_LINES);
    for (index, place) in buffer[..count].iter_mut().enumerate() {
        // SAFETY: the JVM's table has at least `count` entries.
        let entry = unsafe { &*table.add(index) };
        let (start, line) = (entry.start_location as u16, entry.line_number as u16);
        *place = (u32::from(start) | u32::from(line) << 16).to_le_bytes();
    }
    deallocate(jvmti, table.cast());
    let lines = &mut buffer[..count];
    lines.sort_unstable_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
    IMAGE.blob(lines.as_flattened())
}

/// A string that JVMTI allocated.
pub struct Text {
    jvmti: Jvmti,
    at: *mut c_char,
}

impl Text {
    fn new(jvmti: Jvmti) -> Text {
        Text {
            jvmti,
            at: ptr::null_mut(),
        }
    }

    /// The name of a method that is being bound, or that is live on this thread's stack.
    pub fn of_method(method: jmethodID) -> Option<Text> {
        let jvmti = Jvmti::get()?;
        let mut name = Text::new(jvmti);
        let get = jvmti.functions().GetMethodName?;
        // SAFETY: a JVMTI call about a valid method, with a valid place for the answer; what is
        // null is not asked for.
        unsafe {
            get(
                jvmti.env,
                method,
                &mut name.at,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        (!name.at.is_null()).then_some(name)
    }

    /// The signature of that method's class, `Ljava/lang/Object;`.
    pub fn of_class(env: *mut JNIEnv, method: jmethodID) -> Option<Text> {
        let jvmti = Jvmti::get()?;
        let functions = jvmti.functions();
        let mut class = Text::new(jvmti);
        let mut holder = ptr::null_mut();
        // SAFETY: as above; the local reference to the class is dropped at once.
        unsafe {
            if functions.GetMethodDeclaringClass?(jvmti.env, method, &mut holder)
                == JVMTI_ERROR_NONE
            {
                functions.GetClassSignature?(jvmti.env, holder, &mut class.at, ptr::null_mut());
                ((**env).DeleteLocalRef)(env, holder);
            }
        }
        (!class.at.is_null()).then_some(class)
    }

    /// A system property that the JVM was started with.
    pub fn of_property(name: &CStr) -> Option<Text> {
        let jvmti = Jvmti::get()?;
        let mut value = Text::new(jvmti);
        let get = jvmti.functions().GetSystemProperty?;
        // SAFETY: a JVMTI call in the OnLoad or the live phase, with a valid place for the answer.
        unsafe { get(jvmti.env, name.as_ptr(), &mut value.at) };
        (!value.at.is_null()).then_some(value)
    }

    pub fn bytes(&self) -> &[u8] {
        if self.at.is_null() {
            return &[];
        }
        // SAFETY: JVMTI's strings end in a zero byte and live until they are deallocated.
        unsafe { CStr::from_ptr(self.at) }.to_bytes()
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        deallocate(self.jvmti, self.at.cast());
    }
}

fn deallocate(jvmti: Jvmti, at: *mut u8) {
    if let Some(free) = jvmti.functions().Deallocate
        && !at.is_null()
    {
        // SAFETY: memory that JVMTI allocated for this library, freed once.
        unsafe { free(jvmti.env, at) };
    }
}
