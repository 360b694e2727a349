//! The pool of thunks.
//!
//! Three pages at a time: stubs on the first, which becomes executable when all of them are
//! written, and their cells on the others, which stay writable. A thunk is never taken back: the
//! JVM may hold its address for as long as it runs. A method that is bound again to the same
//! target gets the thunk that it has.

use crate::IMAGE;
use crate::arch::{
    LARGEST_PAGE as PAGE, STUB_LEN, code_written, thunk_common, upcall_plain, upcall_variadic,
    write_stub,
};
use crate::cold::loading::module_copies;
use crate::hot::jvm::entries::Cell;
use crate::hot::jvm::own_code;
use hackleak_image::layout::Counter;
use jvmti_bindings::sys::jni::JavaVM;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const STUBS: usize = PAGE / STUB_LEN;
const MAPPED: usize = PAGE + STUBS * size_of::<Cell>();

struct Pool {
    /// Address of the page of stubs, and how many of them are handed out.
    page: usize,
    used: usize,
    /// Stubs by method, target and the code that notes the call.
    known: HashMap<(usize, usize, usize), usize>,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);
/// Finds out which code is left alone.
pub fn init(vm: *mut JavaVM) {
    // SAFETY: the invocation interface of a running JVM.
    let jvm = unsafe { (**vm).GetEnv as usize };
    own_code::init(crate::hot::unwind::module_range(jvm).unwrap_or(0..0));
}

/// The thunk for a native method; `None` when it is called directly.
pub fn in_front_of_method(method: usize, target: usize) -> Option<usize> {
    if target == 0 || own_code::is_left_alone(target)? {
        return None;
    }
    module_copies::module_at(target);
    in_front_of_replacement(method, target)
}

/// The thunk for a function of this library that takes a native method's place.
pub fn in_front_of_replacement(method: usize, target: usize) -> Option<usize> {
    thunk(Cell {
        target,
        common: thunk_common as *const () as usize,
        method,
    })
}

/// The thunk for a JNI function that can run Java code. One with an open list of arguments calls
/// `target` with a `va_list` after so many named ones.
pub fn in_front_of_function(target: usize, named: Option<usize>) -> Option<usize> {
    let common = match named {
        Some(_) => upcall_variadic as *const () as usize,
        None => upcall_plain as *const () as usize,
    };
    thunk(Cell {
        target,
        common,
        method: named.unwrap_or(0),
    })
}

/// The thunk for a function of a declared pool; `argument` is for `common`.
pub fn in_front_of_pool(target: usize, common: usize, argument: usize) -> Option<usize> {
    thunk(Cell {
        target,
        common,
        method: argument,
    })
}

fn thunk(cell: Cell) -> Option<usize> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = pool.get_or_insert_with(|| Pool {
        page: 0,
        used: STUBS,
        known: HashMap::new(),
    });
    let key = (cell.method, cell.target, cell.common);
    if let Some(thunk) = pool.known.get(&key) {
        return Some(*thunk);
    }
    if pool.used == STUBS {
        let Some(page) = map_stubs() else {
            IMAGE.count(Counter::ThunksFull);
            return None;
        };
        (pool.page, pool.used) = (page, 0);
    }
    let thunk = pool.page + pool.used * STUB_LEN;
    // SAFETY: the stub's cell on the pages of cells; nobody runs the stub before it is handed
    // out.
    unsafe { cell_of(pool.page, pool.used).write(cell) };
    pool.used += 1;
    pool.known.insert(key, thunk);
    Some(thunk)
}

fn cell_of(page: usize, index: usize) -> *mut Cell {
    (page + PAGE + index * size_of::<Cell>()) as *mut Cell
}

/// A page of stubs with their cells after it.
fn map_stubs() -> Option<usize> {
    // SAFETY: a new anonymous mapping, written while it is ours alone.
    unsafe {
        let at = libc::mmap(
            core::ptr::null_mut(),
            MAPPED,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if at == libc::MAP_FAILED {
            return None;
        }
        let page = at as usize;
        let stubs: &mut [[u8; STUB_LEN]] = core::slice::from_raw_parts_mut(at.cast(), STUBS);
        for (index, stub) in stubs.iter_mut().enumerate() {
            let distance = cell_of(page, index) as usize - (page + index * STUB_LEN);
            write_stub(stub, distance as u32);
        }
        code_written(page..page + PAGE);
        if libc::mprotect(at, PAGE, libc::PROT_READ | libc::PROT_EXEC) != 0 {
            libc::munmap(at, MAPPED);
            return None;
        }
        Some(page)
    }
}
